"""Write code references, releases and the overview drawing. Pure: imports no Django."""

from collections.abc import Iterable, Sequence

from runbooks.landscape.parse.cells import LINK
from runbooks.landscape.parse.reader import ParsedFile
from runbooks.landscape.parse.references import bullets, find_drawing
from runbooks.landscape.schema import CodeReferenceRow, Landscape, ReleaseRow, SectionRow
from runbooks.landscape.write.edits import LINE_END, LineEdits, rewrite_block

# --- code references ----------------------------------------------------------------------


def write_code_references(
    source: ParsedFile, wanted: Sequence[CodeReferenceRow], edits: LineEdits
) -> None:
    """Change the bullets of the code chapters to ``wanted``; new ones are added at the end."""
    hidden = source.outline.hidden
    lines = {
        bullet[0].number: [line.number for line in bullet]
        for chapter in source.chapters.code
        for bullet in bullets(chapter.body, hidden)
    }
    for first, before in _by_line(source.landscape.code_references).items():
        now = [row for row in wanted if row.line == first]
        if now != before:
            _write_bullet(edits, lines[first], before, now)
    last = max((number for numbers in lines.values() for number in numbers), default=0)
    if last:
        edits.add_below(last, (_bullet([row]) for row in wanted if not row.line))


def _by_line(rows: Iterable[CodeReferenceRow]) -> dict[int, list[CodeReferenceRow]]:
    grouped: dict[int, list[CodeReferenceRow]] = {}
    for row in rows:
        grouped.setdefault(row.line, []).append(row)
    return grouped


def _write_bullet(
    edits: LineEdits,
    lines: Sequence[int],
    before: Sequence[CodeReferenceRow],
    now: Sequence[CodeReferenceRow],
) -> None:
    """Rewrite one bullet. Paths with different descriptions get a bullet each."""
    groups = {
        row.description: [other for other in now if other.description == row.description]
        for row in now
    }
    for number in lines:
        edits.remove(number)
    if not groups:
        return
    texts = [_bullet(group) for group in groups.values()]
    in_place = (
        _in_place(edits.source_line(lines[0]), before, now)
        if len(groups) == len(lines) == 1
        else None
    )
    edits.replace(lines[0], in_place or texts[0])
    edits.add_below(lines[0], texts[1:])


def _in_place(
    line: str, before: Sequence[CodeReferenceRow], now: Sequence[CodeReferenceRow]
) -> str | None:
    """Return the line with its texts replaced one by one; None if that is ambiguous."""
    if len(before) != len(now) or LINK.search(line):
        return None
    for was, row in zip(before, now, strict=True):
        for old, new in ((f"`{was.path}`", f"`{row.path}`"), (was.description, row.description)):
            if old == new or (row is not now[0] and old == was.description):
                continue
            if not old or line.count(old) != 1:
                return None
            line = line.replace(old, new)
    return line


def _bullet(rows: Sequence[CodeReferenceRow]) -> str:
    paths = " & ".join(f"`{row.path}`" for row in rows)
    remark = f" & {rows[0].remark}" if rows[0].remark else ""
    description = " ".join(rows[0].description.split())
    return f"* {paths}{remark} – {description}" if description else f"* {paths}{remark}"


# --- releases -----------------------------------------------------------------------------


def write_releases(source: ParsedFile, wanted: Sequence[ReleaseRow], edits: LineEdits) -> None:
    """Change the headings of releases, and add new releases above the others."""
    before = {row.line: row for row in source.landscape.releases}
    for row in wanted:
        was = before.get(row.line)
        if was and _heading(was) != _heading(row):
            edits.replace(row.line, _release_line(edits.source_line(row.line), was, row))
    first = min(before, default=0)
    if not first and source.chapters.change_logs:
        first = source.chapters.change_logs[0].line + 2
    for row in wanted:
        if not row.line and first:
            entries = [line for entry in row.entries for line in _entry_lines(entry)]
            edits.add_below(
                first - 1, [f"* **{_heading(row)}**", "", *entries, *([""] if entries else [])]
            )


def _heading(row: ReleaseRow) -> str:
    return " – ".join(part for part in (row.version, row.dated, row.label) if part)


def _release_line(line: str, was: ReleaseRow, row: ReleaseRow) -> str:
    for old, new in ((was.dated, row.dated), (was.label, row.label)):
        if old == new:
            continue
        if not (old and new and line.count(old) == 1):
            start = line.index(was.version)
            marks = "**" if line.rstrip().endswith("**") else ""
            return line[:start] + _heading(row) + marks
        line = line.replace(old, new)
    return line


def _entry_lines(entry: str) -> list[str]:
    first, *others = LINE_END.split(entry)
    return [f"  * {first}", *(f"    {line}".rstrip() for line in others)]


# --- the overview -------------------------------------------------------------------------


def write_overview(source: ParsedFile, wanted: Landscape, edits: LineEdits) -> None:
    """Redraw the overview if chapters, or the runbooks in them, have changed.

    Otherwise a drawing made by hand is kept.
    """
    lines = find_drawing(source.chapters.overviews, source.outline.hidden)
    title_at = {row.line: row.title for row in wanted.runbooks if row.line}
    now_called = {row.title: title_at.get(row.line, row.title) for row in source.landscape.runbooks}
    before = [
        (
            section.title,
            [now_called.get(entry.runbook or "") for entry in section.entries if entry.runbook],
        )
        for section in source.landscape.sections
    ]
    now = [
        (section.title, [entry.runbook for entry in section.entries if entry.runbook])
        for section in wanted.sections
    ]
    if lines and before != now:
        rewrite_block(
            edits, lines, drawing(wanted.title, wanted.sections), indent="", below=lines[0].number
        )


def drawing(title: str, sections: Sequence[SectionRow]) -> str:
    """Return the overview as a tree: the landscape, its chapters, their runbooks."""
    border = f"+{'-' * (len(title) + 2)}+"
    lines = [border, f"| {title} |", border]
    for section in sections:
        lines += ["  |", f"  +-- {section.number}. {section.title}"]
        lines += [f"  |     - {entry.runbook}" for entry in section.entries if entry.runbook]
    return "\n".join(lines)
