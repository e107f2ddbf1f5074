"""Compare the head of a document with its row in the catalogue. Pure: imports no Django.

A value that the document does not state is not compared.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from runbooks.documents.checks.header import Header, Stated, month_in, version_in

READY, RND_ONLY = "ready", "rnd_only"
# Levels that a document cannot contradict.
CLAIMS_NOTHING = frozenset({"unassessed", "retired"})
READY_YEAR = re.compile(r"\b(20\d\d)[-\u2010\u2011\u2013 ]ready\b", re.IGNORECASE)
SAYS_RND = re.compile(
    r"\br\s?&\s?d[-\u2010\u2011 ]only\b|\bonly (?:for )?r\s?&\s?d\b|\bnur (?:für )?r\s?&\s?d\b",
    re.IGNORECASE,
)
SAYS_NO_LIVE = re.compile(
    (
        r"\bno[-\u2010\u2011\u2013 ]live\b|\bnot (?:for )?live\b|\bkeine?n? live\b|\bnicht "
        r"(?:für )?live\b"
    ),
    re.IGNORECASE,
)
# Words in a status that mean that the document is not in force.
NOT_IN_FORCE = re.compile(
    r"\b(drafts?|entwurf|planned|geplant|historical|historisch\w*|superseded|abgelöst|deprecated"
    r"|veraltet|obsolete"
    r"|archived|archiviert|non[-\u2010\u2011 ]?authori[sz]ing)\b",
    re.IGNORECASE,
)
# A negation directly before such a word: "kein Draft mehr", "no longer a draft".
CONTRARY = re.compile(
    (
        r"\b(?:no longer|not|never|kein(?:e[nmrs]?)?|nicht(?: "
        r"mehr)?|nie)\s+(?:(?:an?|the|ein(?:e[nmrs]?)?|als)\s+)?\Z"
    ),
    re.IGNORECASE,
)
# Phrases anywhere in the head that are specific enough not to occur by chance.
DISCLAIMS = re.compile(
    r"\bnon[-\u2010\u2011 ]?authori[sz]ing\b"
    r"|\bnot (?:an? )?(?:[\w-]+[ ,]+){0,6}authori[sz]ation\b"
    r"|\b(?:historical|superseded|archived) (?:\S+ "
    r"){0,4}(?:context|document|runbook|snapshot|record)\b"
    r"|\b(?:historisch\w*|veraltet\w*|abgelöst\w*) (?:\S+ "
    r"){0,4}(?:kontext|dokument|runbook|fassung|stand)\b",
    re.IGNORECASE,
)
MARKS = re.compile(r"[*_`]+")


class DisagreementKind(StrEnum):
    """The subject of a disagreement, a value of ``governance.findings.choices.FindingKind``."""

    VERSION = "version_disagrees"
    DATE = "date_disagrees"
    LEVEL = "level_disagrees"
    NOT_IN_FORCE = "document_not_in_force"


@dataclass(frozen=True, slots=True)
class Row:
    """The values in the catalogue.

    :ivar level: the highest level that is declared or signed.
    :ivar year: the year of ``ready``; None for any other level.
    """

    version: str
    level: str
    year: int | None = None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One difference, with its line in the document."""

    kind: DisagreementKind
    line: int
    message: str


def disagreements(header: Header, row: Row) -> tuple[Disagreement, ...]:
    """Return all differences, at most one of each kind."""
    found = [*_version(header, row), *_date(header, row)]
    if row.level not in CLAIMS_NOTHING:
        found += [*_level(header, row), *_in_force(header)]
    return tuple(found)


def _version(header: Header, row: Row) -> Iterator[Disagreement]:
    stated = header.version or header.title
    here, there = version_in(stated.text) if stated else None, version_in(row.version)
    if stated and here and there and here != there:
        message = (
            f"The document says version {_dotted(here)}, the landscape says {_dotted(there)}. "
            "Correct one of them."
        )
        yield Disagreement(DisagreementKind.VERSION, stated.line, message)


def _date(header: Header, row: Row) -> Iterator[Disagreement]:
    there = month_in(row.version)
    dated = [stated for stated in (header.version, header.date) if stated and month_in(stated.text)]
    if there and dated and all(month_in(stated.text) != there for stated in dated):
        here = month_in(dated[0].text) or there
        message = (
            f"The document is of {here[0]}-{here[1]:02}, the landscape says "
            f"{there[0]}-{there[1]:02}."
        )
        yield Disagreement(
            DisagreementKind.DATE, dated[0].line, f"{message} Correct one of the two."
        )


def _level(header: Header, row: Row) -> Iterator[Disagreement]:
    for stated in _labelled(header):
        ready = READY_YEAR.search(stated.text)
        said = ""
        if ready and (row.level != READY or (row.year and int(ready[1]) != row.year)):
            said = f"{ready[1]}-ready"
        elif row.level != RND_ONLY and SAYS_RND.search(stated.text):
            said = "R&D only"
        elif row.level == READY and SAYS_NO_LIVE.search(_plain(stated)):
            said = "no live"
        if said:
            claim = f"{row.year}-ready" if row.level == READY else row.level
            message = (
                f"The document says {said}, the landscape says {claim}. Decide which is right "
                "before anyone signs."
            )
            yield Disagreement(DisagreementKind.LEVEL, stated.line, message)
            return


def _in_force(header: Header) -> Iterator[Disagreement]:
    places = [(header.status, NOT_IN_FORCE)] if header.status else []
    for stated, words in [*places, *((line, DISCLAIMS) for line in header.head)]:
        found = _said(words, _plain(stated))
        if found:
            message = (
                f'The document says about itself: "{found[0][:80]}". Check that the row is still '
                "right."
            )
            yield Disagreement(DisagreementKind.NOT_IN_FORCE, stated.line, message)
            return


def _said(words: re.Pattern[str], text: str) -> re.Match[str] | None:
    """Return the first match of ``words`` that is not negated, or None."""
    return next(
        (found for found in words.finditer(text) if not CONTRARY.search(text[: found.start()])),
        None,
    )


def _labelled(header: Header) -> list[Stated]:
    return [stated for stated in (header.status, header.version, *header.mode) if stated]


def _plain(stated: Stated) -> str:
    return MARKS.sub("", stated.text)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version) if len(version) > 1 else f"{version[0]}.0"
