"""Go or no-go: the only thing that a machine may act on. Pure: imports no Django; time and year are arguments.

It fails closed (DESIGN, promise 5): ``go`` only when everything holds, else ``no-go`` with every
reason.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from runbooks.validity import Reason, SignedFacts, last_day, reasons_against_live


class VerdictReason(StrEnum):
    """Why it is no-go. A closed list: the reasons of ``runbooks.validity``, and what governance alone can tell."""

    NOT_READY = "not_ready"
    UNSIGNED = "unsigned"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    DOCUMENT_MISSING = "document_missing"
    DOCUMENT_ELSEWHERE = "document_elsewhere"
    DOCUMENT_CHANGED = "document_changed"
    NO_INDEPENDENT_REVIEW = "no_independent_review"
    METADATA_CHANGED = "metadata_changed"
    YEAR_OVER = "year_over"  # the year that was asked for is over
    SIGNATURES_MISSING = (
        "signatures_missing"  # no approved request with its quorum stands behind the readiness
    )
    LEDGER_DISAGREES = (
        "ledger_disagrees"  # the ledger does not tell of this readiness, or its row is not itself
    )
    LEDGER_BROKEN = "ledger_broken"  # a verification found the chain broken
    LEDGER_RESTORED = "ledger_restored"  # the ledger lacks rows that were seen before
    CLOCK_BEHIND_LEDGER = "clock_behind_ledger"  # a later time than now was seen before
    DATABASE_NOT_WRITABLE = "database_not_writable"  # a revoke could not be written
    MARK_UNREADABLE = "mark_unreadable"  # how far the ledger was seen before cannot be read
    GUARDS_MISSING = "guards_missing"  # the database does not refuse what it should
    DOCUMENT_ALTERED = "document_altered"  # the stored text is not what its sha256 names, or not shown as it was rendered
    UNKNOWN_RUNBOOK = "unknown_runbook"  # there is no such runbook
    NOT_NOW = "not_now"  # it was asked how it stood at another moment: that permits nothing now
    DATABASE_UNREACHABLE = "database_unreachable"  # the database did not answer, or not in time
    NOT_PERMITTED = "not_permitted"  # whoever asked may not ask
    BAD_REQUEST = "bad_request"  # the question was not understood
    DOUBT = "doubt"  # something could not be found out


# Why a review is not independent where an owner signed alone.
SOLO = "solo"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What governance knows beside the runbook's own row.

    :ivar alarms: why nothing may be used live now, whatever a row says.
    """

    signatures_complete: bool
    ledger_agrees: bool
    document_hash_matches: bool
    alarms: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer.

    :ivar valid_until: the last day on which a go holds if nothing changes.
    :ivar independent: whether others than the requester reviewed it, who owed neither their account
        nor their right to sign to each other. Both are None where nothing is signed.
    :ivar dependence: the codes of why it is not independent (``policy.Dependence``, ``solo``);
        empty when it is.
    """

    go: bool
    reasons: tuple[VerdictReason, ...]
    valid_until: date | None = None
    independent: bool | None = None
    dependence: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """``go`` or ``no-go``."""
        return "go" if self.go else "no-go"


def no_go(*reasons: VerdictReason) -> Verdict:
    """A no-go for reasons that need no further look."""
    return Verdict(go=False, reasons=reasons)


def reasons_in(evidence: Evidence) -> tuple[VerdictReason, ...]:
    """What governance has against a readiness; empty when nothing."""
    doubts = (
        (VerdictReason.SIGNATURES_MISSING, not evidence.signatures_complete),
        (VerdictReason.LEDGER_DISAGREES, not evidence.ledger_agrees),
        *((VerdictReason(alarm.value), True) for alarm in evidence.alarms),
        (VerdictReason.DOCUMENT_ALTERED, not evidence.document_hash_matches),
    )
    return tuple(reason for reason, holds in doubts if holds)


def decide(
    facts: SignedFacts, evidence: Evidence, *, today: date, year: int, solo_mode: bool = False
) -> Verdict:
    """The verdict on one runbook for one calendar year.

    :param facts: what the runbook's row says.
    :param today: the date now, in the portal's time zone.
    :param year: the year that live use is asked for. For a later year than this one, the answer is
        what holds on its first day if nothing changes until then.
    :param solo_mode: whether an owner's signature alone is enough here.
    """
    asked = date(year, 1, 1) if year > today.year else today
    about_row = reasons_against_live(facts, today=asked, solo_mode=solo_mode)
    doubts = reasons_in(evidence)
    if year < today.year:
        doubts = (VerdictReason.YEAR_OVER, *doubts)
    reasons = tuple(VerdictReason(reason.value) for reason in about_row) + doubts
    if about_row and facts.year is None:
        return no_go(*(VerdictReason(reason.value) for reason in about_row))
    dependence = (*((SOLO,) if facts.solo else ()), *facts.dependence.split())
    return Verdict(
        go=not reasons,
        reasons=reasons,
        valid_until=last_day(facts.year, facts.until),
        independent=not dependence,
        dependence=dependence,
    )
