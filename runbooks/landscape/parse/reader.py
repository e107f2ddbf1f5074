"""Reads a landscape file: Markdown in, frozen dataclasses out. Pure: imports no Django.

Nothing is guessed or dropped silently. Anything that cannot be read with certainty becomes a notice
with its line and advice on what to do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runbooks.landscape.parse.conflicts import (
    Choices,
    choose_sides,
    find_conflicts,
    settle_conflicts,
    split_lines,
)
from runbooks.landscape.parse.names import name_tokens
from runbooks.landscape.parse.notices import NoticeKind, NoticeLog, excerpt
from runbooks.landscape.parse.outline import (
    MAX_LINE_LENGTH,
    Outline,
    Part,
    code_blocks,
    read_outline,
    split_parts,
)
from runbooks.landscape.parse.paths import FilePlace
from runbooks.landscape.parse.references import (
    DRAWING_LANGUAGES,
    read_code_references,
    read_overview,
)
from runbooks.landscape.parse.releases import read_releases
from runbooks.landscape.parse.rows import RepeatedRow, read_all_runbooks, read_situations
from runbooks.landscape.parse.sections import (
    CHAPTER_NUMBER,
    Catalogue,
    chapter_title,
    path_lines,
    read_sections,
)
from runbooks.landscape.parse.tables import RUNBOOKS, SITUATIONS, Table, find_tables
from runbooks.landscape.schema import (
    ConflictBlock,
    ConflictChoice,
    Landscape,
    LandscapeError,
    SourceLine,
)

# Words in a chapter's title that tell its purpose (folded like names).
CODE_WORDS = ("code referenz", "code reference")
OVERVIEW_WORDS = ("architektur", "architecture", "overview", "übersicht")
CHANGE_LOG_WORDS = ("change log", "changelog", "änderungen")

# Messages for parts that look like chapters with entries but were not read as such.
PASSED_OVER = (
    "Entries with a path stand in a chapter that is read as something else (a table, the overview, "
    "code references or the change log), so they were not read. Give them a chapter of their own."
)
WITHOUT_ENTRIES = (
    "A path stands in a chapter without an entry, so the chapter was not read. Begin each entry "
    "with ### and its title."
)
TOO_HIGH = (
    "A heading with one # begins no chapter, so what stands below it was not read as one. Begin "
    "the chapter with ##."
)


def read_landscape(
    text: str,
    *,
    conflicts: Choices = ConflictChoice.STOP,
    aliases: Mapping[str, str] | None = None,
    path: str = "",
) -> Landscape:
    """Read the Markdown ``text`` of a landscape file.

    Every line number in the result is that of the file.

    :param text: the decoded file, with any line endings and an optional byte order mark.
    :param conflicts: the side to use for unresolved merge conflicts: one for all, or one for each
        block by its first line.
    :param aliases: further names of runbooks -> the titles of the table.
    :param path: the path of the file from the root of the repository; its links are relative to it.
    :raises UnresolvedConflicts: there are blocks without a choice (``ConflictChoice.STOP``); with
        both sides of each.
    :raises LandscapeError: there are stray conflict markers, or the file is not text or has no
        runbook table.
    """
    _refuse_binary(text)
    lines = split_lines(text)
    blocks = find_conflicts(lines)
    sides = choose_sides(blocks, conflicts)
    notices = NoticeLog()
    _note_conflicts(blocks, sides, notices)
    settled = settle_conflicts(lines, blocks, sides)
    return _read_settled(settled, blocks, aliases or {}, notices, path).landscape


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """The content of a file and its positions, for the writer.

    :ivar repeated: the runbook rows that were omitted as duplicates.
    """

    landscape: Landscape
    repeated: tuple[RepeatedRow, ...]
    lines: tuple[SourceLine, ...]
    place: FilePlace
    outline: Outline
    tables: tuple[Table, ...]
    chapters: "Chapters"


def parse_settled(
    text: str, *, aliases: Mapping[str, str] | None = None, path: str = ""
) -> ParsedFile:
    """Read a file without conflicts. See ``read_landscape`` for ``path`` and the exceptions."""
    lines = split_lines(text)
    choose_sides(find_conflicts(lines), ConflictChoice.STOP)
    return _read_settled(lines, (), aliases or {}, NoticeLog(), path)


def _read_settled(
    lines: Sequence[SourceLine],
    blocks: tuple[ConflictBlock, ...],
    aliases: Mapping[str, str],
    notices: NoticeLog,
    path: str,
) -> ParsedFile:
    outline = read_outline(lines)
    place = FilePlace.of(path, (line for line in lines if line.number not in outline.hidden))
    tables = find_tables(lines, outline, notices)
    _refuse_without_runbooks(tables, outline)
    _note_missing_parts(tables, outline, notices)
    runbooks, repeated = read_all_runbooks(tables, notices, place)
    catalogue = Catalogue.of(runbooks, aliases, place)
    kinds = Chapters(outline, tables)
    _note_unread(kinds, notices)
    landscape = Landscape(
        title=outline.title,
        runbooks=runbooks,
        situations=read_situations(tables, catalogue.index, notices),
        sections=read_sections(kinds.topics, outline.hidden, catalogue, notices),
        overview=read_overview(kinds.overviews, outline.hidden),
        code_references=read_code_references(
            kinds.code, outline.hidden, catalogue.index, notices, place
        ),
        releases=read_releases(kinds.change_logs, outline.hidden, notices),
        conflicts=blocks,
        notices=notices.in_order(),
    )
    return ParsedFile(landscape, repeated, tuple(lines), place, outline, tables, kinds)


class Chapters:
    """The chapters of an outline, sorted by purpose."""

    def __init__(self, outline: Outline, tables: Sequence[Table]) -> None:
        hidden, chapters = outline.hidden, outline.chapters
        table_lines = frozenset(table.line for table in tables)
        self.code = [part for part in chapters if _has_word(part, CODE_WORDS)]
        # "Overview" is a common word: without a drawing, the chapter is an ordinary one.
        self.overviews = [
            part
            for part in chapters
            if _has_word(part, OVERVIEW_WORDS) and _has_drawing(part, hidden)
        ]
        self.change_logs = [part for part in chapters if _has_word(part, CHANGE_LOG_WORDS)]
        with_tables = [
            part for part in chapters if any(line.number in table_lines for line in part.body)
        ]
        taken = {
            part.line for part in (*self.code, *self.overviews, *self.change_logs, *with_tables)
        }
        with_entries = [
            (place, part)
            for place, part in enumerate(chapters, start=1)
            if split_parts(part.body, hidden, level=3)
        ]
        self.topics = [(place, part) for place, part in with_entries if part.line not in taken]
        self.passed_over = [
            part for part in chapters if part.line in taken and path_lines(part.body, hidden)
        ]
        # Probably headings of the wrong level.
        entered = {part.line for _, part in with_entries}
        self.without_entries = [
            part
            for part in chapters
            if part.line not in entered | taken and path_lines(part.body, hidden)
        ]
        self.too_high = [
            part
            for part in outline.further_titles
            if CHAPTER_NUMBER.match(part.text) or path_lines(part.body, hidden)
        ]


def _has_drawing(part: Part, hidden: frozenset[int]) -> bool:
    return any(language in DRAWING_LANGUAGES for language, _ in code_blocks(part.body, hidden))


def _note_unread(chapters: Chapters, notices: NoticeLog) -> None:
    """Add notices for parts that look like chapters with entries but were not read as such."""
    for parts, message in (
        (chapters.passed_over, PASSED_OVER),
        (chapters.without_entries, WITHOUT_ENTRIES),
        (chapters.too_high, TOO_HIGH),
    ):
        for part in parts:
            notices.add(NoticeKind.OTHER, part.line, chapter_title(part.text), message)


def _has_word(part: Part, words: Sequence[str]) -> bool:
    title = " ".join(name_tokens(chapter_title(part.text)))
    return any(word in title for word in words)


def _refuse_binary(text: str) -> None:
    position = text.find("\0")
    if position >= 0:
        line = text.count("\n", 0, position) + 1
        raise LandscapeError(
            (
                f"Line {line} holds a NUL byte, so this is not a text file. Save it as Markdown "
                "in UTF-8."
            ),
            line=line,
        )


def _refuse_without_runbooks(tables: Sequence[Table], outline: Outline) -> None:
    if any(table.kind == RUNBOOKS for table in tables):
        return
    if outline.unclosed:
        advice = f"Close the code block or comment that begins on line {outline.unclosed}."
    else:
        advice = "Check that this is the landscape file."
    raise LandscapeError(
        (
            'No runbook table was found: a table header needs the cells "Runbook" and "Pfad" (or '
            '"Path"). '
        )
        + advice,
        line=outline.unclosed,
    )


def _note_missing_parts(tables: Sequence[Table], outline: Outline, notices: NoticeLog) -> None:
    if outline.unclosed:
        notices.add(
            NoticeKind.OTHER,
            outline.unclosed,
            "code block or comment",
            (
                "The code block or comment that begins here has no end, so everything below it "
                "was not read. Close it."
            ),
        )
    for line in outline.endless:
        notices.add(
            NoticeKind.OTHER,
            line,
            "line",
            (
                f"The line is longer than {MAX_LINE_LENGTH} characters, so it was read as plain "
                "text at most. Break it up."
            ),
        )
    if not outline.title:
        advice = 'The file has no title. Begin it with a line such as "# Title".'
        notices.add(NoticeKind.OTHER, 1, "title", advice)
    if not any(table.kind == SITUATIONS for table in tables):
        notices.add(
            NoticeKind.OTHER,
            1,
            "situations",
            'No situation table was found: its header needs the cells "Situation" and '
            '"Relevante Runbooks" '
            '(or "Relevant runbooks"). Add one, or operators cannot search by situation.',
        )


def _note_conflicts(
    blocks: Sequence[ConflictBlock], sides: Sequence[ConflictChoice], notices: NoticeLog
) -> None:
    for block, choice in zip(blocks, sides, strict=True):
        notices.add(
            NoticeKind.CONFLICT_MARKER,
            block.first_line,
            f"lines {block.first_line}-{block.last_line}",
            f'A merge conflict between "{excerpt(block.ours_label)}" and '
            f'"{excerpt(block.theirs_label)}", lines '
            f'{block.first_line} to {block.last_line}, was read with the choice "{choice.value}". '
            "Settle it in the file.",
        )
