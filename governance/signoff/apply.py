"""Change the readiness of a runbook. No other module writes it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from governance import ledger
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from governance.signoff import transitions
from governance.signoff.choices import Decision, Direction, RequestState
from governance.signoff.columns import SIGNED_COLUMNS
from governance.signoff.models import SignOff, StatusChangeRequest
from governance.signoff.policy import Dependence
from governance.signoff.requests import close_request, log_entry
from runbooks.models import Runbook


def store_decision(
    request: StatusChangeRequest,
    decision: Decision,
    *,
    comment: str,
    by: User,
    at: datetime,
    seen_sha256: str = "",
) -> SignOff:
    """Store one person's decision together with the signed statement."""
    return SignOff.objects.create(
        request=request,
        signer=by,
        decision=decision,
        comment=comment.strip(),
        statement=statement(request, decision),
        document_sha256=request.document_sha256,
        metadata_sha256=request.metadata_sha256,
        seen_sha256=seen_sha256,
        signed_at=at,
    )


def apply_request(
    request: StatusChangeRequest,
    *,
    by: User,
    at: datetime,
    preceding: Sequence[ledger.Record] = (),
    digests: Mapping[str, Any] | None = None,
    dependence: Sequence[Dependence] = (),
) -> list[ChangeLogEntry]:
    """Approve a request and change the runbook's readiness. Return the ledger rows, as stored.

    The ledger row records every signed field before and after.

    :param request: with its runbook, both read under the ledger's lock.
    :param preceding: preceding ledger rows of the same change; all rows are written together.
    :param digests: the digests of stored rows that no earlier ledger row covers
        (``ledger.row_digests``).
    :param dependence: why the review was not independent although others than the requester signed.
    """
    goes_up = request.direction == Direction.UP
    request.dependence = " ".join(dependence)
    before = signed_values(request.runbook)
    signed = {
        "readiness_level": str(request.to_level),
        "readiness_year": request.to_year,
        "signed_document_sha256": request.document_sha256,
        "signed_metadata_sha256": request.metadata_sha256,
        "signed_at": at,
        "signed_from_year": request.valid_from_year,
        "signed_until": request.valid_until,
        # A downgrade reviews nothing: a readiness signed in solo mode stays labelled so.
        "signed_solo": request.is_solo if goes_up else request.runbook.signed_solo,
        "signed_dependence": request.dependence if goes_up else request.runbook.signed_dependence,
    }
    close_request(request, RequestState.APPROVED, reason="", at=at)
    runbook = Runbook.objects.filter(pk=request.runbook_id)
    if _shows_another_text(request):
        runbook.update(**signed)
    else:
        runbook.update_unsearched(**signed)
    for name, value in signed.items():
        setattr(request.runbook, name, value)
    request.applied_at = at
    request.save(update_fields=["applied_at"])
    with ledger.canonical_language():
        changes: dict[str, Any] = {"readiness": {"before": request.origin, "after": request.target}}
    # All signed fields, changed or not: the row alone shows what was signed.
    changes |= {
        name: {"before": before[name], "after": ledger.canonical_value(value)}
        for name, value in signed.items()
    }
    changes |= digests or {}
    moved = log_entry(
        request, Action.READINESS_CHANGED, by=by, reason=request.rationale, changes=changes
    )
    return ledger.append_all([*preceding, moved], at=at)


def _shows_another_text(request: StatusChangeRequest) -> bool:
    """Return whether the runbook's page will show another text after this request.

    The page shows the signed text if there is one, otherwise the current text.
    """
    document = request.runbook.document
    now = document.sha256 if document else ""
    return (request.runbook.signed_document_sha256 or now) != (request.document_sha256 or now)


def signed_values(runbook: Runbook) -> dict[str, Any]:
    """Return the signed fields of a runbook as the ledger records them."""
    return {name: ledger.canonical_value(getattr(runbook, name)) for name in SIGNED_COLUMNS}


def statement(request: StatusChangeRequest, decision: Decision) -> str:
    """Return the exact statement of a decision in the active language."""
    if request.direction == Direction.DOWN:
        return _(
            "I downgrade “%(title)s” from %(origin)s to %(target)s, effective immediately. This "
            "does not approve any text."
        ) % {
            "title": request.runbook.title,
            "origin": request.origin,
            "target": request.target,
        }
    said = _decision_text(request, decision) % {
        "title": request.metadata.get("title", request.runbook.title),
        "version": request.metadata.get("version") or "–",
        "target": request.target,
        **_period(request),
    }
    if request.valid_from_year:
        said += " " + _("It also covers %(year)s.") % {"year": request.valid_from_year}
    if request.valid_until:
        said += " " + _("It is valid until %(day)s.") % {"day": date_format(request.valid_until)}
    if request.is_solo:
        said += " " + _("Owner-led, no independent review.")
    pinned = _(
        "Change: %(origin)s → %(target)s. Document: %(path)s, sha256 %(document)s. Metadata: "
        "sha256 %(metadata)s."
    ) % {
        "origin": request.origin,
        "target": request.target,
        "path": request.document_path or "–",
        "document": request.document_sha256 or "–",
        "metadata": request.metadata_sha256,
    }
    return f"{said}\n{pinned}"


def _decision_text(request: StatusChangeRequest, decision: Decision) -> str:
    if decision == Decision.REJECT:
        return _("I reject the change of “%(title)s” (%(version)s) to %(target)s.")
    if request.to_level != transitions.READY:
        return _("I approve “%(title)s” (%(version)s) as %(target)s, as shown on this page.")
    if _starts_later(request):
        return _(
            "I approve “%(title)s” (%(version)s) for live use from %(first)s until %(last)s "
            "(%(target)s), as shown on this page."
        )
    return _(
        "I approve “%(title)s” (%(version)s) for live use until %(last)s (%(target)s), as shown "
        "on this page."
    )


def _starts_later(request: StatusChangeRequest) -> bool:
    """Return whether the signed year begins after the day of the request."""
    first = request.valid_from_year or request.to_year
    return first is not None and first > timezone.localdate(request.requested_at).year


def _period(request: StatusChangeRequest) -> dict[str, str]:
    """Return the first and the last day of the signed year, as a person reads them."""
    if request.to_year is None:
        return {}
    last = date(request.to_year, 12, 31)
    if request.valid_until:
        last = min(last, request.valid_until)
    first = date(request.valid_from_year or request.to_year, 1, 1)
    return {"first": date_format(first), "last": date_format(last)}
