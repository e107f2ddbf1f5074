"""From an alert's labels to situations. Pure: imports no Django.

The rules are tried in this order, and the first that finds a situation answers; the answer names
it. A label counts as found where the situation states it and it is the same; every label that a
rule does not ask for is left open by the situation. Nothing found means the situation that is kept
for that, or all of them: never nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

SEPARATOR = ":"
# What the templates of Prometheus, Alertmanager and Grafana write for a label that an alert does
# not have.
NO_VALUES = frozenset({"<no value>", "[no value]"})


class Labels(Protocol):
    """What has an alert's three labels: a situation."""

    @property
    def alert_category(self) -> str:
        """Such as ``risk``; empty where any will do."""

    @property
    def alert_source(self) -> str:
        """Such as ``live-dashboard``; empty where any will do."""

    @property
    def alert_severity(self) -> str:
        """Such as ``RED``; empty where any will do."""

    @property
    def alert_default(self) -> bool:
        """Whether it answers alerts that no rule finds anything for."""


class MatchedBy(StrEnum):
    """Which rule found the situations. A closed list, in the order in which they are tried."""

    CATEGORY_SOURCE_SEVERITY = "category+source+severity"
    CATEGORY_SEVERITY = "category+severity"
    CATEGORY_SOURCE = "category+source"
    SOURCE_SEVERITY = "source+severity"
    CATEGORY = "category"
    SOURCE = "source"
    SEVERITY = "severity"
    DEFAULT = "default"
    NONE = "none"


SituationT = TypeVar("SituationT", bound=Labels)
RULES: tuple[MatchedBy, ...] = tuple(
    rule for rule in MatchedBy if rule not in (MatchedBy.DEFAULT, MatchedBy.NONE)
)
NAMES = ("category", "source", "severity")


@dataclass(frozen=True, slots=True)
class Alert:
    """The labels of an alert; empty where it has none. They may hold any character and be of any length."""

    category: str = ""
    source: str = ""
    severity: str = ""

    @classmethod
    def of(cls, labels: Mapping[str, str]) -> "Alert":
        """Return the alert with these labels by name; one that is missing, blank or a template's "no value" is empty."""
        given = {name: labels.get(name, "").strip() for name in NAMES}
        return cls(**{name: "" if label in NO_VALUES else label for name, label in given.items()})

    @classmethod
    def parse(cls, text: str) -> "Alert":
        """Read ``category:source:severity``, with empty parts where a label is missing; two parts are category and severity.

        The first and the last colon are the borders: a source such as an address may hold others.
        """
        category, _, rest = text.partition(SEPARATOR)
        source, _, severity = rest.rpartition(SEPARATOR)
        return cls.of({"category": category, "source": source, "severity": severity})

    @property
    def given(self) -> tuple[str, ...]:
        """The names of the labels that the alert has."""
        return tuple(name for name in NAMES if getattr(self, name))


@dataclass(frozen=True, slots=True)
class Resolution(Generic[SituationT]):
    """The situations that answer an alert, in their order, and the rule that found them."""

    matched_by: MatchedBy
    situations: tuple[SituationT, ...]

    @property
    def asked(self) -> tuple[str, ...]:
        """The names of the labels that the rule asked for; none for the last two."""
        return tuple(self.matched_by.value.split("+")) if self.matched_by in RULES else ()


def resolve(alert: Alert, situations: Iterable[SituationT]) -> Resolution[SituationT]:
    """The situations for an alert.

    :param situations: all of them, in their order.
    """
    everything = tuple(situations)
    for rule in RULES:
        found = tuple(
            situation for situation in everything if _fits(alert, situation, rule.value.split("+"))
        )
        if found:
            return Resolution(rule, found)
    default = tuple(situation for situation in everything if situation.alert_default)
    return (
        Resolution(MatchedBy.DEFAULT, default)
        if default
        else Resolution(MatchedBy.NONE, everything)
    )


def _fits(alert: Alert, situation: Labels, asked: list[str]) -> bool:
    for name in NAMES:
        stated, given = (
            _folded(value) for value in (getattr(situation, f"alert_{name}"), getattr(alert, name))
        )
        if name in asked and (not given or stated != given):
            return False
        if name not in asked and stated:
            return False
    return True


def _folded(label: str) -> str:
    return label.strip().casefold()
