"""Sign or reject a request. The signature that completes the quorum changes the readiness."""

import hashlib
from datetime import datetime

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext as _

from governance import ledger
from governance.errors import RequestLapsed, StaleForm, refuse_for
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from governance.ledger.row_digests import digest_change
from governance.ledger.snapshot import subject_of
from governance.signoff import policy
from governance.signoff.apply import apply_request, store_decision
from governance.signoff.choices import Decision, RequestState
from governance.signoff.lapse import lapse_if_changed
from governance.signoff.models import SignOff, StatusChangeRequest
from governance.signoff.reauthentication import hashed, is_confirmed
from governance.signoff.requests import close_request, locked_request, log, log_entry, pins_of
from governance.signoff.review_context import ReviewContext, etag_of, load_review_context
from governance.signoff.signals import readiness_applied


def sign(
    *,
    request: StatusChangeRequest,
    comment: str,
    seen: str,
    password: str,
    by: User,
    at: datetime | None = None,
) -> StatusChangeRequest:
    """Approve a request. The last signature that the rule requires changes the readiness.

    :param seen: the token that the page carried (``form_etag``): the signature covers what was
        shown. Repeating the same decision with the same token (a double click, a retry) counts as
        the same signature and returns the same result.
    :param password: the signer's own password, required for each signature.
    :raises ActionRefused: the policy has reasons against it.
    :raises StaleForm: the page showed an earlier state.
    :raises RequestLapsed: the pinned content has changed; the request is closed.
    """
    return _decide(
        request, Decision.APPROVE, comment=comment, seen=seen, password=password, by=by, at=at
    )


def reject(
    *,
    request: StatusChangeRequest,
    comment: str,
    seen: str,
    password: str,
    by: User,
    at: datetime | None = None,
) -> StatusChangeRequest:
    """Reject a request, with the reason in the comment. One rejection closes it.

    Raises the exceptions of ``sign``.
    """
    return _decide(
        request, Decision.REJECT, comment=comment, seen=seen, password=password, by=by, at=at
    )


def form_etag(request: StatusChangeRequest) -> str:
    """Return the token for the form of a sign-off page: see ``review_context.etag_of``."""
    return etag_of(request, request.sign_offs.values_list("signer_id", flat=True))


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
    given = hashed(password, by=by)
    with ledger.atomic():
        read = load_review_context(locked_request(request), by=by, at=moment)
        request, lapsed = read.request, False
        account, known = read.accounts[by.pk].user, read.people[by.pk]
        confirmed = is_confirmed(
            given, account=account, known=known, at=moment, rules=read.settings
        )
        if confirmed and not _is_repeated(read, decision, comment=comment, seen=seen, by=by):
            lapsed = request.state == RequestState.LAPSED or (
                request.is_open and lapse_if_changed(request, by=ledger.SYSTEM, at=moment)
            )
            if not lapsed:
                _decide_locked(read, decision, comment=comment, seen=seen, by=by, at=moment)
    # Raised after the commit: the ledger entry of a wrong password, or of a lapse, must be kept
    # although the decision is refused.
    if not confirmed:
        refuse_for([policy.Refusal.WRONG_PASSWORD])
    if lapsed:
        raise RequestLapsed(request.closed_reason)
    return request


def _is_repeated(
    read: ReviewContext, decision: Decision, *, comment: str, seen: str, by: User
) -> bool:
    """Return whether this person already stored the same decision, page and comment."""
    this = (by.pk, decision, comment.strip(), _digest(seen))
    return this in [
        (each.signer_id, each.decision, each.comment, each.seen_sha256) for each in read.decisions
    ]


def _digest(seen: str) -> str:
    return hashlib.sha256(seen.encode("utf-8", "replace")).hexdigest()


def _decide_locked(
    read: ReviewContext, decision: Decision, *, comment: str, seen: str, by: User, at: datetime
) -> None:
    request = read.request
    refuse_for(read.reasons_against_signing(by, at=at), until=read.waits_until(by, at=at))
    if decision == Decision.APPROVE and request.document_sha256 and not read.document_is_intact():
        refuse_for([policy.Refusal.DOCUMENT_NOT_SHOWN])
    if not comment.strip():
        refuse_for([policy.Refusal.COMMENT_MISSING])
    if seen != read.form_etag:
        raise StaleForm(
            _("This request has changed since the page was loaded. Review it again, then decide.")
        )
    stored = store_decision(
        request, decision, comment=comment, by=by, at=at, seen_sha256=_digest(seen)
    )
    with ledger.canonical_language():
        changes = pins_of(request) | {
            "statement_sha256": {"before": None, "after": stored.statement_sha256}
        }
    changes |= digest_change(stored, "sign_off_row")
    if decision == Decision.REJECT:
        close_request(request, RequestState.REJECTED, reason=comment, at=at)
        log(request, Action.REQUEST_REJECTED, by=by, at=at, reason=comment, changes=changes)
        return
    signed = log_entry(request, Action.REQUEST_SIGNED, by=by, reason=comment, changes=changes)
    if read.counting_approvals(stored) >= request.required_signatures:
        entries = apply_request(
            request, by=by, at=at, preceding=[signed], dependence=read.dependence(stored)
        )
        _announce(read, stored, entries)
    else:
        ledger.append(signed, at=at)


def _announce(read: ReviewContext, stored: SignOff, entries: list[ChangeLogEntry]) -> None:
    """Tell that the readiness moved, with everything that was read and written on the way."""
    request = read.request
    request.requested_by = read.accounts[request.requested_by_id].user
    decisions = [*read.decisions, stored]
    for decision in decisions:
        decision.request = request
        decision.signer = read.accounts[decision.signer_id].user
    runbook, document = request.runbook, request.runbook.document
    rows = [*read.history[subject_of(runbook)], *entries]
    if document:
        rows = [*read.history[subject_of(document)], *rows]
    readiness_applied.send(StatusChangeRequest, request=request, decisions=decisions, rows=rows)
