"""The interface of a source of documents, and a folder as a source. Pure: imports no Django."""

import os
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Protocol

# No runbook that anyone follows at night is larger.
MAXIMUM_BYTES = 2 * 1024 * 1024
SUFFIXES = (".md", ".markdown")
# A tree with more files is not a repository of documents, or was made to block the portal.
MAX_FILES = 200_000
MAX_DEPTH = 40
# These folders contain no documents of the project itself.
SKIPPED = frozenset({".git", ".venv", "node_modules"})


class SourceError(Exception):
    """The source as a whole cannot be used. The message says why and what to do."""


class DocumentMissing(LookupError):
    """There is no file at this path."""


class DocumentUnreadable(ValueError):
    """There is something at this path, but no text that could be stored. The message says why."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The commit that introduced a text, and when its author wrote it (UTC); empty for a folder."""

    commit: str = ""
    authored_at: datetime | None = None


class Source(Protocol):
    """Documents below one root, by their path from it, with forward slashes."""

    @property
    def revision(self) -> str:
        """Return the commit that everything is read at; empty for a folder."""

    def read(self, path: str) -> bytes:
        """Return the bytes of one document.

        Composed and decomposed letters in its path are equal.

        :raises DocumentMissing: there is no such file, or the path leads out of the root.
        :raises DocumentUnreadable: it is not a regular file, is too large, or is not UTF-8 text.
        :raises SourceError: the source does not answer any more.
        """

    def files(self) -> frozenset[str]:
        """Return the path of every file, of any kind, and of every link.

        :raises SourceError: there are too many.
        """

    def origins(self, paths: frozenset[str]) -> dict[str, Origin]:
        """Return the origin of the texts at these paths, for those that exist.

        :raises SourceError: the source does not answer any more.
        """


def normalize_nfc(path: str) -> str:
    """Return the path in Unicode normal form NFC, one spelling for the same letters.

    "ü" may be one character (NFC, as it is typed) or two (NFD, as some file systems store it).
    """
    return unicodedata.normalize("NFC", path)


def is_document(path: str) -> bool:
    """Return whether a path names a Markdown file."""
    return path.lower().endswith(SUFFIXES)


def checked_text(content: bytes) -> bytes:
    """Return the content if it is a text that can be stored.

    :raises DocumentUnreadable: it is too large, binary, or not UTF-8.
    """
    if len(content) > MAXIMUM_BYTES:
        raise too_large()
    if b"\x00" in content:
        raise DocumentUnreadable("It is binary, not Markdown.")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DocumentUnreadable(f"It is not UTF-8 text (byte {error.start}).") from error
    return content


def too_large() -> DocumentUnreadable:
    """Return the error for a file above the size limit, whether or not it was read."""
    return DocumentUnreadable(f"It is larger than {MAXIMUM_BYTES // 1024 // 1024} MB.")


@dataclass(frozen=True, slots=True)
class FolderSource:
    """Documents below one folder. No path leads out of it, symbolic links included."""

    root: Path

    @property
    def revision(self) -> str:
        """Return an empty string: a folder has no revision."""
        return ""

    def read(self, path: str) -> bytes:
        """Return the bytes of the file at ``path``; see ``Source``."""
        try:
            place = self._as_it_lies(path).resolve()
            is_there = place.is_relative_to(self.root.resolve()) and place.exists()
        except (
            OSError,
            ValueError,
            RuntimeError,
        ) as error:  # a name too long, a null byte, a cycle of links
            raise DocumentMissing(path) from error
        if not path or not is_there:
            raise DocumentMissing(path)
        return self._checked(place)

    def files(self) -> frozenset[str]:
        """Return the path of every file below the root; see ``Source``.

        Linked folders are not entered, because they may form a cycle.
        """
        found: set[str] = set()
        for folder, folders, names in os.walk(self.root, followlinks=False):
            below = Path(folder).relative_to(self.root)
            links = [name for name in folders if (Path(folder) / name).is_symlink()]
            folders[:] = [
                name for name in folders if name not in SKIPPED and len(below.parts) < MAX_DEPTH
            ]
            found.update((below / name).as_posix() for name in [*names, *links])
            if len(found) > MAX_FILES:
                raise SourceError(
                    f"There are more than {MAX_FILES:,} files. Name the folder that the "
                    "paths start from."
                )
        return frozenset(found)

    def origins(self, paths: frozenset[str]) -> dict[str, Origin]:
        """Return nothing: a folder has no authors or dates."""
        return {}

    def _as_it_lies(self, path: str) -> Path:
        """Return the path below the root, in the spelling of the file system."""
        place = self.root / path
        if path.isascii() or place.exists():
            return place
        place = self.root
        for part in PurePosixPath(path).parts:
            alike = () if (place / part).exists() else os.listdir(place)
            place /= next(
                (name for name in alike if normalize_nfc(name) == normalize_nfc(part)), part
            )
        return place

    @staticmethod
    def _checked(place: Path) -> bytes:
        if not place.is_file():
            raise DocumentUnreadable("It is not a file.")
        try:
            with place.open("rb") as file:
                content = file.read(MAXIMUM_BYTES + 1)
        except OSError as error:
            raise DocumentUnreadable(f"It cannot be read: {error.strerror}.") from error
        return checked_text(content)
