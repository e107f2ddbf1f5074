"""Read the overview drawing and the code references. Pure: imports no Django."""

import re
from collections.abc import Iterable, Iterator, Sequence

from runbooks.landscape.parse.cells import CODE_SPAN, DASHES, LINK
from runbooks.landscape.parse.names import NameIndex
from runbooks.landscape.parse.notices import NoticeKind, NoticeLog, excerpt
from runbooks.landscape.parse.outline import Part, code_blocks
from runbooks.landscape.parse.paths import AT_THE_ROOT, FilePlace, read_path, read_stated_path
from runbooks.landscape.parse.sections import note_repeat
from runbooks.landscape.schema import CodeReferenceRow, SourceLine

# Languages of a fenced block that contains a drawing, the most likely first.
DRAWING_LANGUAGES = ("text", "")

TOP_BULLET = re.compile(r" ?[*+-]\s+")
# Separates the paths of a bullet from the description.
DASH = re.compile(rf" [{re.escape(DASHES)}]+ |: ")
# Words and characters that only join paths.
JOINING_WORDS = frozenset({"&", ",", "+", "/", ";", "und", "and", ""})
RUNBOOK_NAME = re.compile(rf"\S*\w[{re.escape(DASHES)}]Runbook", re.IGNORECASE)
BRACKETS = "()[]\"'\u201e\u201c\u201d*_,.;:"


def read_overview(chapters: Iterable[Part], hidden: frozenset[int]) -> str:
    """Return the first drawing in ``chapters``, without its fences; empty if there is none.

    A drawing is a fenced block of text.
    """
    return "\n".join(line.text for line in find_drawing(chapters, hidden))


def find_drawing(chapters: Iterable[Part], hidden: frozenset[int]) -> tuple[SourceLine, ...]:
    """Return the lines of the first drawing in ``chapters``."""
    for chapter in chapters:
        blocks = list(code_blocks(chapter.body, hidden))
        for language in DRAWING_LANGUAGES:
            drawings = (block for block_language, block in blocks if block_language == language)
            drawing = next(
                (block for block in drawings if len(block) > 1 or (block and block[0].text)), None
            )
            if drawing:
                return drawing
    return ()


def read_code_references(
    chapters: Iterable[Part],
    hidden: frozenset[int],
    index: NameIndex,
    notices: NoticeLog,
    place: FilePlace = AT_THE_ROOT,
) -> tuple[CodeReferenceRow, ...]:
    """Return the code references of all bullets in ``chapters``, in order, each path once.

    A bullet may have several paths before the dash; each becomes a reference with the same
    description. Runbooks that the description names as "<name>-Runbook" are resolved if they are
    unambiguous. The description is prose, so other names add no notice.
    """
    kept: dict[str, CodeReferenceRow] = {}
    for bullet in (bullet for chapter in chapters for bullet in bullets(chapter.body, hidden)):
        for reference in _read_bullet(_on_one_line(bullet), index, notices, place):
            first = kept.setdefault(reference.path, reference)
            if first is not reference:
                note_repeat("code reference", reference.path, reference.line, first.line, notices)
    return tuple(kept.values())


def bullets(
    lines: Sequence[SourceLine], hidden: frozenset[int]
) -> Iterator[tuple[SourceLine, ...]]:
    """Yield the lines of each unindented bullet, the first without its marker."""
    block: list[SourceLine] = []
    for line in lines:
        bullet = TOP_BULLET.match(line.text) if line.number not in hidden else None
        if block and (bullet or not line.text.strip()):
            yield tuple(block)
            block = []
        if bullet:
            block = [SourceLine(line.number, line.text[bullet.end() :])]
        elif block:
            block.append(line)
    if block:
        yield tuple(block)


def _on_one_line(bullet: Sequence[SourceLine]) -> SourceLine:
    return SourceLine(bullet[0].number, " ".join(" ".join(line.text for line in bullet).split()))


def _read_bullet(
    bullet: SourceLine, index: NameIndex, notices: NoticeLog, place: FilePlace
) -> Iterator[CodeReferenceRow]:
    text = LINK.sub(lambda link: _linked_path(link, place), bullet.text)
    head, description = _at_dash(text)
    spans = list(CODE_SPAN.finditer(head))
    if not spans:
        notices.add(
            NoticeKind.OTHER,
            bullet.number,
            text,
            f'The bullet "{excerpt(text)}" names no source path, so it was not read. '
            "Write the path in backticks before the dash.",
        )
    remark = _remark(CODE_SPAN.sub("`", head).split("`"))
    for span in spans:
        path = read_path(span[0], line=bullet.number, notices=notices)
        if path:
            runbooks = _named_runbooks(description, index)
            yield CodeReferenceRow(bullet.number, path, description, runbooks, remark)


def _linked_path(link: re.Match[str], place: FilePlace) -> str:
    """Return the words of a link, or the target's path if the words are a path in backticks."""
    if not CODE_SPAN.fullmatch(link[1].strip()):
        return link[1]
    path = read_stated_path(link[0], line=0, notices=NoticeLog(), place=place).path
    return f"`{path}`" if path and "`" not in path else link[1]


def _at_dash(text: str) -> tuple[str, str]:
    """Split a bullet into paths and description. A dash inside a code span does not separate."""
    # The same length as the text, so that positions match.
    masked = CODE_SPAN.sub(lambda span: "x" * len(span[0]), text)
    dash = DASH.search(masked)
    return (text[: dash.start()], text[dash.end() :].strip()) if dash else (text, "")


def _remark(pieces: Sequence[str]) -> str:
    """Return the text between and after the paths, without words that only join them."""
    remarks: list[str] = []
    for piece in pieces:
        words = piece.split()
        while words and words[0].lower() in JOINING_WORDS:
            words.pop(0)
        while words and words[-1].lower() in JOINING_WORDS:
            words.pop()
        remarks.append(" ".join(words))
    return " ".join(remark for remark in remarks if remark)


def _named_runbooks(description: str, index: NameIndex) -> tuple[str, ...]:
    words = (word.strip(BRACKETS) for word in description.split())
    titles = (index.resolve(word).title for word in words if RUNBOOK_NAME.fullmatch(word))
    return tuple(dict.fromkeys(title for title in titles if title is not None))
