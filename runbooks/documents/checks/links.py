"""Find links from a document to missing files. Pure: imports no Django."""

import html
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from runbooks.documents.links import repository_path
from runbooks.documents.sources.folder import normalize_nfc

# The end of a link's text and its target: ``[words](target)``, ``[words](<with spaces>)``. An image
# has the same form.
BRACKET = re.compile(r"\\.|[\[\]]")
INLINE = re.compile(r"\(\s*(?:<([^<>]*)>|([^\s()<>]+(?:\([^\s()<>]*\)[^\s()<>]*)?))")
DEFINITION = re.compile(r"^ {0,3}\[[^\]]{1,200}\]:\s*(?:<([^<>]*)>|([^\s<>]+))")
CODE = re.compile(r"(`+)(?:(?!\1).)*\1")
FENCE = re.compile(r"^\s*(?:[-*+>]\s*)*(`{3,}|~{3,})")
COMMENT_START, COMMENT_END = "<!--", "-->"
INDENTED = re.compile(r"(?: {4}| {0,3}\t)")
ITEM = re.compile(r"^ {0,3}(?:[-*+]|\d{1,9}[.)])(?:\s|$)")
ELSEWHERE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|//|#|\?|$)", re.IGNORECASE)
# Longer lines contain data, and a text with more links is not a document.
MAX_LINE_LENGTH = 5_000
MAX_LINKS = 2_000


@dataclass(frozen=True, slots=True)
class Link:
    """A relative link.

    :ivar line: its line, counting from 1.
    :ivar target: the target as written.
    :ivar path: the path from the root of the repository; empty if it leads out of it.
    """

    line: int
    target: str
    path: str


def relative_links(text: str, document_path: str) -> list[Link]:
    """Return the links of a document that stay in its repository, in order.

    Code and comments are skipped.

    :param document_path: the path of the document from the root of the repository.
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
    """Return the links to missing files and folders of the repository, each target once.

    :param files: all paths of the repository, in Unicode normal form NFC.
    :param folders: the result of ``folders_of`` for them.
    """
    dead: dict[str, Link] = {}
    for link in relative_links(text, document_path):
        if link.path not in files and link.path not in folders:
            dead.setdefault(link.target, link)
    return list(dead.values())


def folders_of(files: frozenset[str]) -> frozenset[str]:
    """Return every folder that contains one of the files, and the root as ``.``."""
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
    """Yield the positions at which a ``]`` ends the text of a link.

    An escaped bracket does not open a link text, but one on an earlier line may.
    """
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
    """Yield the lines of text with their numbers from 1.

    Fenced and indented code, comments, and code spans are removed.
    """
    lines = [line if len(line) <= MAX_LINE_LENGTH else "" for line in text.splitlines()]
    # A comment without an end is not a comment.
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
    """Return the rest of a line, and whether a comment continues on the next line."""
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
