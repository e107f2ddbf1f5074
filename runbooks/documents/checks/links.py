"""Links from one document to a file that is not there. Pure: imports no Django."""

import html
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from runbooks.documents.links import repository_path
from runbooks.documents.sources.folder import normalize_nfc

# The ends of a link's words, and what follows: ``[words](target)``, ``[words](<with spaces>)``; an
# image is a link as well.
BRACKET = re.compile(r"\\.|[\[\]]")
INLINE = re.compile(r"\(\s*(?:<([^<>]*)>|([^\s()<>]+(?:\([^\s()<>]*\)[^\s()<>]*)?))")
DEFINITION = re.compile(r"^ {0,3}\[[^\]]{1,200}\]:\s*(?:<([^<>]*)>|([^\s<>]+))")
CODE = re.compile(r"(`+)(?:(?!\1).)*\1")
FENCE = re.compile(r"^\s*(?:[-*+>]\s*)*(`{3,}|~{3,})")
COMMENT_START, COMMENT_END = "<!--", "-->"
INDENTED = re.compile(r"(?: {4}| {0,3}\t)")
ITEM = re.compile(r"^ {0,3}(?:[-*+]|\d{1,9}[.)])(?:\s|$)")
ELSEWHERE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|//|#|\?|$)", re.IGNORECASE)
# A line longer than this is data; a document with more links than these is no document.
MAX_LINE_LENGTH = 5_000
MAX_LINKS = 2_000


@dataclass(frozen=True, slots=True)
class Link:
    """A relative link: the line it stands on, the target as written, and the path from the root; empty leads out of it."""

    line: int
    target: str
    path: str


def relative_links(text: str, document_path: str) -> list[Link]:
    """The links of a document that stay in its repository, in order; code and comments are not looked at.

    :param document_path: where the document lies, from the root of the repository.
    """
    links: list[Link] = []
    for number, line in _prose(text):
        for target in _targets(line):
            written = html.unescape(target)
            if not ELSEWHERE.match(written) and len(links) < MAX_LINKS:
                links.append(
                    Link(
                        number, target, normalize_nfc(repository_path(written, document_path) or "")
                    )
                )
    return links


def dead_links(
    text: str, document_path: str, files: frozenset[str], folders: frozenset[str]
) -> list[Link]:
    """Those that lead to no file and no folder of the repository, each target once.

    :param files: every path of the repository, ``composed``; ``folders`` those of ``folders_of``.
    """
    dead: dict[str, Link] = {}
    for link in relative_links(text, document_path):
        if link.path not in files and link.path not in folders:
            dead.setdefault(link.target, link)
    return list(dead.values())


def folders_of(files: frozenset[str]) -> frozenset[str]:
    """Every folder that holds one of the files, the root as ``.`` among them."""
    folders = {"."}
    for path in files:
        parent = posixpath.dirname(path)
        while parent and parent not in folders:
            folders.add(parent)
            parent = posixpath.dirname(parent)
    return frozenset(folders)


def _targets(line: str) -> Iterator[str]:
    defined = DEFINITION.match(line)
    if defined:
        yield defined[1] or defined[2] or ""
    for end in _ends_of_words(line):
        found = INLINE.match(line, end)
        if found:
            yield found[1] or found[2] or ""


def _ends_of_words(line: str) -> Iterator[int]:
    """Where a ``]`` closes the words of a link. An escaped bracket opens none; one that opened on an earlier line does."""
    opened: list[bool] = []
    for mark in BRACKET.finditer(line):
        if mark[0] in ("[", r"\["):
            opened.append(mark[0] == "[")
        elif mark[0] == "]":
            escaped = bool(opened) and True not in opened
            while opened and not opened.pop():
                pass
            if not escaped:
                yield mark.end()


def _prose(text: str) -> Iterator[tuple[int, str]]:
    """The lines that are read as text, with their numbers from 1: no fenced or indented code, no comments, no code in a line."""
    lines = [line if len(line) <= MAX_LINE_LENGTH else "" for line in text.splitlines()]
    # A comment that is never closed is none.
    last_end = max((number for number, line in enumerate(lines) if COMMENT_END in line), default=-1)
    fence, in_comment, in_list, may_indent = "", False, False, True
    for number, line in enumerate(lines):
        mark = None if in_comment else FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence):
            fence = ""
        elif not fence:
            indented = bool(INDENTED.match(line))
            in_list = bool(ITEM.match(line)) or (
                in_list and (indented or not line.strip() or not may_indent)
            )
            if in_comment or in_list or not (indented and may_indent):
                shown, in_comment = _without_comments(
                    CODE.sub("", line), in_comment, closes=number <= last_end
                )
                yield number + 1, shown
                indented = False
            may_indent = indented or not line.strip()


def _without_comments(line: str, in_comment: bool, *, closes: bool) -> tuple[str, bool]:
    """The rest of a line, and whether a comment goes on behind it."""
    shown = ""
    while line:
        if in_comment:
            _, end, line = line.partition(COMMENT_END)
            in_comment = not end
        else:
            before, start, line = line.partition(COMMENT_START)
            shown += before
            in_comment = bool(start) and closes
    return shown, in_comment
