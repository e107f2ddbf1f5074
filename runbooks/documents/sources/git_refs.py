"""Resolution of a git ref from the repository's own files. Pure: imports no Django.

No command is run: a ref never becomes an argument, and the repository's configuration is never
opened.
"""

import re
from pathlib import Path

from runbooks.documents.sources.folder import SourceError

OBJECT_ID = re.compile(r"^[0-9a-f]{40}$")
SHORT_ID = re.compile(r"^[0-9a-f]{7,40}$")
# What git-check-ref-format(1) forbids in a name, and what could be taken for an option.
FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[-/.]|/\.|\.lock(?:/|$)|[/.]$|^@$")
MAX_NAME_LENGTH = 200
MAX_REF_BYTES = 4_096
MAX_PACKED_BYTES = 64 * 1024 * 1024
MAX_HOPS = 5
# The order in which git looks up a short name (gitrevisions(7)).
PLACES = (
    "refs/{0}",
    "refs/tags/{0}",
    "refs/heads/{0}",
    "refs/remotes/{0}",
    "refs/remotes/{0}/HEAD",
)


def named_object(git_folder: Path, ref: str) -> str:
    """Return the object id that a ref names, or the digits of one; the object may not exist.

    :param ref: a branch, a tag, a full name (``refs/…``), ``HEAD``, or 7 to 40 digits of an object
        id.
    :raises SourceError: it is not a valid name, or there is no such ref.
    """
    if not ref or len(ref) > MAX_NAME_LENGTH or FORBIDDEN.search(ref):
        raise SourceError(f"{ref[:MAX_NAME_LENGTH]!r} is no name of a branch, tag or commit.")
    if OBJECT_ID.match(ref):
        return ref
    names = (
        [ref]
        if ref == "HEAD" or ref.startswith("refs/")
        else [place.format(ref) for place in PLACES]
    )
    for name in names:
        found = _followed(git_folder, name)
        if found:
            return found
    if SHORT_ID.match(ref):
        return ref
    raise SourceError(f"There is no branch, tag or commit named {ref!r} in the repository.")


def _followed(git_folder: Path, name: str) -> str:
    """Return the object id of a full name; empty if there is none.

    ``HEAD`` points at a branch, which may point at another name.
    """
    for _ in range(MAX_HOPS):
        text = _loose(git_folder, name) or _packed(git_folder, name)
        if OBJECT_ID.match(text):
            return text
        target = text.removeprefix("ref:").strip()
        if (
            not text.startswith("ref:")
            or FORBIDDEN.search(target)
            or not target.startswith("refs/")
        ):
            return ""
        name = target
    return ""


def _loose(git_folder: Path, name: str) -> str:
    """Return the content of a ref's file; empty if there is none inside the repository."""
    try:
        place = (git_folder / name).resolve()
        if not place.is_relative_to(git_folder.resolve()) or not place.is_file():
            return ""
        with place.open("rb") as file:
            return file.read(MAX_REF_BYTES).decode("utf-8", "replace").strip()
    except (OSError, ValueError, RuntimeError):
        return ""


def _packed(git_folder: Path, name: str) -> str:
    place = git_folder / "packed-refs"
    try:
        if not place.is_file() or place.is_symlink() or place.stat().st_size > MAX_PACKED_BYTES:
            return ""
        with place.open("rb") as file:
            wanted = b" " + name.encode("utf-8")
            return next(
                (
                    line[:40].decode("ascii", "replace")
                    for line in file
                    if line.rstrip(b"\r\n")[40:] == wanted
                ),
                "",
            )
    except OSError:
        return ""
