"""The ledger entries of several subjects, read in one query."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Q

from governance.ledger.models import ChangeLogEntry


class Row(NamedTuple):
    """A ledger row as it is stored.

    Creating a model instance for each row would take longer than reading all rows.
    """

    sequence: int
    recorded_at: datetime
    actor: str
    action: str
    subject: str
    subject_title: str
    reason: str
    release: str
    changes: dict[str, Any]
    digests: str
    previous_hash: str
    hash: str


class History(dict[str, list[Row]]):
    """The rows about each subject, oldest first.

    Looking up a subject that was not read raises KeyError, so that it is not mistaken for a subject
    without rows.
    """


def latest_value(rows: Iterable[Any], name: str) -> Any:
    """Return the latest recorded value of a field, or None if no row contains it.

    :param rows: oldest first; ``Row`` or model instances.
    """
    value = None
    for row in rows:
        if name in row.changes:
            value = row.changes[name].get("after")
    return value


def history_of(subjects: Iterable[str], *, besides: tuple[str, Q] | None = None) -> History:
    """Return every row about these subjects.

    :param besides: one more subject, with a condition that its rows must meet.
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
