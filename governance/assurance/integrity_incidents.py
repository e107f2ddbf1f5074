"""Record incidents of the ledger, and let a person go on after one.

While an incident is unresolved, every verdict is no-go.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils import timezone

from governance import ledger
from governance.errors import NothingToAccept, refuse_for
from governance.findings.choices import SEVERITY_OF_KIND, FindingKind
from governance.findings.models import Finding
from governance.ledger.acceptance import accepted_breaks, ready_that_ran_out
from governance.ledger.choices import Action
from governance.ledger.incidents import BY_A_CHECKPOINT, OF_THE_CHAIN, is_back, open_incidents
from governance.ledger.models import ChangeLogEntry, LedgerIncident
from governance.signoff import policy, transitions
from governance.signoff.choices import RequestState
from governance.signoff.downgrade import downgrade
from governance.signoff.lapse import lapse_open_requests
from governance.signoff.signers import person
from runbooks.choices import ReadinessLevel
from runbooks.models import Runbook

# The levels from which one may go back to unassessed.
TO_UNASSESSED = [
    level for level, lower in transitions.DOWN.items() if ReadinessLevel.UNASSESSED in lower
]
CHECKPOINT = "ledger, seen from a checkpoint"
MAX_LINE = 2**31 - 1
MAX_BREAKS = 1_000
# Clocks of several hosts differ by less; a clock that is further behind is wrong.
CLOCK_TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class AcceptedBreaks:
    """The result of ``accept_broken_ledger``: the runbooks taken down, and the accepted rows."""

    taken_down: list[Runbook]
    rows: list[int]


def note_ledger_state(*, problem: str, sequence: int = 0, at: datetime | None = None) -> None:
    """Record the result of verifying the whole chain. It writes no ledger row.

    A whole chain also settles the incidents that checkpoints revealed, if it contains their rows
    again, because the right backup is back. A later checkpoint settles nothing: it may have been
    taken of the wrong chain.

    :param problem: what is wrong; empty if everything was verified.
    :param sequence: the first row that does not verify.
    """
    moment = at or timezone.now()
    if problem:
        _open(problem, sequence=sequence, digest="", at=moment)
        return
    _settle(open_incidents(OF_THE_CHAIN), at=moment)
    _settle((each for each in open_incidents(BY_A_CHECKPOINT) if is_back(each)), at=moment)


def note_checkpoint(
    *, sequence: int, digest: str, problem: str, at: datetime | None = None
) -> None:
    """Record that a whole chain does not contain the row of a checkpoint.

    :param sequence: the row at which the checkpoint was taken.
    :param digest: the hash of that row in the checkpoint.
    :param problem: what is wrong; empty if the chain contains the row.
    """
    if problem:
        _open(problem, sequence=sequence, digest=digest, at=at or timezone.now())


def exposed_by_checkpoints() -> list[LedgerIncident]:
    """Return the unsettled incidents that checkpoints revealed."""
    return list(open_incidents(BY_A_CHECKPOINT))


def accept_restored_ledger(
    *, reason: str, by: User, mark: ledger.Mark | None = None, at: datetime | None = None
) -> list[Runbook]:
    """Go on with a ledger that has lost rows, for example after an older backup was restored.

    The lost rows may have taken down, rejected or withdrawn anything. Therefore every open request
    lapses, every signed runbook is taken down to unassessed, and people sign again. After that,
    verdicts can be go again. A ledger row records the acceptance and the lost rows. All of it
    happens, or nothing. Groups keep their restored members: only a person can review them.

    :param reason: what has happened, for the change log.
    :param by: a risk owner, as for a downgrade.
    :param mark: this host's high-water mark. Another host that has seen another row refuses until
        the command has run there as well.
    :return: the runbooks that were taken down.
    :raises NothingToAccept: no loss is known, or the chain itself is broken.
    :raises ActionRefused: the policy has reasons against it, as for a downgrade.
    """
    verified = ledger.verify()  # the whole chain takes long: before the lock
    with ledger.atomic():
        refuse_for(policy.reasons_against_accepting(person(by), reason))
        exposed, lost = exposed_by_checkpoints(), _lost(mark)
        if not exposed and not lost:
            raise NothingToAccept(
                "No checkpoint and no high-water mark has exposed anything: there is nothing "
                "to accept."
            )
        if not ledger.verify(after=verified).is_whole:
            raise NothingToAccept(
                "The chain is broken in itself, which no restore does. Run 'manage.py "
                "verify_ledger', and see "
                "'manage.py accept_broken_ledger'."
            )
        moment = at or timezone.now()
        signed = _take_down(Q(), reason, by=by, at=moment)
        seen = [{"sequence": incident.sequence, "hash": incident.hash} for incident in exposed]
        changes = {
            "checkpoints": {"before": seen, "after": None},
            "high_water_mark": {"before": lost, "after": None},
        }
        _tell(Action.RESTORE_ACCEPTED, changes, reason=reason, by=by, at=moment)
        _settle(exposed, at=moment)
    return signed


def accept_broken_ledger(
    *, reason: str, by: User, mark: ledger.Mark | None = None, at: datetime | None = None
) -> AcceptedBreaks:
    """Go on with a chain that stays broken, because no backup has the right rows.

    A ledger row names every row that does not verify, with the sha256 of what is stored and the
    hash from which the chain continues. From then on, verification skips these rows while they stay
    unchanged, and stops at any other. What the altered rows recorded is unknown. Therefore every
    open request lapses, and every signed runbook is taken down to unassessed. All of it happens, or
    nothing.

    :param reason: what has happened, for the change log.
    :param by: a risk owner, as for a downgrade.
    :param mark: this host's high-water mark, in case its row is among the lost ones.
    :raises NothingToAccept: the chain is whole, or broken in too many places.
    :raises ActionRefused: the policy has reasons against it, as for a downgrade.
    """
    breaks, verified = _breaks()  # the whole chain takes long: before the lock
    if not breaks:
        raise NothingToAccept("The chain is whole: there is nothing to accept.")
    with ledger.atomic():
        refuse_for(policy.reasons_against_accepting(person(by), reason))
        if not ledger.verify(after=verified, accepted=set(breaks)).is_whole:
            raise NothingToAccept(
                "Rows were added meanwhile that do not hold. Run the command again."
            )
        moment = at or timezone.now()
        for each in breaks:
            _open(reason, sequence=each.sequence, digest="", at=moment)
        signed = _take_down(Q(), reason, by=by, at=moment)
        rows = ChangeLogEntry.objects.filter(sequence__in=[each.sequence for each in breaks])
        hashes = dict(rows.values_list("sequence", "hash"))
        told = [{**each._asdict(), "hash": hashes[each.sequence]} for each in breaks]
        changes = {
            "breaks": {"before": told, "after": None},
            "high_water_mark": {"before": _lost(mark), "after": None},
        }
        _tell(Action.BREAK_ACCEPTED, changes, reason=reason, by=by, at=moment)
        _settle(open_incidents(OF_THE_CHAIN), at=moment)
    return AcceptedBreaks(signed, [each.sequence for each in breaks])


def accept_corrected_clock(
    *, reason: str, by: User, seen_at: datetime | None = None, at: datetime | None = None
) -> list[Runbook]:
    """Go on after the clock was ahead for a while and was corrected.

    Everything that was signed while it was ahead is taken down to unassessed, and every open
    request lapses, because waiting times may have been measured by the wrong clock. Everything that
    had expired by the latest time seen is taken down as well: that time may have been right, and
    the clock may have been set back. Later ledger rows keep the newest stored time until the clock
    has passed it.

    :param reason: what has happened, for the change log.
    :param by: a risk owner, as for a downgrade.
    :param seen_at: the latest time that this host has seen (its high-water mark).
    :return: the runbooks that were taken down.
    :raises NothingToAccept: the clock is not behind.
    :raises ActionRefused: the policy has reasons against it, as for a downgrade.
    """
    moment = at or timezone.now()
    ahead = moment + CLOCK_TOLERANCE
    with ledger.atomic():
        refuse_for(policy.reasons_against_accepting(person(by), reason))
        newest = (
            ChangeLogEntry.objects.order_by("-sequence")
            .values_list("recorded_at", flat=True)
            .first()
        )
        times = [seen for seen in (newest, seen_at) if seen is not None]
        if not any(seen > ahead for seen in times):
            raise NothingToAccept("The clock is not behind the ledger: there is nothing to accept.")
        ran_out = [each.pk for each in ready_that_ran_out(by=max(times))]
        signed = _take_down(Q(signed_at__gt=ahead) | Q(pk__in=ran_out), reason, by=by, at=moment)
        changes = {
            "clock": {
                "before": ledger.canonical_time(max(times)),
                "after": ledger.canonical_time(moment),
            }
        }
        _tell(Action.CLOCK_ACCEPTED, changes, reason=reason, by=by, at=moment)
    return signed


def _lost(mark: ledger.Mark | None) -> list[dict[str, Any]]:
    """Return the row of a mark as a list if the ledger does not contain it; empty otherwise."""
    if (
        mark is None
        or ChangeLogEntry.objects.filter(sequence=mark.sequence, hash=mark.hash).exists()
    ):
        return []
    return [{"sequence": mark.sequence, "hash": mark.hash}]


def _breaks() -> tuple[list[ledger.Break], ledger.Verification]:
    """Return every break that nobody has accepted, and the verification that skipped them.

    :raises NothingToAccept: there are too many for one ledger row.
    """
    known = set(accepted_breaks())
    breaks: list[ledger.Break] = []
    while not (found := ledger.verify(accepted=known)).is_whole:
        if len(breaks) == MAX_BREAKS:
            raise NothingToAccept(f"More than {MAX_BREAKS} rows do not hold. Restore a backup.")
        breaks.append(ledger.break_found(found))
        known.add(breaks[-1])
    return breaks, found


def _take_down(which: Q, reason: str, *, by: User, at: datetime) -> list[Runbook]:
    """Take signed runbooks that meet a condition down to unassessed. Lapse every open request."""
    signed = list(Runbook.objects.filter(which, readiness_level__in=TO_UNASSESSED).order_by("pk"))
    for runbook in signed:
        downgrade(runbook=runbook, level=ReadinessLevel.UNASSESSED, reason=reason, by=by, at=at)
    waiting = Runbook.objects.filter(status_change_requests__state=RequestState.OPEN).order_by("pk")
    for runbook in list(waiting):
        ledger.append_all(lapse_open_requests(runbook, reason, by=by, at=at), at=at)
    return signed


def _tell(action: Action, changes: dict[str, Any], *, reason: str, by: User, at: datetime) -> None:
    record = ledger.Record(
        actor=by, action=action, subject=ledger.LEDGER_SUBJECT, changes=changes, reason=reason
    )
    ledger.append(record, at=at)


def _open(problem: str, *, sequence: int, digest: str, at: datetime) -> None:
    """Open an incident, and the finding that shows it, unless they are open already."""
    if not LedgerIncident.objects.filter(
        settled_at__isnull=True, sequence=sequence, hash=digest
    ).exists():
        LedgerIncident.objects.create(sequence=sequence, hash=digest, message=problem, found_at=at)
    about = {
        "kind": FindingKind.BROKEN_LEDGER,
        "subject": _subject(digest),
        "line": min(sequence, MAX_LINE) if digest else 0,
    }
    if not Finding.objects.filter(**about, resolved_at__isnull=True).update(message=problem):
        severity = SEVERITY_OF_KIND[FindingKind.BROKEN_LEDGER]
        Finding.objects.create(**about, message=problem, severity=severity, first_seen=at)


def _settle(incidents: Iterable[LedgerIncident], *, at: datetime) -> None:
    """Mark incidents as settled, and resolve the findings that show them."""
    for incident in list(incidents):
        LedgerIncident.objects.filter(pk=incident.pk, settled_at__isnull=True).update(settled_at=at)
        shown = Finding.objects.filter(kind=FindingKind.BROKEN_LEDGER, resolved_at__isnull=True)
        shown.filter(subject=_subject(incident.hash)).update(resolved_at=at)


def _subject(digest: str) -> str:
    """Return the subject of the finding that shows an incident."""
    return f"{CHECKPOINT} {digest}" if digest else ledger.LEDGER_SUBJECT
