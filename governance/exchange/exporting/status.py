"""The status that an export writes as signed: what the verdict confirms, not what a row stores."""

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
    """The status to write.

    :ivar withheld: why a runbook that was signed as ready no longer is; empty otherwise.
    """

    level: str
    year: int | None
    withheld: tuple[Reason, ...] = ()


def signed_status(at: datetime | None = None) -> dict[str, SignedStatus]:
    """Return the status of every runbook by its title; a ready that does not hold is unassessed.

    A ready holds if the verdict for its year is go. A ready whose year is over, and that held until
    the last day of that year, keeps its year: the year itself shows that it has expired.

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
    """Return primary key -> reasons, for each runbook whose readiness does not hold."""
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
    """Return whether the year is over and nothing ended the readiness before its end."""
    year = runbook.readiness_year
    return (
        year is not None
        and year < this_year
        and last_day(year, runbook.signed_until) == date(year, 12, 31)
    )
