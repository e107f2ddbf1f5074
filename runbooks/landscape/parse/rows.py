"""Read runbooks and situations from table rows. Pure: imports no Django."""

import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

from runbooks.landscape.parse.cells import (
    BREAK,
    DASHES,
    note_invisible,
    plain_text,
    read_layers,
    read_readiness,
    split_at_commas,
    text_with_lines,
)
from runbooks.landscape.parse.clusters import read_clusters
from runbooks.landscape.parse.names import NameIndex, Resolution, name_tokens
from runbooks.landscape.parse.notices import NoticeKind, NoticeLog, excerpt
from runbooks.landscape.parse.paths import AT_THE_ROOT, FilePlace, StatedPath, read_stated_path
from runbooks.landscape.parse.tables import RUNBOOKS, SITUATIONS, Row, Table
from runbooks.landscape.schema import DeclaredReadiness, RunbookRow, SituationRow

# Markup in a title that changes how a viewer shows it: strikethrough or HTML.
DOUBTFUL = re.compile(r"~~|<[!/a-z]", re.IGNORECASE)
# The fields by which duplicates are compared, with their names. The line is not one of them.
RUNBOOK_FIELDS: dict[str, Callable[[RunbookRow], Hashable]] = {
    "title": lambda row: row.title,
    "path": lambda row: row.document_path,
    "version": lambda row: row.version,
    "scope": lambda row: row.scope,
    "cluster": lambda row: (row.primary_cluster, row.related_clusters),
    "layer": lambda row: row.layers,
    "status": lambda row: row.declared,
}
SITUATION_FIELDS: dict[str, Callable[[SituationRow], Hashable]] = {
    "title": lambda row: row.title,
    "runbooks": lambda row: row.names,
    "comment": lambda row: row.comment,
}


@dataclass(frozen=True, slots=True)
class RepeatedRow:
    """A row that was omitted because it repeats the title or path of the row on ``first_line``."""

    first_line: int
    row: RunbookRow
    ragged: bool


def read_runbooks(tables: Iterable[Table], notices: NoticeLog) -> tuple[RunbookRow, ...]:
    """Return all runbooks of the runbook tables, in order.

    Of rows with the same path or title, the first is kept (notice ``duplicate_row``).
    """
    return read_all_runbooks(tables, notices)[0]


def read_all_runbooks(
    tables: Iterable[Table], notices: NoticeLog, place: FilePlace = AT_THE_ROOT
) -> tuple[tuple[RunbookRow, ...], tuple[RepeatedRow, ...]]:
    """Return the rows that ``read_runbooks`` keeps, and those that repeat one of them."""
    kept: dict[Hashable, RunbookRow] = {}
    repeated: list[RepeatedRow] = []
    for table in tables:
        for row in table.rows if table.kind == RUNBOOKS else ():
            noticed = NoticeLog()
            runbook = _read_runbook(
                row, has_status="Status" in table.columns, notices=noticed, place=place
            )
            keys = _runbook_keys(runbook)
            first = next((kept[key] for key in keys if key in kept), None)
            if first is None:
                kept.update(dict.fromkeys(keys, runbook))
                notices.extend(noticed)
            else:
                # Other problems of a dropped row are irrelevant.
                differing = [
                    name for name, field in RUNBOOK_FIELDS.items() if field(first) != field(runbook)
                ]
                _note_duplicate(NoticeKind.DUPLICATE_ROW, runbook, first, differing, notices)
                repeated.append(RepeatedRow(first.line, runbook, row.ragged))
    return tuple(dict.fromkeys(kept.values())), tuple(repeated)


def _runbook_keys(runbook: RunbookRow) -> list[Hashable]:
    keys: list[Hashable] = [("title", name_tokens(runbook.title))]
    return [*keys, ("path", runbook.document_path)] if runbook.document_path else keys


def _read_runbook(
    row: Row, *, has_status: bool, notices: NoticeLog, place: FilePlace
) -> RunbookRow:
    title = _read_title(row, "Runbook", notices)
    for column in ("Version", "Primary Cluster", "Layer"):
        note_invisible(row.cell(column), row.line, notices)
    clusters = read_clusters(row.cell("Primary Cluster"))
    for odd in clusters.odd_ranges:
        notices.add(
            NoticeKind.ODD_RANGE,
            row.line,
            title,
            f'The range "{excerpt(odd)}" has no proper end, so only its first number was read. '
            "Write the smaller number first, a dash, and no letters.",
        )
    stated = _read_document_path(row, title, notices, place)
    return RunbookRow(
        line=row.line,
        title=title,
        document_path=stated.path,
        link=stated.link,
        version=plain_text(row.cell("Version")),
        scope=text_with_lines(row.cell("Scope")),
        primary_cluster=clusters.primary,
        related_clusters=clusters.related,
        layers=read_layers(row.cell("Layer")),
        declared=_read_declared(row, title, has_status, notices),
    )


def _read_title(row: Row, column: str, notices: NoticeLog) -> str:
    cell = row.cell(column)
    title = plain_text(cell)
    note_invisible(cell, row.line, notices)
    if DOUBTFUL.search(title):
        notices.add(
            NoticeKind.OTHER,
            row.line,
            title,
            f'The title "{excerpt(title)}" is struck through or holds HTML, and was read all '
            "the same. "
            "Take the row out if it no longer holds, or write the title plainly.",
        )
    return title


def _read_document_path(row: Row, title: str, notices: NoticeLog, place: FilePlace) -> StatedPath:
    cell = row.cell("Path")
    if not plain_text(cell).strip(DASHES):
        notices.add(
            NoticeKind.MISSING_PATH,
            row.line,
            title,
            "The row names no document, so the runbook has no text. Enter its path.",
        )
        return StatedPath("")
    return read_stated_path(cell, line=row.line, notices=notices, place=place)


def _read_declared(row: Row, title: str, has_status: bool, notices: NoticeLog) -> DeclaredReadiness:
    # The cells of a ragged row may be shifted: a remark must not become a declaration of readiness.
    if row.ragged or not has_status:
        return DeclaredReadiness("unassessed", None, row.cell("Status"))
    return read_readiness(row.cell("Status"), line=row.line, subject=title, notices=notices)


def read_situations(
    tables: Iterable[Table], index: NameIndex, notices: NoticeLog
) -> tuple[SituationRow, ...]:
    """Return all situations of the situation tables, in order, with runbooks resolved by ``index``.

    A situation that repeats an earlier title is omitted (notice ``duplicate_situation``).
    """
    kept: dict[tuple[str, ...], SituationRow] = {}
    for row in (row for table in tables if table.kind == SITUATIONS for row in table.rows):
        noticed = NoticeLog()
        situation = _read_situation(row, index, noticed)
        first = kept.setdefault(name_tokens(situation.title), situation)
        if first is situation:
            notices.extend(noticed)
        else:
            differing = [
                name for name, field in SITUATION_FIELDS.items() if field(first) != field(situation)
            ]
            _note_duplicate(NoticeKind.DUPLICATE_SITUATION, situation, first, differing, notices)
    return tuple(kept.values())


def _read_situation(row: Row, index: NameIndex, notices: NoticeLog) -> SituationRow:
    title = _read_title(row, "Situation", notices)
    names = split_names(row.cell("Runbooks"), index)
    if not names:
        notices.add(
            NoticeKind.UNRESOLVED_NAME,
            row.line,
            title,
            "The situation names no runbook, so it leads nowhere. Enter at least one title.",
        )
    titles = (resolve_name(name, row.line, index, notices) for name in names)
    return SituationRow(
        line=row.line,
        title=title,
        names=names,
        runbooks=tuple(dict.fromkeys(title for title in titles if title is not None)),
        comment=text_with_lines(row.cell("Comment")),
    )


def split_names(cell: str, index: NameIndex) -> tuple[str, ...]:
    """Return the runbook names of a cell, in order, each once.

    Names are separated by commas outside of parentheses and by line breaks, except where the joined
    parts are a whole title.
    """
    # Split before conversion, because decoding the cell may produce further commas.
    pieces = [
        plain_text(piece) for piece in split_at_commas(BREAK.sub(", ", cell.replace("**", "")))
    ]
    names: dict[Hashable, str] = {}
    start = 0
    while start < len(pieces):
        end = _end_of_name(pieces, start, index)
        name = ", ".join(pieces[start:end])
        if name.strip(DASHES):
            names.setdefault(name_tokens(name), name)
        start = end
    return tuple(names.values())


def _end_of_name(pieces: Sequence[str], start: int, index: NameIndex) -> int:
    """Return the end of the longest whole title that begins at ``start``, or the next piece."""
    longest = min(len(pieces), start + index.most_commas + 1)
    titles = (
        end for end in range(longest, start + 1, -1) if index.is_title(", ".join(pieces[start:end]))
    )
    return next(titles, start + 1)


def resolve_name(name: str, line: int, index: NameIndex, notices: NoticeLog) -> str | None:
    """Return the title that ``name`` means; if there is none, add a notice and return None."""
    resolution = index.resolve(name)
    if resolution.title is None:
        _note_unclear(name, line, resolution, notices)
    return resolution.title


def _note_unclear(name: str, line: int, resolution: Resolution, notices: NoticeLog) -> None:
    if resolution.candidates:
        candidates = "; ".join(excerpt(title) for title in resolution.candidates)
        notices.add(
            NoticeKind.AMBIGUOUS_NAME,
            line,
            name,
            (
                f'"{excerpt(name)}" fits several runbooks ({candidates}), so none was linked. '
                "Write the full title."
            ),
        )
    else:
        notices.add(
            NoticeKind.UNRESOLVED_NAME,
            line,
            name,
            f'"{excerpt(name)}" fits no runbook of the table, so none was linked. '
            "Write the title as it stands there, or add the runbook.",
        )


def _note_duplicate(
    kind: NoticeKind,
    row: RunbookRow | SituationRow,
    first: RunbookRow | SituationRow,
    differing: Sequence[str],
    notices: NoticeLog,
) -> None:
    difference = f"They differ in: {', '.join(differing)}." if differing else "They say the same."
    notices.add(
        kind,
        row.line,
        row.title,
        f'"{excerpt(row.title)}" stands on line {first.line} already; '
        f"that row was kept and this one left out. {difference} Delete one of the two.",
    )
