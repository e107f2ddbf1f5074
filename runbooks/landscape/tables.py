"""Pipe tables, found by the words in their header cells. Pure: imports no Django.

The form is that of GitHub Flavored Markdown 4.10, read with more patience: a missing line
of dashes, a blank line between rows or a stray pipe is read as far as it is certain, and
noted.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from runbooks.landscape.cells import plain_text
from runbooks.landscape.document import SourceLine
from runbooks.landscape.names import name_tokens
from runbooks.landscape.notices import NoticeKind, NoticeLog, excerpt
from runbooks.landscape.table_cells import cells_of_width, split_cells


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is read.

    ``headers`` are folded header texts, the likeliest first; a ``*`` at the front stands for
    any words.
    """

    name: str
    headers: tuple[str, ...]
    required: bool = False


# The two tables of a landscape file, and the header cells that each is known by.
RUNBOOKS, SITUATIONS = "runbooks", "situations"
TABLES: Mapping[str, tuple[Column, ...]] = {
    RUNBOOKS: (
        Column("Runbook", ("runbook",), required=True),
        Column("Path", ("pfad", "path"), required=True),
        Column("Version", ("version",)),
        Column("Scope", ("scope zweck", "scope purpose", "scope", "zweck", "purpose")),
        Column("Primary Cluster", ("primary cluster", "primärer cluster", "cluster")),
        Column("Layer", ("layer", "layers")),
        Column("Status", ("ready status", "status", "* status")),
    ),
    SITUATIONS: (
        Column("Situation", ("situation",), required=True),
        Column("Runbooks", ("relevante runbooks", "relevant runbooks", "runbooks"), required=True),
        Column("Comment", ("kommentar", "comment")),
    ),
}
# A header that holds none of these words is not looked at any closer.
HINTS = ("runbook", "situation")

# What begins another block and so ends a table (CommonMark 4 and 5).
BLOCK_START = re.compile(r" {0,3}(?:#{1,6}(?:\s|$)|>|```|~~~|[*+-] |[*_-]{3,}\s*$|<)")
# A header is none of these, nor is it indented like code.
NO_ROW = re.compile(rf" {{4}}| *\t|{BLOCK_START.pattern}")
DELIMITER_CHARACTERS = "|:- \t"
YEAR = re.compile(r"20[0-9][0-9]")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: ``cells`` by column name. In a ``ragged`` row they may belong elsewhere."""

    line: int
    cells: Mapping[str, str]
    ragged: bool

    def cell(self, column: str) -> str:
        """The cell as written, empty where the row or the table lacks it."""
        return self.cells.get(column, "")


@dataclass(frozen=True, slots=True)
class Table:
    """One table of ``kind`` (a key of ``TABLES``), ``width`` columns wide."""

    kind: str
    line: int
    columns: Mapping[str, int]
    rows: tuple[Row, ...]
    width: int


def find_tables(lines: Sequence[SourceLine], hidden: frozenset[int], notices: NoticeLog) -> tuple[Table, ...]:
    """All tables of the known kinds in ``lines``, in order; ``hidden`` lines are no structure.

    Notes missing and unknown columns and rows that do not line up with their header.
    """
    visible = [line for line in lines if line.number not in hidden]
    starts = [
        (position, kind, cells)
        for position in range(len(visible))
        if (kind := _kind_of(cells := _header_cells(visible, position)))
    ]
    ends = [*(position for position, _, _ in starts), len(visible)][1:]
    return tuple(
        _read_table(kind, cells, visible[position], visible[position + 1 : end], notices)
        for (position, kind, cells), end in zip(starts, ends, strict=False)
    )


def _header_cells(lines: Sequence[SourceLine], position: int) -> list[str]:
    """The cells of a line that may be a header; none when it cannot be one."""
    text = lines[position].text
    if "|" not in text or NO_ROW.match(text):
        return []
    begins = position == 0 or "|" not in lines[position - 1].text or _is_delimiter(lines, position + 1)
    folded = text.casefold() if begins else ""
    return split_cells(text) if any(hint in folded for hint in HINTS) else []


def _kind_of(cells: Sequence[str]) -> str:
    """The kind of table that these header cells begin, or an empty string."""
    return next((kind for kind in TABLES if _has_required(kind, cells)), "")


def _is_delimiter(lines: Sequence[SourceLine], position: int) -> bool:
    """Whether the line of dashes that parts a header from its rows stands at ``position``."""
    if position >= len(lines):
        return False
    text = lines[position].text
    return "|" in text and "-" in text and not text.strip(DELIMITER_CHARACTERS)


def _has_required(kind: str, cells: Sequence[str]) -> bool:
    headers = [_header(cell) for cell in cells]
    return all(_places(column, headers) for column in TABLES[kind] if column.required)


def _header(cell: str) -> str:
    """A header cell folded to words; a year at the front is left out (``2026-ready Status``)."""
    tokens = name_tokens(plain_text(cell))
    return " ".join(tokens[1:] if YEAR.fullmatch(tokens[0]) else tokens)


def _places(column: Column, headers: Sequence[str]) -> list[int]:
    """Where ``column`` may stand: the places of its likeliest header text."""
    for wanted in column.headers:
        places = [place for place, header in enumerate(headers) if _fits(header, wanted)]
        if places:
            return places
    return []


def _fits(header: str, wanted: str) -> bool:
    return header.endswith(wanted[1:]) if wanted.startswith("*") else header == wanted


def _read_table(
    kind: str, header: Sequence[str], first: SourceLine, below: Sequence[SourceLine], notices: NoticeLog
) -> Table:
    columns = _read_header(kind, header, first.number, notices)
    if not _is_delimiter(below, 0):
        notices.add(
            NoticeKind.RAGGED_ROW,
            first.number,
            "header",
            "No line of dashes stands below this table header, so a Markdown viewer shows no table. Add one.",
        )
    required = [column.name for column in TABLES[kind] if column.required]
    rows = (_read_row(line, columns, len(header), required, notices) for line in _row_lines(below, notices))
    return Table(kind, first.number, columns, tuple(row for row in rows if row is not None), len(header))


def _read_header(kind: str, header: Sequence[str], line: int, notices: NoticeLog) -> dict[str, int]:
    """Column name -> place. Of two equal columns, a required one is the first, an optional one is neither."""
    headers = [_header(cell) for cell in header]
    columns: dict[str, int] = {}
    for column in TABLES[kind]:
        places = _places(column, headers)
        if len(places) == 1 or (places and column.required):
            columns[column.name] = places[0]
        else:
            found = "several columns fit" if places else "none was found"
            notices.add(
                NoticeKind.MISSING_COLUMN,
                line,
                column.name,
                f'The table of {kind} needs one column "{column.name}" and {found}, so it was read as empty. '
                "Give exactly one column this header.",
            )
    for place in sorted(set(range(len(header))) - set(columns.values())):
        name = header[place] or f"column {place + 1}"
        notices.add(
            NoticeKind.UNKNOWN_COLUMN,
            line,
            name,
            f'The column "{excerpt(name)}" was not read. Rename it to a known header, or leave it if it is a remark.',
        )
    return columns


def _row_lines(below: Sequence[SourceLine], notices: NoticeLog) -> Iterator[SourceLine]:
    """The lines of a table's rows; rows behind a blank line are noted and still belong to it."""
    gap = False
    for position, line in enumerate(below):
        if not line.text.strip():
            gap = True
        elif BLOCK_START.match(line.text) or (gap and not _goes_on(below, position)):
            return
        elif not _is_delimiter(below, position):
            if gap:
                _note_gap(line, notices)
            gap = False
            yield line


def _goes_on(below: Sequence[SourceLine], position: int) -> bool:
    """Whether the line behind a blank one is a further row, and not the header of another table."""
    return below[position].text.lstrip().startswith("|") and not _is_delimiter(below, position + 1)


def _note_gap(line: SourceLine, notices: NoticeLog) -> None:
    notices.add(
        NoticeKind.RAGGED_ROW,
        line.number,
        line.text.strip(),
        "A blank line parts this row from its table, so a Markdown viewer does not show it there. "
        "It was read as a row; remove the blank line.",
    )


def _read_row(
    line: SourceLine, columns: Mapping[str, int], width: int, required: Sequence[str], notices: NoticeLog
) -> Row | None:
    """The row, or None with a notice when it holds too little to be read."""
    cells = cells_of_width(line.text, width)
    if not any(cells):
        return None
    by_name = {name: cells[place] for name, place in columns.items() if place < len(cells)}
    ragged = len(cells) != width
    needed = required if ragged else required[:1]
    complete = all(plain_text(by_name.get(name, "")) for name in needed)
    if ragged or not complete:
        count = f"{len(cells)} cells where the header has {width}"
        outcome = "It was read, but no status in it is believed." if complete else "It was not read."
        _note_ragged(line, f"has {count if ragged else f'nothing below {required[0]}'}. {outcome}", notices)
    return Row(line.number, by_name, ragged) if complete else None


def _note_ragged(line: SourceLine, what: str, notices: NoticeLog) -> None:
    notices.add(
        NoticeKind.RAGGED_ROW,
        line.number,
        line.text.strip(),
        rf"The row {what} Give it one cell for each column; write a pipe inside a cell as \|.",
    )
