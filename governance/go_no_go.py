"""Asking for the verdict: gathers what ``governance.verdict`` decides on, from the row, the sign-off and the ledger.

Computed at each question and never stored. Whatever cannot be found out is a no-go.
"""

import logging
from datetime import datetime

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from governance import guards, ledger
from governance.choices import Action, Decision, FindingKind, RequestState
from governance.facts import subject_of
from governance.models import ChangeLogEntry, Finding, StatusChangeRequest
from governance.verdict import Evidence, Verdict, VerdictReason, decide, no_go
from runbooks.choices import ReadinessLevel
from runbooks.models import Runbook

logger = logging.getLogger(__name__)
LEAST_YEAR, MOST_YEAR = 1, 9999


def verdict_on_slug(slug: str, *, year: int | None = None, at: datetime | None = None, thorough: bool = False) -> Verdict:
    """The verdict on the runbook with this slug; an unknown one is a no-go like any other.

    :param year: the calendar year that live use is asked for; this year by default.
    :param at: the moment (aware; now by default).
    :param thorough: verify the whole ledger for this one answer.
    """
    try:
        runbook = Runbook.objects.select_related("document", "primary_cluster").filter(slug=slug).first()
    except (DatabaseError, ValueError):
        logger.exception("The runbook could not be read.")
        return no_go(VerdictReason.DOUBT)
    if runbook is None:
        return no_go(VerdictReason.UNKNOWN_RUNBOOK)
    return verdict_on(runbook, year=year, at=at, thorough=thorough)


def verdict_on(
    runbook: Runbook, *, year: int | None = None, at: datetime | None = None, thorough: bool = False
) -> Verdict:
    """The verdict on a runbook. Parameters as for ``verdict_on_slug``."""
    today = timezone.localdate(at)
    asked = today.year if year is None else year
    if not LEAST_YEAR <= asked <= MOST_YEAR:
        return no_go(VerdictReason.DOUBT)
    try:
        return decide(
            runbook.signed_facts(),
            _evidence(runbook, thorough=thorough),
            today=today,
            year=asked,
            solo_mode=bool(settings.GOVERNANCE_SOLO),
        )
    except DatabaseError:
        logger.exception("The verdict on %s could not be computed.", runbook.slug)
        return no_go(VerdictReason.DOUBT)


def _evidence(runbook: Runbook, *, thorough: bool) -> Evidence:
    if runbook.readiness_level != ReadinessLevel.READY:
        return Evidence(True, True, True, True, True)  # it is no-go already: nothing else needs to be asked
    request = _approved_request(runbook)
    return Evidence(
        signatures_complete=request is not None and _has_quorum(request),
        ledger_agrees=request is not None and _ledger_tells_of(request, runbook),
        ledger_whole=not _is_known_broken() and (not thorough or ledger.verify().is_whole),
        guards_stand=not guards.missing(),
        document_is_itself=runbook.document is None or runbook.document.is_itself,
    )


def _approved_request(runbook: Runbook) -> StatusChangeRequest | None:
    """The request that the runbook's readiness came from: the last one that was applied, if it says the same."""
    applied = runbook.status_change_requests.filter(applied_at__isnull=False).order_by("-applied_at", "-pk")
    last = applied.prefetch_related("sign_offs").first()
    if last is None or last.state != RequestState.APPROVED:
        return None
    is_behind = (
        (last.to_level, last.to_year) == (runbook.readiness_level, runbook.readiness_year)
        and last.document_sha256 == runbook.signed_document_sha256
        and last.metadata_sha256 == runbook.signed_metadata_sha256
        and (last.valid_from_year, last.valid_until) == (runbook.signed_from_year, runbook.signed_until)
        and last.is_solo == runbook.signed_solo
    )
    return last if is_behind else None


def _has_quorum(request: StatusChangeRequest) -> bool:
    decisions = list(request.sign_offs.all())
    approvers = {
        decision.signer_id
        for decision in decisions
        if decision.decision == Decision.APPROVE
        and (decision.document_sha256, decision.metadata_sha256) == (request.document_sha256, request.metadata_sha256)
        and not (request.independent and decision.signer_id == request.requested_by_id)
    }
    rejected = any(decision.decision == Decision.REJECT for decision in decisions)
    return not rejected and len(approvers) >= request.required_signatures


def _ledger_tells_of(request: StatusChangeRequest, runbook: Runbook) -> bool:
    """Whether the last row about a readiness of this runbook is of this very request, and is what it was when written."""
    rows = ChangeLogEntry.objects.filter(subject=subject_of(runbook), action=Action.READINESS_CHANGED)
    row = rows.order_by("-sequence").first()
    if row is None or ledger.hash_of(row) != row.hash:
        return False
    told = {name: change.get("after") for name, change in row.changes.items()}
    return (
        told.get("request") == request.pk
        and told.get("readiness_level", runbook.readiness_level) == runbook.readiness_level
        and told.get("readiness_year", runbook.readiness_year) == runbook.readiness_year
        and told.get("signed_document_sha256", runbook.signed_document_sha256) == runbook.signed_document_sha256
        and told.get("signed_metadata_sha256", runbook.signed_metadata_sha256) == runbook.signed_metadata_sha256
    )


def _is_known_broken() -> bool:
    return Finding.objects.filter(kind=FindingKind.BROKEN_LEDGER, resolved_at__isnull=True).exists()
