"""What the ledger tells of several subjects, read in one query."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Q

from governance.ledger.models import ChangeLogEntry


class Row(NamedTuple):
    """What is asked of a ledger row. A model's instance for each would take longer than to read them all."""

    sequence: int
    recorded_at: datetime
    actor: str
    action: str
    subject: str
    changes: dict[str, Any]


class History(dict[str, list[Row]]):
    """The rows about each subject, the oldest first. A subject that was not read is an error, and not one without rows."""


def latest_value(rows: Iterable[Any], name: str) -> Any:
    """The value of a field that the last row about it tells; None where none does.

    :param rows: the oldest first; ``Row`` or the model's instances.
    """
    value = None
    for row in rows:
        if name in row.changes:
            value = row.changes[name].get("after")
    return value


def history_of(subjects: Iterable[str], *, besides: tuple[str, Q] | None = None) -> History:
    """Every row about these subjects.

    :param besides: one more subject, of which only the rows that meet the condition are wanted.
    """
    history = History({subject: [] for subject in subjects})
    wanted = Q(subject__in=list(history))
    if besides:
        subject, condition = besides
        history.setdefault(subject, [])
        wanted |= Q(subject=subject) & condition
    for row in map(
        Row._make,
        ChangeLogEntry.objects.filter(wanted).order_by("sequence").values_list(*Row._fields),
    ):
        history[row.subject].append(row)
    return history
