"""The current catalogue, as the same plain facts as ``desired_catalogue``, for comparison."""

from collections.abc import Mapping

from django.db.models import Prefetch

from governance.exchange.importing.target_state import Catalogue, Facts
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry, Release
from runbooks.models import (
    Cluster,
    CodeReference,
    Layer,
    Runbook,
    Section,
    SectionEntry,
    Situation,
    SituationRunbook,
)


def current_catalogue(called: Mapping[str, str] | None = None) -> Catalogue:
    """Return the facts of every stored object, in a fixed number of queries.

    :param called: stored titles of runbooks -> the titles under which other objects are to refer to
        them.
    """
    names = called or {}

    def name(runbook: Runbook) -> str:
        return names.get(runbook.title, runbook.title)

    return {
        "layer": {layer.title: {} for layer in Layer.objects.all()},
        "cluster": {
            str(cluster): {
                "kind": str(cluster.kind),
                "first_number": cluster.first_number,
                "last_number": cluster.last_number,
                "suffix": cluster.suffix,
                "title": cluster.title,
            }
            for cluster in Cluster.objects.all()
        },
        "runbook": {
            runbook.title: _runbook_facts(runbook) for runbook in Runbook.objects.with_catalogue()
        },
        "section": {
            section.title: {
                "title": section.title,
                "number": section.number,
                "note": section.note,
                "entries": [
                    [name(entry.runbook), entry.heading, entry.role]
                    for entry in section.entries.all()
                ],
            }
            for section in Section.objects.prefetch_related(
                Prefetch("entries", SectionEntry.objects.select_related("runbook"))
            )
        },
        "situation": {
            situation.title: {
                "title": situation.title,
                "comment": situation.comment,
                "position": situation.position,
                "runbooks": [name(step.runbook) for step in situation.steps.all()],
            }
            for situation in Situation.objects.prefetch_related(
                Prefetch("steps", SituationRunbook.objects.select_related("runbook"))
            )
        },
        "code_reference": {
            code.path: {
                "path": code.path,
                "description": code.description,
                "position": code.position,
                "runbooks": sorted(name(runbook) for runbook in code.runbooks.all()),
            }
            for code in CodeReference.objects.prefetch_related("runbooks")
        },
        "release": _releases(),
    }


def _runbook_facts(runbook: Runbook) -> Facts:
    return {
        "title": runbook.title,
        "document_path": runbook.document_path,
        "version": runbook.version,
        "scope": runbook.scope,
        "primary_cluster": str(runbook.primary_cluster) if runbook.primary_cluster else "",
        "related_clusters": sorted(str(cluster) for cluster in runbook.related("related_clusters")),
        "layers": sorted(layer.title for layer in runbook.related("layers")),
        "position": runbook.position,
        "declared_level": str(runbook.declared_level),
        "declared_year": runbook.declared_year,
        "declared_text": runbook.declared_text,
        "document_sha256": runbook.document.sha256 if runbook.document else "",
    }


def _releases() -> dict[str, Facts]:
    notes: dict[str, list[str]] = {}
    for entry in ChangeLogEntry.objects.filter(action=Action.RELEASE_NOTED).order_by("sequence"):
        notes.setdefault(entry.release, []).append(
            str(entry.changes.get("text", {}).get("after", ""))
        )
    return {
        release.version: {
            "dated": release.dated,
            "year": release.year,
            "month": release.month,
            "label": release.label,
            "position": release.position,
            "notes": notes.get(release.version, []),
        }
        for release in Release.objects.all()
    }
