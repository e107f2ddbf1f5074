"""Narrowing an answer down by status, layer and cluster. All of it is read from the live rows of the hits."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from runbooks.choices import ReadinessLevel
from runbooks.models import Runbook
from runbooks.search.answer import RunbookHit

LIVE = "live"
STATUS_LABELS = {
    LIVE: _("live-ready now"),
    ReadinessLevel.READY.value: _("ready, but not valid"),
}

Labelled = Iterable[tuple[str, Any]]  # a value for the address, a label to be shown


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a facet, how many hits have it, and the address's query that chooses it (or takes it away again)."""

    value: str
    query: str
    label: Any
    number: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """One way to narrow down. ``name`` is its parameter in the address."""

    name: str
    label: Any
    choices: Sequence[Choice]


def status_of(hit: RunbookHit) -> str:
    """``live``, or the signed level; a ready that does not hold now is told from one that does."""
    return LIVE if hit.live_ready else str(hit.runbook.readiness_level)


def _status(hit: RunbookHit) -> Labelled:
    status = status_of(hit)
    yield status, STATUS_LABELS.get(status) or ReadinessLevel(status).label


def _layers(hit: RunbookHit) -> Labelled:
    return ((layer.slug, layer.title) for layer in hit.runbook.layers.all())


def _clusters(hit: RunbookHit) -> Labelled:
    clusters = [*filter(None, [hit.runbook.primary_cluster]), *hit.runbook.related_clusters.all()]
    return {cluster.slug: cluster for cluster in clusters}.items()


READERS: Mapping[str, tuple[Any, Callable[[RunbookHit], Labelled]]] = {
    "status": (_("Status"), _status),
    "layer": (_("Layer"), _layers),
    "cluster": (_("Cluster"), _clusters),
}


def facets_of(question: str, hits: Sequence[RunbookHit], chosen: Mapping[str, str]) -> list[Facet]:
    """Every facet that tells hits apart, or that is chosen; each choice with its number among ``hits``.

    :param chosen: a value for a facet's name; names without one are missing.
    """
    facets = []
    for name, (label, read) in READERS.items():
        labels: dict[str, Any] = {}
        numbers: Counter[str] = Counter()
        for hit in hits:
            for value, text in read(hit):
                labels[value] = text
                numbers[value] += 1
        choices = [
            Choice(value, _query(question, chosen, name, value), labels[value], number, chosen.get(name) == value)
            for value, number in sorted(numbers.items(), key=lambda item: (-item[1], str(labels[item[0]])))
        ]
        if len(choices) > 1 or any(choice.chosen for choice in choices):
            facets.append(Facet(name, label, choices))
    return facets


def _query(question: str, chosen: Mapping[str, str], name: str, value: str) -> str:
    others = {other: kept for other, kept in chosen.items() if other != name}
    return urlencode({"q": question, **others, **({} if chosen.get(name) == value else {name: value})})


def narrowed(hits: Iterable[RunbookHit], chosen: Mapping[str, str]) -> list[RunbookHit]:
    """The hits that have every chosen value."""
    return [
        hit for hit in hits if all(value in dict(READERS[name][1](hit)) for name, value in chosen.items())
    ]


def among(chosen: Mapping[str, str]) -> QuerySet[Runbook]:
    """The runbooks that could have every chosen value: for a question with more hits than are compared at once."""
    runbooks: Any = Runbook.objects.order_by("pk")
    status, layer, cluster = (chosen.get(name) for name in ("status", "layer", "cluster"))
    if status == LIVE:
        runbooks = runbooks.signed_ready()
    elif status:
        runbooks = runbooks.filter(readiness_level=status)
    if layer:
        runbooks = runbooks.filter(layers__slug=layer)
    if cluster:
        runbooks = runbooks.filter(Q(primary_cluster__slug=cluster) | Q(related_clusters__slug=cluster))
    return runbooks.distinct()
