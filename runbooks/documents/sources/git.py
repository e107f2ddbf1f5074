"""Documents of a git repository, bare or not, at one commit. Pure: imports no Django."""

import posixpath
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from runbooks.documents.sources.folder import (
    MAXIMUM_BYTES,
    DocumentMissing,
    DocumentUnreadable,
    FolderSource,
    Origin,
    Source,
    SourceError,
    checked_text,
    too_large,
)
from runbooks.documents.sources.git_objects import GitObjects
from runbooks.documents.sources.git_refs import named_object
from runbooks.documents.sources.git_trees import (
    FILES,
    LINK,
    MAX_OBJECT_BYTES,
    Commit,
    Entry,
    GitTrees,
)

MAX_HOPS = 8
MAX_PATH_LENGTH = 4_096
# Maximum number of commits searched for the origin of a text; an older text gets the commit that
# everything is read at.
MAX_COMMITS = 20_000
NAMED_HERE = "HEAD"


@contextmanager
def open_source(root: Path, ref: str = "") -> Iterator[Source]:
    """Yield the documents of a folder as they are, or of a git repository at a commit.

    With ``ref`` it is the repository in the folder at that ref; a bare repository without one is
    read at its ``HEAD``.

    :raises SourceError: there is no such folder or repository, or no such ref.
    """
    if not root.is_dir():
        raise SourceError(
            f"{root} is not a folder. Name the folder that the documents' paths start from, "
            "or a repository."
        )
    git_folder = _git_folder(root)
    if ref and git_folder is None:
        raise SourceError(
            f"{root} is no git repository, so it has no ref {ref[:60]!r}. Leave the ref out."
        )
    if git_folder is None or (not ref and git_folder != root):
        yield FolderSource(root)
        return
    commit = named_object(git_folder, ref or NAMED_HERE)
    with GitObjects(_objects_folder(git_folder)) as objects:
        yield GitSource.at(objects, commit, ref or NAMED_HERE)


def _git_folder(root: Path) -> Path | None:
    """Return the data folder of a repository; None if there is no repository.

    It is the folder itself if the repository is bare, else ``.git`` in it.

    :raises SourceError: it is a linked worktree, whose data is in another place.
    """
    if (root / ".git").is_file():
        raise SourceError(
            f"{root} is a linked worktree or submodule. Name the repository itself and a ref."
        )
    for place in (root / ".git", root):
        if (
            (place / "HEAD").is_file()
            and (place / "objects").is_dir()
            and (place / "refs").is_dir()
        ):
            return place
    return None


def _objects_folder(git_folder: Path) -> Path:
    """Return the folder of the objects.

    :raises SourceError: the objects are, or may be, outside of the repository.
    """
    place = (git_folder / "objects").resolve()
    if not place.is_relative_to(git_folder.resolve()) or (place / "info" / "alternates").exists():
        raise SourceError(
            "The repository borrows objects from elsewhere. Make a whole copy of it: git "
            "clone --mirror."
        )
    return place


class GitSource:
    """Documents of one commit. No path leads out of its tree, links included."""

    def __init__(self, objects: GitObjects, trees: GitTrees, commit: Commit) -> None:
        self._objects, self._trees, self._commit = objects, trees, commit

    @classmethod
    def at(cls, objects: GitObjects, name: str, ref: str) -> Self:
        """Return the source at the commit that an object is or, if it is a tag, points at.

        :raises SourceError: it is not a commit.
        """
        trees = GitTrees(objects)
        for _ in range(MAX_HOPS):
            known = objects.known(name)
            if known is None or known.kind not in ("commit", "tag"):
                break
            if known.kind == "commit":
                commit = trees.commit(known.id)
                if commit is not None:
                    return cls(objects, trees, commit)
                break
            name = (objects.content(known.id, most=MAX_OBJECT_BYTES) or b"")[7:47].decode(
                "ascii", "replace"
            )
            if not name.isalnum():
                break
        raise SourceError(f"{ref!r} names no commit that the repository holds.")

    @property
    def revision(self) -> str:
        """Return the commit."""
        return self._commit.id

    def read(self, path: str) -> bytes:
        """Return the bytes of the file at ``path``; see ``Source``. Its size is checked first."""
        entry = self._resolved(path)
        if entry is None:
            raise DocumentMissing(path)
        if entry.mode not in FILES:
            raise DocumentUnreadable("It is not a file.")
        known = self._objects.known(entry.id)
        if known is None:
            raise DocumentUnreadable("The repository does not hold its content.")
        if known.size > MAXIMUM_BYTES:
            raise too_large()
        return checked_text(self._objects.content(entry.id, most=MAXIMUM_BYTES) or b"")

    def files(self) -> frozenset[str]:
        """Return the path of every file of the commit; see ``Source``."""
        return self._trees.files(self._commit.tree)

    def origins(self, paths: frozenset[str]) -> dict[str, Origin]:
        """Return the commit that introduced the content of each path; see ``Source``.

        It is the commit that ``git log -1 -- path`` finds.
        """
        there = {path for path in paths if self._at(self._commit, path)}
        origins: dict[str, Origin] = {}
        waiting = deque([(self._commit, there)])
        for _ in range(MAX_COMMITS):
            if not waiting:
                break
            commit, here = waiting.popleft()
            for parent in self._parents(commit):
                same = self._unchanged(commit, parent, here)
                if same:
                    waiting.append((parent, same))
                    here = here - same
            origins |= {path: Origin(commit.id, commit.authored_at) for path in here}
        return {path: origins.get(path, Origin(self.revision)) for path in there}

    def _parents(self, commit: Commit) -> list[Commit]:
        return [
            parent
            for parent in map(self._trees.commit, commit.parents[:MAX_HOPS])
            if parent is not None
        ]

    def _unchanged(self, commit: Commit, parent: Commit, paths: set[str]) -> set[str]:
        """Return the paths whose content is the same in a parent.

        Folders are compared first, because most are equal as a whole.
        """
        if commit.tree == parent.tree:
            return paths
        same: set[str] = set()
        folders = {posixpath.dirname(path) for path in paths}
        whole = {
            folder for folder in folders if self._at(commit, folder) == self._at(parent, folder)
        }
        for path in paths:
            if posixpath.dirname(path) in whole or self._at(commit, path) == self._at(parent, path):
                same.add(path)
        return same

    def _at(self, commit: Commit, path: str) -> Entry | None:
        return self._trees.entry(commit.tree, path.split("/") if path else [])

    def _resolved(self, path: str) -> Entry | None:
        """Return the entry at a path, following links in the tree; None if missing or outside."""
        if not path or len(path) > MAX_PATH_LENGTH or path.startswith("/"):
            return None
        steps, reached, hops = deque(path.split("/")), list[str](), 0
        while steps:
            step = steps.popleft()
            if step == "..":
                if not reached:
                    return None
                reached.pop()
            elif step not in ("", "."):
                reached.append(step)
                entry = self._trees.entry(self._commit.tree, reached)
                if entry is not None and entry.mode == LINK:
                    hops += 1
                    target = self._target(entry)
                    if hops > MAX_HOPS or not target or target.startswith("/"):
                        return None
                    reached.pop()
                    steps.extendleft(reversed(target.split("/")))
        return self._trees.entry(self._commit.tree, reached)

    def _target(self, link: Entry) -> str:
        return (self._objects.content(link.id, most=MAX_PATH_LENGTH) or b"").decode(
            "utf-8", "replace"
        )
