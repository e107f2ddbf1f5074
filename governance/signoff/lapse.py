"""Close requests whose pinned content has changed."""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from governance import ledger
from governance.ledger.choices import Action
from governance.ledger.labels import field_in_words
from governance.ledger.row_digests import digest_change
from governance.ledger.snapshot import diff, subject_of
from governance.signoff.choices import RequestState
from governance.signoff.models import StatusChangeRequest
from governance.signoff.requests import close_request, locked_request, log_entry
from runbooks.models import Runbook
from runbooks.validity import last_day


def what_changed(
    request: StatusChangeRequest, *, at: datetime | None = None
) -> dict[str, dict[str, object]]:
    """Return the differences to what a request pins, field by field; empty if there are none.

    A request whose readiness would already have expired differs too: its last day is compared with
    today's date.
    """
    runbook = request.runbook
    with ledger.canonical_language():
        origin, now = request.origin, runbook.readiness
    changes = diff(request.metadata, runbook.governed_metadata())
    sha256 = runbook.document.sha256 if runbook.document else ""
    if sha256 != request.document_sha256:
        changes["document_sha256"] = {"before": request.document_sha256, "after": sha256}
    if (runbook.readiness_level, runbook.readiness_year) != (request.from_level, request.from_year):
        changes["readiness"] = {"before": origin, "after": now}
    end, today = last_day(request.to_year, request.valid_until), timezone.localdate(at)
    if end is not None and end < today:
        changes["valid_until"] = {"before": end.isoformat(), "after": today.isoformat()}
    return changes


def lapse_changed_requests(
    *, by: ledger.Actor, runbooks: Iterable[int] | None = None, at: datetime | None = None
) -> int:
    """Close the open requests whose pins no longer match. Return their number.

    :param runbooks: primary keys of the runbooks to look at; all by default.
    """
    requests = StatusChangeRequest.objects.filter(state=RequestState.OPEN).order_by("pk")
    if runbooks is not None:
        requests = requests.filter(runbook__in=runbooks)
    return sum(
        lapse_if_changed(request, by=by, at=at) for request in requests.select_related("runbook")
    )


def lapse_expired_requests(*, by: ledger.Actor, at: datetime | None = None) -> int:
    """Close all open requests that can no longer be signed. Return their number.

    Each is closed in its own transaction.
    """
    closed = 0
    for request in StatusChangeRequest.objects.open().order_by("pk"):
        with ledger.atomic():
            locked = locked_request(request)
            closed += locked.is_open and lapse_if_changed(locked, by=by, at=at)
    return closed


def lapse_if_changed(
    request: StatusChangeRequest, *, by: ledger.Actor, at: datetime | None = None
) -> bool:
    """Close an open request if its pins no longer match. Return whether it was closed."""
    changes = what_changed(request, at=at)
    if not changes:
        return False
    moment = at or timezone.now()
    # Stored for all readers, so it is in the portal's language rather than that of the current
    # user.
    with override(settings.LANGUAGE_CODE):
        close_request(request, RequestState.LAPSED, reason=_sentence(changes), at=moment)
    with ledger.canonical_language():
        ledger.append(
            ledger.Record(
                actor=by,
                action=Action.REQUEST_LAPSED,
                subject=subject_of(request.runbook),
                subject_title=str(request),
                reason=_sentence(changes),
                changes={
                    "request": {"before": None, "after": request.pk},
                    **changes,
                    **digest_change(request, "closing_row"),
                },
            ),
            at=moment,
        )
    return True


def _sentence(changes: dict[str, dict[str, object]]) -> str:
    fields = ", ".join(sorted(field_in_words(Runbook, name) for name in changes))
    return _("Changed while the request was open: %(fields)s.") % {"fields": fields}


def lapse_open_requests(
    runbook: Runbook, reason: str, *, by: User, at: datetime
) -> list[ledger.Record]:
    """Close the open request, if any. Return the ledger records that describe it."""
    waiting = StatusChangeRequest.objects.filter(runbook=runbook, state=RequestState.OPEN).first()
    if waiting is None:
        return []
    waiting.runbook = runbook
    close_request(waiting, RequestState.LAPSED, reason=reason, at=at)
    return [log_entry(waiting, Action.REQUEST_LAPSED, by=by, reason=waiting.closed_reason)]
