"""Where documents come from: a folder."""

from dataclasses import dataclass
from pathlib import Path

# Larger is no runbook that anyone follows at night.
MAXIMUM_BYTES = 2 * 1024 * 1024


class DocumentMissing(LookupError):
    """There is no file at this path."""


class DocumentUnreadable(ValueError):
    """There is something at this path, but no text that could be stored. The message says why."""


@dataclass(frozen=True, slots=True)
class FolderSource:
    """Documents below one folder. No path leads out of it, symbolic links included."""

    root: Path

    def read(self, path: str) -> bytes:
        """The bytes of the file at ``path``, relative to the root, with forward slashes.

        :raises DocumentMissing: there is no such file, or the path leads out of the root.
        :raises DocumentUnreadable: it is no regular file, too large, or not UTF-8 text.
        """
        try:
            place = (self.root / path).resolve()
            is_there = place.is_relative_to(self.root.resolve()) and place.exists()
        except (OSError, ValueError, RuntimeError) as error:  # a name too long, a null byte, a ring of links
            raise DocumentMissing(path) from error
        if not path or not is_there:
            raise DocumentMissing(path)
        return self._checked(place)

    @staticmethod
    def _checked(place: Path) -> bytes:
        if not place.is_file():
            raise DocumentUnreadable("It is not a file.")
        try:
            with place.open("rb") as file:
                content = file.read(MAXIMUM_BYTES + 1)
        except OSError as error:
            raise DocumentUnreadable(f"It cannot be read: {error.strerror}.") from error
        if len(content) > MAXIMUM_BYTES:
            raise DocumentUnreadable(f"It is larger than {MAXIMUM_BYTES // 1024 // 1024} MB.")
        if b"\x00" in content:
            raise DocumentUnreadable("It is binary, not Markdown.")
        try:
            content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise DocumentUnreadable(f"It is not UTF-8 text (byte {error.start}).") from error
        return content
