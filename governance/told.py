"""What the ledger tells of several subjects, read in one query."""

from collections.abc import Iterable

from django.db.models import Q

from governance.models import ChangeLogEntry


class Told(dict[str, list[ChangeLogEntry]]):
    """The rows about each subject, the oldest first. A subject that was not read is an error, and not one without rows."""


def told_of(subjects: Iterable[str], *, besides: tuple[str, Q] | None = None) -> Told:
    """Every row about these subjects.

    :param besides: one more subject, of which only the rows that meet the condition are wanted.
    """
    told = Told({subject: [] for subject in subjects})
    wanted = Q(subject__in=list(told))
    if besides:
        subject, condition = besides
        told.setdefault(subject, [])
        wanted |= Q(subject=subject) & condition
    for entry in ChangeLogEntry.objects.filter(wanted).order_by("sequence"):
        told[entry.subject].append(entry)
    return told
