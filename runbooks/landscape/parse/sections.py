"""Read topic chapters: the roles of runbooks in each chapter. Pure: imports no Django."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from runbooks.landscape.parse.cells import note_invisible, plain_text
from runbooks.landscape.parse.names import NameIndex, name_tokens
from runbooks.landscape.parse.notices import NoticeKind, NoticeLog, excerpt
from runbooks.landscape.parse.outline import Part, split_parts
from runbooks.landscape.parse.paths import AT_THE_ROOT, FilePlace, read_path
from runbooks.landscape.parse.rows import resolve_name
from runbooks.landscape.schema import RunbookRow, SectionEntryRow, SectionRow, SourceLine

# "3. Title", "3) Title" and "3 Title"; entries "3.1 Title".
CHAPTER_NUMBER = re.compile(r"([0-9]{1,3}[.)]|[0-9]{1,2})\s+")
ENTRY_NUMBER = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3}){1,4})[.)]?\s+|([0-9]{1,3})[.)]\s+")
# The two labelled lines of an entry, with or without a bullet; the colon may be on either side of
# the closing asterisks.
LABEL = re.compile(
    r" {0,3}(?:[*+-]\s+)?\*\*(Pfad|Path|Rolle|Role)(?::\*\*|\*\*:)\s*", re.IGNORECASE
)
PATH_LABELS = frozenset({"pfad", "path"})
BULLET = re.compile(r"\s*(?:[*+-]|[0-9]{1,9}[.)])\s")
QUOTE = re.compile(r" {0,3}> ?")
RULE = re.compile(r" {0,3}([*_-])(?:[ \t]*\1){2,}[ \t]*$")
BLOCK_START = re.compile(r"\s*$| {0,3}(?:#|>|```|~~~|[*+-] |[0-9]{1,9}[.)] |[*_-]{3})")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The data for resolving entries: titles by name and document path, and the file's place."""

    index: NameIndex
    title_of_path: Mapping[str, str]
    place: FilePlace = AT_THE_ROOT

    @classmethod
    def of(
        cls,
        runbooks: Iterable[RunbookRow],
        aliases: Mapping[str, str] | None = None,
        place: FilePlace = AT_THE_ROOT,
    ) -> "Catalogue":
        """Return the catalogue of these rows, which have unique titles and paths.

        :param aliases: see ``NameIndex``.
        """
        rows = tuple(runbooks)
        paths = {row.document_path: row.title for row in rows if row.document_path}
        return cls(NameIndex((row.title for row in rows), aliases), paths, place)


def read_sections(
    chapters: Sequence[tuple[int, Part]],
    hidden: frozenset[int],
    catalogue: Catalogue,
    notices: NoticeLog,
) -> tuple[SectionRow, ...]:
    """Return the topic chapters with their entries, in order.

    A chapter without a number gets its place as number, or the next free number if that is taken.

    :param chapters: pairs of the place among all chapters, from 1, and the chapter.
    """
    numbers = _numbers([(place, part.text) for place, part in chapters])
    sections: dict[tuple[str, ...], SectionRow] = {}
    for (_, part), number in zip(chapters, numbers, strict=True):
        section = _read_section(part, number, hidden, catalogue, notices)
        first = sections.setdefault(name_tokens(section.title), section)
        if first is not section:
            note_repeat("chapter", section.title, section.line, first.line, notices)
    _note_shared_numbers(sections.values(), notices)
    return tuple(sections.values())


def chapter_title(text: str) -> str:
    """Return the title of a chapter without its number."""
    return plain_text(CHAPTER_NUMBER.sub("", text, count=1) if CHAPTER_NUMBER.match(text) else text)


def path_lines(lines: Iterable[SourceLine], hidden: frozenset[int]) -> list[SourceLine]:
    """Return the lines with the label of a path."""
    labels = ((line, LABEL.match(line.text)) for line in lines if line.number not in hidden)
    return [line for line, label in labels if label and label[1].lower() in PATH_LABELS]


def note_repeat(what: str, title: str, line: int, first_line: int, notices: NoticeLog) -> None:
    """Add a notice that ``what`` on ``line`` repeats an earlier one and was omitted."""
    notices.add(
        NoticeKind.OTHER,
        line,
        title,
        f'The {what} "{excerpt(title)}" stands on line {first_line} already; that one was '
        "kept and this one "
        "left out. Merge the two.",
    )


def _numbers(headings: Sequence[tuple[int, str]]) -> list[int]:
    marks = [CHAPTER_NUMBER.match(text) for _, text in headings]
    written = [int(mark[1].rstrip(".)")) if mark else 0 for mark in marks]
    taken = set(written)
    numbers: list[int] = []
    for (place, _), number in zip(headings, written, strict=True):
        free = place if place not in taken else max(taken) + 1
        numbers.append(number or free)
        taken.add(numbers[-1])
    return numbers


def _note_shared_numbers(sections: Iterable[SectionRow], notices: NoticeLog) -> None:
    first_with: dict[int, SectionRow] = {}
    for section in sections:
        first = first_with.setdefault(section.number, section)
        if first is not section:
            notices.add(
                NoticeKind.OTHER,
                section.line,
                section.title,
                f'The chapter "{excerpt(section.title)}" has the number {section.number}, '
                f"as the chapter on line {first.line} has. Both were read; number them anew.",
            )


def _read_section(
    part: Part, number: int, hidden: frozenset[int], catalogue: Catalogue, notices: NoticeLog
) -> SectionRow:
    # Quotes belong to the chapter wherever they are: authors place them at its end.
    quotes, body = without_quotes(part.body, hidden)
    note_invisible(part.text, part.line, notices)
    entries: dict[str, SectionEntryRow] = {}
    for place, entry_part in enumerate(split_parts(body, hidden, level=3), start=1):
        entry = _read_entry(entry_part, f"{number}.{place}", hidden, catalogue, notices)
        key = entry.runbook or f"line {entry.line}"
        first = entries.setdefault(key, entry)
        if first is not entry:
            note_repeat("entry", entry.heading, entry.line, first.line, notices)
    return SectionRow(
        line=part.line,
        number=number,
        title=chapter_title(part.text),
        note=_joined(quotes),
        entries=tuple(entries.values()),
        note_lines=quotes,
    )


def _joined(lines: Iterable[SourceLine]) -> str:
    return "\n".join(line.text for line in lines)


def _trimmed(lines: list[SourceLine]) -> tuple[SourceLine, ...]:
    """Return the lines without empty lines at either end."""
    filled = [place for place, line in enumerate(lines) if line.text]
    return tuple(lines[filled[0] : filled[-1] + 1]) if filled else ()


def without_quotes(
    lines: Sequence[SourceLine], hidden: frozenset[int]
) -> tuple[tuple[SourceLine, ...], tuple[SourceLine, ...]]:
    """Return the Markdown of all block quotes, separated by blank lines, and the other lines."""
    quoted: list[SourceLine] = []
    others: list[SourceLine] = []
    in_quote = False
    for line in lines:
        mark = QUOTE.match(line.text) if line.number not in hidden else None
        # A line without a marker continues the quote's paragraph (CommonMark 5.1).
        lazy = (
            in_quote
            and mark is None
            and not BLOCK_START.match(line.text)
            and line.number not in hidden
        )
        if mark or lazy:
            if mark and not in_quote and quoted:
                quoted.append(SourceLine(0, ""))
            quoted.append(SourceLine(line.number, line.text[mark.end() if mark else 0 :]))
        else:
            others.append(line)
        in_quote = bool(mark or lazy)
    return _trimmed(quoted), tuple(others)


def _read_entry(
    part: Part,
    number_by_place: str,
    hidden: frozenset[int],
    catalogue: Catalogue,
    notices: NoticeLog,
) -> SectionEntryRow:
    match = ENTRY_NUMBER.match(part.text)
    number = (match[1] or match[2]) if match else number_by_place
    heading = plain_text(part.text[match.end() :] if match else part.text)
    note_invisible(part.text, part.line, notices)
    path_line, rest = _take_path_line(part.body, hidden)
    for further in path_lines(rest, hidden):
        _note_further_path(further, heading, notices)
    role_lines = _role_lines(rest, hidden)
    return SectionEntryRow(
        line=part.line,
        number=number,
        heading=heading,
        runbook=_resolve_entry(heading, part.line, path_line, catalogue, notices),
        role=_joined(role_lines),
        role_lines=role_lines,
        path_line=path_line.number if path_line else 0,
    )


def _take_path_line(
    body: Sequence[SourceLine], hidden: frozenset[int]
) -> tuple[SourceLine | None, Sequence[SourceLine]]:
    """Return the first line with the label of a path, and the other lines."""
    for position, line in enumerate(body):
        label = LABEL.match(line.text) if line.number not in hidden else None
        if label and label[1].lower() in PATH_LABELS:
            others = (*body[:position], *body[position + 1 :])
            return SourceLine(line.number, line.text[label.end() :]), others
    return None, body


def _resolve_entry(
    heading: str, line: int, path_line: SourceLine | None, catalogue: Catalogue, notices: NoticeLog
) -> str | None:
    """Return the runbook of an entry: by its path, otherwise by its heading."""
    path = _path_of(path_line, catalogue, notices)
    by_path = catalogue.title_of_path.get(path) if path else None
    if by_path is None:
        by_name = resolve_name(heading, line, catalogue.index, notices)
        if path and by_name and path_line:
            _note_mismatch(
                path, path_line.number, by_name, "stands in no row of the runbook table", notices
            )
        return by_name
    by_name = catalogue.index.resolve(heading).title
    if by_name not in (None, by_path) and path_line:
        problem = f'belongs to another runbook than "{by_name}"'
        _note_mismatch(path, path_line.number, by_path, problem, notices)
    return by_path


def _path_of(path_line: SourceLine | None, catalogue: Catalogue, notices: NoticeLog) -> str:
    if path_line is None:
        return ""
    return read_path(path_line.text, line=path_line.number, notices=notices, place=catalogue.place)


def _note_further_path(line: SourceLine, heading: str, notices: NoticeLog) -> None:
    notices.add(
        NoticeKind.OTHER,
        line.number,
        line.text.strip(),
        f'A second path stands in the entry "{excerpt(heading)}", so it was read as part of '
        "its text. "
        "Give what begins here a heading of its own: ### and the title.",
    )


def _note_mismatch(path: str, line: int, title: str, problem: str, notices: NoticeLog) -> None:
    notices.add(
        NoticeKind.OTHER,
        line,
        path,
        f'The path "{excerpt(path)}" {problem}; the entry was read as "{excerpt(title)}". '
        "Make the path and the heading agree with the table.",
    )


def _role_lines(lines: Sequence[SourceLine], hidden: frozenset[int]) -> tuple[SourceLine, ...]:
    """Return the Markdown of an entry's role, without its label and the indentation below it."""
    role: list[SourceLine] = []
    below_label: list[SourceLine] | None = None
    for line in lines:
        visible = line.number not in hidden
        label = LABEL.match(line.text) if visible else None
        belongs = not line.text.strip() or line.text[0] in " \t"
        if below_label is not None and belongs and not label:
            below_label.append(line)
            continue
        role.extend(_dedented(below_label))
        below_label = None
        if label and label[1].lower() not in PATH_LABELS:
            role.append(SourceLine(line.number, line.text[label.end() :]))
            below_label = []
        elif not (visible and RULE.match(line.text)):
            role.append(line)
    return _trimmed([*role, *_dedented(below_label)])


def _dedented(block: Sequence[SourceLine] | None) -> list[SourceLine]:
    """Return the unindented lines below a label; a list is separated from the text before it."""
    if not block:
        return []
    texts = _without_margin([line.text for line in block])
    lines = [SourceLine(line.number, text) for line, text in zip(block, texts, strict=True)]
    return [SourceLine(0, ""), *lines] if BULLET.match(texts[0]) else lines


def _without_margin(texts: Sequence[str]) -> list[str]:
    """Return the lines without the spaces and tabs with which all non-blank lines begin.

    A line of only spaces and tabs becomes empty. ``textwrap.dedent`` is not used, because since
    Python 3.14 it also empties lines of other white space.
    """
    margins = [text[: len(text) - len(text.lstrip(" \t"))] for text in texts if text.strip(" \t")]
    # A prefix that the first and the last in sort order share is shared by all.
    ends = zip(min(margins, default=""), max(margins, default=""), strict=False)
    width = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], ends))
    return [text[width:] if text.strip(" \t") else "" for text in texts]
