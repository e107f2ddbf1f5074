"""Noting that the ledger is broken, or whole again: as long as it is broken, every verdict is no-go."""

from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from governance.choices import SEVERITY_OF_KIND, FindingKind
from governance.models import Finding

CHAIN, CHECKPOINT = "ledger", "ledger, seen from a checkpoint"


def note_ledger_state(*, problem: str, at: datetime | None = None) -> None:
    """What a verification of the whole chain in itself has found. It leaves no ledger row: the ledger is in doubt.

    :param problem: what is wrong; empty when all of it was verified.
    """
    if problem:
        _open(CHAIN, problem, line=0, at=at)
    else:
        _open_ones(CHAIN).update(resolved_at=at or timezone.now())


def note_checkpoint(*, sequence: int, problem: str, at: datetime | None = None) -> None:
    """What a whole chain looked like, seen from a checkpoint.

    An older checkpoint settles nothing that a newer one exposed.

    :param sequence: the row that the checkpoint was taken at.
    :param problem: what is wrong; empty when the chain goes through it.
    """
    if problem:
        _open(CHECKPOINT, problem, line=sequence, at=at)
    else:
        _open_ones(CHECKPOINT).filter(line__lte=sequence).update(resolved_at=at or timezone.now())


def _open_ones(subject: str) -> QuerySet[Finding]:
    return Finding.objects.filter(kind=FindingKind.BROKEN_LEDGER, subject=subject, resolved_at__isnull=True)


def _open(subject: str, problem: str, *, line: int, at: datetime | None) -> None:
    if not _open_ones(subject).filter(line=line).update(message=problem):
        Finding.objects.create(
            kind=FindingKind.BROKEN_LEDGER,
            severity=SEVERITY_OF_KIND[FindingKind.BROKEN_LEDGER],
            subject=subject,
            message=problem,
            line=line,
            first_seen=at or timezone.now(),
        )
