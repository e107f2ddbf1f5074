"""Compute what the catalogue said at a moment by undoing later ledger rows, newest first.

It starts from the present catalogue and works backwards, because some content was not written by
ledger rows (demo data, a restored copy). Content that no later row has changed is as it was.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from governance.ledger.snapshot import subject_of
from runbooks.models import Cluster, Layer, Runbook

CLUSTER_FIELDS = ("kind", "first_number", "last_number", "suffix", "title")
PLAIN = ("title", "document_path", "version", "scope")


@dataclass(slots=True)
class Described:
    """What the catalogue said of one runbook.

    :ivar metadata: the governed metadata (``Runbook.governed_metadata``).
    :ivar document: ``path @ digits``, as ``str(Document)``; empty if there was none.
    :ivar existed: whether the runbook had been created.
    """

    metadata: dict[str, Any]
    document: str
    existed: bool = True


@dataclass(slots=True)
class _Names:
    """The names of clusters and layers while the rows about them are undone."""

    clusters: dict[str, dict[str, Any]] = field(default_factory=dict)
    layers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def now(cls) -> "_Names":
        return cls(
            {
                subject_of(cluster): {name: getattr(cluster, name) for name in CLUSTER_FIELDS}
                for cluster in Cluster.objects.all()
            },
            {subject_of(layer): layer.title for layer in Layer.objects.all()},
        )

    def undo(self, subject: str, changes: dict[str, Any]) -> tuple[str, str] | None:
        """Undo a row. Return the name after it and before it; None if the row changed no name."""
        if subject in self.layers and "title" in changes:
            after, self.layers[subject] = self.layers[subject], changes["title"].get("before") or ""
            return after, self.layers[subject]
        if subject in self.clusters:
            fields = self.clusters[subject]
            after = str(Cluster(**fields))
            fields.update(
                {name: changes[name].get("before") for name in CLUSTER_FIELDS if name in changes}
            )
            return after, str(Cluster(**fields))
        return None


def described_as_of(moment: datetime, runbooks: list[Runbook]) -> dict[int, Described]:
    """Return what the catalogue said of each runbook at a moment, by primary key."""
    described = {
        runbook.pk: Described(
            runbook.governed_metadata(), str(runbook.document) if runbook.document else ""
        )
        for runbook in runbooks
    }
    by_subject = {subject_of(runbook): described[runbook.pk] for runbook in runbooks}
    rows = ChangeLogEntry.objects.filter(
        recorded_at__gt=moment, action__in=(Action.CREATED, Action.CHANGED)
    ).order_by("-sequence")
    names = _Names.now()
    for subject, action, changes in rows.values_list("subject", "action", "changes").iterator():
        if subject in by_subject:
            _undo(by_subject[subject], action, changes)
        elif action == Action.CHANGED:
            renamed = names.undo(subject, changes)
            if renamed and renamed[0] != renamed[1]:
                for one in described.values():
                    _rename(one.metadata, *renamed)
    return described


def _undo(one: Described, action: str, changes: dict[str, Any]) -> None:
    if action == Action.CREATED:
        one.existed = False
    before = {
        name: change.get("before") for name, change in changes.items() if isinstance(change, dict)
    }
    one.metadata |= {
        name: before[name] or "" for name in (*PLAIN, "primary_cluster") if name in before
    }
    one.metadata |= {
        name: sorted(before[name] or [])
        for name in ("related_clusters", "layers")
        if name in before
    }
    if "document" in before:
        one.document = before["document"] or ""


def _rename(metadata: dict[str, Any], after: str, before: str) -> None:
    if metadata["primary_cluster"] == after:
        metadata["primary_cluster"] = before
    for name in ("related_clusters", "layers"):
        metadata[name] = sorted(before if other == after else other for other in metadata[name])
