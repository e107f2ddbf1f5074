"""Read the repository path in a cell or a line. Pure: imports no Django.

A link is resolved from the folder of the file that contains it, as code hosts do. A bare path (in
backticks, or plain text) starts at the root of the repository. See ``docs/landscape_format.md``.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from runbooks.documents.links import repository_path
from runbooks.landscape.parse.cells import (
    CODE_SPAN,
    DASHES,
    LINK,
    decode_entities,
    note_invisible,
    visible,
)
from runbooks.landscape.parse.notices import NoticeKind, NoticeLog, excerpt
from runbooks.landscape.schema import SourceLine

PATH = re.compile(f"{LINK.pattern}|{CODE_SPAN.pattern}")
# "[words][label]", "[label][]" and "[label]", and their definitions (CommonMark 4.7 and 6.3).
REFERENCE = re.compile(r"\[([^\[\]]+)\](?:\[([^\[\]]*)\])?")
DEFINITION = re.compile(r" {0,3}\[([^\[\]]{1,200})\]:\s*(<[^<>]*>|[^\s<>]+)")
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
# The fragment of a link to a Markdown document, and path steps without effect.
FRAGMENT = re.compile(r"(?<=\.md)#.*", re.IGNORECASE)
IDLE_STEPS = re.compile(r"(?:^|(?<=/))(?:\.?/)+")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class FilePlace:
    """The location of a landscape file, and the definitions of its reference links.

    :ivar path: from the root of the repository; empty, or a name alone, is a file at the root.
    """

    path: str = ""
    definitions: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, path: str, lines: Iterable[SourceLine]) -> "FilePlace":
        """Return the place of a file with these lines. The first definition of a label counts."""
        definitions: dict[str, str] = {}
        for line in lines:
            found = DEFINITION.match(line.text) if "]:" in line.text else None
            if found:
                definitions.setdefault(_label(found[1]), found[2])
        return cls(path, definitions)


AT_THE_ROOT = FilePlace()


@dataclass(frozen=True, slots=True)
class StatedPath:
    """A path from the root of the repository.

    :ivar link: the target as written, if a relative link states the path; otherwise empty.
    """

    path: str
    link: str = ""


def read_path(cell: str, *, line: int, notices: NoticeLog, place: FilePlace = AT_THE_ROOT) -> str:
    """Return the repository path in ``cell``; see ``read_stated_path``."""
    return read_stated_path(cell, line=line, notices=notices, place=place).path


def read_stated_path(
    cell: str, *, line: int, notices: NoticeLog, place: FilePlace = AT_THE_ROOT
) -> StatedPath:
    """Return the repository path in ``cell``: its link target, its first code span, or its text.

    HTML entities are decoded (notice ``illustrative_path``). The path is read as empty, with a
    notice ``unsafe_path``, if it leaves the repository, has a scheme or a backslash, or if a bare
    path has a ``..`` step or a leading slash. Invisible characters, the fragment (``#start``) and
    steps without effect (``//``, ``/./``) are removed. Invisible characters and a second path add a
    notice.
    """
    written, is_link, rest = _written_path(cell, place)
    decoded = decode_entities(written).strip()
    # Invisible characters are removed first: between two full stops, one could hide a step out of
    # the repository.
    stated = visible(decoded).strip()
    path = _linked(stated, place) if is_link else _bare(stated)
    if path is None:
        notices.add(
            NoticeKind.UNSAFE_PATH,
            line,
            decoded,
            f'The path "{excerpt(decoded)}" leaves the repository, so it was not read. '
            "Write it relative to the root of the repository, with forward slashes and "
            "without '..'.",
        )
        return StatedPath("")
    if decoded != written.strip():
        notices.add(
            NoticeKind.ILLUSTRATIVE_PATH,
            line,
            path,
            f'The path was written with HTML entities and read as "{excerpt(path)}". '
            "Write it plainly once the document exists.",
        )
    note_invisible(decoded, line, notices)
    _note_second_path(rest, path, line, notices, place)
    return StatedPath(path, stated if is_link and not stated.startswith("/") else "")


def _bare(stated: str) -> str | None:
    """Return a path from backticks or plain text; None if it is unsafe."""
    stated = stated.removeprefix("./").strip() if stated.strip(DASHES) else ""
    path = IDLE_STEPS.sub("", FRAGMENT.sub("", stated))
    # Both are checked: a step without effect may precede an unsafe beginning, and a leading slash
    # is such a step.
    return None if _is_unsafe(stated) or _is_unsafe(path) else path


def _linked(target: str, place: FilePlace) -> str | None:
    """Return the path of a link, with its trailing slash; None if it is unsafe.

    Empty for a link to the file itself.
    """
    plain = unquote(target)
    if (
        plain.startswith(("//", "~"))
        or "\\" in plain
        or SCHEME.match(plain)
        or CONTROL.search(plain)
    ):
        return None
    address = target.partition("#")[0].partition("?")[0]
    path = repository_path(address, place.path) if address else ""
    return f"{path}/" if path and path != "." and address.endswith("/") else path


def _note_second_path(
    rest: str, path: str, line: int, notices: NoticeLog, place: FilePlace
) -> None:
    for match in PATH.finditer(rest):
        written, is_link, _ = _written_path(match[0], place)
        other = (_linked(written, place) if is_link else written) or written
        if other != path and ("/" in other or other.endswith(".md")):
            notices.add(
                NoticeKind.OTHER,
                line,
                other,
                f'A second path, "{excerpt(other)}", stands beside "{excerpt(path)}", so it '
                "was not read. "
                "Give it a row of its own.",
            )


def _written_path(cell: str, place: FilePlace) -> tuple[str, bool, str]:
    """Return the path as written, whether a link states it, and the rest of the cell."""
    link = LINK.search(cell)
    if link:
        return _destination(link[2]), True, cell[: link.start()] + cell[link.end() :]
    for reference in REFERENCE.finditer(cell) if place.definitions else ():
        target = place.definitions.get(_label(reference[2] or reference[1]))
        if target is not None:
            return _destination(target), True, cell[: reference.start()] + cell[reference.end() :]
    code = CODE_SPAN.search(cell)
    if code:
        return code[1], False, cell[code.end() :]
    return cell.replace("**", "").strip("<> "), False, ""


def _destination(target: str) -> str:
    """Return the target between a link's parentheses, without angle brackets and title."""
    target = target.strip()
    if target.startswith("<") and ">" in target:
        return target[1 : target.index(">")]
    return target.split(maxsplit=1)[0] if target else ""


def _label(text: str) -> str:
    """Return a label folded: case and white space are ignored."""
    return " ".join(text.split()).casefold()


def _is_unsafe(path: str) -> bool:
    steps = unquote(path).split("/")
    return bool(
        path.startswith(("/", "~"))
        or "\\" in path
        or ".." in steps
        or SCHEME.match(path)
        or CONTROL.search(path)
    )
