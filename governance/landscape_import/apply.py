"""Applying a plan: one transaction, through the same doors as every other write."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.utils import timezone

from governance import ledger
from governance.actions.catalogue import governed_edit
from governance.actions.documents import store_document
from governance.actions.sections import render_section
from governance.choices import SEVERITY_OF_KIND, Action, Severity
from governance.landscape_import.desired import Facts
from governance.landscape_import.limits import MODELS
from governance.landscape_import.plan import Plan, Step
from governance.models import Finding, Release
from runbooks.models import (
    Cluster,
    CodeReference,
    Document,
    Layer,
    Runbook,
    Section,
    SectionEntry,
    Situation,
    SituationRunbook,
)
from runbooks.slugs import free_slug


def apply_plan(plan: Plan, *, by: ledger.Actor, at: datetime | None = None) -> None:
    """Write what the plan says: all of it or nothing. An empty plan writes nothing.

    :param at: when documents and findings were seen (aware; now by default).
    """
    if plan.is_empty:
        return
    moment = at or timezone.now()
    with ledger.governed():
        for path, content in plan.documents.items():
            store_document(path=path, content=content, by=by, at=moment)
        for step in plan.steps:
            _apply_step(step, by=by, reason=f"Import of {plan.file}")
        _store_findings(plan, moment)
        ledger.append(
            ledger.Record(
                actor=by,
                action=Action.LANDSCAPE_IMPORTED,
                subject=f"landscape:{plan.file}",
                subject_title=plan.file,
                changes={
                    "sha256": {"before": None, "after": plan.sha256},
                    "steps": {"before": None, "after": len(plan.steps)},
                    "findings": {"before": None, "after": len(plan.findings)},
                },
            ),
            at=moment,
        )


def _apply_step(step: Step, *, by: ledger.Actor, reason: str) -> None:
    model, key_field = MODELS[step.kind]
    instance: Any
    if step.kind == "cluster":
        instance = next((cluster for cluster in Cluster.objects.all() if str(cluster) == step.key), Cluster())
    else:
        instance = model._default_manager.filter(**{key_field: step.key}).first() or model(**{key_field: step.key})
    if instance.pk is None and hasattr(instance, "slug"):
        instance.slug = free_slug(step.key, set(model._default_manager.values_list("slug", flat=True)))
    with governed_edit(instance, by=by, reason=reason):
        SAVERS[step.kind](instance, step.after)
    if step.kind == "release":
        _note_release(step, by=by)


def _save_plain(instance: Any, facts: Facts) -> None:
    for name, value in facts.items():
        setattr(instance, name, value)
    instance.save()


def _save_runbook(runbook: Runbook, facts: Facts) -> None:
    clusters = {str(cluster): cluster for cluster in Cluster.objects.all()}
    plain = dict(facts)
    related, layers = plain.pop("related_clusters"), plain.pop("layers")
    plain["primary_cluster"] = clusters.get(plain["primary_cluster"])
    if "document_sha256" in plain:
        sha256 = plain.pop("document_sha256")
        plain["document"] = Document.objects.filter(path=plain["document_path"], sha256=sha256).first()
    _save_plain(runbook, plain)
    runbook.related_clusters.set(clusters[key] for key in related)
    runbook.layers.set(Layer.objects.filter(title__in=layers))


def _save_section(section: Section, facts: Facts) -> None:
    section.number, section.note = facts["number"], facts["note"]
    section.save()
    section.entries.all().delete()
    for position, (title, heading, role) in enumerate(facts["entries"], start=1):
        SectionEntry.objects.create(
            section=section,
            runbook=Runbook.objects.get(title=title),
            position=position,
            heading=heading,
            role=role,
        )
    render_section(section)


def _save_situation(situation: Situation, facts: Facts) -> None:
    situation.comment, situation.position = facts["comment"], facts["position"]
    situation.save()
    situation.steps.all().delete()
    for position, title in enumerate(facts["runbooks"], start=1):
        SituationRunbook.objects.create(
            situation=situation, runbook=Runbook.objects.get(title=title), position=position
        )


def _save_code_reference(code: CodeReference, facts: Facts) -> None:
    code.description, code.position = facts["description"], facts["position"]
    code.save()
    code.runbooks.set(Runbook.objects.filter(title__in=facts["runbooks"]))


def _save_release(release: Release, facts: Facts) -> None:
    _save_plain(release, {name: value for name, value in facts.items() if name != "notes"})


def _note_release(step: Step, *, by: ledger.Actor) -> None:
    """One ledger row for each note of the release that the ledger does not hold yet."""
    known = (step.before or {}).get("notes", [])
    ledger.append_all(
        ledger.Record(
            actor=by,
            action=Action.RELEASE_NOTED,
            subject=f"release:{step.key}",
            subject_title=f"{step.key}: {note}",
            release=step.key,
            changes={"text": {"before": None, "after": note}},
        )
        for note in step.after["notes"]
        if note not in known
    )


def _store_findings(plan: Plan, moment: datetime) -> None:
    Finding.objects.filter(pk__in=plan.settled_findings).update(resolved_at=moment)
    runbooks = {runbook.title: runbook for runbook in Runbook.objects.only("title")}
    Finding.objects.bulk_create(
        Finding(
            kind=draft.kind,
            severity=SEVERITY_OF_KIND.get(draft.kind, Severity.WARNING),
            subject=draft.subject,
            message=draft.message,
            file=draft.file,
            line=draft.line,
            runbook=runbooks.get(draft.runbook or draft.subject),
            first_seen=moment,
        )
        for draft in plan.new_findings
    )


SAVERS: dict[str, Callable[[Any, Facts], None]] = {
    "layer": _save_plain,
    "cluster": _save_plain,
    "runbook": _save_runbook,
    "section": _save_section,
    "situation": _save_situation,
    "code_reference": _save_code_reference,
    "release": _save_release,
}
