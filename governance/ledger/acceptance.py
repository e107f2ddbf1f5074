"""What people have accepted of a damaged ledger, as the ledger itself tells it.

A row that says so counts only while every readiness for live use was signed after it. So a forged
row of this kind brings back nothing that the damage made doubtful: with such a readiness in the
catalogue, the damage counts as not accepted.
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

# The subject of every ledger row that is about the ledger itself.
LEDGER_SUBJECT = "ledger"
MAX_SEQUENCE = 2**63  # a column takes no larger number
# The members of ``changes`` that list rows which were lost: ``[{"sequence": …, "hash": …}]``.
LOST_ROWS = ("checkpoints", "high_water_mark")


class Break(NamedTuple):
    """A place where the chain does not hold.

    :ivar sequence: the first row that does not hold.
    :ivar expected: the number that the row should have.
    :ivar previous_hash: the hash of the last row before it, and so of all that comes before.
    :ivar stored_sha256: of the row's columns as they are stored (``stored_sha256``).
    """

    sequence: int
    expected: int
    previous_hash: str
    stored_sha256: str


def accepted_breaks() -> dict[Break, int]:
    """Return each accepted break with the number of the ledger row that accepts it."""
    found: dict[Break, int] = {}
    for sequence, changes in _rows(Action.BREAK_ACCEPTED):
        for stored in _listed(changes, "breaks"):
            if _is_break(stored):
                found[Break(**{name: stored[name] for name in Break._fields})] = sequence
    return {
        each: sequence for each, sequence in found.items() if nothing_ready_is_older_than(sequence)
    }


def _is_break(stored: dict[str, Any]) -> bool:
    """Whether an object has the form of a break: a forged row may hold anything."""
    numbers = (stored.get(name) for name in ("sequence", "expected"))
    texts = (stored.get(name) for name in ("previous_hash", "stored_sha256"))
    are_rows = all(type(each) is int and 0 < each < MAX_SEQUENCE for each in numbers)
    return are_rows and all(isinstance(each, str) for each in texts)


def acceptance_of_loss(digest: str) -> int | None:
    """Return the number of the ledger row by which the loss of a row was accepted, if it counts.

    :param digest: the hash of the lost row, as a checkpoint or a high-water mark has it.
    """
    accepted = [
        sequence
        for action in (Action.RESTORE_ACCEPTED, Action.BREAK_ACCEPTED)
        for sequence, changes in _rows(action)
        if any(lost.get("hash") == digest for name in LOST_ROWS for lost in _listed(changes, name))
    ]
    return max(accepted) if accepted and nothing_ready_is_older_than(max(accepted)) else None


def nothing_ready_is_older_than(sequence: int) -> bool:
    """Whether every readiness for live use was signed after this row of the ledger."""
    return _all_signed_after(sequence, Runbook.objects.filter(readiness_level=ReadinessLevel.READY))


def clock_acceptance_counts(sequence: int, *, latest: datetime) -> bool:
    """Whether a row counts by which somebody accepted that times up to ``latest`` (aware) were wrong.

    It brings back no readiness that had run out by then: maybe that time was right, and the clock
    was set back.

    :param sequence: the row's number.
    """
    return _all_signed_after(sequence, ready_that_ran_out(by=latest))


def ready_that_ran_out(*, by: datetime) -> list[Runbook]:
    """Return the runbooks that are signed as ready, by a clock at this moment (aware) no more."""
    day = timezone.localdate(by)
    ready = Runbook.objects.filter(readiness_level=ReadinessLevel.READY)
    return [each for each in ready if each.valid_until is None or each.valid_until < day]


def _all_signed_after(sequence: int, runbooks: Iterable[Runbook]) -> bool:
    subjects = {subject_of(each) for each in runbooks}
    signed = ChangeLogEntry.objects.filter(action=Action.READINESS_CHANGED, sequence__gt=sequence)
    return subjects <= set(signed.values_list("subject", flat=True))


def stored_sha256(sequence: int) -> str:
    """Return the sha256 of a row's columns as they are stored, also where nobody can read them."""
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
    # The text of a time depends on the time zone of the connection; the seconds do not.
    return ", ".join(
        f"extract(epoch from {column})::text" if column == "recorded_at" else f"{column}::text"
        for column in columns
    )


def _rows(action: Action) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield number and changes of the rows about the ledger itself; those that cannot be read are left out."""
    rows = ChangeLogEntry.objects.filter(subject=LEDGER_SUBJECT, action=action).order_by("sequence")
    for sequence in list(rows.values_list("sequence", flat=True)):
        try:
            changes = rows.filter(sequence=sequence).values_list("changes", flat=True).get()
        except Exception:  # a row that cannot be read must not stop the alarm: it accepts nothing
            continue
        if isinstance(changes, dict):
            yield sequence, changes


def _listed(changes: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the objects that a change lists as its value before; empty for any other form."""
    change = changes.get(name)
    listed = change.get("before") if isinstance(change, dict) else None
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
