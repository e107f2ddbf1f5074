"""Write and withdraw the seals of assurances.

Triggers empty a seal (``governance/guards/unsealing.py``). A governed change renews the seals that
it may have affected in its own transaction; ``tick``, ``migrate`` and ``verify_ledger`` renew all.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import Q, QuerySet
from django.dispatch import receiver
from django.utils import timezone

from governance import ledger
from governance.assurance.evidence import EvidenceRows, EvidenceSet, claims_ready
from governance.assurance.models import Assurance, JobRun
from governance.assurance.seal import Proof, is_sealed, seal_of
from governance.assurance.standings import proof_of
from governance.assurance.verdict import Verdict, reasons_in
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from governance.ledger.signals import entries_recorded
from governance.signoff.models import SignOff, StatusChangeRequest
from governance.signoff.signals import readiness_applied
from runbooks.batches import batched
from runbooks.choices import ReadinessLevel
from runbooks.models import Runbook
from runbooks.validity import PASSING, Reason, reasons_against_live

logger = logging.getLogger(__name__)
# If a verdict is no-go for these reasons alone, nothing is held against the stored rows.
NOT_LASTING = PASSING | {Reason.DOUBT, Reason.DATABASE_UNREACHABLE}
# How many runbooks, and their texts, are read at once.
CHUNK = 100
# Databases limit the values of one query.
MAX_NAMES = 1_000
TICK = "tick"
# A change of these kinds can affect what a readiness rests on. A sign-off sends its own signal.
TOUCHING = frozenset(
    {
        Action.CREATED,
        Action.CHANGED,
        Action.DELETED,
        Action.DOCUMENT_STORED,
    }
)


@receiver(entries_recorded, dispatch_uid="governance.renew_what_was_touched")
def renew_what_was_touched(entries: Sequence[ChangeLogEntry], **_: Any) -> None:
    """Renew the seals of the runbooks that a governed change affects, before it commits."""
    with _never_in_the_way():
        touched = _touched_by(entries)
        for start in range(0, len(touched), CHUNK):
            renew(Runbook.objects.filter(pk__in=touched[start : start + CHUNK]))


@receiver(readiness_applied, dispatch_uid="governance.seal_what_was_signed")
def seal_what_was_signed(
    request: StatusChangeRequest,
    decisions: Sequence[SignOff],
    rows: Sequence[Any],
    **_: Any,
) -> None:
    """Seal a runbook that a signature has just made ready, in the transaction of that signature.

    The verdict's own code examines the rows that the sign-off has read and written. No other row is
    read.
    """
    runbook = request.runbook
    if runbook.readiness_level != ReadinessLevel.READY:
        return
    with _never_in_the_way():
        assurance = getattr(runbook, "assurance", None)
        if assurance is not None:  # triggers have raised the generation since it was read
            assurance.refresh_from_db(fields=["generation", "seal"])
        _renew([runbook], EvidenceRows(decisions=decisions, rows=rows))


@contextmanager
def _never_in_the_way() -> Iterator[None]:
    """Leave runbooks without a seal if renewing fails: no forged row may stop a change."""
    try:
        with transaction.atomic():
            yield
    except Exception:
        logger.exception("The seals could not be renewed. The next tick tries again.")


def _touched_by(entries: Sequence[ChangeLogEntry]) -> list[int]:
    """Return the primary keys of the ready runbooks that may have lost their seal by a change."""
    names: dict[str, set[str]] = {}
    for entry in entries:
        if entry.action in TOUCHING:
            kind, _, name = entry.subject.partition(":")
            names.setdefault(kind, set()).add(name)
    questions = (
        ("slug__in", names.get("runbook", set())),
        ("layers__slug__in", names.get("layer", set())),
        ("primary_cluster__slug__in", names.get("cluster", set())),
        ("related_clusters__slug__in", names.get("cluster", set())),
        ("document__path__in", {name.rpartition("@")[0] for name in names.get("document", ())}),
    )
    ready = Runbook.objects.filter(readiness_level=ReadinessLevel.READY).order_by("pk")
    touched: set[int] = set()
    for part in _question_parts(questions):
        touched.update(ready.filter(part).values_list("pk", flat=True))
    return sorted(touched)


def _question_parts(questions: Iterable[tuple[str, set[str]]]) -> Iterator[Q]:
    """Yield conditions that together ask for all names, each with at most ``MAX_NAMES`` of them."""
    part, size = Q(), 0
    for lookup, names in questions:
        for some in batched(sorted(names), MAX_NAMES):
            if size and size + len(some) > MAX_NAMES:
                yield part
                part, size = Q(), 0
            part |= Q(**{lookup: list(some)})
            size += len(some)
    if size:
        yield part


def renew(runbooks: "QuerySet[Runbook]") -> int:
    """Renew the seals of runbooks. Return how many were sealed.

    A runbook is sealed if nothing is held against its readiness; otherwise it loses its seal. One
    that is not signed as ready is skipped. Other writers must be kept out (``ledger.atomic``).
    """
    ready = runbooks.filter(readiness_level=ReadinessLevel.READY).order_by("pk")
    return sum(_renew(part) for part in _in_parts(ready))


def renew_all() -> int:
    """Renew the seals of all runbooks that are signed as ready. Return how many were sealed.

    A runbook loses its seal if the verdict would refuse it, even if no trigger saw the change. The
    ledger's lock is held for one part of ``CHUNK`` runbooks at a time.
    """
    sealed = 0
    keys = list(
        Runbook.objects.filter(readiness_level=ReadinessLevel.READY)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    for start in range(0, len(keys), CHUNK):
        with ledger.atomic():
            sealed += renew(Runbook.objects.filter(pk__in=keys[start : start + CHUNK]))
    return sealed


def _in_parts(ready: Any) -> Iterator[list[Runbook]]:
    rows = ready.select_related("document", "primary_cluster", "assurance").with_related(
        "layers", "related_clusters"
    )
    last, is_more = 0, True
    while is_more:
        part = list(rows.filter(pk__gt=last)[:CHUNK])
        is_more = len(part) == CHUNK
        if part:
            last = part[-1].pk
            yield part


def _renew(runbooks: list[Runbook], read: EvidenceRows | None = None) -> int:
    """Seal the runbooks that nothing is held against, and unseal the others.

    Return how many were sealed.
    """
    today = timezone.localdate()
    holding = [
        runbook
        for runbook in runbooks
        # A reader sees from the row itself whether it has expired.
        if not set(reasons_against_live(runbook.signed_facts(), today=today)) - PASSING
    ]
    known = EvidenceSet.of(holding, read, alarms=(), texts=True)
    proven = {
        runbook.pk: known.proof(runbook)
        for runbook in holding
        if not reasons_in(known.evidence(runbook))
    }
    sealed = 0
    for runbook in runbooks:
        assurance = getattr(runbook, "assurance", None)
        if runbook.pk in proven:
            sealed += _seal(runbook, assurance, *proven[runbook.pk])
        elif assurance is not None and assurance.seal:
            _unseal(assurance)
    return sealed


def _seal(
    runbook: Runbook, assurance: Assurance | None, request: int, change: ChangeLogEntry
) -> bool:
    """Write the seal, unless a valid one is stored. Return whether it was written.

    A row whose generation has risen since it was read is left as it is.
    """
    generation = assurance.generation if assurance else 0
    proof = Proof(request, change.sequence, change.hash, generation)
    if assurance and assurance.seal and is_sealed(runbook, proof, assurance.seal):
        return False
    values = {
        "request_id": request,
        "change_sequence": change.sequence,
        "change_hash": change.hash,
        "seal": seal_of(runbook, proof),
        "written_at": timezone.now(),
    }
    if assurance is None:
        Assurance.objects.create(runbook=runbook, **values)
        return True
    same = Assurance.objects.filter(pk=runbook.pk, generation=generation)
    return bool(same.update(**values))


def _unseal(assurance: Assurance) -> None:
    same = Assurance.objects.filter(pk=assurance.pk, generation=assurance.generation)
    same.update(seal="", generation=assurance.generation + 1)


def withdraw(runbook: Runbook, verdict: Verdict) -> None:
    """Empty the seal of a row whose verdict is no-go for a lasting reason.

    Such a seal was left by a write that no trigger saw. If the seal cannot be emptied now, ``tick``
    does so. A seal that fits another state of the row than this one is left alone.

    :param verdict: the verdict on this row, now.
    """
    if not claims_ready(runbook) or not set(verdict.reasons) - NOT_LASTING:
        return
    try:
        with transaction.atomic():
            found = proof_of(runbook)
            if found is None or not is_sealed(runbook, *found):
                return
            proof, seal = found
            logger.error("Runbook %s has a seal, and its verdict is no-go.", runbook.pk)
            same = Assurance.objects.filter(pk=runbook.pk, generation=proof.generation, seal=seal)
            same.update(seal="", generation=proof.generation + 1)
    except DatabaseError:
        logger.exception("The seal could not be emptied.")


def record_tick(*, at: datetime) -> None:
    """Record that every runbook was looked at, and all other periodic work was done or tried."""
    JobRun.objects.update_or_create(name=TICK, defaults={"finished_at": at})


def last_tick() -> datetime | None:
    """Return when ``tick`` last finished (aware); None where it never ran."""
    return JobRun.objects.filter(name=TICK).values_list("finished_at", flat=True).first()
