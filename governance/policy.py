"""Who may do what, and why not. Pure: imports no Django.

Every question answers with the reasons against; an empty tuple means yes. The words for a
reason live in ``governance.choices.REFUSAL_TEXTS``, so that page, API and command say the same.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

from governance import states


class Refusal(StrEnum):
    """Why an action is refused. Closed: every member has a text, and a test says so."""

    NOT_ACTIVE = "not_active"
    NOT_A_RISK_OWNER = "not_a_risk_owner"
    OWN_REQUEST = "own_request"
    SIGNED_ALREADY = "signed_already"
    ACCOUNT_TOO_YOUNG = "account_too_young"
    REQUEST_CLOSED = "request_closed"
    COMMENT_MISSING = "comment_missing"
    NOT_AN_EDITOR = "not_an_editor"
    NOT_THE_REQUESTER = "not_the_requester"
    OPEN_REQUEST_EXISTS = "open_request_exists"
    STEP_NOT_ALLOWED = "step_not_allowed"
    RND_ONLY_CANNOT_BE_READY = "rnd_only_cannot_be_ready"
    NOTHING_CHANGES = "nothing_changes"
    YEAR_MISSING = "year_missing"
    YEAR_NOT_WANTED = "year_not_wanted"
    YEAR_PAST = "year_past"
    YEAR_TOO_FAR = "year_too_far"
    RATIONALE_MISSING = "rationale_missing"
    EVIDENCE_MISSING = "evidence_missing"
    DOCUMENT_MISSING = "document_missing"
    DOCUMENT_NOT_SHOWN = "document_not_shown"
    EVIDENCE_NOT_A_LINK = "evidence_not_a_link"
    RULE_MISSING = "rule_missing"
    NOT_A_DOWNGRADE = "not_a_downgrade"


@dataclass(frozen=True, slots=True)
class Person:
    """What the policy needs to know of an account. ``joined_at`` is aware."""

    id: int
    is_active: bool
    is_editor: bool
    is_risk_owner: bool
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """What the policy needs to know of a request. ``opened_at`` is aware; ``decided_by`` are account ids."""

    state: str
    requested_by: int
    opened_at: datetime
    independent: bool
    decided_by: frozenset[int]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a runbook stands: its signed readiness, and the level that the landscape file declares.

    ``document_is_shown``: the stored text is that of the runbook's path and hashes to its sha256, so that a page can
    show what is signed.
    """

    level: str
    year: int | None
    declared_level: str
    has_document: bool
    document_is_shown: bool
    has_open_request: bool


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is asked for. ``this_year`` is the year now in the portal's time zone."""

    level: str
    year: int | None
    rationale: str
    evidence: tuple[str, ...]
    evidence_required: bool
    rule_exists: bool
    this_year: int


def _those_that_hold(*doubts: tuple[Refusal, bool]) -> tuple[Refusal, ...]:
    return tuple(refusal for refusal, holds in doubts if holds)


def is_link(text: str) -> bool:
    """Whether a text is an address that a page may link to: http or https, with a host."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def reasons_against_counting(person: Person, request: RequestFacts) -> tuple[Refusal, ...]:
    """Why a signature of this person does not count, when it is given and again when the quorum is reached."""
    return _those_that_hold(
        (Refusal.NOT_ACTIVE, not person.is_active),
        (Refusal.NOT_A_RISK_OWNER, not person.is_risk_owner),
        (Refusal.OWN_REQUEST, request.independent and person.id == request.requested_by),
        (Refusal.ACCOUNT_TOO_YOUNG, person.joined_at > request.opened_at),
    )


def reasons_against_signing(person: Person, request: RequestFacts) -> tuple[Refusal, ...]:
    """Why this person may not decide on this request now (four eyes: DESIGN, promise 3)."""
    return _those_that_hold(
        (Refusal.REQUEST_CLOSED, request.state != states.OPEN),
        (Refusal.SIGNED_ALREADY, person.id in request.decided_by),
    ) + reasons_against_counting(person, request)


def reasons_against_withdrawing(person: Person, request: RequestFacts) -> tuple[Refusal, ...]:
    """Why this person may not take the request back."""
    return _those_that_hold(
        (Refusal.REQUEST_CLOSED, request.state != states.OPEN),
        (Refusal.NOT_ACTIVE, not person.is_active),
        (Refusal.NOT_THE_REQUESTER, person.id != request.requested_by),
    )


def reasons_against_submitting(person: Person, standing: Standing, proposal: Proposal) -> tuple[Refusal, ...]:
    """Why this request for a move up may not be opened (DESIGN, promise 4)."""
    return (
        _those_that_hold(
            (Refusal.NOT_ACTIVE, not person.is_active),
            (Refusal.NOT_AN_EDITOR, not (person.is_editor or person.is_risk_owner)),
            (Refusal.OPEN_REQUEST_EXISTS, standing.has_open_request),
        )
        + _reasons_against_step(standing, proposal)
        + _reasons_against_year(proposal)
        + _those_that_hold(
            (Refusal.RULE_MISSING, not proposal.rule_exists),
            (Refusal.DOCUMENT_MISSING, not standing.has_document),
            (Refusal.RATIONALE_MISSING, not proposal.rationale.strip()),
            (Refusal.DOCUMENT_NOT_SHOWN, standing.has_document and not standing.document_is_shown),
            (Refusal.EVIDENCE_MISSING, proposal.evidence_required and not proposal.evidence),
            (Refusal.EVIDENCE_NOT_A_LINK, not all(is_link(link) for link in proposal.evidence)),
        )
    )


def _reasons_against_step(standing: Standing, proposal: Proposal) -> tuple[Refusal, ...]:
    if proposal.level == states.READY and _is_rnd_only(standing):
        return (Refusal.RND_ONLY_CANNOT_BE_READY,)
    if not states.is_up(standing.level, proposal.level):
        return (Refusal.NOTHING_CHANGES if standing.level == proposal.level else Refusal.STEP_NOT_ALLOWED,)
    return ()


def _is_rnd_only(standing: Standing) -> bool:
    """R&D only by signature, or by the file's own word as long as nobody has signed anything else."""
    declared_so = standing.level == states.UNASSESSED and standing.declared_level == states.RND_ONLY
    return standing.level == states.RND_ONLY or declared_so


def _reasons_against_year(proposal: Proposal) -> tuple[Refusal, ...]:
    if proposal.level != states.READY:
        return _those_that_hold((Refusal.YEAR_NOT_WANTED, proposal.year is not None))
    if proposal.year is None:
        return (Refusal.YEAR_MISSING,)
    return _those_that_hold(
        (Refusal.YEAR_PAST, proposal.year < proposal.this_year),
        (Refusal.YEAR_TOO_FAR, proposal.year > proposal.this_year + 1),
    )


def reasons_against_downgrading(person: Person, standing: Standing, level: str, reason: str) -> tuple[Refusal, ...]:
    """Why this person may not take the readiness down at once. A document is not needed to say no."""
    return _those_that_hold(
        (Refusal.NOT_ACTIVE, not person.is_active),
        (Refusal.NOT_A_RISK_OWNER, not person.is_risk_owner),
        (Refusal.NOT_A_DOWNGRADE, not states.is_down(standing.level, level)),
        (Refusal.RATIONALE_MISSING, not reason.strip()),
    )
