"""Facets: narrowing an answer by status, layer and cluster, read from the live rows of the hits."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from runbooks.choices import ReadinessLevel
from runbooks.models import Cluster, Runbook
from runbooks.search.hits import Found

LIVE = "live"
STATUS_LABELS = {
    LIVE: _("live-ready now"),
    ReadinessLevel.READY.value: _("ready, but not valid"),
}

Values = Iterable[tuple[int, str, Any]]  # primary key of a runbook, value in the address, label


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a facet, with its label and the number of hits that have it.

    ``query`` is the query string that chooses the value, or clears it if it is chosen.
    """

    value: str
    query: str
    label: Any
    number: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """A way to narrow an answer. ``name`` is its parameter in the query string."""

    name: str
    label: Any
    choices: Sequence[Choice]


def status_of(found: Found) -> str:
    """Return ``live`` if a runbook is live-ready now, otherwise its signed level."""
    return LIVE if found.standing.is_live_ready else found.runbook.readiness_level


def _statuses(runbooks: Sequence[Found]) -> Values:
    for each in runbooks:
        status = status_of(each)
        yield each.pk, status, STATUS_LABELS.get(status) or ReadinessLevel(status).label


def _layers(runbooks: Sequence[Found]) -> Values:
    links = Runbook.layers.through.objects.filter(runbook__in=[each.pk for each in runbooks])
    return links.values_list("runbook", "layer__slug", "layer__title")


def _clusters(runbooks: Sequence[Found]) -> Values:
    links = Runbook.related_clusters.through.objects.filter(
        runbook__in=[each.pk for each in runbooks]
    )
    pairs = {
        *links.values_list("runbook", "cluster"),
        *((each.pk, each.runbook.primary_cluster_id) for each in runbooks),
    }
    clusters = Cluster.objects.in_bulk({cluster for _, cluster in pairs if cluster})
    return [
        (pk, clusters[cluster].slug, clusters[cluster])
        for pk, cluster in pairs
        if cluster in clusters
    ]


READERS: Mapping[str, tuple[Any, Callable[[Sequence[Found]], Values]]] = {
    "status": (_("Status"), _statuses),
    "layer": (_("Layer"), _layers),
    "cluster": (_("Cluster"), _clusters),
}


def facets_of(question: str, runbooks: Sequence[Found], chosen: Mapping[str, str]) -> list[Facet]:
    """Return the facets that distinguish hits or are chosen, with the number of each choice.

    :param runbooks: the hits that are counted.
    :param chosen: the chosen value by name of a facet; facets without one are missing.
    """
    facets = []
    for name, (label, read) in READERS.items():
        labels: dict[str, Any] = {}
        numbers: Counter[str] = Counter()
        for _pk, value, text in read(runbooks):
            labels[value] = text
            numbers[value] += 1
        choices = [
            Choice(
                value,
                _query(question, chosen, name, value),
                labels[value],
                number,
                chosen.get(name) == value,
            )
            for value, number in sorted(
                numbers.items(), key=lambda item: (-item[1], str(labels[item[0]]))
            )
        ]
        if len(choices) > 1 or any(choice.chosen for choice in choices):
            facets.append(Facet(name, label, choices))
    return facets


def _query(question: str, chosen: Mapping[str, str], name: str, value: str) -> str:
    others = {other: kept for other, kept in chosen.items() if other != name}
    return urlencode(
        {"q": question, **others, **({} if chosen.get(name) == value else {name: value})}
    )


def narrowed(runbooks: Sequence[Found], chosen: Mapping[str, str]) -> list[Found]:
    """Return the runbooks that have every chosen value."""
    kept = list(runbooks)
    for name, value in chosen.items():
        having = {pk for pk, other, _ in READERS[name][1](kept) if other == value}
        kept = [each for each in kept if each.pk in having]
    return kept


def among(chosen: Mapping[str, str]) -> QuerySet[Runbook]:
    """Return the runbooks that may have every chosen value.

    For a question with more hits than are compared at once.
    """
    runbooks: Any = Runbook.objects.order_by("pk")
    status, layer, cluster = (chosen.get(name) for name in ("status", "layer", "cluster"))
    if status == LIVE:
        runbooks = runbooks.signed_ready()
    elif status:
        runbooks = runbooks.filter(readiness_level=status)
    if layer:
        runbooks = runbooks.filter(layers__slug=layer)
    if cluster:
        runbooks = runbooks.filter(
            Q(primary_cluster__slug=cluster) | Q(related_clusters__slug=cluster)
        )
    return runbooks.distinct()
