"""Noting that the ledger is broken, or whole again: as long as it is broken, every verdict is no-go."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone

from governance import ledger, states
from governance.actions.errors import NothingToAccept
from governance.actions.lowering import downgrade, lapse_what_waits
from governance.choices import SEVERITY_OF_KIND, Action, FindingKind, RequestState
from governance.models import ChangeLogEntry, Finding
from runbooks.choices import ReadinessLevel
from runbooks.models import Runbook

# The levels from which one may go back to unassessed.
TO_UNASSESSED = [level for level, lower in states.DOWN.items() if ReadinessLevel.UNASSESSED in lower]
CHAIN, CHECKPOINT = "ledger", "ledger, seen from a checkpoint"
MOST_LINE = 2**31 - 1


def note_ledger_state(*, problem: str, at: datetime | None = None) -> None:
    """What a verification of the whole chain in itself has found. It leaves no ledger row: the ledger is in doubt.

    A whole chain settles as well what checkpoints exposed, where it goes through their very rows again: the right backup
    is back. A later checkpoint settles nothing, for it may have been taken of the wrong chain.

    :param problem: what is wrong; empty when all of it was verified.
    """
    if problem:
        _open(CHAIN, problem, line=0, at=at)
        return
    _open_ones(CHAIN).update(resolved_at=at or timezone.now())
    for finding in exposed_by_checkpoints():
        if ChangeLogEntry.objects.filter(sequence=finding.line, hash=_hash_in(finding)).exists():
            Finding.objects.filter(pk=finding.pk).update(resolved_at=at or timezone.now())


def note_checkpoint(*, sequence: int, digest: str, problem: str, at: datetime | None = None) -> None:
    """What is wrong with a whole chain, seen from a checkpoint.

    :param sequence: the row that the checkpoint was taken at.
    :param digest: that row's hash, as the checkpoint has it.
    :param problem: what is wrong; empty when the chain goes through it.
    """
    if problem:
        _open(f"{CHECKPOINT} {digest}", problem, line=min(sequence, MOST_LINE), at=at)


def exposed_by_checkpoints() -> QuerySet[Finding]:
    """What checkpoints exposed and nothing has settled."""
    return _open_ones(CHECKPOINT)


def accept_restored_ledger(*, reason: str, by: User, at: datetime | None = None) -> list[Runbook]:
    """Go on with a ledger of which rows are lost, as after the restore of an older backup.

    Nobody knows what the lost rows took down, rejected or withdrew: every open request lapses, whatever is signed is taken
    down to unassessed, and people sign again. Then the portal is out of doubt. The change log tells it, with the rows that
    are lost. All or nothing. Who is in which group is as it was then: nobody but a person can look that over.

    :param reason: what has happened; for the change log.
    :param by: a risk owner, as for each downgrade.
    :return: the runbooks that were taken down.
    :raises NothingToAccept: nothing is exposed, or the chain is broken in itself.
    :raises ActionRefused: the policy is against a downgrade by this person.
    """
    verified = ledger.verify()  # the whole chain takes long: before the lock
    with ledger.governed():
        exposed = list(exposed_by_checkpoints())
        if not exposed:
            raise NothingToAccept("No checkpoint has exposed anything: there is nothing to accept.")
        if not ledger.verify(after=verified).is_whole:
            raise NothingToAccept(
                "The chain is broken in itself, which no restore does. Run 'manage.py verify_ledger'."
            )
        moment = at or timezone.now()
        signed = list(Runbook.objects.filter(readiness_level__in=TO_UNASSESSED).order_by("pk"))
        for runbook in signed:
            downgrade(runbook=runbook, level=ReadinessLevel.UNASSESSED, reason=reason, by=by, at=moment)
        waiting = Runbook.objects.filter(status_change_requests__state=RequestState.OPEN).order_by("pk")
        for runbook in list(waiting):
            ledger.append_all(lapse_what_waits(runbook, reason, by=by, at=moment), at=moment)
        lost = [{"sequence": finding.line, "hash": _hash_in(finding)} for finding in exposed]
        ledger.append(
            ledger.Record(
                actor=by,
                action=Action.RESTORE_ACCEPTED,
                subject=CHAIN,
                changes={"checkpoints": {"before": lost, "after": None}},
                reason=reason,
            ),
            at=moment,
        )
        exposed_by_checkpoints().update(resolved_at=moment)
    return signed


def _hash_in(finding: Finding) -> str:
    return finding.subject.removeprefix(CHECKPOINT).strip()


def _open_ones(subject: str) -> QuerySet[Finding]:
    """The open ones about the chain itself, or about any checkpoint."""
    about = {"subject": subject} if subject == CHAIN else {"subject__startswith": subject}
    return Finding.objects.filter(kind=FindingKind.BROKEN_LEDGER, resolved_at__isnull=True, **about)


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
