"""Read the title, version, status and date at the head of a document. Pure: imports no Django.

The head consists of the optional front matter and the text up to the first thematic break
(``---``), at most 40 lines. If it does not state a value, the last lines of the document are used,
because some documents have these values at the end.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

LINES_OF_A_HEAD = 40
LINES_OF_A_FOOT = 5
MAX_LINE_LENGTH = 2_000
LABELS = {
    "version": ("version", "fassung"),
    "status": ("status", "zustand"),
    "date": (
        *(
            "datum",
            "date",
            "stand",
            "erstellt",
            "created",
            "updated",
            "last updated",
            "last reviewed",
        ),
        *("letzte aktualisierung", "letzte überprüfung", "aktualisiert"),
    ),
    "mode": ("modus", "mode", "scope", "geltungsbereich", "environment", "umgebung"),
}
SUBJECT_OF = {label: subject for subject, labels in LABELS.items() for label in labels}
# ``**Version:** v1.0`` or ``version: "v1.0"``, also in a quote or a list item. A line may contain
# several, separated by bars.
PAIR = re.compile(r"^([A-Za-zÄÖÜäöüß]+(?: [A-Za-zÄÖÜäöüß]+)?)\s*:\s*(\S.*)$")
LEAD = re.compile(r"^[>\s]*(?:[-*+]\s+)?")
# ``| Version | v1.0 |``
ROW = re.compile(r"^[>\s]*\|")
MARKS = re.compile(r"[*_`\"]+")
TITLE = re.compile(r"^#\s+(\S.*)$")
FENCE = re.compile(r"^\s*(```|~~~)")
RULE = re.compile(r"^\s*(?:-{3,}|\*{3,}|_{3,})\s*$")
VERSION = re.compile(
    r"(?<![\w.])[vV](\d{1,4}(?:\.\d{1,4}){0,3})(?![\w])"
    r"|(?<![\w./-])(\d{1,4}(?:\.\d{1,4}){1,3})(?![\w.-])"
)
ISO_MONTH = re.compile(r"(?<!\d)(20\d\d)-(0[1-9]|1[0-2])(?!\d)")
MONTHS = (
    "jan",
    "feb",
    "mär|mar|mrz",
    "apr",
    "mai|may",
    "jun",
    "jul",
    "aug",
    "sep",
    "okt|oct",
    "nov",
    "dez|dec",
)
NAMED_MONTH = re.compile(
    r"\b(?:" + "|".join(f"({names})" for names in MONTHS) + r")[a-zäöü]*\.?\s+(20\d\d)(?!\d)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Stated:
    """A value that the document states; ``line`` counts from 1."""

    text: str
    line: int


@dataclass(slots=True)
class Header:
    """The values found; None for those that the document does not state.

    :ivar head: all lines of the head, for values without a label.
    """

    title: Stated | None = None
    version: Stated | None = None
    status: Stated | None = None
    date: Stated | None = None
    mode: list[Stated] = field(default_factory=list)
    head: list[Stated] = field(default_factory=list)


def read_header(text: str) -> Header:
    """Read the head, and the last lines for values that the head does not state."""
    lines = text.removeprefix("\ufeff").splitlines()
    header = Header()
    for stated in _head(lines):
        header.head.append(stated)
        title = TITLE.match(stated.text)
        if title and header.title is None:
            header.title = Stated(title[1].strip(), stated.line)
        _take(header, _pairs(stated))
    # Labelled lines come first: the header of a table may look like a row with a value.
    for stated in header.head:
        _take(header, _row(stated))
    numbered = [
        Stated(line[:MAX_LINE_LENGTH], number)
        for number, line in enumerate(lines, start=1)
        if line.strip()
    ]
    for stated in numbered[-LINES_OF_A_FOOT:]:
        if stated.line > LINES_OF_A_HEAD and not stated.text.lstrip().startswith("|"):
            _take(header, _pairs(stated))
    return header


def _head(lines: list[str]) -> Iterator[Stated]:
    fenced, in_front_matter = False, bool(lines) and lines[0].strip() == "---"
    for number, line in enumerate(lines[:LINES_OF_A_HEAD], start=1):
        if FENCE.match(line):
            fenced = not fenced
        elif RULE.match(line) and not fenced:
            if number > 1 and not in_front_matter:
                return
            in_front_matter = number == 1
        elif not fenced:
            yield Stated(line[:MAX_LINE_LENGTH], number)


def _pairs(stated: Stated) -> Iterator[tuple[str, Stated]]:
    """Yield the labels of a line with their values."""
    for part in LEAD.sub("", stated.text).split(" | "):
        pair = PAIR.match(MARKS.sub("", part).strip())
        if pair:
            yield pair[1], Stated(pair[2].strip(), stated.line)


def _row(stated: Stated) -> Iterator[tuple[str, Stated]]:
    """Yield the label and the value of a table row of two cells."""
    if not ROW.match(stated.text):
        return
    cells = [
        MARKS.sub("", cell).strip()
        for cell in LEAD.sub("", stated.text).strip().strip("|").split("|")
    ]
    if len(cells) == 2 and cells[1] and cells[1].lower() not in SUBJECT_OF:  # noqa: PLR2004
        yield cells[0].rstrip(":"), Stated(cells[1], stated.line)


def _take(header: Header, pairs: Iterator[tuple[str, Stated]]) -> None:
    for label, value in pairs:
        subject = SUBJECT_OF.get(label.strip().lower())
        if subject == "mode":
            header.mode.append(value)
        elif subject and getattr(header, subject) is None:
            setattr(header, subject, value)


def version_in(text: str) -> tuple[int, ...] | None:
    """Return the first version number in a text: ``v1.10 (Dez 2025)`` is (1, 10).

    Trailing zeros are removed, so v1 equals v1.0. None if there is no version number.
    """
    found = VERSION.search(text)
    if not found:
        return None
    parts = [int(part) for part in (found[1] or found[2]).split(".")]
    while len(parts) > 1 and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def month_in(text: str) -> tuple[int, int] | None:
    """Return the first year and month in a text, or None.

    Accepted forms are ``2026-01-18``, ``Dez 2025`` and ``January 2026``.
    """
    iso = ISO_MONTH.search(text)
    if iso:
        return int(iso[1]), int(iso[2])
    named = NAMED_MONTH.search(text)
    if not named:
        return None
    return int(named[len(MONTHS) + 1]), next(
        number for number in range(1, len(MONTHS) + 1) if named[number]
    )
