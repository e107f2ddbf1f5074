"""Whether a runbook may be used live, as far as its own row tells. Pure: imports no Django.

It fails closed: whatever is not proven is a reason against. The verdict for machines
(``governance/assurance/verdict.py``) and the standing that a list shows
(``governance/assurance/standings.py``) start from this and check the ledger as well.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

READY = "ready"


class Reason(StrEnum):
    """Why a runbook may not be used live: one closed list for verdict, list, badge and API."""

    # From the runbook's own row.
    NOT_READY = "not_ready"  # its signed level is not `ready`
    UNSIGNED = "unsigned"  # no signature confirms the level
    EXPIRED = "expired"  # signed for an earlier year, or until an earlier day
    NOT_YET_VALID = "not_yet_valid"  # signed for a later year
    DOCUMENT_MISSING = "document_missing"  # there is no text to follow
    DOCUMENT_ELSEWHERE = "document_elsewhere"  # the text is that of another path
    DOCUMENT_CHANGED = "document_changed"  # the text is not the signed one
    NO_INDEPENDENT_REVIEW = "no_independent_review"  # its owner signed alone; solo mode is off
    METADATA_CHANGED = "metadata_changed"  # a field that the signature covers has changed
    # From the question.
    YEAR_OVER = "year_over"  # the requested year is over
    # From the sign-off and the ledger.
    SIGNATURES_MISSING = "signatures_missing"  # no approved request with its quorum
    LEDGER_DISAGREES = "ledger_disagrees"  # the ledger does not record this readiness
    # From the state of the whole portal: see ``governance/assurance/alarms.py``.
    LEDGER_BROKEN = "ledger_broken"  # a verification found the chain broken
    LEDGER_RESTORED = "ledger_restored"  # the ledger lacks rows that were seen before
    CLOCK_BEHIND_LEDGER = "clock_behind_ledger"  # a time later than now was seen before
    DATABASE_NOT_WRITABLE = "database_not_writable"  # a revoke could not be written
    MARK_UNREADABLE = "mark_unreadable"  # the earlier state of the ledger cannot be read
    GUARDS_MISSING = "guards_missing"  # the database does not refuse what it should
    DOCUMENT_ALTERED = "document_altered"  # the stored text or HTML is not what was stored
    UNKNOWN_RUNBOOK = "unknown_runbook"  # there is no such runbook
    NOT_NOW = "not_now"  # the question was about another time, which permits nothing now
    DATABASE_UNREACHABLE = "database_unreachable"  # the database did not answer, or not in time
    NOT_PERMITTED = "not_permitted"  # the caller lacks the permission
    BAD_REQUEST = "bad_request"  # the question was not understood
    DOUBT = "doubt"  # something could not be determined
    # Only for lists, never for a verdict.
    ASSURANCE_MISSING = "assurance_missing"  # there is no sealed assurance row


# These depend on the day or on the portal, not on what is stored for the runbook.
PASSING = frozenset(
    {
        Reason.EXPIRED,
        Reason.NOT_YET_VALID,
        Reason.YEAR_OVER,
        Reason.NO_INDEPENDENT_REVIEW,
        Reason.LEDGER_BROKEN,
        Reason.LEDGER_RESTORED,
        Reason.CLOCK_BEHIND_LEDGER,
        Reason.DATABASE_NOT_WRITABLE,
        Reason.MARK_UNREADABLE,
        Reason.GUARDS_MISSING,
    }
)


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether one runbook may be used live at a given moment.

    :ivar reasons: why not; empty if it may.
    """

    reasons: tuple[Reason, ...]

    @property
    def is_live_ready(self) -> bool:
        """Return whether it may be used live."""
        return not self.reasons


@dataclass(frozen=True, slots=True)
class SignedFacts:
    """What a row says about its own readiness. The sha256 values are hex; empty means none.

    :ivar document_path: the path of the text according to the runbook.
    :ivar stored_path: the path that the stored text came from.
    :ivar from_year: the first year that a renewed readiness covers; None: only its own year.
    :ivar until: its last day; None: 31 December.
    :ivar solo: whether its owner signed alone.
    :ivar dependence: why the review was not independent for other reasons (codes, separated by
        blanks).
    """

    level: str
    year: int | None
    signed_document_sha256: str
    document_sha256: str
    document_path: str
    stored_path: str
    signed_metadata_sha256: str
    metadata_sha256: str
    from_year: int | None = None
    until: date | None = None
    solo: bool = False
    dependence: str = ""


def last_day(year: int | None, until: date | None) -> date | None:
    """Return the last day of a signed readiness.

    It is 31 December of its year, or an earlier day set by its rule.
    """
    if year is None:
        return until
    end_of_year = date(year, 12, 31)
    return min(end_of_year, until) if until else end_of_year


def reasons_against_live(
    facts: SignedFacts, *, today: date, solo_mode: bool = False
) -> tuple[Reason, ...]:
    """Return every reason why the runbook is not live-ready on ``today``; empty if it is.

    :param today: the date in the portal's time zone. A readiness ends with 31 December of its year.
    :param solo_mode: whether an owner's signature alone is enough here (``GOVERNANCE_SOLO``).
    """
    end = last_day(facts.year, facts.until)
    if facts.level != READY or facts.year is None or end is None:
        return (Reason.NOT_READY,)
    doubts = (
        (Reason.UNSIGNED, not facts.signed_document_sha256 or not facts.signed_metadata_sha256),
        (Reason.EXPIRED, today > end),
        (Reason.NOT_YET_VALID, (facts.from_year or facts.year) > today.year),
        (Reason.NO_INDEPENDENT_REVIEW, facts.solo and not solo_mode),
        (Reason.DOCUMENT_MISSING, not facts.document_sha256),
        (
            Reason.DOCUMENT_ELSEWHERE,
            bool(facts.document_sha256) and facts.stored_path != facts.document_path,
        ),
        (
            Reason.DOCUMENT_CHANGED,
            bool(facts.document_sha256) and facts.document_sha256 != facts.signed_document_sha256,
        ),
        (Reason.METADATA_CHANGED, facts.metadata_sha256 != facts.signed_metadata_sha256),
    )
    return tuple(reason for reason, holds in doubts if holds)
