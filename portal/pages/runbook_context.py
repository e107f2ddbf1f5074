"""Governance of one runbook on its page: the verdict, the requests and the last ledger entries.

They are read together, because the verdict uses the requests and entries that the page shows.
"""

import logging
from dataclasses import dataclass

from django.db.models import Prefetch, Q

from governance.assurance.evidence import ABOUT_SIGNING, EvidenceRows, claims_ready, verdict_on
from governance.assurance.renewal import withdraw
from governance.assurance.verdict import Verdict, no_go
from governance.ledger.disclosure import disclosed
from governance.ledger.models import ChangeLogEntry
from governance.ledger.snapshot import subject_of
from governance.signoff.choices import RequestState
from governance.signoff.models import SignOff, StatusChangeRequest
from runbooks.models import Runbook
from runbooks.validity import Reason

logger = logging.getLogger(__name__)
ROWS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class RunbookRecord:
    """What the page of a runbook shows of its governance.

    ``signed`` is the approved request behind the present readiness, ``waiting`` the open request,
    and ``history`` the last ledger entries.
    """

    verdict: Verdict
    signed: StatusChangeRequest | None
    waiting: StatusChangeRequest | None
    history: list[ChangeLogEntry]


def record_of(runbook: Runbook) -> RunbookRecord:
    """Return the present record of a runbook, read from the database at each call."""
    requests = _requests(runbook)
    try:
        rows = _rows(runbook)
    except Exception:  # a row that cannot be read: the page is shown, and never as a go
        logger.exception("The ledger's rows about the runbook could not be read.")
        rows = None
    applied = [request for request in requests if request.applied_at is not None]
    applied.sort(key=lambda request: request.pk)
    decisions = [decision for request in applied for decision in request.sign_offs.all()]
    approved = [request for request in applied if request.state == RequestState.APPROVED]
    read = None if rows is None else EvidenceRows(decisions=decisions, rows=rows)
    verdict = verdict_on(runbook, read=read) if read else no_go(Reason.DOUBT)
    withdraw(runbook, verdict)
    return RunbookRecord(
        verdict=verdict,
        signed=approved[-1] if approved and runbook.signed_at else None,
        waiting=next((request for request in requests if request.state == RequestState.OPEN), None),
        history=_history(runbook, rows),
    )


def _history(runbook: Runbook, rows: list[ChangeLogEntry] | None) -> list[ChangeLogEntry]:
    """Return the last entries about the runbook, all of which are public.

    :param rows: entries that were read already; None if they could not be read, in which case those
        that are unreadable become placeholders.
    """
    if rows is None:
        about = ChangeLogEntry.objects.filter(subject=subject_of(runbook)).order_by("-sequence")
        return list(disclosed(about, security=False)[:ROWS_SHOWN])
    return [row for row in rows if row.subject == subject_of(runbook)][: -ROWS_SHOWN - 1 : -1]


def _requests(runbook: Runbook) -> list[StatusChangeRequest]:
    """Return the requests that were applied and the open one, with their decisions."""
    moved_or_waits = Q(applied_at__isnull=False) | Q(state=RequestState.OPEN)
    decisions = Prefetch("sign_offs", SignOff.objects.select_related("signer"))
    requests = StatusChangeRequest.objects.filter(moved_or_waits, runbook=runbook).select_related(
        "requested_by"
    )
    return list(requests.prefetch_related(decisions))


def _rows(runbook: Runbook) -> list[ChangeLogEntry]:
    """Return the entries that the page needs, in the order of the ledger.

    These are the last entries about the runbook and, if it claims to be ready, every entry that the
    verdict uses.
    """
    about = ChangeLogEntry.objects.filter(subject=subject_of(runbook))
    if not claims_ready(runbook):
        return list(reversed(about.order_by("-sequence")[:ROWS_SHOWN]))
    last = about.order_by("-sequence").values("sequence")[:ROWS_SHOWN]
    wanted = Q(subject=subject_of(runbook), action__in=ABOUT_SIGNING) | Q(sequence__in=last)
    if runbook.document:
        wanted |= Q(subject=subject_of(runbook.document))
    return list(ChangeLogEntry.objects.filter(wanted).order_by("sequence"))
