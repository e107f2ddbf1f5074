"""The catalogue as the file describes it: plain facts by kind and key.

References to other objects are their keys, so that facts can be compared without a database.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runbooks.choices import ClusterKind
from runbooks.landscape.schema import ClusterMention, Landscape, RunbookRow
from runbooks.models import Cluster

Facts = dict[str, Any]
Catalogue = dict[str, dict[str, Facts]]  # kind -> key -> facts

# The order in which kinds are written: an object comes after the objects that it refers to.
KINDS = ("layer", "cluster", "runbook", "section", "situation", "code_reference", "release")


@dataclass(frozen=True, slots=True)
class AmbiguousCluster:
    """A number without a title that several titled clusters have."""

    line: int
    label: str
    candidates: tuple[str, ...]


def cluster_of(mention: ClusterMention) -> Cluster:
    """Return an unsaved cluster for a mention, for its label and its key."""
    return Cluster(
        kind=ClusterKind(mention.kind),
        first_number=mention.first_number,
        last_number=mention.last_number,
        suffix=mention.suffix,
        title=mention.title,
    )


class ClusterIndex:
    """A finder of the one cluster that a mention means.

    A number without a title means the titled cluster with exactly that range.
    """

    def __init__(self, landscape: Landscape, stored: list[Cluster]) -> None:
        self.by_number: dict[str, set[str]] = {}
        self.ambiguous: list[AmbiguousCluster] = []
        # Many rows mention the same few clusters.
        mentions = dict.fromkeys(
            mention for row in landscape.runbooks for mention in _mentions(row)
        )
        self._clusters = {mention: cluster_of(mention) for mention in mentions}
        self._labels = {mention: str(cluster) for mention, cluster in self._clusters.items()}
        for cluster in [*self._clusters.values(), *stored]:
            if cluster.first_number is not None and cluster.title:
                self.by_number.setdefault(cluster.number_label, set()).add(str(cluster))

    def key(self, mention: ClusterMention, *, line: int) -> str:
        """Return the key of the cluster that a mention of the landscape means.

        If there are several candidates, none is chosen and the key is the label of the mention
        itself.
        """
        label = self._labels[mention]
        if mention.title or mention.first_number is None:
            return label
        candidates = sorted(self.by_number.get(self._clusters[mention].number_label, ()))
        if len(candidates) > 1:
            self.ambiguous.append(AmbiguousCluster(line, label, tuple(candidates)))
        return candidates[0] if len(candidates) == 1 else label

    def own_label(self, mention: ClusterMention) -> str:
        """Return the label of the mention itself, regardless of which cluster it means."""
        return self._labels[mention]


def _mentions(row: RunbookRow) -> list[ClusterMention]:
    return [mention for mention in (row.primary_cluster, *row.related_clusters) if mention]


def desired_catalogue(
    landscape: Landscape, clusters: ClusterIndex, keys: Mapping[str, str]
) -> Catalogue:
    """Return the facts of every object that the file describes.

    :param keys: the title of each runbook in the file -> its title in the catalogue.
    """
    catalogue: Catalogue = {kind: {} for kind in KINDS}
    for position, row in enumerate(landscape.runbooks, start=1):
        _add_runbook(catalogue, row, key=keys[row.title], position=position, clusters=clusters)
    _add_sections(catalogue, landscape, keys)
    for position, situation in enumerate(landscape.situations, start=1):
        catalogue["situation"][situation.title] = {
            "title": situation.title,
            "comment": situation.comment,
            "position": position,
            "runbooks": [keys[title] for title in situation.runbooks],
        }
    for position, code in enumerate(landscape.code_references, start=1):
        catalogue["code_reference"][code.path] = {
            "path": code.path,
            "description": code.description,
            "position": position,
            "runbooks": sorted(keys[title] for title in code.runbooks),
        }
    for position, release in enumerate(reversed(landscape.releases), start=1):
        catalogue["release"][release.version] = {
            "dated": release.dated,
            "year": release.year,
            "month": release.month,
            "label": release.label,
            "position": position,
            "notes": list(release.entries),
        }
    return catalogue


def _add_runbook(
    catalogue: Catalogue, row: RunbookRow, *, key: str, position: int, clusters: ClusterIndex
) -> None:
    for layer in row.layers:
        catalogue["layer"][layer] = {}
    for mention in _mentions(row):
        label = clusters.key(mention, line=row.line)
        if label == clusters.own_label(mention):
            catalogue["cluster"][label] = {
                "kind": mention.kind,
                "first_number": mention.first_number,
                "last_number": mention.last_number,
                "suffix": mention.suffix,
                "title": mention.title,
            }
    primary = row.primary_cluster
    catalogue["runbook"][key] = {
        "title": key,
        "document_path": row.document_path,
        "version": row.version,
        "scope": row.scope,
        "primary_cluster": clusters.key(primary, line=row.line) if primary else "",
        "related_clusters": sorted(
            {clusters.key(mention, line=row.line) for mention in row.related_clusters}
        ),
        "layers": sorted(set(row.layers)),
        "position": position,
        "declared_level": row.declared.level,
        "declared_year": row.declared.year,
        "declared_text": row.declared.text,
    }


def _add_sections(catalogue: Catalogue, landscape: Landscape, keys: Mapping[str, str]) -> None:
    for section in landscape.sections:
        entries: dict[str, list[str]] = {}
        for entry in section.entries:
            if entry.runbook and keys[entry.runbook] not in entries:
                entries[keys[entry.runbook]] = [entry.heading, entry.role]
        catalogue["section"][section.title] = {
            "title": section.title,
            "number": section.number,
            "note": section.note,
            "entries": [[runbook, *texts] for runbook, texts in entries.items()],
        }
