r"""Find the cells of a table row. Pure: imports no Django.

The outer pipes are optional and ``\|`` is a pipe in a cell (GitHub Flavored Markdown 4.10). A pipe
inside a code span belongs to its cell, too.
"""

import itertools
import re
from collections.abc import Sequence

PIPES_AND_CODE = re.compile(r"`+|\\[\\|]|\|")
PIPE = re.compile(r"\|")

Span = tuple[int, int]


def split_cells(text: str, *, code_spans: bool = True) -> list[str]:
    r"""Return the cells of a row, stripped, with ``\|`` read as a pipe."""
    return [_content(text, span) for span in cell_spans(text, code_spans=code_spans)]


def cells_of_width(text: str, width: int) -> list[str]:
    """Return the cells of a row in a table of ``width`` columns.

    They are split so that their number matches if possible.
    """
    return [_content(text, span) for span in spans_of_width(text, width)]


def spans_of_width(text: str, width: int) -> list[Span]:
    """Return the positions of the cells of a row in a table of ``width`` columns.

    White space is included.
    """
    spans = cell_spans(text)
    if len(spans) != width:
        # A single backtick in each of two cells looks like a code span; GitHub splits at the pipe
        # between.
        plain = cell_spans(text, code_spans=False)
        spans = plain if len(plain) == width else spans
    return spans


def cell_spans(text: str, *, code_spans: bool = True) -> list[Span]:
    """Return the positions of a row's cells between the pipes, including white space."""
    start = len(text) - len(text.lstrip())
    row = text.strip()
    marked = "`" in row or "\\" in row
    pipes = (
        _pipes(row, code_spans=code_spans)
        if marked
        else [match.start() for match in PIPE.finditer(row)]
    )
    spans = [(left + 1, right) for left, right in itertools.pairwise((-1, *pipes, len(row)))]
    first = 1 if row.startswith("|") else 0
    last = len(spans) - 1 if spans[-1][0] == spans[-1][1] and len(spans) > first else len(spans)
    return [(start + left, start + right) for left, right in spans[first:last]]


def _content(text: str, span: Span) -> str:
    return text[span[0] : span[1]].strip().replace("\\|", "|")


def _pipes(row: str, *, code_spans: bool) -> list[int]:
    """Return the positions of the pipes that separate cells."""
    pipes: list[int] = []
    code_ends = 0
    marks = list(PIPES_AND_CODE.finditer(row))
    closing = _closing_runs(marks) if code_spans else {}
    for mark in marks:
        if mark.start() < code_ends:
            continue
        if mark[0] == "|":
            pipes.append(mark.start())
        code_ends = closing.get(mark.start(), code_ends)
    return pipes


def _closing_runs(marks: Sequence[re.Match[str]]) -> dict[int, int]:
    """Return start of each backtick run -> end of the next of the same length (CommonMark 6.1)."""
    closing: dict[int, int] = {}
    next_end: dict[int, int] = {}
    for mark in reversed(marks):
        if mark[0][0] == "`":
            if len(mark[0]) in next_end:
                closing[mark.start()] = next_end[len(mark[0])]
            next_end[len(mark[0])] = mark.end()
    return closing
