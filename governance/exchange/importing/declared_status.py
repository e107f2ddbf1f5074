"""Differences between the declared readiness and the signed one.

Either the file declares a readiness that nobody has signed, or it does not state the signed one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.utils import timezone

from governance.exchange.importing.plan import Plan
from governance.exchange.importing.target_state import Facts
from governance.signoff import transitions
from runbooks.models import Runbook
from runbooks.models.runbook import readiness_label


@dataclass(frozen=True, slots=True)
class Claim:
    """One runbook whose declared readiness is not the signed one.

    :ivar pk: None before the runbook is imported.
    """

    title: str
    pk: int | None
    declared: str
    signed: str
    level: str
    year: int | None
    may_be_requested: bool
    may_be_taken_down: bool


def claims_of(plan: Plan) -> list[Claim]:
    """Return the claims as they will be after the plan is applied."""
    stored = {runbook.title: runbook for runbook in Runbook.objects.all()}
    after = {
        title: _facts(runbook) for title, runbook in stored.items() if title not in plan.absent
    }
    now_called: dict[str, str] = {}
    for step in plan.steps:
        if step.kind == "runbook" and step.after is not None:
            after.pop(step.stored, None)
            after[step.key] = step.after
            now_called[step.key] = step.stored
    return _claims(
        after,
        {title: stored[old] for title in after if (old := now_called.get(title, title)) in stored},
    )


def present_claims() -> list[Claim]:
    """Return the claims of the current catalogue."""
    stored = {runbook.title: runbook for runbook in Runbook.objects.all()}
    return _claims({title: _facts(runbook) for title, runbook in stored.items()}, stored)


def _facts(runbook: Runbook) -> Facts:
    return {
        "declared_level": runbook.declared_level,
        "declared_year": runbook.declared_year,
        "position": runbook.position,
    }


def _claims(declared: Mapping[str, Facts], stored: Mapping[str, Runbook]) -> list[Claim]:
    in_order: Iterable[tuple[str, Facts]] = sorted(
        declared.items(), key=lambda item: (item[1]["position"], item[0])
    )
    claims = []
    for title, facts in in_order:
        runbook = stored.get(title) or Runbook()
        level, year = facts["declared_level"], facts["declared_year"]
        if (level, year) == (runbook.readiness_level, runbook.readiness_year):
            continue
        claims.append(
            Claim(
                title=title,
                pk=runbook.pk,
                declared=readiness_label(level, year),
                signed=runbook.readiness,
                level=level,
                year=year,
                may_be_requested=runbook.pk is not None and _may_be_requested(runbook, level, year),
                may_be_taken_down=runbook.pk is not None
                and transitions.is_down(runbook.readiness_level, level),
            )
        )
    return claims


def _may_be_requested(runbook: Runbook, level: str, year: int | None) -> bool:
    """Return whether the transitions and the calendar allow the step.

    Who may request it is checked by the form.
    """
    this_year = timezone.localdate().year
    return transitions.is_up(runbook.readiness_level, level) and (
        year is None or year in (this_year, this_year + 1)
    )
