"""Noting that the ledger is broken, or whole again: as long as it is broken, every verdict is no-go."""

from datetime import datetime

from django.utils import timezone

from governance.choices import SEVERITY_OF_KIND, FindingKind
from governance.models import Finding

CHAIN, CHECKPOINT = "ledger", "ledger, seen from a checkpoint"


def note_ledger_state(*, problem: str, checkpoint_problem: str | None = None, at: datetime | None = None) -> None:
    """Open the finding that says so, or resolve it. It leaves no ledger row: the ledger itself is in doubt.

    :param problem: what is wrong with the chain in itself; empty when all of it was verified.
    :param checkpoint_problem: what is wrong with it seen from a checkpoint; None when none was at hand, which settles nothing.
    """
    moment = at or timezone.now()
    _note(CHAIN, problem, moment)
    if checkpoint_problem is not None:
        _note(CHECKPOINT, checkpoint_problem, moment)


def _note(subject: str, problem: str, moment: datetime) -> None:
    known = Finding.objects.filter(kind=FindingKind.BROKEN_LEDGER, subject=subject, resolved_at__isnull=True)
    if not problem:
        known.update(resolved_at=moment)
    elif not known.update(message=problem):
        Finding.objects.create(
            kind=FindingKind.BROKEN_LEDGER,
            severity=SEVERITY_OF_KIND[FindingKind.BROKEN_LEDGER],
            subject=subject,
            message=problem,
            first_seen=moment,
        )
