"""The permission rules of the sign-off: who may do what, and why not. Pure: imports no Django.

Every function returns the reasons against an action; an empty tuple means that it is allowed. The
texts are in ``governance.signoff.choices.REFUSAL_TEXTS``, so that page, API and command agree.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from governance.signoff import transitions


class Refusal(StrEnum):
    """Why an action is refused. A test checks that every member has a text."""

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
    ACCESS_TOO_NEW = "access_too_new"
    QUORUM_OUT_OF_REACH = "quorum_out_of_reach"
    OWN_CHANGE = "own_change"
    CHANGE_SETTLED = "change_settled"


# Reasons that end with time. They do not make a request impossible to complete.
TEMPORARY = frozenset({Refusal.COOLING_DOWN, Refusal.LOCKED_OUT, Refusal.ACCESS_TOO_NEW})


class Dependence(StrEnum):
    """Why a review was not independent although others than the requester signed."""

    # There was no established risk owner yet: the portal's first day.
    FIRST_DAY = "first_day"
    # The requester or a signer created the account of one of them, added it to a group or set its
    # password.
    MADE_BY_PARTY = "made_by_party"
    # One person did that for the requester and all of the signers.
    MADE_BY_ONE = "made_by_one"


# How long before the approval of a request such actions on an account count.
INDEPENDENCE_WINDOW = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Person:
    """The facts about an account that the policy needs.

    :ivar joined_at: when the account was created (aware).
    :ivar recorded_since: the sequence of the ledger row since which the account has been active in
        the signing group without interruption; None if the ledger does not record this.
    :ivar password_set_by_another_at: when somebody else last set its password (aware); None if
        nobody did.
    :ivar password_reset_at: when somebody else last set its password (aware), except for the first
        password, which is set when the account is created; None if nobody did.
    :ivar wrong_passwords: the number of recent wrong passwords at signing
        (``CONFIRMATION_WINDOW``).
    :ivar signs_since: when the ledger recorded the change that lets it sign (aware); None if a
        second risk owner confirmed that change, or if it may not sign.
    :ivar asks_since: when the ledger recorded the change that lets it open requests (aware); None
        if that change is confirmed.
    :ivar asking_recorded: whether the ledger records a membership that lets it open requests.
    :ivar made_by: user names of the accounts that created it, activated it, added it to a group or
        set its password within ``INDEPENDENCE_WINDOW``, unless a second risk owner confirmed that.
    """

    id: int
    is_active: bool
    is_editor: bool
    is_risk_owner: bool
    joined_at: datetime
    recorded_since: int | None = None
    password_set_by_another_at: datetime | None = None
    wrong_passwords: int = 0
    password_reset_at: datetime | None = None
    username: str = ""
    signs_since: datetime | None = None
    asks_since: datetime | None = None
    asking_recorded: bool = True
    made_by: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """The facts about a request that the policy needs.

    :ivar opened_at: when it was opened (aware).
    :ivar opened_as: the sequence of the ledger row that records the opening.
    :ivar independent: whether the requester's own signature does not count (always true, except in
        solo mode).
    :ivar decided_by: the ids of the accounts that have decided.
    """

    state: str
    requested_by: int
    opened_at: datetime
    opened_as: int
    independent: bool
    decided_by: frozenset[int]


@dataclass(frozen=True, slots=True)
class SignOffSettings:
    """The settings of the portal that the policy needs.

    :ivar cool_down: the waiting time after somebody else set a password, and after a change of
        signing rights or of a rule.
    :ivar solo: whether an owner may sign alone.
    :ivar first_day: whether there is no established risk owner yet. Then nothing waits, and
        signatures are labelled.
    """

    cool_down: timedelta = timedelta(hours=24)
    solo: bool = False
    first_day: bool = False

    def waits(self, since: datetime | None, at: datetime) -> bool:
        """Return whether the waiting time since an event at ``since`` (aware) is not over."""
        return (
            bool(self.cool_down)
            and not self.first_day
            and since is not None
            and at < since + self.cool_down
        )


@dataclass(frozen=True, slots=True)
class RunbookStatus:
    """The state of a runbook: its signed readiness, and the level that the landscape file declares.

    :ivar before_retirement: the level that it had when it was retired; None if it is not retired.
    :ivar holds: whether its readiness holds now: nothing has changed or expired since it was
        signed.
    :ivar document_is_intact: whether the stored text is that of the runbook's path and matches its
        sha256, so that a page can show what is signed.
    :ivar document_is_stub: whether the text is a placeholder that exists only to make a link valid.
    """

    level: str
    year: int | None
    declared_level: str
    has_document: bool
    document_is_intact: bool
    has_open_request: bool
    before_retirement: str | None = None
    holds: bool = False
    document_is_stub: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """The requested change.

    :ivar this_year: the current year in the portal's time zone.
    :ivar quorum_in_reach: whether enough people could sign it (``reach``).
    """

    level: str
    year: int | None
    rationale: str
    evidence: tuple[str, ...]
    evidence_required: bool
    rule_exists: bool
    this_year: int
    quorum_in_reach: bool = True


# This number of wrong passwords at signing within the window locks the account out of signing.
MAX_WRONG_PASSWORDS = 5
CONFIRMATION_WINDOW = timedelta(minutes=15)


def _reasons(*doubts: tuple[Refusal, bool]) -> tuple[Refusal, ...]:
    return tuple(refusal for refusal, holds in doubts if holds)


def is_link(text: str) -> bool:
    """Return whether a text is a URL that a page may link to: http or https, with a host."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


# The quorum is written in four places: see "Where the quorum is written" in docs/readiness.md.
def reasons_against_counting(
    person: Person, request: RequestFacts, *, settings: SignOffSettings
) -> tuple[Refusal, ...]:
    """Return why a signature of this person does not count.

    Checked when it is given and again when the quorum is reached.
    """
    recorded = person.recorded_since
    return _reasons(
        (Refusal.NOT_ACTIVE, not person.is_active),
        (Refusal.NOT_A_RISK_OWNER, not person.is_risk_owner),
        (Refusal.OWN_REQUEST, request.independent and person.id == request.requested_by),
        (Refusal.SOLO_MODE_IS_OFF, not request.independent and not settings.solo),
        (Refusal.MEMBERSHIP_NOT_RECORDED, person.is_risk_owner and recorded is None),
        (
            Refusal.ACCOUNT_TOO_YOUNG,
            person.joined_at > request.opened_at
            or (recorded is not None and recorded > request.opened_as),
        ),
    )


def reasons_against_signing(
    person: Person, request: RequestFacts, *, settings: SignOffSettings, at: datetime
) -> tuple[Refusal, ...]:
    """Return why this person may not decide on this request at a time (aware)."""
    return (
        _reasons(
            (Refusal.REQUEST_CLOSED, request.state != transitions.OPEN),
            (Refusal.SIGNED_ALREADY, person.id in request.decided_by),
        )
        + reasons_against_counting(person, request, settings=settings)
        + _reasons((Refusal.ACCESS_TOO_NEW, settings.waits(person.signs_since, at)))
        + reasons_against_confirming(person, settings=settings, at=at)
    )


def reasons_against_confirming(
    person: Person, *, settings: SignOffSettings, at: datetime
) -> tuple[Refusal, ...]:
    """Return why this person's password cannot confirm a signature at a time (aware).

    The reasons apply to a right and a wrong password alike.
    """
    return _reasons(
        (Refusal.COOLING_DOWN, _cools_down(person, settings, at))
    ) + reasons_against_guessing(person)


def _cools_down(person: Person, settings: SignOffSettings, at: datetime) -> bool:
    """Return whether the waiting time after somebody else set the password is not over.

    On the first day, only a reset password counts, not the first one of an account.
    """
    made = settings.waits(person.password_set_by_another_at, at)
    return made or _waits_always(person.password_reset_at, settings, at)


def waits_until(
    person: Person, *, settings: SignOffSettings, at: datetime
) -> dict[Refusal, datetime]:
    """Return when each waiting time of this person that runs at a time (aware) ends (aware)."""
    password = [
        since + settings.cool_down
        for since, waits in (
            (person.password_set_by_another_at, settings.waits),
            (person.password_reset_at, replace(settings, first_day=False).waits),
        )
        if since is not None and waits(since, at)
    ]
    access = [
        since + settings.cool_down
        for since in (person.signs_since, person.asks_since)
        if since is not None and settings.waits(since, at)
    ]
    ends = ((Refusal.COOLING_DOWN, password), (Refusal.ACCESS_TOO_NEW, access))
    return {reason: max(moments) for reason, moments in ends if moments}


def _waits_always(since: datetime | None, settings: SignOffSettings, at: datetime) -> bool:
    """Return whether the waiting time is not over, ignoring the exception for the first day."""
    return replace(settings, first_day=False).waits(since, at)


def reasons_against_guessing(person: Person) -> tuple[Refusal, ...]:
    """Return why this person's password is not checked now: too many recent failures."""
    return _reasons((Refusal.LOCKED_OUT, person.wrong_passwords >= MAX_WRONG_PASSWORDS))


def reasons_against_withdrawing(person: Person, request: RequestFacts) -> tuple[Refusal, ...]:
    """Return why this person may not withdraw the request."""
    return _reasons(
        (Refusal.REQUEST_CLOSED, request.state != transitions.OPEN),
        (Refusal.NOT_ACTIVE, not person.is_active),
        (Refusal.NOT_THE_REQUESTER, person.id != request.requested_by),
    )


def reasons_against_submitting(
    person: Person,
    status: RunbookStatus,
    proposal: Proposal,
    *,
    settings: SignOffSettings,
    at: datetime,
) -> tuple[Refusal, ...]:
    """Return why this upward request may not be opened at a time (aware)."""
    return (
        _reasons(
            (Refusal.NOT_ACTIVE, not person.is_active),
            (Refusal.NOT_AN_EDITOR, not (person.is_editor or person.is_risk_owner)),
            (Refusal.MEMBERSHIP_NOT_RECORDED, not person.asking_recorded),
            (Refusal.ACCESS_TOO_NEW, settings.waits(person.asks_since, at)),
            (Refusal.COOLING_DOWN, _cools_down(person, settings, at)),
            (Refusal.OPEN_REQUEST_EXISTS, status.has_open_request),
        )
        + _reasons_against_step(status, proposal)
        + _reasons_against_year(proposal)
        + _reasons(
            (Refusal.RULE_MISSING, not proposal.rule_exists),
            (Refusal.QUORUM_OUT_OF_REACH, proposal.rule_exists and not proposal.quorum_in_reach),
            # Unassessed makes no statement about the text, so a return to it needs none.
            (
                Refusal.DOCUMENT_MISSING,
                not status.has_document and proposal.level != transitions.UNASSESSED,
            ),
            (Refusal.RATIONALE_MISSING, not proposal.rationale.strip()),
            (Refusal.DOCUMENT_NOT_SHOWN, status.has_document and not status.document_is_intact),
            (
                Refusal.DOCUMENT_IS_STUB,
                proposal.level == transitions.READY and status.document_is_stub,
            ),
            (Refusal.EVIDENCE_MISSING, proposal.evidence_required and not proposal.evidence),
            (Refusal.EVIDENCE_NOT_A_LINK, not all(is_link(link) for link in proposal.evidence)),
        )
    )


def _reasons_against_step(status: RunbookStatus, proposal: Proposal) -> tuple[Refusal, ...]:
    if proposal.level == transitions.READY and _is_rnd_only(status):
        return (Refusal.RND_ONLY_CANNOT_BE_READY,)
    if not transitions.is_up(status.level, proposal.level):
        return (Refusal.STEP_NOT_ALLOWED,)
    if status.level == transitions.RETIRED:
        return _reasons((Refusal.NOT_WHAT_IT_WAS, proposal.level != status.before_retirement))
    if status.level != proposal.level:
        return ()
    earlier = status.year is not None and proposal.year is not None and proposal.year < status.year
    return _reasons(
        (Refusal.NOTHING_CHANGES, status.holds and status.year == proposal.year),
        (Refusal.YEAR_ALREADY_SIGNED, status.holds and earlier),
    )


def _is_rnd_only(status: RunbookStatus) -> bool:
    """Return whether the runbook is R&D only, by signature or by declaration.

    The file's declaration counts only as long as no other level has been signed. A retired runbook
    is exempt: it returns to its previous level, which was decided before.
    """
    declared_so = (
        status.level == transitions.UNASSESSED and status.declared_level == transitions.RND_ONLY
    )
    return status.level == transitions.RND_ONLY or declared_so


def _reasons_against_year(proposal: Proposal) -> tuple[Refusal, ...]:
    if proposal.level != transitions.READY:
        return _reasons((Refusal.YEAR_NOT_WANTED, proposal.year is not None))
    if proposal.year is None:
        return (Refusal.YEAR_MISSING,)
    return _reasons(
        (Refusal.YEAR_PAST, proposal.year < proposal.this_year),
        (Refusal.YEAR_TOO_FAR, proposal.year > proposal.this_year + 1),
    )


def reasons_against_downgrading(
    person: Person, status: RunbookStatus, level: str, reason: str
) -> tuple[Refusal, ...]:
    """Return why this person may not downgrade the readiness at once. No document is needed."""
    return _reasons(
        (Refusal.NOT_ACTIVE, not person.is_active),
        (Refusal.NOT_A_RISK_OWNER, not person.is_risk_owner),
        (Refusal.NOT_A_DOWNGRADE, not transitions.is_down(status.level, level)),
        (Refusal.RATIONALE_MISSING, not reason.strip()),
    )


@dataclass(frozen=True, slots=True)
class Reach:
    """Whether a request can still be completed.

    :ivar given: the number of approvals that count.
    :ivar can_sign: the number of people who may still approve, now or after a waiting time.
    :ivar needed: the number of approvals that the rule requires.
    """

    given: int
    can_sign: int
    needed: int

    @property
    def is_lost(self) -> bool:
        """Return whether the request can no longer be completed."""
        return self.given + self.can_sign < self.needed


def reach(
    members: Iterable[Person],
    request: RequestFacts,
    *,
    approved_by: frozenset[int],
    needed: int,
    settings: SignOffSettings,
    at: datetime,
) -> Reach:
    """Count who has approved and who still could.

    :param members: the people in the rule's group, and all who have decided already.
    :param approved_by: account ids of those who approved.
    """
    people = list(members)
    given = sum(
        person.id in approved_by
        and not reasons_against_counting(person, request, settings=settings)
        for person in people
    )
    able = sum(
        not set(reasons_against_signing(person, request, settings=settings, at=at)) - TEMPORARY
        for person in people
    )
    return Reach(given, able, needed)


def dependence(parties: Iterable[Person], *, first_day: bool) -> tuple[Dependence, ...]:
    """Return why a review by these people, including the requester, was not independent.

    Empty if it was independent.

    :param first_day: whether the request was opened, or one of the signatures given, before there
        was an established risk owner.
    """
    people = list(parties)
    names = {person.username for person in people}
    made_by_all = (
        frozenset.intersection(*(person.made_by for person in people)) if people else frozenset()
    )
    asked = (
        (Dependence.FIRST_DAY, first_day),
        (Dependence.MADE_BY_PARTY, any(person.made_by & names for person in people)),
        (Dependence.MADE_BY_ONE, bool(made_by_all)),
    )
    return tuple(why for why, holds in asked if holds)


@dataclass(frozen=True, slots=True)
class RuleTerms:
    """The terms of a rule. ``valid_days`` is None if there is no limit."""

    required_signatures: int
    group: str
    evidence_required: bool
    valid_days: int | None


def is_stricter(new: RuleTerms, old: RuleTerms | None) -> bool:
    """Return whether a rule is at least as strict as the one before in every respect.

    Such a change takes effect at once.
    """
    if old is None or new.group != old.group or new.required_signatures < old.required_signatures:
        return False
    shorter = old.valid_days is None or (
        new.valid_days is not None and new.valid_days <= old.valid_days
    )
    return shorter and new.evidence_required >= old.evidence_required


def reasons_against_settling(
    person: Person,
    *,
    made_by: frozenset[str],
    behind: frozenset[str],
    about: str,
    is_waiting: bool,
    settings: SignOffSettings,
    at: datetime,
) -> tuple[Refusal, ...]:
    """Return why this person may not confirm or refuse a change of signing rights or of a rule.

    :param person: as a member of the risk owners.
    :param made_by: the user names of the account that made the change and of those that recently
        made that account.
    :param behind: the user names of this person's account and of those that recently made it.
    :param about: the account that the change concerns; empty for a rule.
    """
    return _reasons(
        (Refusal.CHANGE_SETTLED, not is_waiting),
        (Refusal.NOT_ACTIVE, not person.is_active),
        (Refusal.NOT_A_RISK_OWNER, not person.is_risk_owner),
        (Refusal.MEMBERSHIP_NOT_RECORDED, person.is_risk_owner and person.recorded_since is None),
        (Refusal.OWN_CHANGE, bool(behind & made_by) or person.username == about),
        # Not waived on the first day: there is no established risk owner who could confirm.
        (Refusal.ACCESS_TOO_NEW, _waits_always(person.signs_since, settings, at)),
    ) + reasons_against_confirming(person, settings=replace(settings, first_day=False), at=at)


def reasons_against_accepting(person: Person, reason: str) -> tuple[Refusal, ...]:
    """Return why this person may not accept damage of the ledger or a wrong clock.

    This applies even if nothing is signed.
    """
    return _reasons(
        (Refusal.NOT_ACTIVE, not person.is_active),
        (Refusal.NOT_A_RISK_OWNER, not person.is_risk_owner),
        (Refusal.RATIONALE_MISSING, not reason.strip()),
    )
