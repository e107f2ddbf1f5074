"""Who may sign each open request now, and whether each can still be completed.

Inbox, mail and page all use these functions. The number of queries does not depend on the number of
requests and people. The rules are those of the policy.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.utils import timezone

from governance.accounts.roles import RISK_OWNERS, Account, accounts
from governance.ledger.choices import Action
from governance.ledger.history import History, history_of
from governance.ledger.models import ChangeLogEntry
from governance.ledger.snapshot import subject_of
from governance.signoff import policy
from governance.signoff.choices import Decision, RequestState
from governance.signoff.models import SignOff, SignOffRule, StatusChangeRequest
from governance.signoff.signers import person_of


def sign_off_settings(*, at: datetime | None = None) -> policy.SignOffSettings:
    """Return the portal's settings for the policy at a time (aware; now by default)."""
    cool_down = timedelta(hours=settings.SIGNING_COOL_DOWN_HOURS)
    return policy.SignOffSettings(
        cool_down=cool_down,
        solo=bool(settings.GOVERNANCE_SOLO),
        first_day=is_first_day(at or timezone.now()),
    )


def is_first_day(at: datetime) -> bool:
    """Return whether nobody can be an established risk owner at a time (aware).

    True if the first one joined less than the waiting time before, or if nobody has joined yet. It
    does not become true again when later members leave, because the ledger keeps the record of the
    first.
    """
    cool_down = timedelta(hours=settings.SIGNING_COOL_DOWN_HOURS)
    if not cool_down:
        return False  # there is no waiting time
    first = _first_signer_recorded_at()
    return first is None or at < first + cool_down


def _first_signer_recorded_at() -> datetime | None:
    """Return when the ledger first recorded a member of a signing group, or None."""
    names = {RISK_OWNERS, *SignOffRule.objects.values_list("group__name", flat=True).distinct()}
    joined = Q()
    for name in names:
        # In the form of JSON. SQLite stores the text as written, with or without escapes;
        # PostgreSQL compares values.
        for spelled in (json.dumps(name), json.dumps(name, ensure_ascii=False)):
            joined |= Q(changes__groups__after__icontains=spelled)
    rows = ChangeLogEntry.objects.filter(
        joined, action__in=(Action.CREATED, Action.CHANGED), subject__startswith="user:"
    )
    return rows.order_by("sequence").values_list("recorded_at", flat=True).first()


@dataclass(frozen=True, slots=True)
class Survey:
    """Open requests with everything that the policy needs, and the people who could sign.

    :ivar people: by the rule's group and the account's primary key, as the policy needs them.
    """

    requests: Sequence[StatusChangeRequest]
    facts: dict[int, policy.RequestFacts]
    people: dict[tuple[int, int], policy.Person]
    users: dict[int, User]
    settings: policy.SignOffSettings
    at: datetime

    def may_sign(self, user: int, request: StatusChangeRequest) -> bool:
        """Return whether the policy lets this account decide on a request now."""
        person = self.people.get((request.rule.group_id if request.rule else 0, user))
        return person is not None and not policy.reasons_against_signing(
            person, self.facts[request.pk], settings=self.settings, at=self.at
        )

    def awaiting(self, user: int) -> list[StatusChangeRequest]:
        """Return the requests that this account may decide on now."""
        return [request for request in self.requests if self.may_sign(user, request)]

    def signers(self, request: StatusChangeRequest) -> list[User]:
        """Return the accounts that may decide on a request now, sorted by user name."""
        able = [user for pk, user in self.users.items() if self.may_sign(pk, request)]
        return sorted(able, key=lambda user: user.get_username())

    def reach(self, request: StatusChangeRequest) -> policy.Reach:
        """Return whether a request can still be completed."""
        group = request.rule.group_id if request.rule else 0
        approved = frozenset(
            each.signer_id for each in request.sign_offs.all() if each.decision == Decision.APPROVE
        )
        return policy.reach(
            [person for (of_group, _), person in self.people.items() if of_group == group],
            self.facts[request.pk],
            approved_by=approved,
            needed=request.required_signatures,
            settings=self.settings,
            at=self.at,
        )


def survey(
    *,
    requests: QuerySet[StatusChangeRequest] | None = None,
    only: User | None = None,
    at: datetime | None = None,
) -> Survey:
    """Read open requests and the people who could sign them, in a fixed number of queries.

    :param requests: the requests to consider; all by default. Closed ones are ignored.
    :param only: the one account to consider; all members of the signing groups by default.
    """
    moment = at or timezone.now()
    rows = StatusChangeRequest.objects.all() if requests is None else requests
    rows = rows.filter(state=RequestState.OPEN, rule__isnull=False)
    if only is not None:
        rows = _candidates(rows, only)
    found = list(
        rows.select_related("runbook", "requested_by", "rule").prefetch_related("sign_offs")
    )
    members = _members(found, only) if found else {}
    history = (
        history_of([subject_of(each.user) for each in members.values()]) if members else History()
    )
    groups = {request.rule.group_id for request in found if request.rule}
    return Survey(
        requests=found,
        facts=_facts(found),
        people={
            (group, pk): person_of(each, history, signing_group_id=group, at=moment)
            for group in groups
            for pk, each in members.items()
        },
        users={pk: each.user for pk, each in members.items()},
        settings=sign_off_settings(at=moment) if found else policy.SignOffSettings(),
        at=moment,
    )


def _candidates(rows: QuerySet[StatusChangeRequest], user: User) -> QuerySet[StatusChangeRequest]:
    """Return the requests that an account could possibly sign; the policy decides on each.

    For most visitors, this one query shows that nothing is pending.
    """
    own = Q(independent=True, requested_by=user.pk)
    decided = SignOff.objects.filter(signer=user.pk).values("request")
    return (
        rows.filter(rule__group__in=user.groups.values("pk")).exclude(own).exclude(pk__in=decided)
    )


def _members(requests: Sequence[StatusChangeRequest], only: User | None) -> dict[int, Account]:
    if only is not None:
        return accounts([only.pk])
    groups = [request.rule.group_id for request in requests if request.rule]
    decided = [each.signer_id for request in requests for each in request.sign_offs.all()]
    return accounts(User.objects.filter(Q(groups__in=groups) | Q(pk__in=decided)).values("pk"))


def _facts(requests: Sequence[StatusChangeRequest]) -> dict[int, policy.RequestFacts]:
    opened = _opened_as(requests)
    return {
        request.pk: policy.RequestFacts(
            state=request.state,
            requested_by=request.requested_by_id,
            opened_at=request.requested_at,
            opened_as=opened.get(request.pk, 0),
            independent=request.independent,
            decided_by=frozenset(each.signer_id for each in request.sign_offs.all()),
        )
        for request in requests
    }


def _opened_as(requests: Sequence[StatusChangeRequest]) -> dict[int, int]:
    """Return the sequence of the ledger row that records each request's opening, by request."""
    if not requests:
        return {}
    rows = ChangeLogEntry.objects.filter(
        action=Action.REQUEST_SUBMITTED,
        subject__in={subject_of(request.runbook) for request in requests},
    )
    openings = rows.order_by("-sequence").values_list("sequence", "changes")
    opened = (
        ((changes.get("request") or {}).get("after"), sequence) for sequence, changes in openings
    )
    return {number: sequence for number, sequence in opened if type(number) is int}


def awaiting(user: User, *, at: datetime | None = None) -> list[StatusChangeRequest]:
    """Return the open requests that an account may decide on now, for inbox, counter and e-mail."""
    return survey(only=user, at=at).awaiting(user.pk)


def quorum_in_reach(
    rule: SignOffRule, *, by: User, settings: policy.SignOffSettings, at: datetime
) -> bool:
    """Return whether enough people could sign a request by this person under a rule."""
    asked = policy.RequestFacts(
        state="open",
        requested_by=by.pk,
        opened_at=max(at, timezone.now()),
        opened_as=sys.maxsize,  # after every existing row
        independent=rule.separate_from_requester,
        decided_by=frozenset(),
    )
    people, needed = members_of(rule, at=at), rule.required_signatures
    return not policy.reach(
        people, asked, approved_by=frozenset(), needed=needed, settings=settings, at=at
    ).is_lost


def members_of(
    rule: SignOffRule, *, besides: Iterable[int] = (), at: datetime
) -> list[policy.Person]:
    """Return the people in a rule's group, and some others, as the policy needs them at a time."""
    members = accounts(
        User.objects.filter(Q(groups=rule.group_id) | Q(pk__in=list(besides))).values("pk")
    )
    history = history_of([subject_of(each.user) for each in members.values()])
    return [
        person_of(each, history, signing_group_id=rule.group_id, at=at) for each in members.values()
    ]
