"""The sign-off: submit, sign, reject, withdraw; and the way down, which waits for nobody."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from governance import ledger, policy
from governance.actions.closing import close_request
from governance.actions.errors import RequestLapsed, StaleForm, refuse_for
from governance.actions.lapse import lapse_if_changed
from governance.choices import Action, Decision, Direction, RequestState
from governance.facts import subject_of
from governance.models import SignOff, SignOffRule, StatusChangeRequest
from governance.people import person
from runbooks.models import Runbook


def submit(
    *,
    runbook: Runbook,
    level: str,
    year: int | None,
    rationale: str,
    evidence: str = "",
    by: User,
    at: datetime | None = None,
) -> StatusChangeRequest:
    """Ask that a runbook move up to a readiness. Pins the document, the metadata and the rule.

    :param evidence: links, separated by white space.
    :param at: when (aware; now by default).
    :raises ActionRefused: the policy has reasons against it.
    """
    moment = at or timezone.now()
    with ledger.governed():
        runbook = _locked_runbook(runbook.pk)
        refuse_for(
            reasons_against_submitting(
                runbook=runbook, level=level, year=year, rationale=rationale, evidence=evidence, by=by, at=moment
            )
        )
        rule = SignOffRule.objects.get(target_level=level, in_force=True)
        request = _opened(
            runbook,
            level=level,
            year=year,
            rationale=rationale,
            evidence=evidence,
            by=by,
            at=moment,
            rule=rule,
            direction=Direction.UP,
        )
        _note(request, Action.REQUEST_SUBMITTED, by=by, at=moment, reason=rationale)
        return request


def reasons_against_submitting(
    *,
    runbook: Runbook,
    level: str,
    year: int | None,
    rationale: str,
    evidence: str,
    by: User,
    at: datetime | None = None,
) -> tuple[policy.Refusal, ...]:
    """Why this request may not be opened; for a form that says so before it is tried."""
    rule = SignOffRule.objects.filter(target_level=level, in_force=True).first()
    proposal = policy.Proposal(
        level=level,
        year=year,
        rationale=rationale,
        evidence=tuple(evidence.split()),
        evidence_required=bool(rule and rule.evidence_required),
        rule_exists=rule is not None,
        this_year=timezone.localdate(at).year,
    )
    return policy.reasons_against_submitting(person(by), _standing(runbook), proposal)


def sign(
    *, request: StatusChangeRequest, comment: str, seen: str, by: User, at: datetime | None = None
) -> StatusChangeRequest:
    """Approve a request. The last signature that the rule asks for moves the readiness.

    :param seen: the token that the page carried (``seen_token``): the signature covers what was shown.
    :raises ActionRefused: the policy has reasons against it.
    :raises StaleForm: the page showed something else than what stands now.
    :raises RequestLapsed: what was to be signed has changed; the request is closed.
    """
    return _decide(request, Decision.APPROVE, comment=comment, seen=seen, by=by, at=at)


def reject(
    *, request: StatusChangeRequest, comment: str, seen: str, by: User, at: datetime | None = None
) -> StatusChangeRequest:
    """Say no. One rejection ends a request; the comment says why. Raises like ``sign``."""
    return _decide(request, Decision.REJECT, comment=comment, seen=seen, by=by, at=at)


def withdraw(*, request: StatusChangeRequest, reason: str, by: User, at: datetime | None = None) -> StatusChangeRequest:
    """Take one's own open request back. No signature is carried over to another.

    :raises ActionRefused: the policy has reasons against it.
    """
    moment = at or timezone.now()
    with ledger.governed():
        request = _locked_request(request)
        refuse_for(policy.reasons_against_withdrawing(person(by), _facts(request)))
        close_request(request, RequestState.WITHDRAWN, reason=reason, at=moment)
        _note(request, Action.REQUEST_WITHDRAWN, by=by, at=moment, reason=reason)
        return request


def downgrade(
    *, runbook: Runbook, level: str, reason: str, by: User, at: datetime | None = None
) -> StatusChangeRequest:
    """Take a readiness down at once: one risk owner, a reason, no waiting (DESIGN, promise 4).

    :raises ActionRefused: the policy has reasons against it.
    """
    moment = at or timezone.now()
    with ledger.governed():
        runbook = _locked_runbook(runbook.pk)
        refuse_for(policy.reasons_against_downgrading(person(by), _standing(runbook), level, reason))
        waiting = StatusChangeRequest.objects.filter(runbook=runbook, state=RequestState.OPEN).first()
        if waiting:
            waiting.runbook = runbook
            close_request(waiting, RequestState.LAPSED, reason=_("The readiness was taken down meanwhile."), at=moment)
            _note(waiting, Action.REQUEST_LAPSED, by=by, at=moment, reason=waiting.closed_reason)
        request = _opened(
            runbook,
            level=level,
            year=None,
            rationale=reason,
            evidence="",
            by=by,
            at=moment,
            rule=None,
            direction=Direction.DOWN,
        )
        _store_decision(request, Decision.APPROVE, comment=reason, by=by, at=moment)
        _apply(request, by=by, at=moment)
        return request


def seen_token(request: StatusChangeRequest) -> str:
    """What a sign-off page showed, as a token for its form: the pins, the state, who has decided, and the language.

    The sentence is stored as it was read: whoever changed the language meanwhile reads it again.
    """
    decided = ",".join(str(pk) for pk in sorted(request.sign_offs.values_list("signer_id", flat=True)))
    return f"{request.document_sha256}.{request.metadata_sha256}.{request.state}.{decided}.{get_language()}"


def statement(request: StatusChangeRequest, decision: Decision) -> str:
    """The exact sentence that a decision stands under, in the reader's language."""
    approval = _(
        "I approve that “%(title)s” (%(version)s) moves from %(origin)s to %(target)s, on the document %(path)s "
        "with sha256 %(document)s and the metadata with sha256 %(metadata)s."
    )
    rejection = _(
        "I reject that “%(title)s” (%(version)s) moves from %(origin)s to %(target)s, on the document %(path)s "
        "with sha256 %(document)s and the metadata with sha256 %(metadata)s."
    )
    return (approval if decision == Decision.APPROVE else rejection) % {
        "title": request.metadata.get("title", request.runbook.title),
        "version": request.metadata.get("version") or "–",
        "origin": request.origin,
        "target": request.target,
        "path": request.document_path or "–",
        "document": request.document_sha256 or "–",
        "metadata": request.metadata_sha256,
    }


def reasons_against_signing(request: StatusChangeRequest, user: User) -> tuple[policy.Refusal, ...]:
    """Why this person may not decide on this request now; for a page that says so before it is tried."""
    group = request.rule.group_id if request.rule else None
    return policy.reasons_against_signing(person(user, signing_group_id=group), _facts(request))


def _decide(
    request: StatusChangeRequest, decision: Decision, *, comment: str, seen: str, by: User, at: datetime | None
) -> StatusChangeRequest:
    moment = at or timezone.now()
    with ledger.governed():
        request = _locked_request(request)
        # A lapse must stay although the signer is turned away: it is raised after the commit.
        lapsed = request.is_open and lapse_if_changed(request, by=ledger.SYSTEM, at=moment)
        if not lapsed:
            _decide_locked(request, decision, comment=comment, seen=seen, by=by, at=moment)
    if lapsed:
        raise RequestLapsed(request.closed_reason)
    return request


def _decide_locked(
    request: StatusChangeRequest, decision: Decision, *, comment: str, seen: str, by: User, at: datetime
) -> None:
    refuse_for(reasons_against_signing(request, by))
    if decision == Decision.APPROVE and not _document_is_shown(request.runbook):
        refuse_for([policy.Refusal.DOCUMENT_NOT_SHOWN])
    if not comment.strip():
        refuse_for([policy.Refusal.COMMENT_MISSING])
    if seen != seen_token(request):
        raise StaleForm(_("The page showed an earlier state of this request. Look at it again, then decide."))
    _store_decision(request, decision, comment=comment, by=by, at=at)
    if decision == Decision.REJECT:
        close_request(request, RequestState.REJECTED, reason=comment, at=at)
        _note(request, Action.REQUEST_REJECTED, by=by, at=at, reason=comment)
        return
    _note(request, Action.REQUEST_SIGNED, by=by, at=at, reason=comment)
    if counting_approvals(request) >= request.required_signatures:
        _apply(request, by=by, at=at)


def counting_approvals(request: StatusChangeRequest) -> int:
    """Approvals of people who may still sign: each is asked again when the quorum is reached."""
    facts, group = _facts(request), request.rule.group_id if request.rule else None
    approvals = request.sign_offs.filter(decision=Decision.APPROVE).select_related("signer")
    return sum(
        not policy.reasons_against_counting(person(sign_off.signer, signing_group_id=group), facts)
        for sign_off in approvals
    )


def _apply(request: StatusChangeRequest, *, by: User, at: datetime) -> None:
    """Move the readiness: the one place that writes it."""
    close_request(request, RequestState.APPROVED, reason="", at=at)
    Runbook.objects.filter(pk=request.runbook_id).update(
        readiness_level=request.to_level,
        readiness_year=request.to_year,
        signed_document_sha256=request.document_sha256,
        signed_metadata_sha256=request.metadata_sha256,
        signed_at=at,
    )
    request.applied_at = at
    request.save(update_fields=["applied_at"])
    with ledger.in_its_language():
        change = {"readiness": {"before": request.origin, "after": request.target}}
    _note(request, Action.READINESS_CHANGED, by=by, at=at, reason=request.rationale, changes=change)


def _store_decision(request: StatusChangeRequest, decision: Decision, *, comment: str, by: User, at: datetime) -> None:
    SignOff.objects.create(
        request=request,
        signer=by,
        decision=decision,
        comment=comment.strip(),
        statement=statement(request, decision),
        document_sha256=request.document_sha256,
        metadata_sha256=request.metadata_sha256,
        signed_at=at,
    )


def _opened(
    runbook: Runbook,
    *,
    level: str,
    year: int | None,
    rationale: str,
    evidence: str,
    by: User,
    at: datetime,
    rule: SignOffRule | None,
    direction: Direction,
) -> StatusChangeRequest:
    return StatusChangeRequest.objects.create(
        runbook=runbook,
        direction=direction,
        from_level=runbook.readiness_level,
        from_year=runbook.readiness_year,
        to_level=level,
        to_year=year,
        rationale=rationale.strip(),
        evidence="\n".join(evidence.split()),
        rule=rule,
        required_signatures=rule.required_signatures if rule else 1,
        independent=rule is not None and rule.separate_from_requester,
        document_path=runbook.document_path,
        document_sha256=runbook.document.sha256 if runbook.document else "",
        metadata=runbook.governed_metadata(),
        metadata_sha256=runbook.metadata_sha256(),
        requested_by=by,
        requested_at=at,
    )


def _locked_runbook(pk: int) -> Runbook:
    """The runbook, locked until the transaction ends (SQLite's transactions are locked already)."""
    return Runbook.objects.select_for_update(of=("self",)).select_related("document", "primary_cluster").get(pk=pk)


def _locked_request(request: StatusChangeRequest) -> StatusChangeRequest:
    """The request and its runbook, read anew. The runbook is locked first, everywhere, so that nobody waits in a ring."""
    runbook = _locked_runbook(request.runbook_id)
    locked = StatusChangeRequest.objects.select_for_update(of=("self",)).select_related("rule").get(pk=request.pk)
    locked.runbook = runbook
    return locked


def _standing(runbook: Runbook) -> policy.Standing:
    return policy.Standing(
        level=runbook.readiness_level,
        year=runbook.readiness_year,
        declared_level=runbook.declared_level,
        has_document=runbook.document is not None,
        document_is_shown=_document_is_shown(runbook),
        has_open_request=runbook.status_change_requests.filter(state=RequestState.OPEN).exists(),
    )


def _document_is_shown(runbook: Runbook) -> bool:
    document = runbook.document
    return document is not None and document.path == runbook.document_path and document.is_itself


def _facts(request: StatusChangeRequest) -> policy.RequestFacts:
    return policy.RequestFacts(
        state=request.state,
        requested_by=request.requested_by_id,
        opened_at=request.requested_at,
        independent=request.independent,
        decided_by=frozenset(request.sign_offs.values_list("signer_id", flat=True)),
    )


def _note(
    request: StatusChangeRequest,
    action: Action,
    *,
    by: ledger.Actor,
    at: datetime,
    reason: str,
    changes: dict[str, Any] | None = None,
) -> None:
    with ledger.in_its_language():
        _append(request, action, by=by, at=at, reason=reason, changes=changes)


def _append(
    request: StatusChangeRequest,
    action: Action,
    *,
    by: ledger.Actor,
    at: datetime,
    reason: str,
    changes: dict[str, Any] | None,
) -> None:
    pins: dict[str, Any] = {
        "request": {"before": None, "after": request.pk},
        "target": {"before": request.origin, "after": request.target},
        "document_sha256": {"before": None, "after": request.document_sha256},
        "metadata_sha256": {"before": None, "after": request.metadata_sha256},
    }
    ledger.append(
        ledger.Record(
            actor=by,
            action=action,
            subject=subject_of(request.runbook),
            subject_title=str(request),
            reason=reason,
            changes=pins if changes is None else {**changes, "request": pins["request"]},
        ),
        at=at,
    )
