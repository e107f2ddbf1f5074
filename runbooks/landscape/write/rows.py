"""Write the rows of the two tables, changing only differing cells. Pure: imports no Django."""

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar
from urllib.parse import quote

from runbooks.landscape.parse.cells import (
    BREAK,
    LINK,
    plain_text,
    read_layers,
    read_readiness,
    text_with_lines,
)
from runbooks.landscape.parse.names import name_tokens
from runbooks.landscape.parse.notices import NoticeLog
from runbooks.landscape.parse.paths import FilePlace, read_path
from runbooks.landscape.parse.reader import ParsedFile
from runbooks.landscape.parse.rows import RepeatedRow
from runbooks.landscape.parse.table_cells import spans_of_width
from runbooks.landscape.parse.tables import RUNBOOKS, SITUATIONS, Table
from runbooks.landscape.schema import DeclaredReadiness, RunbookRow, SituationRow
from runbooks.landscape.write.contradictions import claimed_years
from runbooks.landscape.write.edits import LINE_END, LineEdits
from runbooks.landscape.write.names import NamesWriter
from runbooks.landscape.write.spelling import clusters_text, is_german, spell, width

# A pipe that would separate two cells, unless it is escaped.
BARE_PIPE = re.compile(r"(\\[\\|])|\|")


class Numbered(Protocol):
    """A row that knows its line."""

    @property
    def line(self) -> int:
        """Return the line, counted from 1; 0 for a new row."""


RowType = TypeVar("RowType", bound=Numbered)
# The fields of a duplicate row that follow the first row if they were equal before.
FOLLOWING = (
    *("title", "document_path", "version", "scope"),
    *("primary_cluster", "related_clusters", "layers", "declared"),
)
# (old cell, previous row or None if it is new, wanted row) -> new cell, or None if unchanged.
Cell = Callable[[str, RowType | None, RowType], str | None]


def write_runbooks(source: ParsedFile, wanted: Sequence[RunbookRow], edits: LineEdits) -> None:
    """Change the runbook tables to ``wanted``.

    New rows are added where their order requires, or at the end of the last table. A duplicate row
    is changed or removed with the row that it repeats, so that the two do not contradict each
    other.
    """
    tables = [table for table in source.tables if table.kind == RUNBOOKS]
    linked = "verknüpft mit" if is_german(edits.source_line(tables[0].line)) else "linked with"
    cells: dict[str, Cell[RunbookRow]] = {
        "Runbook": _title,
        "Path": lambda old, was, row: _path(old, was, row, source.place),
        "Version": lambda old, was, row: _changed(old, was, row, lambda each: each.version, "{}"),
        "Scope": lambda old, was, row: _text(old, was.scope if was else None, row.scope),
        "Primary Cluster": lambda old, was, row: _clusters(was, row, linked),
        "Layer": _layers,
        "Status": _status,
    }
    before = {row.line: row for row in source.landscape.runbooks}
    _write_tables(tables, before, wanted, cells, edits)
    table_of = {row.line: table for table in tables for row in table.rows}
    kept = {row.line: row for row in wanted if row.line}
    for line, was, now in _repeated_rows(source.repeated, before, kept):
        if now is None:
            edits.remove(line)
        elif was != now:
            edits.replace(
                line, _rewritten(edits.source_line(line), table_of[line], was, now, cells)
            )


def _repeated_rows(
    repeated: Iterable[RepeatedRow],
    before: Mapping[int, RunbookRow],
    kept: Mapping[int, RunbookRow],
) -> Iterable[tuple[int, RunbookRow, RunbookRow | None]]:
    """Yield line, previous row and wanted row of each duplicate; None if it is removed.

    Fields that were equal to those of the first row follow it. The status always follows. A ragged
    row is left unchanged, because its cells may be shifted, and its claims are reported.
    """
    for each in repeated:
        first, now = before[each.first_line], kept.get(each.first_line)
        if now is None or each.ragged:
            yield each.row.line, each.row, None if now is None else each.row
        else:
            yield each.row.line, each.row, _followed(each.row, first, now)


def _followed(row: RunbookRow, first: RunbookRow, now: RunbookRow) -> RunbookRow:
    changes = {
        name: getattr(now, name)
        for name in FOLLOWING
        if getattr(first, name) == getattr(row, name) != getattr(now, name)
    }
    if first.title != now.title and name_tokens(row.title) == name_tokens(first.title):
        changes["title"] = now.title
    other_level = (row.declared.level, row.declared.year) != (now.declared.level, now.declared.year)
    if other_level or (claimed_years(row.declared.text) and row.declared.text != now.declared.text):
        changes["declared"] = now.declared
    return replace(row, **changes)


def write_situations(
    source: ParsedFile, wanted: Sequence[SituationRow], names: NamesWriter, edits: LineEdits
) -> None:
    """Change the situation tables to ``wanted``.

    :param names: spells the runbooks of a cell.
    """
    tables = [table for table in source.tables if table.kind == SITUATIONS]
    cells: dict[str, Cell[SituationRow]] = {
        "Situation": _title,
        "Runbooks": lambda old, was, row: names.cell(was, row),
        "Comment": lambda old, was, row: _text(old, was.comment if was else None, row.comment),
    }
    before = {row.line: row for row in source.landscape.situations}
    _write_tables(tables, before, wanted, cells, edits, look_closer=names.titles_changed)


def _write_tables(
    tables: Sequence[Table],
    before: Mapping[int, RowType],
    wanted: Sequence[RowType],
    cells: Mapping[str, Cell[RowType]],
    edits: LineEdits,
    *,
    look_closer: bool = False,
) -> None:
    kept = {row.line: row for row in wanted if row.line}
    # In a ragged row, another cell may be in the position of the status.
    ragged = {row.line for table in tables for row in table.rows if row.ragged}
    sure = {name: cell for name, cell in cells.items() if name != "Status"}
    for table in tables:
        lines = [row.line for row in table.rows if row.line in before]
        written = {
            line: _rewritten(
                edits.source_line(line),
                table,
                before[line],
                kept[line],
                sure if line in ragged else cells,
            )
            if look_closer or before[line] != kept[line]
            else edits.source_line(line)
            for line in lines
            if line in kept
        }
        slots = list(written)
        for slot, line in zip(slots, (line for line in kept if line in written), strict=True):
            edits.replace(slot, written[line])
        for line in lines:
            if line not in kept:
                edits.remove(line)
    if tables:
        _add_rows(tables[-1], before, wanted, cells, edits)


def _add_rows(
    table: Table,
    before: Mapping[int, RowType],
    wanted: Sequence[RowType],
    cells: Mapping[str, Cell[RowType]],
    edits: LineEdits,
) -> None:
    """Add each new row below the one that it follows in ``wanted``."""
    here = {row.line for row in table.rows if row.line in before}
    last = max((row.line for row in table.rows), default=table.line + 1)
    follows = [row.line for row in wanted if row.line in here]
    slots = sorted(follows)
    slot_of = dict(zip(follows, slots, strict=True))
    header = edits.source_line(table.line)
    below = table.line + 1 if follows and not wanted[0].line else last
    for row in wanted:
        if row.line:
            below = slot_of.get(row.line, below)
        else:
            edits.add_below(below if follows else last, [_new_row(header, table, row, cells)])


def _rewritten(
    text: str, table: Table, was: RowType, row: RowType, cells: Mapping[str, Cell[RowType]]
) -> str:
    """Return the line with the differing cells rewritten, if possible in their previous width."""
    spans = spans_of_width(text, table.width)
    places = {
        name: place for name, place in table.columns.items() if name in cells and place < len(spans)
    }
    for name, place in sorted(places.items(), key=lambda item: -item[1]):
        start, end = spans[place]
        old = text[start:end]
        new = cells[name](old.strip().replace("\\|", "|"), was, row)
        if new is not None:
            text = text[:start] + _fitted(old, new) + text[end:]
    return text


def _new_row(header: str, table: Table, row: RowType, cells: Mapping[str, Cell[RowType]]) -> str:
    """Return a whole row in the column widths of the header."""
    spans = spans_of_width(header, table.width)
    contents = ["" for _ in spans]
    for name, place in table.columns.items():
        contents[place] = cells[name]("", None, row) or ""
    padded = [
        _fitted(header[start:end], content)
        for (start, end), content in zip(spans, contents, strict=True)
    ]
    return header[: spans[0][0]] + "|".join(padded) + header[spans[-1][1] :]


def _fitted(old: str, new: str) -> str:
    """Return ``new`` with the white space and, if possible, the width of ``old``; escape pipes."""
    content = BARE_PIPE.sub(lambda match: match[1] or "\\|", " ".join(LINE_END.split(new))).strip()
    lead = old[: len(old) - len(old.lstrip())] if old.strip() else " "
    room = width(old) - width(lead) - width(content)
    # A backslash at the end must not escape the pipe after it.
    parted = old.endswith((" ", "\t")) or not old.strip() or content.endswith("\\")
    return lead + content + (" " * room if room > 0 else " " * parted)


# --- cells --------------------------------------------------------------------------------


class _Titled(Protocol):
    @property
    def title(self) -> str: ...


TitledRow = TypeVar("TitledRow", bound=_Titled)


def _title(old: str, was: TitledRow | None, row: TitledRow) -> str | None:
    return _changed(old, was, row, lambda each: each.title, "**{}**")


def _changed(
    old: str, was: TitledRow | None, row: TitledRow, value: Callable[[TitledRow], str], house: str
) -> str | None:
    before = value(was) if was else None
    if before == value(row):
        return None
    return spell(old, before or "", value(row), house, reads=plain_text, as_=value(row))


def _text(old: str, was: str | None, now: str) -> str | None:
    """Return a Markdown text with line breaks in the form that the cell uses."""
    if was == now:
        return None
    in_use = BREAK.search(old) if text_with_lines(old) != old else None
    return (in_use[0] if in_use else "<br>").join(LINE_END.split(now))


def _path(old: str, was: RunbookRow | None, row: RunbookRow, place: FilePlace) -> str | None:
    if was and was.document_path == row.document_path:
        return None
    before = was.document_path if was else ""
    return path_cell(old, before, row.document_path, place)


def path_cell(old: str, was: str, path: str, place: FilePlace) -> str:
    """Return a path for a cell or a line: a link stays a link; other new paths get backticks."""

    def read(cell: str) -> str:
        return read_path(cell, line=0, notices=NoticeLog(), place=place)

    link = LINK.search(old)
    if link and path:
        target = quote(posixpath.relpath(path, posixpath.dirname(place.path) or "."))
        linked = old[: link.start(2)] + target + old[link.end(2) :]
        if read(linked) == path:
            return linked
    return spell(old, was, path, "`{}`", reads=read, as_=path)


def _clusters(was: RunbookRow | None, row: RunbookRow, linked: str) -> str | None:
    meaning = (row.primary_cluster, frozenset(row.related_clusters))
    if was and (was.primary_cluster, frozenset(was.related_clusters)) == meaning:
        return None
    return clusters_text(row.primary_cluster, row.related_clusters, linked=linked)


def _layers(old: str, was: RunbookRow | None, row: RunbookRow) -> str | None:
    if was and was.layers == row.layers:
        return None
    before = ", ".join(was.layers) if was else ""
    return spell(old, before, ", ".join(row.layers), "**{}**", reads=read_layers, as_=row.layers)


def _status(old: str, was: RunbookRow | None, row: RunbookRow) -> str | None:
    if was and was.declared == row.declared:
        return None
    return row.declared.text or _house_status(row.declared)


def _house_status(declared: DeclaredReadiness) -> str:
    return status_text(declared.level, declared.year, ())


def status_text(level: str, year: int | None, in_use: Sequence[DeclaredReadiness]) -> str:
    """Return the text for a readiness: the one that the file uses for it, or its default name."""
    for declared in in_use:
        if declared.level == level:
            text = (
                declared.text.replace(str(declared.year), str(year), 1) if year else declared.text
            )
            if _reads_as(text, level, year):
                return text
    return f"✅ {year}-ready" if year else PLAIN_STATUS[level]


PLAIN_STATUS = {
    "unassessed": "unassessed",
    "rnd_only": "⚠️ R&D only",
    "safety_sandbox": "✅ Safety-Sandbox",
    "shadow": "✅ Shadow-Mode",
    "track": "⚠️ Track",
    "retired": "retired",
}


def _reads_as(text: str, level: str, year: int | None) -> bool:
    notices = NoticeLog()
    read = read_readiness(text, line=0, subject="", notices=notices)
    return (read.level, read.year) == (level, year) and not notices.in_order()
