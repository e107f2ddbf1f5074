"""Decide go or no-go, the only answer that a machine may act on. Pure: imports no Django.

Time and year are arguments. The answer is ``go`` only if everything holds; otherwise it is
``no-go`` with every reason.
"""

from dataclasses import dataclass
from datetime import date

from runbooks.validity import Reason, SignedFacts, Standing, last_day, reasons_against_live

# The code of a review that is not independent because an owner signed alone.
SOLO = "solo"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What governance knows of a readiness, beside the runbook's own row.

    :ivar alarms: why nothing may be used live now, whatever a row says.
    """

    signatures_complete: bool
    ledger_agrees: bool
    document_hash_matches: bool
    alarms: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to whether a runbook may be used live.

    :ivar valid_until: the last day on which a go holds if nothing changes.
    :ivar independent: whether people other than the requester reviewed it who owed neither their
        account nor their right to sign to each other. None, as ``valid_until`` is, if nothing is
        signed.
    :ivar dependence: the codes of why it is not independent (``policy.Dependence``, ``solo``);
        empty if it is.
    """

    go: bool
    reasons: tuple[Reason, ...]
    valid_until: date | None = None
    independent: bool | None = None
    dependence: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """Return ``go`` or ``no-go``."""
        return "go" if self.go else "no-go"

    @property
    def standing(self) -> Standing:
        """Return the standing that a badge shows."""
        return Standing(self.reasons)


def no_go(*reasons: Reason) -> Verdict:
    """Return a no-go for reasons that need no evidence."""
    return Verdict(go=False, reasons=reasons)


def reasons_in(evidence: Evidence) -> tuple[Reason, ...]:
    """Return the reasons against a readiness in the evidence; empty if there are none."""
    doubts = (
        (Reason.SIGNATURES_MISSING, not evidence.signatures_complete),
        (Reason.LEDGER_DISAGREES, not evidence.ledger_agrees),
        *((alarm, True) for alarm in evidence.alarms),
        (Reason.DOCUMENT_ALTERED, not evidence.document_hash_matches),
    )
    return tuple(reason for reason, holds in doubts if holds)


def decide(
    facts: SignedFacts, evidence: Evidence, *, today: date, year: int, solo_mode: bool = False
) -> Verdict:
    """Return the verdict on one runbook for one calendar year.

    :param facts: what the runbook's row says.
    :param evidence: what governance knows of it.
    :param today: the date now, in the portal's time zone.
    :param year: the calendar year in which it is to be used. For a later year, the answer is the
        one for its first day if nothing changes until then.
    :param solo_mode: whether an owner's signature alone is enough here.
    """
    asked = date(year, 1, 1) if year > today.year else today
    about_row = reasons_against_live(facts, today=asked, solo_mode=solo_mode)
    doubts = reasons_in(evidence)
    if year < today.year:
        doubts = (Reason.YEAR_OVER, *doubts)
    reasons = about_row + doubts
    if facts.year is None:
        return no_go(*about_row)
    dependence = (*((SOLO,) if facts.solo else ()), *facts.dependence.split())
    return Verdict(
        go=not reasons,
        reasons=reasons,
        valid_until=last_day(facts.year, facts.until),
        independent=not dependence,
        dependence=dependence,
    )
