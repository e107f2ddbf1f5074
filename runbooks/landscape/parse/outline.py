"""Read the outline of a landscape file: its title, chapters and entries.

Pure: imports no Django. Headings are those of CommonMark 4.2 and 4.3; lines of code blocks and HTML
comments are never headings.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runbooks.landscape.parse.cells import plain_text
from runbooks.landscape.schema import SourceLine

FENCE = re.compile(r"\s*(`{3,}|~{3,})([^`]*)$")
# A longer line is only text: the longest real one has 450 characters, and searching ten megabytes
# for markup takes minutes.
MAX_LINE_LENGTH = 20_000
MAX_LEVEL = 6
# CommonMark accepts one character, but a single dash is more often an unfinished bullet.
MIN_UNDERLINE_LENGTH = 2
COMMENT_BEGIN, COMMENT_END = "<!--", "-->"
# Lines that start a block of their own, so that equals signs below do not make them a heading.
NO_PARAGRAPH = re.compile(r"\s|$|#|>|[*+-] |[0-9]{1,9}[.)] |[*_-]{3}|[^|]*\||<")


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading.

    :ivar text: the heading without its markers.
    :ivar begins: the index of its first line.
    :ivar ends: the index of the line after it.
    """

    line: int
    level: int
    text: str
    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class Part:
    """A heading with the lines below it, up to the next heading of its level or a higher one."""

    line: int
    text: str
    body: tuple[SourceLine, ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """A file in parts.

    :ivar chapters: the parts of level 2.
    :ivar further_titles: the parts of level 1 after the first, each up to its first chapter.
    :ivar hidden: the numbers of the lines that are not structure: those in code blocks and
        comments, and the ``endless`` ones.
    :ivar endless: the numbers of the lines of more than ``MAX_LINE_LENGTH`` characters.
    :ivar unclosed: the line of a code fence or comment without an end; None if there is none.
    """

    title: str
    chapters: tuple[Part, ...]
    further_titles: tuple[Part, ...]
    hidden: frozenset[int]
    endless: tuple[int, ...]
    unclosed: int | None

    @property
    def blocks(self) -> frozenset[int]:
        """Return the numbers of the lines in code blocks and comments."""
        return self.hidden.difference(self.endless)

    @property
    def chapter_lines(self) -> frozenset[int]:
        """Return the numbers of the lines on which chapters begin."""
        return frozenset(chapter.line for chapter in self.chapters)


def read_outline(lines: Sequence[SourceLine]) -> Outline:
    """Return the outline of a file: the first heading of level 1 and all chapters of level 2."""
    in_blocks, unclosed = find_hidden(lines)
    endless = tuple(
        line.number
        for line in lines
        if len(line.text) > MAX_LINE_LENGTH and line.number not in in_blocks
    )
    hidden = in_blocks.union(endless)
    headings = _find_headings(lines, hidden)
    title = next((plain_text(heading.text) for heading in headings if heading.level == 1), "")
    further = _parts(lines, headings, level=1, up_to=2)[1:]
    return Outline(title, _parts(lines, headings, level=2), further, hidden, endless, unclosed)


def split_parts(
    lines: Sequence[SourceLine], hidden: frozenset[int], *, level: int
) -> tuple[Part, ...]:
    """Return the parts of ``lines`` that begin with a heading of ``level``."""
    return _parts(lines, _find_headings(lines, hidden), level=level)


def find_hidden(lines: Sequence[SourceLine]) -> tuple[frozenset[int], int | None]:
    """Return the numbers of the lines in code fences and comments, and the line of an unclosed one.

    The fences are included.
    """
    hidden: set[int] = set()
    closing, since = "", 0
    for line in lines:
        if closing:
            hidden.add(line.number)
            closing = "" if _closes(line.text, closing) else closing
            continue
        closing = _opens(line.text)
        if closing or line.text.lstrip().startswith(COMMENT_BEGIN):
            hidden.add(line.number)
            since = line.number
    return frozenset(hidden), since if closing else None


def code_blocks(
    lines: Sequence[SourceLine], hidden: frozenset[int]
) -> Iterator[tuple[str, tuple[SourceLine, ...]]]:
    """Yield each fenced block in ``lines``: its language in lower case, and its inner lines."""
    language, closing = "", ""
    block: list[SourceLine] = []
    for line in lines:
        if closing and _closes(line.text, closing):
            yield language, tuple(block)
            closing = ""
        elif closing:
            block.append(line)
        elif line.number in hidden and (fence := FENCE.match(line.text)):
            language, block, closing = fence[2].strip().lower(), [], fence[1]


def _opens(text: str) -> str:
    """Return the end marker of the block that ``text`` opens.

    Empty if it opens none, or if the block ends on the same line.
    """
    fence = FENCE.match(text)
    if fence:
        return fence[1]
    start = text.lstrip()
    return COMMENT_END if start.startswith(COMMENT_BEGIN) and COMMENT_END not in start else ""


def _closes(text: str, closing: str) -> bool:
    if closing == COMMENT_END:
        return COMMENT_END in text
    fence = text.strip()
    return len(fence) >= len(closing) and not fence.strip(closing[0])


def _find_headings(lines: Sequence[SourceLine], hidden: frozenset[int]) -> list[Heading]:
    headings: list[Heading] = []
    for position, line in enumerate(lines):
        if line.number in hidden:
            continue
        heading = _atx(position, line) or _underlined(position, lines, hidden)
        if heading:
            headings.append(heading)
    return headings


def _atx(position: int, line: SourceLine) -> Heading | None:
    """Return ``line`` as a heading (``## Title``), or None if it is not one."""
    text = line.text.strip()
    if not text.startswith("#") or line.text.startswith(("    ", "\t")):
        return None
    title = text.lstrip("#")
    level = len(text) - len(title)
    if level > MAX_LEVEL or (title and title[0] not in " \t"):
        return None
    # Closing markers must follow a space.
    without_marks = title.rstrip("#")
    if not without_marks or without_marks[-1] in " \t":
        title = without_marks
    return Heading(line.number, level, title.strip(), position, position + 1)


def _underlined(
    position: int, lines: Sequence[SourceLine], hidden: frozenset[int]
) -> Heading | None:
    """Return the line before ``position`` as a heading if this line underlines it."""
    marks = lines[position].text.strip()
    if (
        not position
        or len(marks) < MIN_UNDERLINE_LENGTH
        or marks[0] not in "=-"
        or marks.strip(marks[0])
    ):
        return None
    above = lines[position - 1]
    if above.number in hidden or NO_PARAGRAPH.match(above.text):
        return None
    return Heading(
        above.number, 1 if marks[0] == "=" else 2, above.text.strip(), position - 1, position + 1
    )


def _parts(
    lines: Sequence[SourceLine], headings: Sequence[Heading], *, level: int, up_to: int = 0
) -> tuple[Part, ...]:
    """Return the parts below headings of ``level``.

    Each part ends at the next heading of that level, or of ``up_to`` if that is deeper.
    """
    bounds = [heading for heading in headings if heading.level <= max(level, up_to)]
    ends = [*(heading.begins for heading in bounds), len(lines)][1:]
    return tuple(
        Part(heading.line, heading.text, tuple(lines[heading.ends : end]))
        for heading, end in zip(bounds, ends, strict=False)
        if heading.level == level
    )
