"""Differences between two texts, line by line. Pure: imports no Django."""

import difflib
from dataclasses import dataclass
from enum import StrEnum

from runbooks.documents.invisible_characters import escape_invisible_characters

# Longer texts (lines of both together) are not compared: it would take longer than a reader waits.
MAX_LINES = 20_000
CONTEXT = 3


class LineKind(StrEnum):
    """The kind of a line in a difference."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"
    GAP = "gap"  # stands for equal lines that are left out


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a difference.

    :ivar before: its number in the old text from 1; None if it is only in the new one.
    :ivar after: its number in the new text from 1; None if it is only in the old one.
    """

    kind: LineKind
    text: str
    before: int | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """The lines that differ, with their neighbours.

    :ivar is_too_large: whether the texts are too long and were not compared.
    """

    lines: tuple[Line, ...]
    added: int = 0
    removed: int = 0
    is_too_large: bool = False

    def __bool__(self) -> bool:
        """Return whether the texts differ, as far as is known."""
        return self.is_too_large or bool(self.lines)


def difference(before: str, after: str) -> Difference:
    """Compare two texts. Line ends are ignored; every other character counts.

    Invisible characters are replaced by their numbers after the comparison, so that a character
    differs from its number written out.
    """
    old, new = _lines(before), _lines(after)
    if len(old) + len(new) > MAX_LINES:
        return Difference(lines=(), is_too_large=before != after)
    lines: list[Line] = []
    for group in difflib.SequenceMatcher(a=old, b=new, autojunk=True).get_grouped_opcodes(CONTEXT):
        if lines or group[0][1] > 0 or group[0][3] > 0:
            lines.append(Line(LineKind.GAP, ""))
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                lines += [
                    Line(LineKind.SAME, escape_invisible_characters(old[i]), i + 1, j1 + i - i1 + 1)
                    for i in range(i1, i2)
                ]
            else:
                lines += [
                    Line(LineKind.REMOVED, escape_invisible_characters(old[i]), i + 1)
                    for i in range(i1, i2)
                ]
                lines += [
                    Line(LineKind.ADDED, escape_invisible_characters(new[j]), None, j + 1)
                    for j in range(j1, j2)
                ]
    return Difference(
        lines=tuple(lines),
        added=sum(line.kind == LineKind.ADDED for line in lines),
        removed=sum(line.kind == LineKind.REMOVED for line in lines),
    )


def _lines(text: str) -> list[str]:
    """Split a text into lines where a Markdown reader does.

    A line separator (U+2028) is a character like any other.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines[:-1] if not lines[-1] else lines
