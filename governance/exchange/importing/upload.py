"""Conversion of a file's bytes to a landscape, and to the text that an export starts from."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from governance.exchange.models import LandscapeSource
from runbooks.landscape.parse.conflicts import Choices, settled_text
from runbooks.landscape.parse.reader import read_landscape
from runbooks.landscape.schema import ConflictChoice, Landscape, LandscapeError


@dataclass(frozen=True, slots=True)
class LandscapeFile:
    """An uploaded file, with the user's choice of sides in conflicts.

    :ivar name: its name in findings: its path from the root of the repository, or its bare name.
    :ivar is_placed: whether the name is that path. Otherwise relative links are read from the root,
        and reported.
    """

    name: str
    content: bytes
    conflicts: Choices = ConflictChoice.STOP
    is_placed: bool = True

    def text(self) -> str:
        """Return the file's text, with line ends unchanged.

        :raises LandscapeError: the bytes are not UTF-8.
        """
        try:
            return self.content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise LandscapeError(
                f"It is not UTF-8 text (byte {error.start}). Save it as Markdown in UTF-8."
            ) from error

    def read(self, aliases: Mapping[str, str] | None = None) -> Landscape:
        """Return the parsed landscape.

        :raises LandscapeError: the bytes are not UTF-8, or ``read_landscape`` raises it.
        """
        return read_landscape(
            self.text(), conflicts=self.conflicts, aliases=aliases, path=self.name
        )

    def settled(self) -> str:
        """Return the text with its conflicts settled and every other byte unchanged."""
        return settled_text(self.text(), self.conflicts)


def placed_name(name: str) -> tuple[str, bool]:
    """Return the name of a file that came without its folder, and whether that is its path.

    If the last imported landscape has the same name, the file takes its path: links start in the
    same folder.
    """
    newest = LandscapeSource.objects.only("file").first()
    known = newest.file if newest else ""
    same = PurePosixPath(known).name == name
    return (known, "/" in known) if same else (name, False)
