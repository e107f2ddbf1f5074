"""Signing: one person's decision, and the quorum that moves the readiness."""

import hashlib
from datetime import datetime

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from governance import ledger, policy
from governance.actions.applying import apply_request, store_decision
from governance.actions.closing import close_request
from governance.actions.confirming import confirm_password
from governance.actions.errors import RequestLapsed, StaleForm, refuse_for
from governance.actions.lapse import lapse_if_changed
from governance.actions.requests import document_is_shown, facts_of_request, house, locked_request, note, pins_of
from governance.choices import Action, Decision, RequestState
from governance.models import SignOff, StatusChangeRequest
from governance.people import person


def sign(
    *, request: StatusChangeRequest, comment: str, seen: str, password: str, by: User, at: datetime | None = None
) -> StatusChangeRequest:
    """Approve a request. The last signature that the rule asks for moves the readiness.

    :param seen: the token that the page carried (``seen_token``): the signature covers what was shown. The same decision
        with the same token again (a double click, a retry) is the same signature, and gives the same answer.
    :param password: the signer's own, asked for again at each signature.
    :raises ActionRefused: the policy has reasons against it.
    :raises StaleForm: the page showed something else than what stands now.
    :raises RequestLapsed: what was to be signed has changed; the request is closed.
    """
    return _decide(request, Decision.APPROVE, comment=comment, seen=seen, password=password, by=by, at=at)


def reject(
    *, request: StatusChangeRequest, comment: str, seen: str, password: str, by: User, at: datetime | None = None
) -> StatusChangeRequest:
    """Say no. One rejection ends a request; the comment says why. Raises like ``sign``."""
    return _decide(request, Decision.REJECT, comment=comment, seen=seen, password=password, by=by, at=at)


def seen_token(request: StatusChangeRequest) -> str:
    """What a sign-off page showed, as a token for its form: the pins, the state, who has decided, and the language.

    The sentence is stored as it was read: whoever changed the language meanwhile reads it again.
    """
    decided = ",".join(str(pk) for pk in sorted(request.sign_offs.values_list("signer_id", flat=True)))
    return f"{request.document_sha256}.{request.metadata_sha256}.{request.state}.{decided}.{get_language()}"


def reasons_against_signing(
    request: StatusChangeRequest, user: User, *, at: datetime | None = None
) -> tuple[policy.Refusal, ...]:
    """Why this person may not decide on this request at a moment (now by default); for a page that says so before."""
    moment = at or timezone.now()
    signer = person(user, signing_group_id=_group_of(request), at=moment)
    return policy.reasons_against_signing(signer, facts_of_request(request), house=house(), at=moment)


def _decide(
    request: StatusChangeRequest,
    decision: Decision,
    *,
    comment: str,
    seen: str,
    password: str,
    by: User,
    at: datetime | None,
) -> StatusChangeRequest:
    moment = at or timezone.now()
    confirm_password(by=by, password=password, at=moment)
    with ledger.governed():
        request = locked_request(request)
        if _is_repeated(request, decision, comment=comment, seen=seen, by=by):
            return request
        # A lapse must stay although the signer is turned away: it is raised after the commit.
        lapsed = request.state == RequestState.LAPSED or (
            request.is_open and lapse_if_changed(request, by=ledger.SYSTEM, at=moment)
        )
        if not lapsed:
            _decide_locked(request, decision, comment=comment, seen=seen, by=by, at=moment)
    if lapsed:
        raise RequestLapsed(request.closed_reason)
    return request


def _is_repeated(request: StatusChangeRequest, decision: Decision, *, comment: str, seen: str, by: User) -> bool:
    """Whether this very decision is stored already: the same person, on the same page, with the same words."""
    return SignOff.objects.filter(
        request=request, signer=by, decision=decision, comment=comment.strip(), seen_sha256=_digest(seen)
    ).exists()


def _digest(seen: str) -> str:
    return hashlib.sha256(seen.encode("utf-8", "replace")).hexdigest()


def _decide_locked(
    request: StatusChangeRequest, decision: Decision, *, comment: str, seen: str, by: User, at: datetime
) -> None:
    refuse_for(reasons_against_signing(request, by, at=at))
    if decision == Decision.APPROVE and request.document_sha256 and not document_is_shown(request.runbook):
        refuse_for([policy.Refusal.DOCUMENT_NOT_SHOWN])
    if not comment.strip():
        refuse_for([policy.Refusal.COMMENT_MISSING])
    if seen != seen_token(request):
        raise StaleForm(_("The page showed an earlier state of this request. Look at it again, then decide."))
    stored = store_decision(request, decision, comment=comment, by=by, at=at, seen_sha256=_digest(seen))
    with ledger.in_its_language():
        told = pins_of(request) | {"statement_sha256": {"before": None, "after": stored.statement_sha256}}
    if decision == Decision.REJECT:
        close_request(request, RequestState.REJECTED, reason=comment, at=at)
        note(request, Action.REQUEST_REJECTED, by=by, at=at, reason=comment, changes=told)
        return
    note(request, Action.REQUEST_SIGNED, by=by, at=at, reason=comment, changes=told)
    if counting_approvals(request) >= request.required_signatures:
        apply_request(request, by=by, at=at)


def counting_approvals(request: StatusChangeRequest) -> int:
    """Approvals of people who may still sign: each is asked again when the quorum is reached."""
    facts, group, rules = facts_of_request(request), _group_of(request), house()
    approvals = request.sign_offs.filter(decision=Decision.APPROVE).select_related("signer")
    return sum(
        not policy.reasons_against_counting(person(sign_off.signer, signing_group_id=group), facts, house=rules)
        for sign_off in approvals
    )


def _group_of(request: StatusChangeRequest) -> int | None:
    return request.rule.group_id if request.rule else None
