"""What the catalogue's pages show of governance: the templates wire what the code may not import."""

from collections.abc import Iterable
from typing import Any

from django import template

from governance.choices import VERDICT_TEXTS, RequestState
from governance.facts import subject_of
from governance.go_no_go import Steps, verdict_on, with_verdicts
from governance.models import ChangeLogEntry, StatusChangeRequest
from governance.verdict import Verdict, VerdictReason
from governance.words import changes_in_words
from runbooks.models import Runbook, Situation

register = template.Library()


@register.simple_tag
def recent_history(runbook: Runbook, count: int = 5) -> list[ChangeLogEntry]:
    """The last ledger rows about a runbook."""
    return list(ChangeLogEntry.objects.filter(subject=subject_of(runbook))[:count])


@register.simple_tag
def open_request(runbook: Runbook) -> StatusChangeRequest | None:
    """The request that waits for signatures, if there is one."""
    return (
        StatusChangeRequest.objects.filter(runbook=runbook, state=RequestState.OPEN)
        .prefetch_related("sign_offs")
        .first()
    )


@register.simple_tag
def signed_by(runbook: Runbook) -> StatusChangeRequest | None:
    """The approved request behind the readiness that a runbook has now."""
    return (
        StatusChangeRequest.objects.filter(runbook=runbook, state=RequestState.APPROVED)
        .prefetch_related("sign_offs__signer")
        .order_by("-applied_at", "-pk")
        .first()
    )


@register.simple_tag(takes_context=True)
def awaiting_you(context: dict[str, Any]) -> int:
    """How many requests wait for the decision of whoever looks at the page."""
    user = context["request"].user
    return StatusChangeRequest.objects.awaiting(user).count() if user.is_authenticated else 0


@register.simple_tag
def verdict(runbook: Runbook) -> Verdict:
    """Go or no-go now, with every reason."""
    return verdict_on(runbook)


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
