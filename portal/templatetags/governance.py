"""Template tags that show governance on pages of the catalogue, which must not import it."""

from collections.abc import Iterable
from typing import Any

from django import template

from governance.assurance.choices import VERDICT_TEXTS
from governance.assurance.evidence import Steps, with_verdicts
from governance.assurance.verdict import VerdictReason
from governance.ledger.labels import labelled_changes
from governance.signoff.access_changes import changes_to_settle
from governance.signoff.choices import DEPENDENCE_TEXTS
from governance.signoff.eligibility import awaiting, survey
from governance.signoff.models import StatusChangeRequest
from governance.signoff.policy import Dependence, Reach
from portal.pages.runbook_context import RunbookRecord, record_of
from runbooks.models import Runbook, Situation

register = template.Library()


@register.simple_tag
def record(runbook: Runbook) -> RunbookRecord:
    """Return the governance record of a runbook: verdict, requests, latest ledger entries."""
    return record_of(runbook)


@register.simple_tag(takes_context=True)
def awaiting_you(context: dict[str, Any]) -> int:
    """Return how many requests wait for a decision by the current user."""
    user = context["request"].user
    return len(awaiting(user)) if user.is_authenticated else 0


@register.simple_tag(takes_context=True)
def changes_awaiting_you(context: dict[str, Any]) -> int:
    """Return how many changes the current user may confirm or refuse."""
    user = context["request"].user
    return len(changes_to_settle(user)) if user.is_authenticated else 0


@register.simple_tag
def reach_of(request: StatusChangeRequest) -> Reach | None:
    """Return whether an open request can still be completed; None for a closed one."""
    found = survey(requests=StatusChangeRequest.objects.filter(pk=request.pk))
    return found.reach(found.requests[0]) if found.requests else None


@register.filter
def dependence_texts(codes: str) -> list[str]:
    """Return why a review was not independent, in the reader's language.

    :param codes: separated by spaces.
    """
    return [
        str(DEPENDENCE_TEXTS[Dependence(code)]) for code in codes.split() if code in set(Dependence)
    ]


@register.simple_tag
def situations_with_verdicts(situations: Iterable[Situation]) -> list[tuple[Situation, Steps]]:
    """Return situations with their steps in order and the verdict on each runbook.

    Uses a fixed number of queries.
    """
    return with_verdicts(situations)


@register.simple_tag
def steps_with_verdicts(situation: Situation) -> Steps:
    """Return the steps of one situation in order, each with the verdict on its runbook."""
    return with_verdicts([situation])[0][1]


@register.filter
def verdict_text(reason: str) -> str:
    """Return the text of a reason in the reader's language."""
    return str(VERDICT_TEXTS[VerdictReason(reason)])


register.filter("in_words", labelled_changes)
