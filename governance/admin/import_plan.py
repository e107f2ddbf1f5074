"""Describe an import plan in words, for the import page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from governance.exchange.importing import Plan, Step
from governance.exchange.importing.limits import MODELS
from governance.ledger.labels import EMPTY, field_in_words, value_in_words

VERBS = {"add": _("add"), "change": _("change"), "remove": _("remove")}


@dataclass(frozen=True, slots=True)
class KindInWords:
    """What the plan does to one kind of object.

    :ivar seen: how many of them the file holds.
    """

    name: str
    seen: int
    added: int
    changed: int
    removed: int
    moved: list[str]
    steps: list[dict[str, Any]]


def plan_in_words(plan: Plan) -> list[KindInWords]:
    """Return the steps of a plan by kind, each with its fields before and after."""
    return [
        KindInWords(
            name=str(model._meta.verbose_name_plural),
            seen=plan.seen[kind],
            added=plan.counted(kind, "add"),
            changed=plan.counted(kind, "change"),
            removed=plan.counted(kind, "remove"),
            moved=[
                _("%(count)d moved by %(places)s, otherwise unchanged")
                % {"count": count, "places": f"{places:+}"}
                for places, count in plan.moved(kind).items()
            ],
            steps=[
                _step(step, kind)
                for step in plan.steps
                if step.kind == kind and step.verb != "move"
            ],
        )
        for kind, (model, _key) in MODELS.items()
    ]


def proposals_in_words(plan: Plan) -> list[dict[str, Any]]:
    """Return what needs a yes or no, in the order in which the page asks."""
    return [
        {
            "proposal": proposal,
            "of": str(MODELS[proposal.of][0]._meta.verbose_name),
            "lost": lost_in_words(proposal.lost, proposal.of),
        }
        for proposal in plan.proposals
    ]


def lost_in_words(lost: Mapping[str, Any], kind: str) -> list[tuple[str, str]]:
    """Return field and value of content that people added in the portal and that would be lost."""
    model = MODELS[kind][0]
    return [
        (
            field_in_words(model, name),
            _value(value_in_words(model, name, value) if value is True else value),
        )
        for name, value in lost.items()
    ]


def _step(step: Step, kind: str) -> dict[str, Any]:
    model = MODELS[kind][0]
    return {
        "verb": step.verb,
        "word": VERBS[step.verb],
        "key": step.stored,
        "lost": lost_in_words(step.lost, kind),
        "changes": [
            (field_in_words(model, name), _value(before), _value(after))
            for name, (before, after) in step.changes.items()
            if before or after
        ],
    }


def _value(value: Any) -> str:
    if value in (None, "", []):
        return EMPTY
    if isinstance(value, list):
        return "\n".join(
            " · ".join(part) if isinstance(part, list) else str(part) for part in value
        )
    return str(value)
