"""Edit a text line by line without changing any other line. Pure: imports no Django.

Lines are numbered as in ``conflicts.split_lines``; each keeps its own line ending.
"""

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

from runbooks.landscape.schema import SourceLine

LINE_END = re.compile(r"\r\n|\n|\r")
BYTE_ORDER_MARK = "\ufeff"


class LineEdits:
    """Collects edits of numbered lines, in any order, and returns the edited text."""

    def __init__(self, source: str) -> None:
        self._mark = BYTE_ORDER_MARK if source.startswith(BYTE_ORDER_MARK) else ""
        plain = source.removeprefix(BYTE_ORDER_MARK)
        self._ends = LINE_END.findall(plain)
        self._lines: list[str | None] = list(LINE_END.split(plain))
        self._source = tuple(text or "" for text in self._lines)
        self._added: dict[int, list[str]] = {}

    def line(self, number: int) -> str:
        """Return the current line; empty if it was removed."""
        return self._lines[number - 1] or ""

    def source_line(self, number: int) -> str:
        """Return the original line."""
        return self._source[number - 1]

    def replace(self, number: int, text: str) -> None:
        """Replace the text of the line."""
        self._lines[number - 1] = text

    def remove(self, number: int) -> None:
        """Remove the line and its line ending."""
        self._lines[number - 1] = None

    def add_below(self, number: int, texts: Iterable[str]) -> None:
        """Add lines below a line, after those that were added there before."""
        self._added.setdefault(number, []).extend(texts)

    def result(self) -> str:
        """Return the edited text.

        New lines have the most frequent line ending. A missing final newline stays missing.
        """
        usual = (
            max(self._ends, key=self._ends.count)
            if len(set(self._ends)) > 1
            else (self._ends or ["\n"])[0]
        )
        pieces: list[str] = []
        for place, text in enumerate(self._lines):
            end = self._ends[place] if place < len(self._ends) else ""
            added = self._added.get(place + 1, ())
            if text is not None:
                pieces.append(text + (end or (usual if added else "")))
            pieces.extend(line + usual for line in added)
            if added and not end:
                pieces[-1] = pieces[-1].removesuffix(usual)
        return self._mark + "".join(pieces)


def rewrite_block(
    edits: LineEdits, block: Sequence[SourceLine], wanted: str, *, indent: str, below: int
) -> None:
    """Change the lines of ``block`` to ``wanted``, editing only the lines that differ.

    :param block: the text that was read from each line, with the number of the line (0: not in the
        file). The text is at the end of its line; the part before it is kept.
    :param indent: the text before a new line, if no line of the block shows one.
    :param below: the line below which new lines are added if no line of the block is left.
    """
    old, new = [line.text for line in block], LINE_END.split(wanted) if wanted else []
    indent = next(
        (
            front
            for line in reversed(block)
            if (front := _front(edits, line)) is not None and not front.strip(" \t>")
        ),
        indent,
    )
    anchor = below
    for verb, first, last, new_first, new_last in SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        replaced, texts = block[first:last], new[new_first:new_last]
        if verb == "equal":
            anchor = max((line.number for line in replaced), default=0) or anchor
            continue
        anchor = _rewrite(edits, replaced, texts, indent, anchor)


def _front(edits: LineEdits, line: SourceLine) -> str | None:
    """Return the part of a line before its text; None if it has no text or no number."""
    return (
        edits.source_line(line.number).removesuffix(line.text)
        if line.number and line.text
        else None
    )


def _rewrite(
    edits: LineEdits, replaced: Sequence[SourceLine], texts: Sequence[str], indent: str, anchor: int
) -> int:
    """Replace lines by ``texts``. Return the line below which following lines are added."""
    places = [line for line in replaced if line.number]
    for line, text in zip(places, texts, strict=False):
        front = _front(edits, line)
        edits.replace(line.number, ((indent if front is None else front) + text).rstrip())
        anchor = line.number
    for line in places[len(texts) :]:
        edits.remove(line.number)
    edits.add_below(anchor, ((indent + text).rstrip() for text in texts[len(places) :]))
    return anchor
