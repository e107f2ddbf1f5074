"""From the bytes of a file to a landscape, and to the text that an export starts from."""

from collections.abc import Mapping
from dataclasses import dataclass

from runbooks.landscape.conflicts import Choices, settled_text
from runbooks.landscape.document import ConflictChoice, Landscape, LandscapeError
from runbooks.landscape.reader import read_landscape


@dataclass(frozen=True, slots=True)
class LandscapeFile:
    """A file as it came, with the user's choice of sides. ``name`` is what findings call it."""

    name: str
    content: bytes
    conflicts: Choices = ConflictChoice.STOP

    def text(self) -> str:
        """The file's text, line ends as they are.

        :raises LandscapeError: the bytes are not UTF-8.
        """
        try:
            return self.content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise LandscapeError(f"It is not UTF-8 text (byte {error.start}). Save it as Markdown in UTF-8.") from error

    def read(self, aliases: Mapping[str, str] | None = None) -> Landscape:
        """What the file says. Raises as ``read_landscape`` does, and LandscapeError for what is not UTF-8."""
        return read_landscape(self.text(), conflicts=self.conflicts, aliases=aliases)

    def settled(self) -> str:
        """The text with its conflicts settled, every other byte as it came."""
        return settled_text(self.text(), self.conflicts)
