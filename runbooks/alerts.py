"""Resolution of an alert's labels to situations. Pure: imports no Django.

The rules are tried in order. The first rule that finds a situation answers, and the answer names
the rule. A label matches if the situation states the same value; the situation must not state a
label that the rule does not use. If no rule finds anything, the answer is the situation that is
kept for that case, or all situations: it is never empty.
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
    """An object with an alert's three labels: a situation."""

    @property
    def alert_category(self) -> str:
        """Return the category, such as ``risk``; empty if any category matches."""

    @property
    def alert_source(self) -> str:
        """Return the source, such as ``live-dashboard``; empty if any source matches."""

    @property
    def alert_severity(self) -> str:
        """Return the severity, such as ``RED``; empty if any severity matches."""

    @property
    def alert_default(self) -> bool:
        """Return whether it answers alerts for which no rule finds anything."""


class MatchedBy(StrEnum):
    """The rule that found the situations. A closed list, in the order in which rules are tried."""

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
    """The labels of an alert; a missing label is empty.

    Labels may contain any character and be of any length.
    """

    category: str = ""
    source: str = ""
    severity: str = ""

    @classmethod
    def of(cls, labels: Mapping[str, str]) -> "Alert":
        """Return the alert with these labels by name.

        A label that is missing, blank or a template's "no value" is empty.
        """
        given = {name: labels.get(name, "").strip() for name in NAMES}
        return cls(**{name: "" if label in NO_VALUES else label for name, label in given.items()})

    @classmethod
    def parse(cls, text: str) -> "Alert":
        """Parse ``category:source:severity``, with empty parts for missing labels.

        Two parts are category and severity. The first and the last colon separate the parts, so
        that a source such as an address may contain others.
        """
        category, _, rest = text.partition(SEPARATOR)
        source, _, severity = rest.rpartition(SEPARATOR)
        return cls.of({"category": category, "source": source, "severity": severity})

    @property
    def given(self) -> tuple[str, ...]:
        """Return the names of the labels that the alert has."""
        return tuple(name for name in NAMES if getattr(self, name))


@dataclass(frozen=True, slots=True)
class Resolution(Generic[SituationT]):
    """The situations that answer an alert, in their order, and the rule that found them."""

    matched_by: MatchedBy
    situations: tuple[SituationT, ...]

    @property
    def asked(self) -> tuple[str, ...]:
        """Return the names of the labels that the rule used; none for the last two rules."""
        return tuple(self.matched_by.value.split("+")) if self.matched_by in RULES else ()


def resolve(alert: Alert, situations: Iterable[SituationT]) -> Resolution[SituationT]:
    """Return the situations for an alert.

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
