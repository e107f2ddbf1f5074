"""Find pipe tables by the words in their header cells. Pure: imports no Django.

The format is GitHub Flavored Markdown 4.10, read tolerantly: despite a missing delimiter row, blank
lines between rows or stray pipes, whatever is certain is read, and a notice is added. ``row_lines``
finds the rows below a header.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runbooks.landscape.parse.cells import plain_text
from runbooks.landscape.parse.names import name_tokens
from runbooks.landscape.parse.notices import NoticeKind, NoticeLog, excerpt
from runbooks.landscape.parse.outline import Outline
from runbooks.landscape.parse.row_lines import BLOCK_START, Extent, is_delimiter, row_lines
from runbooks.landscape.parse.table_cells import cells_of_width, split_cells
from runbooks.landscape.schema import SourceLine


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is read.

    :ivar headers: folded header texts, the most likely first; a leading ``*`` stands for any words.
    """

    name: str
    headers: tuple[str, ...]
    required: bool = False


# The two tables of a landscape file, and the header cells that identify them.
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
# Messages for a ragged row that is complete enough to be read.
READ_ALL_THE_SAME = {
    RUNBOOKS: "It was read, but no status in it is believed.",
    SITUATIONS: "It was read, but its cells may have moved.",
}
# Lines without these words cannot be a header and are skipped.
HINTS = ("runbook", "situation")

# A header is none of these, and is not indented like code.
NO_ROW = re.compile(rf" {{4}}| *\t|{BLOCK_START.pattern}")
YEAR = re.compile(r"20[0-9][0-9]")


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    :ivar cells: the cells by column name.
    :ivar ragged: whether the number of cells is wrong, so that cells may be in the wrong column.
    """

    line: int
    cells: Mapping[str, str]
    ragged: bool

    def cell(self, column: str) -> str:
        """Return the cell as written; empty if the row or the table lacks it."""
        return self.cells.get(column, "")


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    :ivar kind: a key of ``TABLES``.
    :ivar width: the number of columns.
    """

    kind: str
    line: int
    columns: Mapping[str, int]
    rows: tuple[Row, ...]
    width: int


def find_tables(
    lines: Sequence[SourceLine], outline: Outline, notices: NoticeLog
) -> tuple[Table, ...]:
    """Return all tables of the known kinds in ``lines``, in order.

    Lines that ``outline`` hides are skipped. Adds notices for missing and unknown columns, for rows
    that do not match their header, and for rows outside of any table.
    """
    visible = [line for line in lines if line.number not in outline.hidden]
    starts = [
        (position, kind, cells)
        for position in range(len(visible))
        if (kind := _kind_of(cells := _header_cells(visible, position)))
    ]
    ends = [*(position for position, _, _ in starts), len(visible)][1:]
    return tuple(
        _read_table(kind, cells, visible[position:end], outline, notices)
        for (position, kind, cells), end in zip(starts, ends, strict=False)
    )


def _header_cells(lines: Sequence[SourceLine], position: int) -> list[str]:
    """Return the cells of a possible header line; empty if it cannot be one."""
    text = lines[position].text
    if "|" not in text or NO_ROW.match(text):
        return []
    begins = (
        position == 0 or "|" not in lines[position - 1].text or is_delimiter(lines, position + 1)
    )
    folded = text.casefold() if begins else ""
    return split_cells(text) if any(hint in folded for hint in HINTS) else []


def _kind_of(cells: Sequence[str]) -> str:
    """Return the kind of table that these header cells begin, or an empty string."""
    return next((kind for kind in TABLES if _has_required(kind, cells)), "")


def _has_required(kind: str, cells: Sequence[str]) -> bool:
    headers = [_header(cell) for cell in cells]
    return all(_places(column, headers) for column in TABLES[kind] if column.required)


def _header(cell: str) -> str:
    """Return a header cell folded to words, without a leading year (``2026-ready Status``)."""
    tokens = name_tokens(plain_text(cell))
    return " ".join(tokens[1:] if YEAR.fullmatch(tokens[0]) else tokens)


def _places(column: Column, headers: Sequence[str]) -> list[int]:
    """Return the possible positions of ``column``: those of its most likely header text."""
    for wanted in column.headers:
        places = [place for place, header in enumerate(headers) if _fits(header, wanted)]
        if places:
            return places
    return []


def _fits(header: str, wanted: str) -> bool:
    return header.endswith(wanted[1:]) if wanted.startswith("*") else header == wanted


def _read_table(
    kind: str,
    header: Sequence[str],
    lines: Sequence[SourceLine],
    outline: Outline,
    notices: NoticeLog,
) -> Table:
    """Read the table that begins with the first of ``lines`` and may end before the last."""
    first, below = lines[0], lines[1:]
    columns = _read_header(kind, header, first.number, notices)
    if not is_delimiter(below, 0):
        notices.add(
            NoticeKind.RAGGED_ROW,
            first.number,
            "header",
            (
                "No line of dashes stands below this table header, so a Markdown viewer shows no "
                "table. Add one."
            ),
        )
    form = _Form(kind, columns, len(header), first.text)
    extent = Extent(len(header), outline.chapter_lines, outline.blocks)
    rows: list[Row] = []
    above = first.text
    for line in row_lines(below, extent, notices):
        row = _read_row(line, above, form, notices)
        rows += [row] if row else []
        above = line.text
    return Table(kind, first.number, columns, tuple(rows), len(header))


def _read_header(kind: str, header: Sequence[str], line: int, notices: NoticeLog) -> dict[str, int]:
    """Return column name -> position.

    If a column occurs twice, the first one is used if it is required, and none if it is optional.
    """
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
                f'The table of {kind} needs one column "{column.name}" and {found}, so it '
                "was read as empty. "
                "Give exactly one column this header.",
            )
    for place in sorted(set(range(len(header))) - set(columns.values())):
        name = header[place] or f"column {place + 1}"
        notices.add(
            NoticeKind.UNKNOWN_COLUMN,
            line,
            name,
            (
                f'The column "{excerpt(name)}" was not read. Rename it to a known header, or '
                "leave it if it is a remark."
            ),
        )
    return columns


@dataclass(frozen=True, slots=True)
class _Form:
    """The format with which the rows of a table are compared.

    :ivar header: the line of the header.
    """

    kind: str
    columns: Mapping[str, int]
    width: int
    header: str

    @property
    def required(self) -> tuple[Column, ...]:
        return tuple(column for column in TABLES[self.kind] if column.required)


def _read_row(line: SourceLine, above: str, form: _Form, notices: NoticeLog) -> Row | None:
    """Return the row; None, with a notice, if it is incomplete or too uncertain to be read.

    :param above: the line of the row before, or of the header.
    """
    cells = cells_of_width(line.text, form.width)
    if not any(cells):
        return None
    by_name = {name: cells[place] for name, place in form.columns.items() if place < len(cells)}
    if _repeats_header(by_name, form):
        _note_header(line, notices)
        return None
    ragged = len(cells) != form.width
    needed = form.required if ragged else form.required[:1]
    complete = all(plain_text(by_name.get(column.name, "")) for column in needed)
    readable = complete and not _is_rest_of_a_row(line.text, above, by_name, form, ragged=ragged)
    if ragged or not readable:
        _note_ragged(
            line,
            _what_is_wrong(cells, form, ragged, complete),
            form.kind if readable else "",
            notices,
        )
    return Row(line.number, by_name, ragged) if readable else None


def _repeats_header(by_name: Mapping[str, str], form: _Form) -> bool:
    return all(
        by_name.get(column.name, "").strip(" *_`").casefold() in column.headers
        for column in form.required
    )


def _is_rest_of_a_row(
    text: str, above: str, by_name: Mapping[str, str], form: _Form, *, ragged: bool
) -> bool:
    """Return whether the line is the rest of the row before, split by a line break in a cell."""
    if _begins_with_pipe(form.header) and not _begins_with_pipe(text):
        return ragged or not _ends_with_pipe(above)
    path = plain_text(by_name.get("Path", ""))
    return ragged and bool(path) and "/" not in path and (" " in path or "." not in path)


def _begins_with_pipe(text: str) -> bool:
    return text.lstrip().startswith("|")


def _ends_with_pipe(text: str) -> bool:
    return text.rstrip().endswith("|")


def _what_is_wrong(cells: Sequence[str], form: _Form, ragged: bool, complete: bool) -> str:
    if ragged:
        return f"has {len(cells)} cells where the header has {form.width}."
    return (
        "goes on where the one above breaks off."
        if complete
        else f"has nothing below {form.required[0].name}."
    )


def _note_ragged(line: SourceLine, what: str, read_as: str, notices: NoticeLog) -> None:
    outcome = READ_ALL_THE_SAME.get(read_as, "It was not read.")
    notices.add(
        NoticeKind.RAGGED_ROW,
        line.number,
        line.text.strip(),
        (
            rf"The row {what} {outcome} Give it one cell for each column; write a pipe inside a "
            r"cell as \|."
        ),
    )


def _note_header(line: SourceLine, notices: NoticeLog) -> None:
    notices.add(
        NoticeKind.RAGGED_ROW,
        line.number,
        line.text.strip(),
        "The header of the table stands here once more, so the row was not read. Take it out.",
    )
