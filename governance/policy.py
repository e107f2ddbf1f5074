"""Who may do what, and why not. Pure: imports no Django.

Every question answers with the reasons against; an empty tuple means yes. The words for a
reason live in ``governance.choices.REFUSAL_TEXTS``, so that page, API and command say the same.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
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
    MEMBERSHIP_NOT_RECORDED = "membership_not_recorded"
    COOLING_DOWN = "cooling_down"
    LOCKED_OUT = "locked_out"
    WRONG_PASSWORD = "wrong_password"
    SOLO_MODE_IS_OFF = "solo_mode_is_off"
    REQUEST_CLOSED = "request_closed"
    COMMENT_MISSING = "comment_missing"
    NOT_AN_EDITOR = "not_an_editor"
    NOT_THE_REQUESTER = "not_the_requester"
    OPEN_REQUEST_EXISTS = "open_request_exists"
    STEP_NOT_ALLOWED = "step_not_allowed"
    RND_ONLY_CANNOT_BE_READY = "rnd_only_cannot_be_ready"
    NOTHING_CHANGES = "nothing_changes"
    NOT_WHAT_IT_WAS = "not_what_it_was"
    YEAR_ALREADY_SIGNED = "year_already_signed"
    YEAR_MISSING = "year_missing"
    YEAR_NOT_WANTED = "year_not_wanted"
    YEAR_PAST = "year_past"
    YEAR_TOO_FAR = "year_too_far"
    RATIONALE_MISSING = "rationale_missing"
    EVIDENCE_MISSING = "evidence_missing"
    DOCUMENT_MISSING = "document_missing"
    DOCUMENT_NOT_SHOWN = "document_not_shown"
    DOCUMENT_IS_STUB = "document_is_stub"
    EVIDENCE_NOT_A_LINK = "evidence_not_a_link"
    RULE_MISSING = "rule_missing"
    NOT_A_DOWNGRADE = "not_a_downgrade"


@dataclass(frozen=True, slots=True)
class Person:
    """What the policy needs to know of an account.

    :ivar joined_at: when the account was made (aware).
    :ivar recorded_since: the number of the ledger row since which the account has been active in the signing group without
        a break; None where the ledger does not say so.
    :ivar password_set_by_another_at: when somebody else last set its password (aware); None where nobody did.
    :ivar wrong_passwords: how many wrong passwords were given at signing lately (``CONFIRMATION_WINDOW``).
    """

    id: int
    is_active: bool
    is_editor: bool
    is_risk_owner: bool
    joined_at: datetime
    recorded_since: int | None = None
    password_set_by_another_at: datetime | None = None
    wrong_passwords: int = 0


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """What the policy needs to know of a request.

    :ivar opened_at: aware. :ivar opened_as: the number of the ledger row that tells of the opening.
    :ivar independent: whether the requester's own signature does not count (always, but in solo mode).
    :ivar decided_by: account ids.
    """

    state: str
    requested_by: int
    opened_at: datetime
    opened_as: int
    independent: bool
    decided_by: frozenset[int]


@dataclass(frozen=True, slots=True)
class House:
    """What the portal's settings say: the time that must pass after a password was set by somebody else, and solo mode."""

    cool_down: timedelta = timedelta(hours=24)
    solo: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a runbook stands: its signed readiness, and the level that the landscape file declares.

    :ivar before_retirement: the level that it had when it was retired; None where it is not.
    :ivar holds: whether its readiness holds now: nothing has changed or run out since it was signed.
    :ivar document_is_shown: the stored text is that of the runbook's path and hashes to its sha256, so that a page can
        show what is signed.
    :ivar document_is_stub: the text is there to satisfy a link, and no runbook.
    """

    level: str
    year: int | None
    declared_level: str
    has_document: bool
    document_is_shown: bool
    has_open_request: bool
    before_retirement: str | None = None
    holds: bool = False
    document_is_stub: bool = False


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


# So many wrong passwords at signing lock the account out of signing, until the oldest of them is this long ago.
MOST_WRONG_PASSWORDS = 5
CONFIRMATION_WINDOW = timedelta(minutes=15)


def _those_that_hold(*doubts: tuple[Refusal, bool]) -> tuple[Refusal, ...]:
    return tuple(refusal for refusal, holds in doubts if holds)


def is_link(text: str) -> bool:
    """Whether a text is an address that a page may link to: http or https, with a host."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def reasons_against_counting(person: Person, request: RequestFacts, *, house: House) -> tuple[Refusal, ...]:
    """Why a signature of this person does not count, when it is given and again when the quorum is reached."""
    recorded = person.recorded_since
    return _those_that_hold(
        (Refusal.NOT_ACTIVE, not person.is_active),
        (Refusal.NOT_A_RISK_OWNER, not person.is_risk_owner),
        (Refusal.OWN_REQUEST, request.independent and person.id == request.requested_by),
        (Refusal.SOLO_MODE_IS_OFF, not request.independent and not house.solo),
        (Refusal.MEMBERSHIP_NOT_RECORDED, person.is_risk_owner and recorded is None),
        (
            Refusal.ACCOUNT_TOO_YOUNG,
            person.joined_at > request.opened_at or (recorded is not None and recorded > request.opened_as),
        ),
    )


def reasons_against_signing(
    person: Person, request: RequestFacts, *, house: House, at: datetime
) -> tuple[Refusal, ...]:
    """Why this person may not decide on this request at a moment (aware; four eyes: DESIGN, promise 3)."""
    return (
        _those_that_hold(
            (Refusal.REQUEST_CLOSED, request.state != states.OPEN),
            (Refusal.SIGNED_ALREADY, person.id in request.decided_by),
        )
        + reasons_against_counting(person, request, house=house)
        + reasons_against_confirming(person, house=house, at=at)
    )


def reasons_against_confirming(person: Person, *, house: House, at: datetime) -> tuple[Refusal, ...]:
    """Why this person's password confirms no signature at a moment, right or wrong."""
    set_at = person.password_set_by_another_at
    cooling = set_at is not None and at < set_at + house.cool_down
    return _those_that_hold((Refusal.COOLING_DOWN, cooling)) + reasons_against_guessing(person)


def reasons_against_guessing(person: Person) -> tuple[Refusal, ...]:
    """Why no password of this person is looked at now: too many were wrong lately."""
    return _those_that_hold((Refusal.LOCKED_OUT, person.wrong_passwords >= MOST_WRONG_PASSWORDS))


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
            # Unassessed says nothing of the text: whoever is put back there needs none.
            (Refusal.DOCUMENT_MISSING, not standing.has_document and proposal.level != states.UNASSESSED),
            (Refusal.RATIONALE_MISSING, not proposal.rationale.strip()),
            (Refusal.DOCUMENT_NOT_SHOWN, standing.has_document and not standing.document_is_shown),
            (Refusal.DOCUMENT_IS_STUB, proposal.level == states.READY and standing.document_is_stub),
            (Refusal.EVIDENCE_MISSING, proposal.evidence_required and not proposal.evidence),
            (Refusal.EVIDENCE_NOT_A_LINK, not all(is_link(link) for link in proposal.evidence)),
        )
    )


def _reasons_against_step(standing: Standing, proposal: Proposal) -> tuple[Refusal, ...]:
    if proposal.level == states.READY and _is_rnd_only(standing):
        return (Refusal.RND_ONLY_CANNOT_BE_READY,)
    if not states.is_up(standing.level, proposal.level):
        return (Refusal.STEP_NOT_ALLOWED,)
    if standing.level == states.RETIRED:
        return _those_that_hold((Refusal.NOT_WHAT_IT_WAS, proposal.level != standing.before_retirement))
    if standing.level != proposal.level:
        return ()
    earlier = standing.year is not None and proposal.year is not None and proposal.year < standing.year
    return _those_that_hold(
        (Refusal.NOTHING_CHANGES, standing.holds and standing.year == proposal.year),
        (Refusal.YEAR_ALREADY_SIGNED, standing.holds and earlier),
    )


def _is_rnd_only(standing: Standing) -> bool:
    """R&D only by signature, or by the file's own word as long as nobody has signed anything else.

    A retired runbook goes back to what it was, which was settled then.
    """
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


def reasons_against_accepting(person: Person, reason: str) -> tuple[Refusal, ...]:
    """Return why this person may not go on after damage of the ledger or a wrong clock, also where nothing is signed."""
    return _those_that_hold(
        (Refusal.NOT_ACTIVE, not person.is_active),
        (Refusal.NOT_A_RISK_OWNER, not person.is_risk_owner),
        (Refusal.RATIONALE_MISSING, not reason.strip()),
    )
