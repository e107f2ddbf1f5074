"""Noting that the ledger is broken, or whole again: as long as it is broken, every verdict is no-go."""

from datetime import datetime

from django.utils import timezone

from governance.choices import SEVERITY_OF_KIND, FindingKind
from governance.models import Finding

SUBJECT = "ledger"


def note_ledger_state(*, problem: str, at: datetime | None = None) -> None:
    """Open the finding that says so, or resolve it. It leaves no ledger row: the ledger itself is in doubt.

    :param problem: what is wrong; empty when the whole chain was verified.
    """
    moment = at or timezone.now()
    known = Finding.objects.filter(kind=FindingKind.BROKEN_LEDGER, resolved_at__isnull=True)
    if not problem:
        known.update(resolved_at=moment)
    elif not known.update(message=problem):
        Finding.objects.create(
            kind=FindingKind.BROKEN_LEDGER,
            severity=SEVERITY_OF_KIND[FindingKind.BROKEN_LEDGER],
            subject=SUBJECT,
            message=problem,
            first_seen=moment,
        )
