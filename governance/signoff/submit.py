"""Submit and withdraw requests for a readiness."""

from datetime import datetime

from django.contrib.auth.models import User
from django.utils import timezone

from governance import ledger
from governance.errors import refuse_for
from governance.ledger.choices import Action
from governance.signoff import policy, transitions
from governance.signoff.choices import Direction, RequestState, RulePurpose
from governance.signoff.eligibility import quorum_in_reach, sign_off_settings
from governance.signoff.models import SignOffRule, StatusChangeRequest
from governance.signoff.requests import (
    Pins,
    close_request,
    conditions_of,
    locked_request,
    locked_runbook,
    log,
    open_request,
    pins_of,
    status_of,
)
from governance.signoff.review_context import load_review_context
from governance.signoff.rules import (
    bring_rules_into_force,
    ensure_solo_rule,
    is_in_ledger,
    rules_in_force,
)
from governance.signoff.signers import person
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
    """Request a higher readiness for a runbook, or a new signature of the same one.

    Pins the document, the metadata and the rule. In solo mode, a risk owner may sign their own
    request alone; the readiness is then permanently labelled so.

    :param evidence: links, separated by white space.
    :param at: the time of the request (aware; now by default).
    :raises ActionRefused: the policy has reasons against it.
    """
    moment = at or timezone.now()
    with ledger.atomic():
        runbook = locked_runbook(runbook.pk)
        bring_rules_into_force(target_level=level, at=moment)
        asker, rules = person(by, at=moment), sign_off_settings(at=moment)
        if _asks_solo(asker, rules):
            ensure_solo_rule(target_level=level, at=moment)
        rule = rule_for(runbook, level=level, year=year, asker=asker, rules=rules, at=moment)
        proposal = _proposal(
            rule,
            level=level,
            year=year,
            rationale=rationale,
            evidence=evidence,
            by=by,
            rules=rules,
            at=moment,
        )
        status = status_of(runbook, at=moment)
        refuse_for(
            policy.reasons_against_submitting(asker, status, proposal, settings=rules, at=moment),
            until=policy.waits_until(asker, settings=rules, at=moment),
        )
        request = open_request(
            runbook,
            level=level,
            year=year,
            rationale=rationale,
            evidence=evidence,
            by=by,
            at=moment,
            rule=rule,
            direction=Direction.UP,
            pins=Pins.as_it_stands(runbook),
        )
        with ledger.canonical_language():
            terms = pins_of(request) | conditions_of(request)
        log(request, Action.REQUEST_SUBMITTED, by=by, at=moment, reason=rationale, changes=terms)
        return request


def rule_for(
    runbook: Runbook,
    *,
    level: str,
    year: int | None,
    asker: policy.Person,
    rules: policy.SignOffSettings,
    at: datetime,
) -> SignOffRule | None:
    """Return the rule for a request by this person; None if none is in force.

    A re-sign after a change of text or metadata uses its own rule, if there is one.
    """
    in_force = {
        rule.purpose: rule
        for rule in rules_in_force(target_level=level, at=at)
        if is_in_ledger(rule)
    }
    if _asks_solo(asker, rules) and RulePurpose.SOLO in in_force:
        return in_force[RulePurpose.SOLO]
    move = transitions.move(runbook.readiness_level, runbook.readiness_year, level, year)
    if (
        move == transitions.Move.RE_SIGN
        and _only_its_content_changed(runbook)
        and RulePurpose.RE_SIGN in in_force
    ):
        return in_force[RulePurpose.RE_SIGN]
    return in_force.get(RulePurpose.MOVE)


def _only_its_content_changed(runbook: Runbook) -> bool:
    """Return whether only the text or the metadata has changed since a valid signature.

    The signature must be within its validity and not signed in solo mode.
    """
    sha256 = runbook.document.sha256 if runbook.document else ""
    is_other = (sha256, runbook.metadata_sha256()) != (
        runbook.signed_document_sha256,
        runbook.signed_metadata_sha256,
    )
    in_date = runbook.valid_until is None or timezone.localdate() <= runbook.valid_until
    return is_other and in_date and not runbook.signed_solo


def _asks_solo(asker: policy.Person, rules: policy.SignOffSettings) -> bool:
    return rules.solo and asker.is_risk_owner


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
    """Return why this request may not be opened, for a form that shows the reasons in advance."""
    moment = at or timezone.now()
    asker, rules = person(by, at=moment), sign_off_settings(at=moment)
    rule = rule_for(runbook, level=level, year=year, asker=asker, rules=rules, at=moment)
    proposal = _proposal(
        rule,
        level=level,
        year=year,
        rationale=rationale,
        evidence=evidence,
        by=by,
        rules=rules,
        at=moment,
    )
    status = status_of(runbook, at=at)
    return policy.reasons_against_submitting(asker, status, proposal, settings=rules, at=moment)


def waits_until(*, by: User, at: datetime | None = None) -> dict[policy.Refusal, datetime]:
    """Return when each waiting time of this account ends (aware)."""
    moment = at or timezone.now()
    return policy.waits_until(
        person(by, at=moment), settings=sign_off_settings(at=moment), at=moment
    )


def _proposal(
    rule: SignOffRule | None,
    *,
    level: str,
    year: int | None,
    rationale: str,
    evidence: str,
    by: User,
    rules: policy.SignOffSettings,
    at: datetime,
) -> policy.Proposal:
    return policy.Proposal(
        level=level,
        year=year,
        rationale=rationale,
        evidence=tuple(evidence.split()),
        evidence_required=bool(rule and rule.evidence_required),
        rule_exists=rule is not None,
        this_year=timezone.localdate(at).year,
        quorum_in_reach=rule is None or quorum_in_reach(rule, by=by, settings=rules, at=at),
    )


def withdraw(
    *, request: StatusChangeRequest, reason: str, by: User, at: datetime | None = None
) -> StatusChangeRequest:
    """Withdraw one's own open request. Its signatures do not count for any other request.

    :raises ActionRefused: the policy has reasons against it.
    """
    moment = at or timezone.now()
    with ledger.atomic():
        request = locked_request(request)
        read = load_review_context(request, by=by, at=moment)
        refuse_for(policy.reasons_against_withdrawing(read.people[by.pk], read.facts))
        close_request(request, RequestState.WITHDRAWN, reason=reason, at=moment)
        log(request, Action.REQUEST_WITHDRAWN, by=by, at=moment, reason=reason)
        return request
