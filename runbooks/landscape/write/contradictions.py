"""Find lines of a written file that state another readiness or version than the runbook has.

Pure: imports no Django. The writer only changes known cells, but readers trust every line of the
file. The written file is therefore searched for such statements everywhere: in any column and
table, in rows that could not be read, in headings, roles, notes, comments and drawings. The change
log is skipped, because it describes the past.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from runbooks.landscape.parse.cells import DASHES, TICK, plain_text
from runbooks.landscape.parse.names import NameIndex, name_tokens
from runbooks.landscape.parse.notices import NoticeKind, excerpt
from runbooks.landscape.parse.outline import (
    COMMENT_BEGIN,
    COMMENT_END,
    MAX_LINE_LENGTH,
    split_parts,
)
from runbooks.landscape.parse.reader import ParsedFile
from runbooks.landscape.parse.table_cells import split_cells
from runbooks.landscape.schema import Landscape, RunbookRow, SourceLine

# "2026-ready" with an optional tick and "live". The text after it decides whether it is a claim or
# an adjective.
READY = re.compile(
    rf"(?<![\w{re.escape(DASHES)}])({TICK}\ufe0f? *)?(?:(20[2-9][0-9]) ?[{re.escape(DASHES)}] ?)?"
    rf"(?:live[ {re.escape(DASHES)}])?ready(?!\w)",
    re.IGNORECASE,
)
STATUS_LABEL = re.compile(r"\bstatus\b\W{0,6}$", re.IGNORECASE)
DENIED = re.compile(r"\b(?:not|no|nicht|kein|keine|never|nie) $", re.IGNORECASE)
WORD_FOLLOWS = re.compile(rf"[{re.escape(DASHES)}]?\w|[ /](?=\w)")
VERSION = re.compile(r"(?<![\w.])v\d{1,6}(?:\.\d{1,6}){0,3}(?![\w.])", re.IGNORECASE)
REMEDY = "Correct the line by hand, or in the portal where the text comes from there."
MAX_COUNT_LENGTH = 6
# How many characters before a match are searched for a word that makes it a claim or negates it.
MAX_LEAD_LENGTH = 40
# A shorter name could also be an ordinary word.
MIN_NAME_LENGTH = 2
# Characters that separate paths from words.
NO_PATH = re.compile(r"[\s`|()<>\[\]\"'*]+")
# Characters around the words of a line of prose or of a drawing.
FRAME = "#>+*-|\u2022\u00b7\u2500\u2502 \t"


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A line that contradicts a runbook; ``line`` counts from 1 in the written file."""

    line: int
    message: str


def contradictions(
    file: ParsedFile, wanted: Landscape, before: Landscape
) -> tuple[Contradiction, ...]:
    """Return every line of ``file`` that contradicts ``wanted``, in order.

    :param file: the written file, read back.
    :param wanted: the content that should have been written.
    :param before: the content of the file before it was written; it tells which versions are
        outdated.
    """
    book = _Book(file, wanted)
    found: list[Contradiction] = []
    former = _former_versions(before, wanted)
    for line in _stating_lines(file):
        found += _readiness_on(line, book)
        found += _version_on(line, book, former)
    return tuple(found)


# --- readiness ----------------------------------------------------------------------------


def claimed_years(text: str) -> list[int | None]:
    """Return the years for which a text claims that something is ready.

    A claim without a year gives None. A claim has a tick, or follows the word "status". With a
    year, it may also be at the end of the text: "2026-ready criteria" is not a claim.
    """
    years: list[int | None] = []
    for match in READY.finditer(text):
        ahead = text[max(0, match.start() - MAX_LEAD_LENGTH) : match.start()]
        ends = bool(match[2]) and not WORD_FOLLOWS.match(text, match.end())
        if not DENIED.search(ahead) and (match[1] or ends or STATUS_LABEL.search(ahead)):
            years.append(int(match[2]) if match[2] else None)
    return years


def _readiness_on(line: SourceLine, book: "_Book") -> Iterator[Contradiction]:
    texts = _texts(line.text)
    years = [year for text in texts for year in claimed_years(text)]
    if not years or book.is_as_declared(line, years):
        return
    titles = book.titles_on(line)
    for title in titles:
        row = book.rows[title]
        wrong = [year for year in years if not _holds(row, year)]
        if wrong:
            yield Contradiction(
                line.number,
                (
                    f'The line says {_said(wrong[0])}, and the runbook "{excerpt(title)}" is '
                    f"{_stands(row)}. {REMEDY}"
                ),
            )
    if not titles:
        yield from _unattributed(line, texts, years, book)


def _unattributed(
    line: SourceLine, texts: Sequence[str], years: Sequence[int | None], book: "_Book"
) -> Iterator[Contradiction]:
    """Yield contradictions of rows without a runbook.

    These are rows that could not be read, and rows that state how many runbooks are ready.
    """
    if line.number in book.unread:
        yield Contradiction(
            line.number,
            f"The row says {_said(years[0])} and could not be read, so nobody knows for "
            "which runbook. "
            "Give it one cell for each column, or take it out.",
        )
    counts = [int(text) for text in texts if len(text) < MAX_COUNT_LENGTH and text.isdecimal()]
    ready = sum(_holds(row, years[0]) for row in book.rows.values())
    if len(texts) > 1 and counts and ready not in counts:
        yield Contradiction(
            line.number,
            (
                f"The row counts {counts[0]} as {_said(years[0])}; there are {ready}. Correct it "
                "by hand."
            ),
        )


def _holds(row: RunbookRow, year: int | None) -> bool:
    return row.declared.level == "ready" and year in (None, row.declared.year)


def _said(year: int | None) -> str:
    return f"{year}-ready" if year else "ready"


def _stands(row: RunbookRow) -> str:
    return (
        f"ready for {row.declared.year}"
        if row.declared.level == "ready"
        else f"not ready ({row.declared.level})"
    )


def _texts(text: str) -> list[str]:
    """Return the cells of a line as a reader sees them; the whole line if it has no cells."""
    cells = split_cells(text) if "|" in text else [text]
    return [plain_text(cell.strip(FRAME)) for cell in cells]


# --- versions -----------------------------------------------------------------------------


def _former_versions(before: Landscape, wanted: Landscape) -> Mapping[str, tuple[str, str]]:
    """Return title -> (former version number, present version) where the number has changed."""
    was = {row.line: row.version for row in before.runbooks}
    changed = {}
    for row in wanted.runbooks:
        old, new = VERSION.search(was.get(row.line, "")), VERSION.search(row.version)
        if row.line and old and (new is None or old[0].lower() != new[0].lower()):
            changed[row.title] = (old[0].lower(), row.version)
    return changed


def _version_on(
    line: SourceLine, book: "_Book", former: Mapping[str, tuple[str, str]]
) -> Iterator[Contradiction]:
    if not former or line.number in book.row_lines:
        return
    stated = {match[0].lower() for match in VERSION.finditer(line.text)}
    for title in book.titles_on(line) if stated else ():
        old, new = former.get(title, ("", ""))
        if old in stated:
            yield Contradiction(
                line.number,
                (
                    f'The line says {old}, and the runbook "{excerpt(title)}" has the version '
                    f'"{excerpt(new)}". {REMEDY}'
                ),
            )


# --- which runbook a line is about ----------------------------------------------------------


class _Book:
    """The wanted runbooks, and the lines that refer to them."""

    def __init__(self, file: ParsedFile, wanted: Landscape) -> None:
        self.rows = {row.title: row for row in wanted.runbooks}
        self._index = NameIndex(self.rows)
        self._paths = {row.document_path: row.title for row in wanted.runbooks if row.document_path}
        self._titles = {name_tokens(title): title for title in self.rows}
        self._lengths = sorted({len(tokens) for tokens in self._titles})
        kept = {row.line: (row.title, row.declared.text) for row in file.landscape.runbooks}
        self._kept = kept | {
            each.row.line: (kept[each.first_line][0], each.row.declared.text)
            for each in file.repeated
        }
        self.row_lines = frozenset(self._kept)
        self._about = _lines_about(file)
        self.unread = frozenset(
            notice.line for notice in file.landscape.notices if notice.kind == NoticeKind.RAGGED_ROW
        )

    def is_as_declared(self, line: SourceLine, years: Sequence[int | None]) -> bool:
        """Return whether the only claim in a runbook's row is exactly the text that it declares."""
        title, text = self._kept.get(line.number, ("", ""))
        row = self.rows.get(title)
        return (
            row is not None
            and text == row.declared.text
            and claimed_years(plain_text(text)) == years
        )

    def titles_on(self, line: SourceLine) -> tuple[str, ...]:
        """Return the runbooks that a line names, or else those of the surrounding part."""
        title, _ = self._kept.get(line.number, ("", ""))
        named = self._named_in(line.text)
        own = (
            [title, *named]
            if title
            else named or self._about.get(line.number) or self._by_short_name(line.text)
        )
        return tuple(dict.fromkeys(each for each in own if each in self.rows))

    def _named_in(self, text: str) -> list[str]:
        """Return the runbooks whose whole title or path is in a text."""
        tokens = name_tokens(text)
        runs = (
            tokens[place : place + length]
            for place in range(len(tokens))
            for length in self._lengths
        )
        titles = [self._titles[run] for run in runs if run in self._titles]
        return titles + [self._paths[path] for path in NO_PATH.split(text) if path in self._paths]

    def _by_short_name(self, text: str) -> list[str]:
        """Return the one runbook that the words before the claim mean, if any."""
        claim = READY.search(text)
        ahead = text[: claim.start()] if claim else text
        name = plain_text(ahead.strip(FRAME).rstrip("(:" + DASHES + " "))
        title = (
            self._index.resolve(name).title if len(name_tokens(name)) >= MIN_NAME_LENGTH else None
        )
        return [title] if title else []


def _lines_about(file: ParsedFile) -> dict[int, tuple[str, ...]]:
    """Return line number -> runbooks that it is about.

    These are the runbook of an entry, and the runbooks to which a situation leads.
    """
    about = {row.line: row.runbooks for row in file.landscape.situations}
    entries = {
        entry.line: entry.runbook
        for section in file.landscape.sections
        for entry in section.entries
        if entry.runbook
    }
    for _, chapter in file.chapters.topics:
        for part in split_parts(chapter.body, file.outline.hidden, level=3):
            title = entries.get(part.line)
            if title:
                about |= dict.fromkeys((part.line, *(line.number for line in part.body)), (title,))
    return about


def _stating_lines(file: ParsedFile) -> Iterator[SourceLine]:
    """Yield the lines that are visible in the rendered file, except for the change log."""
    past = {line.number for chapter in file.chapters.change_logs for line in chapter.body}
    yield from _without_comments(line for line in file.lines if line.number not in past)


def _without_comments(lines: Iterable[SourceLine]) -> Iterator[SourceLine]:
    in_comment = False
    for line in lines:
        begins = line.text.lstrip().startswith(COMMENT_BEGIN)
        if not (in_comment or begins) and len(line.text) <= MAX_LINE_LENGTH:
            yield line
        in_comment = (in_comment or begins) and COMMENT_END not in line.text
