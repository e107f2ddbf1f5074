"""Damage to the ledger that people have accepted, as recorded in the ledger itself.

An acceptance counts only if every readiness for live use was signed after it. A forged acceptance
therefore cannot restore trust in a readiness that the damage made doubtful: while such a readiness
exists in the catalogue, the damage counts as not accepted.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from governance.ledger.snapshot import subject_of
from runbooks.choices import ReadinessLevel
from runbooks.digests import sha256_of_text
from runbooks.models import Runbook

# The subject of all ledger rows about the ledger itself.
LEDGER_SUBJECT = "ledger"
MAX_SEQUENCE = 2**63  # the maximum of the database column
# The members of ``changes`` that list lost rows: ``[{"sequence": …, "hash": …}]``.
LOST_ROWS = ("checkpoints", "high_water_mark")


class Break(NamedTuple):
    """A place where the chain does not hold.

    :ivar sequence: the first row that does not hold.
    :ivar expected: the sequence that the row should have.
    :ivar previous_hash: the hash of the last valid row, which covers all rows before it.
    :ivar stored_sha256: the sha256 of the row's columns as stored (``stored_sha256``).
    """

    sequence: int
    expected: int
    previous_hash: str
    stored_sha256: str


def accepted_breaks() -> dict[Break, int]:
    """Return each accepted break with the sequence of the ledger row that accepts it."""
    found: dict[Break, int] = {}
    for sequence, changes in _rows(Action.BREAK_ACCEPTED):
        for stored in _listed(changes, "breaks"):
            if _is_break(stored):
                found[Break(**{name: stored[name] for name in Break._fields})] = sequence
    return {
        each: sequence for each, sequence in found.items() if nothing_ready_is_older_than(sequence)
    }


def _is_break(stored: dict[str, Any]) -> bool:
    """Return whether an object has the form of a break. A forged row may contain anything."""
    numbers = (stored.get(name) for name in ("sequence", "expected"))
    texts = (stored.get(name) for name in ("previous_hash", "stored_sha256"))
    are_rows = all(type(each) is int and 0 < each < MAX_SEQUENCE for each in numbers)
    return are_rows and all(isinstance(each, str) for each in texts)


def acceptance_of_loss(digest: str) -> int | None:
    """Return the sequence of the ledger row that accepts the loss of a row, or None.

    None if no row accepts the loss or if the acceptance does not count.

    :param digest: the hash of the lost row, from a checkpoint or a high-water mark.
    """
    accepted = [
        sequence
        for action in (Action.RESTORE_ACCEPTED, Action.BREAK_ACCEPTED)
        for sequence, changes in _rows(action)
        if any(lost.get("hash") == digest for name in LOST_ROWS for lost in _listed(changes, name))
    ]
    return max(accepted) if accepted and nothing_ready_is_older_than(max(accepted)) else None


def nothing_ready_is_older_than(sequence: int) -> bool:
    """Return whether every readiness for live use was signed after this ledger row."""
    return _all_signed_after(sequence, Runbook.objects.filter(readiness_level=ReadinessLevel.READY))


def clock_acceptance_counts(sequence: int, *, latest: datetime) -> bool:
    """Return whether a row counts that accepts that times up to ``latest`` (aware) were wrong.

    It does not restore a readiness that had expired by ``latest``: the recorded time may have been
    right and the clock set back.

    :param sequence: the sequence of the accepting row.
    :param latest: the latest recorded time (aware).
    """
    return _all_signed_after(sequence, ready_that_ran_out(by=latest))


def ready_that_ran_out(*, by: datetime) -> list[Runbook]:
    """Return the runbooks signed as ready whose validity has ended at this time (aware)."""
    day = timezone.localdate(by)
    ready = Runbook.objects.filter(readiness_level=ReadinessLevel.READY)
    return [each for each in ready if each.valid_until is None or each.valid_until < day]


def _all_signed_after(sequence: int, runbooks: Iterable[Runbook]) -> bool:
    subjects = {subject_of(each) for each in runbooks}
    signed = ChangeLogEntry.objects.filter(action=Action.READINESS_CHANGED, sequence__gt=sequence)
    return subjects <= set(signed.values_list("subject", flat=True))


def stored_sha256(sequence: int) -> str:
    """Return the sha256 of a row's columns as stored, even if they cannot be decoded."""
    sql = _sql_of_stored()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {sql} FROM {ChangeLogEntry._meta.db_table} WHERE sequence = %s", [sequence]
        )
        stored = cursor.fetchone()
    return sha256_of_text(json.dumps(stored))


def _sql_of_stored() -> str:
    columns = sorted(str(field.column) for field in ChangeLogEntry._meta.concrete_fields)
    if connection.vendor == "sqlite":
        return ", ".join(f"typeof({column}) || hex({column})" for column in columns)
    # The text form of a time depends on the connection's time zone; the epoch seconds do not.
    return ", ".join(
        f"extract(epoch from {column})::text" if column == "recorded_at" else f"{column}::text"
        for column in columns
    )


def _rows(action: Action) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield sequence and changes of the rows about the ledger itself, without unreadable rows."""
    rows = ChangeLogEntry.objects.filter(subject=LEDGER_SUBJECT, action=action).order_by("sequence")
    for sequence in list(rows.values_list("sequence", flat=True)):
        try:
            changes = rows.filter(sequence=sequence).values_list("changes", flat=True).get()
        except Exception:  # an unreadable row accepts nothing and must not stop the check
            continue
        if isinstance(changes, dict):
            yield sequence, changes


def _listed(changes: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the objects that a change lists as its value before; empty for any other form."""
    change = changes.get(name)
    listed = change.get("before") if isinstance(change, dict) else None
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
