"""The repository path that a cell or a line names. Pure: imports no Django."""

import re
from urllib.parse import unquote

from runbooks.landscape.cells import CODE_SPAN, DASHES, LINK, decode_entities, note_invisible, visible
from runbooks.landscape.notices import NoticeKind, NoticeLog, excerpt

PATH = re.compile(f"{LINK.pattern}|{CODE_SPAN.pattern}")
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
# The place in a Markdown document, and steps that lead nowhere.
FRAGMENT = re.compile(r"(?<=\.md)#.*", re.IGNORECASE)
IDLE_STEPS = re.compile(r"(?:^|(?<=/))(?:\.?/)+")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def read_path(cell: str, *, line: int, notices: NoticeLog) -> str:
    """The repository path in ``cell``: its link target, its first code span, or its text.

    HTML entities are decoded (notice ``illustrative_path``). A path that is absolute, has a
    scheme, a backslash or a ``..`` step is read as empty (notice ``unsafe_path``). Characters that nobody sees, the
    place in a document (``#start``) and steps that lead nowhere (``//``, ``/./``) are left out; the first of these, and
    a second path, are noted.
    """
    written, rest = _written_path(cell)
    decoded = decode_entities(written).strip()
    # What nobody sees goes first: between two full stops it would hide a step out of the repository.
    path = visible(decoded).strip()
    stated = path.removeprefix("./").strip() if path.strip(DASHES) else ""
    path = IDLE_STEPS.sub("", FRAGMENT.sub("", stated))
    # Both: an idle step may stand before what must not begin a path, and a stroke at the front is one.
    if _is_unsafe(stated) or _is_unsafe(path):
        notices.add(
            NoticeKind.UNSAFE_PATH,
            line,
            decoded,
            f'The path "{excerpt(decoded)}" leaves the repository, so it was not read. '
            "Write it relative to the root of the repository, with forward slashes and without '..'.",
        )
        return ""
    if decoded != written.strip():
        notices.add(
            NoticeKind.ILLUSTRATIVE_PATH,
            line,
            path,
            f'The path was written with HTML entities and read as "{excerpt(path)}". '
            "Write it plainly once the document exists.",
        )
    note_invisible(decoded, line, notices)
    _note_second_path(rest, path, line, notices)
    return path


def _note_second_path(rest: str, path: str, line: int, notices: NoticeLog) -> None:
    for match in PATH.finditer(rest):
        other, _ = _written_path(match[0])
        if other != path and ("/" in other or other.endswith(".md")):
            notices.add(
                NoticeKind.OTHER,
                line,
                other,
                f'A second path, "{excerpt(other)}", stands beside "{excerpt(path)}", so it was not read. '
                "Give it a row of its own.",
            )


def _written_path(cell: str) -> tuple[str, str]:
    """The path as it is written, and what else the cell holds."""
    link = LINK.search(cell)
    if link:
        # The target may carry a title behind a space, and a fragment.
        target = link[2].strip().split(" ", 1)[0].strip("<>")
        return unquote(target.partition("#")[0]), cell[: link.start()] + cell[link.end() :]
    code = CODE_SPAN.search(cell)
    if code:
        return code[1], cell[code.end() :]
    return cell.replace("**", "").strip("<> "), ""


def _is_unsafe(path: str) -> bool:
    steps = unquote(path).split("/")
    return bool(
        path.startswith(("/", "~")) or "\\" in path or ".." in steps or SCHEME.match(path) or CONTROL.search(path)
    )
