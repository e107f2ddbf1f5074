"""What the catalogue's pages show of governance: the templates wire what the code may not import."""

from collections.abc import Iterable
from typing import Any

from django import template

from governance.choices import VERDICT_TEXTS
from governance.go_no_go import Steps, with_verdicts
from governance.models import StatusChangeRequest
from governance.runbook_record import RunbookRecord, record_of
from governance.verdict import VerdictReason
from governance.words import changes_in_words
from runbooks.models import Runbook, Situation

register = template.Library()


@register.simple_tag
def record(runbook: Runbook) -> RunbookRecord:
    """What governance tells of a runbook now: verdict, requests, the last ledger rows."""
    return record_of(runbook)


@register.simple_tag(takes_context=True)
def awaiting_you(context: dict[str, Any]) -> int:
    """How many requests wait for the decision of whoever looks at the page."""
    user = context["request"].user
    return StatusChangeRequest.objects.awaiting(user).count() if user.is_authenticated else 0


@register.simple_tag
def situations_with_verdicts(situations: Iterable[Situation]) -> list[tuple[Situation, Steps]]:
    """Situations with their steps in order, each with the verdict on its runbook, in a fixed number of queries."""
    return with_verdicts(situations)


@register.simple_tag
def steps_with_verdicts(situation: Situation) -> Steps:
    """The steps of one situation, likewise."""
    return with_verdicts([situation])[0][1]


@register.filter
def verdict_text(reason: str) -> str:
    """A reason's words, in the reader's language."""
    return str(VERDICT_TEXTS[VerdictReason(reason)])


register.filter("in_words", changes_in_words)
