"""Write the topic chapters: headings, notes, roles and paths. Pure: imports no Django."""

import re
from collections.abc import Mapping, Sequence

from runbooks.landscape.parse.cells import plain_text
from runbooks.landscape.parse.names import ASIDE
from runbooks.landscape.parse.notices import NoticeLog
from runbooks.landscape.parse.outline import Part, split_parts
from runbooks.landscape.parse.paths import read_path
from runbooks.landscape.parse.reader import ParsedFile
from runbooks.landscape.parse.sections import (
    CHAPTER_NUMBER,
    ENTRY_NUMBER,
    LABEL,
    RULE,
    without_quotes,
)
from runbooks.landscape.parse.tables import RUNBOOKS
from runbooks.landscape.schema import Landscape, RunbookRow, SectionEntryRow, SectionRow, SourceLine
from runbooks.landscape.write.edits import LINE_END, LineEdits, rewrite_block
from runbooks.landscape.write.names import NamesWriter
from runbooks.landscape.write.rows import path_cell
from runbooks.landscape.write.spelling import is_german, spell

FIRST_NUMBER = re.compile(r"[0-9]+")
LABELS = {True: ("Pfad", "Rolle"), False: ("Path", "Role")}
# The indentation of a role that has no lines yet.
ROLE_INDENT = "  "


class SectionWriter:
    """Changes the chapters of a file to the wanted content."""

    def __init__(
        self, source: ParsedFile, wanted: Landscape, names: NamesWriter, edits: LineEdits
    ) -> None:
        table = next(table for table in source.tables if table.kind == RUNBOOKS)
        self._path_label, self._role_label = LABELS[is_german(edits.source_line(table.line))]
        self._source, self._wanted, self._names, self._edits = source, wanted, names, edits
        self._parts = {part.line: part for _, part in source.chapters.topics}
        self._paths = {row.title: row.document_path for row in wanted.runbooks}
        self._moved = _moved_paths(source.landscape.runbooks, wanted.runbooks)
        # A changed path or title in the table also changes unmodified entries.
        self._look_closer = bool(self._moved) or names.titles_changed

    def write(self) -> None:
        """Change, remove and add chapters."""
        kept = {section.line: section for section in self._wanted.sections if section.line}
        for before in self._source.landscape.sections:
            part = self._parts[before.line]
            if before.line not in kept:
                self._remove(
                    range(
                        part.line, max((line.number for line in part.body), default=part.line) + 1
                    )
                )
            elif self._look_closer or before != kept[before.line]:
                self._write_section(part, before, kept[before.line])
        for section in self._wanted.sections:
            if not section.line:
                self._add_section(section)

    def _write_section(self, part: Part, before: SectionRow, wanted: SectionRow) -> None:
        if (before.title, before.number) != (wanted.title, wanted.number):
            self._write_heading(
                part, CHAPTER_NUMBER, before.title, wanted.title, number=wanted.number
            )
        _, body = without_quotes(part.body, self._source.outline.hidden)
        ends = self._end_of(part.line, body)
        self._write_entries(body, before, wanted, ends)
        if before.note != wanted.note:
            below = max((line.number for line in before.note_lines), default=ends)
            if not before.note_lines:
                self._edits.add_below(below, [""])
            rewrite_block(self._edits, before.note_lines, wanted.note, indent="> ", below=below)

    def _write_entries(
        self, body: Sequence[SourceLine], before: SectionRow, wanted: SectionRow, ends: int
    ) -> None:
        hidden = self._source.outline.hidden
        entry_parts = {entry.line: entry for entry in split_parts(body, hidden, level=3)}
        kept = {entry.line: entry for entry in wanted.entries if entry.line}
        for entry in before.entries:
            if entry.line in kept:
                self._write_entry(entry_parts[entry.line], entry, kept[entry.line], before, wanted)
            elif entry.runbook is not None:
                self._remove_entry(entry_parts[entry.line])
        count = len(before.entries)
        for entry in wanted.entries:
            if not entry.line:
                count += 1
                self._edits.add_below(
                    ends, ["", *self._entry_lines(entry, f"{wanted.number}.{count}")]
                )

    def _write_entry(
        self,
        part: Part,
        before: SectionEntryRow,
        wanted: SectionEntryRow,
        section: SectionRow,
        now: SectionRow,
    ) -> None:
        heading = wanted.heading if before.path_line else self._mended_heading(wanted)
        if before.heading != heading or section.number != now.number:
            number = now.number if section.number != now.number else None
            self._write_heading(part, ENTRY_NUMBER, before.heading, heading, number=number)
        if before.path_line:
            self._write_path(before.path_line)
        if before.role == wanted.role:
            return
        if before.role_lines:
            rewrite_block(
                self._edits, before.role_lines, wanted.role, indent=ROLE_INDENT, below=part.line
            )
        else:
            self._edits.add_below(before.path_line or part.line, self._role_lines(wanted.role))

    def _mended_heading(self, entry: SectionEntryRow) -> str:
        """Return the heading, or the present title if the heading no longer resolves to it."""
        if entry.runbook is None or self._names.still_means(entry.heading) == entry.runbook:
            return entry.heading
        aside = ASIDE.search(entry.heading)
        return f"{entry.runbook} {aside[0]}" if aside else entry.runbook

    def _write_path(self, number: int) -> None:
        line = self._edits.source_line(number)
        label = LABEL.match(line)
        front, stated = (line[: label.end()], line[label.end() :]) if label else ("", line)
        place = self._source.place
        path = read_path(stated, line=number, notices=NoticeLog(), place=place)
        if path in self._moved:
            self._edits.replace(number, front + path_cell(stated, path, self._moved[path], place))

    def _write_heading(
        self, part: Part, pattern: re.Pattern[str], was: str, title: str, *, number: int | None
    ) -> None:
        line = self._edits.source_line(part.line)
        start = line.rindex(part.text)
        mark = pattern.match(part.text)
        front = part.text[: mark.end()] if mark else ""
        if number is not None and (front or pattern is CHAPTER_NUMBER):
            front = FIRST_NUMBER.sub(str(number), front, count=1) or f"{number}. "
        old = part.text[mark.end() :] if mark else part.text
        text = spell(old, was, title, "{}", reads=plain_text, as_=title)
        self._edits.replace(part.line, line[:start] + front + text + line[start + len(part.text) :])

    def _remove(self, numbers: range) -> None:
        for number in numbers:
            self._edits.remove(number)

    def _remove_entry(self, part: Part) -> None:
        rule = next((line.number for line in part.body if RULE.match(line.text)), None)
        last = rule - 1 if rule else max((line.number for line in part.body), default=part.line)
        texts = {line.number for line in part.body if line.number <= last}
        for number in (part.line, *texts):
            self._edits.remove(number)

    def _end_of(self, heading: int, body: Sequence[SourceLine]) -> int:
        """Return the last line of a chapter's entries, without blank lines and closing rule."""
        lines = [line for line in body if line.text.strip() and not RULE.match(line.text)]
        return lines[-1].number if lines else heading

    def _entry_lines(self, entry: SectionEntryRow, number: str) -> list[str]:
        path = self._paths.get(entry.runbook or "", "")
        labelled = [f"* **{self._path_label}:** `{path}`"] if path else []
        heading = entry.heading or entry.runbook or ""
        return [f"### {number} {heading}", "", *labelled, *self._role_lines(entry.role)]

    def _role_lines(self, role: str) -> list[str]:
        first, *others = LINE_END.split(role)
        if first.startswith(("* ", "- ", "+ ")):
            first, others = "", ["", first, *others]
        label = f"* **{self._role_label}:** {first}".rstrip()
        return [label, *(f"{ROLE_INDENT}{line}".rstrip() for line in others)] if role else []

    def _add_section(self, section: SectionRow) -> None:
        bodies = [*self._parts.values()] or [
            part
            for part in self._source.outline.chapters
            if any(
                table.line in {line.number for line in part.body}
                for table in self._source.tables[:1]
            )
        ]
        last = max((line.number for part in bodies for line in part.body), default=0)
        if not last:
            return
        lines = [f"## {section.number}. {section.title}", ""]
        for place, entry in enumerate(section.entries, start=1):
            lines += [*self._entry_lines(entry, f"{section.number}.{place}"), ""]
        if section.note:
            lines += [*(f"> {line}".rstrip() for line in LINE_END.split(section.note)), ""]
        before = [""] if self._edits.source_line(last).strip() else []
        self._edits.add_below(last, [*before, *lines, "---", ""])


def _moved_paths(before: Sequence[RunbookRow], wanted: Sequence[RunbookRow]) -> Mapping[str, str]:
    """Return old path -> new path of the rows whose path changed."""
    now = {row.line: row.document_path for row in wanted if row.line}
    return {
        row.document_path: now[row.line]
        for row in before
        if row.document_path and now.get(row.line) and now[row.line] != row.document_path
    }
