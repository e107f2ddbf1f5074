r"""Where the cells of a table row stand. Pure: imports no Django.

The outer pipes are optional and ``\|`` is a pipe in a cell (GitHub Flavored Markdown 4.10); a pipe between
backticks belongs to its cell, too.
"""

import itertools
import re
from collections.abc import Sequence

PIPES_AND_CODE = re.compile(r"`+|\\[\\|]|\|")
PIPE = re.compile(r"\|")

Span = tuple[int, int]


def split_cells(text: str, *, code_spans: bool = True) -> list[str]:
    r"""The cells of a row, stripped, with ``\|`` read as a pipe."""
    return [_content(text, span) for span in cell_spans(text, code_spans=code_spans)]


def cells_of_width(text: str, width: int) -> list[str]:
    """The cells of a row in a table of ``width`` columns, cut so that they fit where that can be."""
    return [_content(text, span) for span in spans_of_width(text, width)]


def spans_of_width(text: str, width: int) -> list[Span]:
    """Where these cells stand, white space included."""
    spans = cell_spans(text)
    if len(spans) != width:
        # A lone backtick in two cells looks like a code span; GitHub cuts at the pipe there.
        plain = cell_spans(text, code_spans=False)
        spans = plain if len(plain) == width else spans
    return spans


def cell_spans(text: str, *, code_spans: bool = True) -> list[Span]:
    """Where the cells of a row stand between the pipes, white space included."""
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
    """The positions of the pipes that part cells."""
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
    """Start of each run of backticks -> end of the next run of the same length (CommonMark 6.1)."""
    closing: dict[int, int] = {}
    next_end: dict[int, int] = {}
    for mark in reversed(marks):
        if mark[0][0] == "`":
            if len(mark[0]) in next_end:
                closing[mark.start()] = next_end[len(mark[0])]
            next_end[len(mark[0])] = mark.end()
    return closing
