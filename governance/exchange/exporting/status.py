"""What an export may say is signed: what the verdict says holds, and nothing that merely stands in a row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone

from governance.assurance.evidence import verdicts_on
from runbooks.choices import ReadinessLevel
from runbooks.models import Runbook
from runbooks.validity import Reason, last_day


@dataclass(frozen=True, slots=True)
class SignedStatus:
    """The status to write. ``withheld``: why it is no longer ready although it was signed so; empty otherwise."""

    level: str
    year: int | None
    withheld: tuple[Reason, ...] = ()


def signed_status(at: datetime | None = None) -> dict[str, SignedStatus]:
    """By title, the status of every runbook: a ready that does not hold is unassessed.

    A ready holds where the verdict for its year is go. One whose year is over, and that held until
    the last day of it, keeps its year, which says so by itself.

    :param at: the moment at which it must hold (aware; now by default).
    """
    runbooks = list(Runbook.objects.with_catalogue())
    withheld = _withheld(
        [runbook for runbook in runbooks if runbook.readiness_level == ReadinessLevel.READY], at
    )
    return {
        runbook.title: SignedStatus(str(ReadinessLevel.UNASSESSED), None, reasons)
        if (reasons := withheld.get(runbook.pk))
        else SignedStatus(str(runbook.readiness_level), runbook.readiness_year)
        for runbook in runbooks
    }


def _withheld(ready: Sequence[Runbook], at: datetime | None) -> Mapping[int, tuple[Reason, ...]]:
    """Primary key -> why the readiness does not hold, of those where it does not."""
    this_year = timezone.localdate(at).year
    by_year: dict[int, list[Runbook]] = {}
    for runbook in ready:
        by_year.setdefault(max(runbook.readiness_year or this_year, this_year), []).append(runbook)
    found = {}
    for year, runbooks in by_year.items():
        for runbook, verdict in zip(runbooks, verdicts_on(runbooks, year=year, at=at), strict=True):
            reasons = set(verdict.reasons) - (
                {Reason.EXPIRED} if _is_merely_over(runbook, this_year) else set()
            )
            if reasons:
                found[runbook.pk] = tuple(reason for reason in verdict.reasons if reason in reasons)
    return found


def _is_merely_over(runbook: Runbook, this_year: int) -> bool:
    """Whether the year is over, and nothing ended the readiness before it was."""
    year = runbook.readiness_year
    return (
        year is not None
        and year < this_year
        and last_day(year, runbook.signed_until) == date(year, 12, 31)
    )
