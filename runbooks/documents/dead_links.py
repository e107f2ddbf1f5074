"""Links from one document to a file that is not there. Pure: imports no Django."""

import html
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

# ``[words](target)`` and ``[label]: target``; an image is a link as well.
INLINE = re.compile(r"\]\(\s*<?([^\s()<>]+(?:\([^\s()<>]*\)[^\s()<>]*)?)")
DEFINITION = re.compile(r"^ {0,3}\[[^\]]{1,200}\]:\s*<?([^\s<>]+)")
CODE = re.compile(r"(`+)(?:(?!\1).)*\1")
FENCE = re.compile(r"^\s*(?:[-*+>]\s*)*(`{3,}|~{3,})")
ELSEWHERE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|//|#|\?|$)", re.IGNORECASE)
# A line longer than this is data; a document with more links than these is no document.
LONGEST_LINE = 5_000
MOST_LINKS = 2_000


@dataclass(frozen=True, slots=True)
class Link:
    """A relative link: the line it stands on, the target as written, and the path from the root; empty leads out of it."""

    line: int
    target: str
    path: str


def relative_links(text: str, document_path: str) -> list[Link]:
    """The links of a document that stay in its repository, in order; code is not looked at.

    :param document_path: where the document lies, from the root of the repository.
    """
    links: list[Link] = []
    for number, line in _prose(text):
        for target in [*DEFINITION.findall(line), *INLINE.findall(line)]:
            written = html.unescape(target)
            if not ELSEWHERE.match(written) and len(links) < MOST_LINKS:
                links.append(Link(number, target, _path(written, document_path)))
    return links


def dead_links(text: str, document_path: str, files: frozenset[str], folders: frozenset[str]) -> list[Link]:
    """Those that lead to no file and no folder of the repository, each target once."""
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


def _prose(text: str) -> Iterator[tuple[int, str]]:
    fence = ""
    for number, line in enumerate(text.splitlines(), start=1):
        mark = FENCE.match(line[:LONGEST_LINE])
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence):
            fence = ""
        elif not fence and len(line) <= LONGEST_LINE:
            yield number, CODE.sub("", line)


def _path(target: str, document_path: str) -> str:
    path = unquote(target.partition("#")[0].partition("?")[0])
    start = "" if path.startswith("/") else posixpath.dirname(document_path)
    resolved = posixpath.normpath(posixpath.join(start, path.lstrip("/")))
    return "" if resolved.startswith("..") else resolved
