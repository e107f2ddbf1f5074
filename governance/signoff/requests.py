"""Shared parts of the actions on a status change request.

These are the locks, the facts for the policy, the pins and the ledger entry.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Self

from django.contrib.auth.models import User
from django.utils import timezone

from governance import ledger
from governance.ledger.choices import Action
from governance.ledger.history import History, history_of, latest_value
from governance.ledger.row_digests import digest_change
from governance.ledger.snapshot import subject_of
from governance.signoff import policy, transitions
from governance.signoff.changes import last_move
from governance.signoff.choices import Direction, RequestState, RulePurpose
from governance.signoff.models import SignOffRule, StatusChangeRequest
from runbooks.documents.checks.stub import is_stub
from runbooks.models import Runbook
from runbooks.validity import last_day


def close_request(
    request: StatusChangeRequest, state: RequestState, *, reason: str, at: datetime
) -> None:
    """Move a request to a closed state.

    :raises ValueError: the transition table does not allow it.
    """
    if not transitions.request_may_become(request.state, state):
        raise ValueError(f"A request that is {request.state} cannot become {state}.")
    request.state, request.closed_at, request.closed_reason = state, at, reason
    request.save(update_fields=["state", "closed_at", "closed_reason", "dependence"])


def locked_runbook(pk: int) -> Runbook:
    """Return the runbook, locked until the end of the transaction.

    On SQLite the transaction has locked the whole database already. Its clusters and layers are
    read with it, because the pinned metadata is needed several times.
    """
    locked = Runbook.objects.select_for_update(of=("self",))
    return (
        locked.select_related("document", "primary_cluster", "assurance")
        .with_related("layers", "related_clusters")
        .get(pk=pk)
    )


def locked_request(request: StatusChangeRequest) -> StatusChangeRequest:
    """Return the request and its runbook, locked and read in two queries, with document and rule.

    The runbook is always locked first, to avoid deadlocks. A request never changes its runbook.
    """
    runbook = locked_runbook(request.runbook_id)
    requests = StatusChangeRequest.objects.select_for_update(of=("self",)).select_related("rule")
    locked = requests.get(pk=request.pk, runbook=runbook)
    locked.runbook = runbook
    return locked


def document_is_intact(runbook: Runbook, *, history: History | None = None) -> bool:
    """Return whether the stored text can be trusted.

    It must be that of the runbook's path, match its sha256, and have the rendered HTML that the
    ledger recorded.

    :param history: the ledger's rows about the document, if already read.
    """
    document = runbook.document
    if document is None or document.path != runbook.document_path or not document.hash_matches:
        return False
    subject = subject_of(document)
    rows = (history_of([subject]) if history is None else history)[subject]
    return latest_value(rows, "html_sha256") == document.html_sha256


def status_of(runbook: Runbook, *, at: datetime | None = None) -> policy.RunbookStatus:
    """Return the state of the runbook for the policy."""
    return policy.RunbookStatus(
        level=runbook.readiness_level,
        year=runbook.readiness_year,
        declared_level=runbook.declared_level,
        has_document=runbook.document is not None,
        document_is_intact=document_is_intact(runbook),
        has_open_request=runbook.status_change_requests.filter(state=RequestState.OPEN).exists(),
        before_retirement=_before_retirement(runbook),
        holds=runbook.signature_holds(at=at),
        document_is_stub=runbook.document is not None and is_stub(runbook.document.text),
    )


def _before_retirement(runbook: Runbook) -> str | None:
    if runbook.readiness_level != transitions.RETIRED:
        return None
    retired = runbook.status_change_requests.filter(
        to_level=transitions.RETIRED, applied_at__isnull=False
    )
    return retired.order_by("-pk").values_list("from_level", flat=True).first()


@dataclass(frozen=True, slots=True)
class Pins:
    """The pinned content of a request: a text and the governed metadata, each with its sha256.

    The fields are empty if there is no text or metadata.
    """

    document_path: str
    document_sha256: str
    metadata: dict[str, Any]
    metadata_sha256: str

    @classmethod
    def as_it_stands(cls, runbook: Runbook) -> Self:
        """Return the pins of the current content."""
        sha256 = runbook.document.sha256 if runbook.document else ""
        return cls(
            runbook.document_path, sha256, runbook.governed_metadata(), runbook.metadata_sha256()
        )

    @classmethod
    def as_it_was_signed(cls, runbook: Runbook) -> Self:
        """Return the pins of the signed content.

        A downgrade uses them because it approves no text, in particular no newer one.
        """
        sha256s = (runbook.signed_document_sha256, runbook.signed_metadata_sha256)
        applied = last_move(runbook)
        if applied is None or (applied.document_sha256, applied.metadata_sha256) != sha256s:
            return cls("", sha256s[0], {}, sha256s[1])
        return cls(applied.document_path, sha256s[0], applied.metadata, sha256s[1])


def open_request(
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
    pins: Pins,
) -> StatusChangeRequest:
    """Create a request with everything pinned that a signature covers."""
    from_year, until = _validity(runbook, level=level, year=year, rule=rule, at=at)
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
        valid_from_year=from_year,
        valid_until=until,
        document_path=pins.document_path,
        document_sha256=pins.document_sha256,
        metadata=pins.metadata,
        metadata_sha256=pins.metadata_sha256,
        requested_by=by,
        requested_at=at,
    )


def _validity(
    runbook: Runbook, *, level: str, year: int | None, rule: SignOffRule | None, at: datetime
) -> tuple[int | None, date | None]:
    """Return the validity of the new readiness: the first year besides its own, and its last day.

    Each is None if there is no such limit.
    """
    today = timezone.localdate(at)
    # Renewing a readiness that holds keeps covering the current year.
    goes_on = (
        level == transitions.READY
        and runbook.readiness_level == transitions.READY
        and runbook.signature_holds(at=at)
    )
    from_year = (runbook.signed_from_year or runbook.readiness_year) if goes_on else None
    signs_anew = rule is not None and rule.purpose == RulePurpose.RE_SIGN
    if signs_anew:
        from_year = runbook.signed_from_year  # the same readiness again covers the same years
    until = None
    if rule and rule.valid_days:
        starts_later = year is not None and year > today.year and not goes_on
        start = date(year, 1, 1) if starts_later and year else today
        until = start + timedelta(days=rule.valid_days - 1)  # the first day counts
        end_of_year = last_day(year, None)
        until = min(until, end_of_year) if end_of_year else until
    if signs_anew and runbook.signed_until:
        # A re-sign extends nothing.
        until = min(until, runbook.signed_until) if until else runbook.signed_until
    return (from_year if from_year != year else None), until


def pins_of(request: StatusChangeRequest) -> dict[str, Any]:
    """Return the changes that every ledger row about a request contains."""
    return {
        "request": {"before": None, "after": request.pk},
        "target": {"before": request.origin, "after": request.target},
        "document_sha256": {"before": None, "after": request.document_sha256},
        "metadata_sha256": {"before": None, "after": request.metadata_sha256},
    }


def conditions_of(request: StatusChangeRequest) -> dict[str, Any]:
    """Return the additional changes of a ledger row that opens a request.

    These are the terms of the rule, the validity, the evidence and the digest of the request.
    """
    terms = {
        "rule": str(request.rule) if request.rule else None,
        "required_signatures": request.required_signatures,
        "independent": request.independent,
        "valid_from_year": request.valid_from_year,
        "valid_until": request.valid_until.isoformat() if request.valid_until else None,
        "evidence": request.evidence or None,
    }
    pinned = {
        name: {"before": None, "after": value} for name, value in terms.items() if value is not None
    }
    return pinned | digest_change(request, "request_row")


def log(
    request: StatusChangeRequest,
    action: Action,
    *,
    by: ledger.Actor,
    at: datetime,
    reason: str,
    changes: dict[str, Any] | None = None,
) -> None:
    """Append a ledger row about a request: see ``log_entry``."""
    ledger.append(log_entry(request, action, by=by, reason=reason, changes=changes), at=at)


def log_entry(
    request: StatusChangeRequest,
    action: Action,
    *,
    by: ledger.Actor,
    reason: str,
    changes: dict[str, Any] | None = None,
) -> ledger.Record:
    """Return the record of a ledger row about a request.

    The row that records the closing contains a digest of the closing fields.

    :param changes: recorded together with the request's id, instead of the pins.
    """
    with ledger.canonical_language():
        pins = pins_of(request)
        title = str(request)
    closing = {} if request.is_open else digest_change(request, "closing_row")
    return ledger.Record(
        actor=by,
        action=action,
        subject=subject_of(request.runbook),
        subject_title=title,
        reason=reason,
        changes=(pins if changes is None else {**changes, "request": pins["request"]}) | closing,
    )
