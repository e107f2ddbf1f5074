"""Find the rows of a table below its header. Pure: imports no Django."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runbooks.landscape.parse.notices import NoticeKind, NoticeLog
from runbooks.landscape.parse.table_cells import split_cells
from runbooks.landscape.schema import SourceLine

# The start of another block, which ends a table (CommonMark 4 and 5).
BLOCK_START = re.compile(r" {0,3}(?:#{1,6}(?:\s|$)|>|```|~~~|[*+-] |[*_-]{3,}\s*$|<)")
DELIMITER_CHARACTERS = "|:- \t"
# Markers before a row that is quoted, or an item of a list.
MARKS_IN_FRONT = re.compile(r"^[ \t>]*(?:[*+-] )?")


@dataclass(frozen=True, slots=True)
class Extent:
    """The bounds of a table.

    :ivar width: the number of its columns.
    :ivar chapters: the lines on which chapters begin.
    :ivar blocks: the lines of code blocks and comments.
    """

    width: int
    chapters: frozenset[int]
    blocks: frozenset[int]


def is_delimiter(lines: Sequence[SourceLine], position: int) -> bool:
    """Return whether the delimiter row between a header and its rows is at ``position``."""
    if position >= len(lines):
        return False
    text = lines[position].text
    return "|" in text and "-" in text and not text.strip(DELIMITER_CHARACTERS)


def row_lines(
    below: Sequence[SourceLine], extent: Extent, notices: NoticeLog
) -> Iterator[SourceLine]:
    """Yield the rows of a table, from all lines between its header and the next known header.

    Rows after a blank line, a comment or a code block still belong to the table, with a notice. Any
    other text ends the table; later lines that look like rows add a notice and are not read.
    """
    gap = False
    for position, line in enumerate(below):
        if not line.text.strip():
            gap = True
        elif BLOCK_START.match(line.text) or (gap and not _goes_on(below, position)):
            _note_parted_rows(below[position:], extent, notices)
            return
        elif not is_delimiter(below, position):
            _note_break(line, gap, line.number - 1 in extent.blocks, notices)
            gap = False
            yield line


def _goes_on(below: Sequence[SourceLine], position: int) -> bool:
    """Return whether the line after a blank one is a row and not the header of a new table."""
    return below[position].text.lstrip().startswith("|") and not is_delimiter(below, position + 1)


def _note_break(line: SourceLine, gap: bool, block: bool, notices: NoticeLog) -> None:
    if not (gap or block):
        return
    what, remedy = (
        ("blank line", "remove the blank line")
        if gap
        else ("comment or code block", "move that elsewhere")
    )
    notices.add(
        NoticeKind.RAGGED_ROW,
        line.number,
        line.text.strip(),
        f"A {what} parts this row from its table, so a Markdown viewer does not show it there. "
        f"It was read as a row; {remedy}.",
    )


def _note_parted_rows(lines: Sequence[SourceLine], extent: Extent, notices: NoticeLog) -> None:
    """Add a notice for each row after the end of a table.

    In a further chapter, text may contain drawings with pipes, so only complete rows count there. A
    table with its own header is ignored.
    """
    in_other_table = in_chapter = False
    for position, line in enumerate(lines):
        in_chapter = in_chapter or line.number in extent.chapters
        looks_like_a_row = _looks_like_a_row(line.text, extent.width, whole=in_chapter)
        in_other_table = looks_like_a_row and (in_other_table or is_delimiter(lines, position + 1))
        if looks_like_a_row and not in_other_table and not is_delimiter(lines, position):
            notices.add(
                NoticeKind.RAGGED_ROW,
                line.number,
                line.text.strip(),
                (
                    "A text parts this row from its table, so it was not read; repeat the header "
                    "above it."
                ),
            )


def _looks_like_a_row(text: str, width: int, *, whole: bool) -> bool:
    """Return whether a line looks like a row of the table.

    It is enclosed in pipes, or has as many cells as the table has columns; with ``whole``, both.
    """
    row = MARKS_IN_FRONT.sub("", text, count=1).strip()
    if "|" not in row:
        return False
    between_pipes = len(row) > 1 and row[0] == row[-1] == "|"
    if between_pipes != whole:
        return between_pipes
    return len(split_cells(row)) == width
