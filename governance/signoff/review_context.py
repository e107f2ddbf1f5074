"""Everything that a decision on a request depends on, read at once.

A decision reads it under the ledger's lock, a page without the lock.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils.translation import get_language

from governance.accounts.roles import NOT_STORED, Account, accounts
from governance.ledger.choices import Action
from governance.ledger.history import History, history_of
from governance.ledger.snapshot import subject_of
from governance.signoff import policy
from governance.signoff.choices import Decision
from governance.signoff.eligibility import is_first_day, members_of, sign_off_settings
from governance.signoff.models import SignOff, StatusChangeRequest
from governance.signoff.requests import document_is_intact
from governance.signoff.signers import makers_of, person_of


@dataclass(frozen=True, slots=True)
class ReviewContext:
    """A request with everything that the policy needs.

    :ivar decisions: the stored decisions in the order of their times, each with its signer.
    :ivar accounts: the current user, the requester and all who have decided, as stored now, by
        primary key.
    :ivar people: the same accounts by primary key, as the policy needs them.
    :ivar settings: the settings for the policy, at the time of reading.
    """

    request: StatusChangeRequest
    decisions: list[SignOff]
    accounts: dict[int, Account]
    people: dict[int, policy.Person]
    facts: policy.RequestFacts
    history: History
    settings: policy.SignOffSettings

    @property
    def form_etag(self) -> str:
        """Return the token of a page that shows this state: see ``etag_of``."""
        return etag_of(self.request, self.facts.decided_by)

    def document_is_intact(self) -> bool:
        """Return whether the stored text can be trusted: see ``requests.document_is_intact``."""
        return document_is_intact(self.request.runbook, history=self.history)

    def reasons_against_signing(self, user: User, *, at: datetime) -> tuple[policy.Refusal, ...]:
        """Return why this person may not decide on the request at a time (aware)."""
        return policy.reasons_against_signing(
            self.people[user.pk], self.facts, settings=self.settings, at=at
        )

    def waits_until(self, user: User, *, at: datetime) -> dict[policy.Refusal, datetime]:
        """Return when each waiting time of this person ends (aware)."""
        return policy.waits_until(self.people[user.pk], settings=self.settings, at=at)

    def counting_approvals(self, *more: SignOff) -> int:
        """Return the number of approvals that count, among the stored decisions and ``more``.

        An approval counts only if its signer may still sign.
        """
        return len(self._counting(more))

    def _counting(self, more: Iterable[SignOff]) -> list[SignOff]:
        approvals = [each for each in (*self.decisions, *more) if each.decision == Decision.APPROVE]
        return [
            each
            for each in approvals
            if not policy.reasons_against_counting(
                self.people[each.signer_id], self.facts, settings=self.settings
            )
        ]

    def reach(self, *, at: datetime) -> policy.Reach | None:
        """Return whether the request can still be completed; None if it is closed or has no rule.

        Reads the rule's group.
        """
        if not self.request.is_open or self.request.rule is None:
            return None
        return policy.reach(
            members_of(self.request.rule, besides=self.facts.decided_by, at=at),
            self.facts,
            approved_by=frozenset(
                each.signer_id for each in self.decisions if each.decision == Decision.APPROVE
            ),
            needed=self.request.required_signatures,
            settings=self.settings,
            at=at,
        )

    def dependence(self, *more: SignOff) -> tuple[policy.Dependence, ...]:
        """Return why the review that completes the request with ``more`` is not independent.

        Empty if it is independent.
        """
        counting = self._counting(more)
        parties = {self.request.requested_by_id, *(each.signer_id for each in counting)}
        moments = [self.request.requested_at, *(each.signed_at for each in counting)]
        people = [self.people[pk] for pk in sorted(parties)]
        if any(each.made_by for each in people):  # find out who made the accounts of the makers
            makers = makers_of({each.username for each in people}, at=max(moments))
            people = [replace(each, made_by=behind_of(each, makers)) for each in people]
        return policy.dependence(people, first_day=is_first_day(min(moments)))


def behind_of(person: policy.Person, makers: dict[str, frozenset[str]]) -> frozenset[str]:
    """Return who recently made an account, directly or through others.

    The account itself is included only if it gave something to itself.
    """
    return makers[person.username] - ({person.username} - person.made_by)


def load_review_context(request: StatusChangeRequest, *, by: User, at: datetime) -> ReviewContext:
    """Read the decisions, the accounts with their groups, and the ledger entries, in three queries.

    :param request: with its runbook, document and rule (``locked_request``), read by the caller.
    :param by: the current user; read from the database again.
    :param at: the time of the decision (aware).
    :raises ValueError: the account is not stored.
    """
    decisions = list(request.sign_offs.all())
    known = accounts(
        [by.pk or 0, request.requested_by_id, *(decision.signer_id for decision in decisions)]
    )
    if by.pk not in known:
        raise ValueError(NOT_STORED)
    for decision in decisions:
        decision.signer = known[decision.signer_id].user
    history = _history_of(request, known.values())
    group = request.rule.group_id if request.rule else None
    return ReviewContext(
        request=request,
        decisions=decisions,
        accounts=known,
        people={
            pk: person_of(each, history, signing_group_id=group, at=at)
            for pk, each in known.items()
        },
        facts=policy.RequestFacts(
            state=request.state,
            requested_by=request.requested_by_id,
            opened_at=request.requested_at,
            opened_as=_opened_as(request, history),
            independent=request.independent,
            decided_by=frozenset(decision.signer_id for decision in decisions),
        ),
        history=history,
        settings=sign_off_settings(at=at),
    )


def _history_of(request: StatusChangeRequest, known: Iterable[Account]) -> History:
    """Return all rows about these people and the document, and those about the request."""
    document = request.runbook.document
    subjects = [subject_of(each.user) for each in known] + (
        [subject_of(document)] if document else []
    )
    about_it = Q(
        action__in=(Action.REQUEST_SUBMITTED, Action.REQUEST_SIGNED),
        changes__request__after=request.pk,
    )
    return history_of(subjects, besides=(subject_of(request.runbook), about_it))


def _opened_as(request: StatusChangeRequest, history: History) -> int:
    """Return the sequence of the ledger row that records the opening.

    0 if there is none; nobody joined before that.
    """
    rows = history[subject_of(request.runbook)]
    return rows[0].sequence if rows else 0


def etag_of(request: StatusChangeRequest, decided_by: Iterable[int]) -> str:
    """Return the token of a sign-off page: pins, state, deciders and language.

    The language is included because the statement is stored as it was shown: after a change of the
    language, it must be read again.
    """
    decided = ",".join(str(pk) for pk in sorted(decided_by))
    return (
        f"{request.document_sha256}.{request.metadata_sha256}.{request.state}.{decided}."
        f"{get_language()}"
    )
