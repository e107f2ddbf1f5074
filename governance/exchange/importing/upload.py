"""From the bytes of a file to a landscape, and to the text that an export starts from."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from governance.exchange.models import LandscapeSource
from runbooks.landscape.parse.conflicts import Choices, settled_text
from runbooks.landscape.parse.reader import read_landscape
from runbooks.landscape.schema import ConflictChoice, Landscape, LandscapeError


@dataclass(frozen=True, slots=True)
class LandscapeFile:
    """A file as it came, with the user's choice of sides.

    :ivar name: what findings call it: its path from the root of the repository, or its name alone.
    :ivar is_placed: whether the name is that path. Otherwise relative links are read from the root,
        and noted.
    """

    name: str
    content: bytes
    conflicts: Choices = ConflictChoice.STOP
    is_placed: bool = True

    def text(self) -> str:
        """The file's text, line ends as they are.

        :raises LandscapeError: the bytes are not UTF-8.
        """
        try:
            return self.content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise LandscapeError(
                f"It is not UTF-8 text (byte {error.start}). Save it as Markdown in UTF-8."
            ) from error

    def read(self, aliases: Mapping[str, str] | None = None) -> Landscape:
        """What the file says. Raises as ``read_landscape`` does, and LandscapeError for what is not UTF-8."""
        return read_landscape(
            self.text(), conflicts=self.conflicts, aliases=aliases, path=self.name
        )

    def settled(self) -> str:
        """The text with its conflicts settled, every other byte as it came."""
        return settled_text(self.text(), self.conflicts)


def placed_name(name: str) -> tuple[str, bool]:
    """Return what a file that came without its folder is called, and whether that is its path.

    It is taken for the last imported landscape where that one has the same name: its links start
    where they did.
    """
    newest = LandscapeSource.objects.only("file").first()
    known = newest.file if newest else ""
    same = PurePosixPath(known).name == name
    return (known, "/" in known) if same else (name, False)
