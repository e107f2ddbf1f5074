"""Trees and commits of a git repository, read with limits. Pure: imports no Django."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from runbooks.documents.sources.folder import MAX_DEPTH, MAX_FILES, SourceError, normalize_nfc
from runbooks.documents.sources.git_objects import GitObjects

MAX_OBJECT_BYTES = 16 * 1024 * 1024  # of a tree, a commit or a tag
MAX_REMEMBERED = 500_000  # entries of trees in the cache; at the limit it is cleared
ID_BYTES = 20
AUTHOR = re.compile(rb"^author .*> (-?\d{1,12}) [+-]\d{4}$", re.M)
FOLDER, LINK = "40000", "120000"
FILES = ("100644", "100755", "100664")


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a tree: its mode as git writes it, and the id of what it names."""

    mode: str
    id: str


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit.

    :ivar authored_at: None if the stored time is invalid.
    """

    id: str
    tree: str
    parents: tuple[str, ...]
    authored_at: datetime | None


# git refuses to create a tree with such a name; a tree that was made by hand may contain one.
IMPOSSIBLE = frozenset({"", ".", ".."})


class GitTrees:
    """A reader of trees and commits, each read once."""

    def __init__(self, objects: GitObjects) -> None:
        self._objects = objects
        self._trees: dict[str, dict[str, Entry]] = {}
        self._remembered = 0

    def commit(self, name: str) -> Commit | None:
        """Return the commit with this id; None if there is none (a shallow copy ends somewhere)."""
        content = self._objects.content(name, most=MAX_OBJECT_BYTES)
        if content is None:
            return None
        head = content.partition(b"\n\n")[0]
        fields = [line.split(b" ", 1) for line in head.split(b"\n") if b" " in line]
        tree = next(
            (value.decode("ascii", "replace") for key, value in fields if key == b"tree"), ""
        )
        parents = tuple(
            value.decode("ascii", "replace") for key, value in fields if key == b"parent"
        )
        return Commit(name, tree, parents, _time(head))

    def tree(self, name: str) -> dict[str, Entry]:
        """Return the entries of a tree by name; empty if there is no such tree.

        Names that are not UTF-8 are left out.

        :raises SourceError: the tree is too large, or is not a tree.
        """
        if name not in self._trees:
            content = self._objects.content(name, most=MAX_OBJECT_BYTES)
            if content is None and self._objects.known(name) is not None:
                raise SourceError(
                    f"The repository holds a folder of more than {MAX_OBJECT_BYTES:,} bytes."
                )
            entries = dict(_entries(content or b""))
            if self._remembered > MAX_REMEMBERED:
                self._trees, self._remembered = {}, 0
            self._trees[name] = entries
            self._remembered += len(entries)
        return self._trees[name]

    def entry(self, root: str, names: list[str]) -> Entry | None:
        """Return the entry at a path below a tree; the tree itself for an empty path.

        Links are not followed. Composed and decomposed letters in names are equal.
        """
        found: Entry | None = Entry(FOLDER, root)
        for name in names:
            if found is None or found.mode != FOLDER:
                return None
            found = self._named(self.tree(found.id), name)
        return found

    @staticmethod
    def _named(entries: dict[str, Entry], name: str) -> Entry | None:
        if name in entries or name.isascii():
            return entries.get(name)
        return next(
            (
                entry
                for title, entry in entries.items()
                if normalize_nfc(title) == normalize_nfc(name)
            ),
            None,
        )

    def files(self, root: str) -> frozenset[str]:
        """Return the path of every file and link below a tree.

        :raises SourceError: there are too many, or too many folders: a few objects can name one
            another millions of times.
        """
        found: set[str] = set()
        waiting: list[tuple[str, str, int]] = [("", root, 0)]
        seen = 0
        while waiting:
            prefix, name, depth = waiting.pop()
            for title, entry in self.tree(name).items():
                seen += 1
                if seen > MAX_FILES:
                    raise SourceError(
                        f"There are more than {MAX_FILES:,} files and folders in the repository."
                    )
                if entry.mode == FOLDER and depth < MAX_DEPTH:
                    waiting.append((f"{prefix}{title}/", entry.id, depth + 1))
                elif entry.mode in (*FILES, LINK):
                    found.add(f"{prefix}{title}")
        return frozenset(found)


def _entries(content: bytes) -> Iterator[tuple[str, Entry]]:
    at = 0
    while at < len(content):
        space, end = content.find(b" ", at), content.find(b"\x00", at)
        if not at < space < end or end + ID_BYTES >= len(content):
            raise SourceError(
                "The repository holds a folder that cannot be read. Check it with 'git fsck'."
            )
        mode, title = (
            content[at:space].decode("ascii", "replace").lstrip("0"),
            content[space + 1 : end],
        )
        at = end + 1 + ID_BYTES
        try:
            name = title.decode("utf-8")
        except UnicodeDecodeError:
            continue  # no path of the catalogue can name it
        if name not in IMPOSSIBLE and "/" not in name:
            yield name, Entry(mode, content[end + 1 : at].hex())


def _time(head: bytes) -> datetime | None:
    found = AUTHOR.search(head)
    try:
        return datetime.fromtimestamp(int(found[1]), tz=UTC) if found else None
    except (OverflowError, OSError, ValueError):
        return None
