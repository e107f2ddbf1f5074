"""Writing objects of one kind: in a number of queries that grows with the objects alone, and as little as can be."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db import models

from governance.actions.sections import render_section
from governance.landscape_import.desired import Facts
from governance.landscape_import.limits import MODELS
from governance.landscape_import.plan import Step
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
from runbooks.slugs import SlugRegister

CHUNK = 5_000


class Catalogued:
    """What steps refer to by key, looked up once for each kind."""

    def __init__(self) -> None:
        self._runbooks: dict[str, Runbook] = {}

    @staticmethod
    def clusters() -> dict[str, Cluster]:
        """By label."""
        return {str(cluster): cluster for cluster in Cluster.objects.all()}

    @staticmethod
    def layers() -> dict[str, Layer]:
        """By title."""
        return {layer.title: layer for layer in Layer.objects.all()}

    def runbooks(self) -> dict[str, Runbook]:
        """By title, as they are after the runbooks were written."""
        if not self._runbooks:
            self._runbooks = {runbook.title: runbook for runbook in Runbook.objects.only("title")}
        return self._runbooks

    def instances(self, kind: str, steps: Sequence[Step]) -> list[Any]:
        """The object of each step: the stored one, or a new one with a slug of its own."""
        model, key_field = MODELS[kind]
        stored = self.clusters() if kind == "cluster" else _by_key(model, key_field)
        has_slug = any(field.name == "slug" for field in model._meta.fields)
        slugs = SlugRegister(model._default_manager.values_list("slug", flat=True)) if has_slug else None
        return [stored.get(step.stored) or _new(model, key_field, step.key, slugs) for step in steps]


def _by_key(model: type[models.Model], key_field: str) -> dict[str, Any]:
    return {getattr(instance, key_field): instance for instance in model._default_manager.all()}


def _new(model: type[models.Model], key_field: str, key: str, slugs: SlugRegister | None) -> Any:
    instance: Any = model(**{key_field: key})
    if slugs is not None:
        instance.slug = slugs.take(key)
    return instance


def _after(steps: Iterable[Step]) -> list[Facts]:
    return [step.after or {} for step in steps]


def _write_plain(instances: Sequence[Any], steps: Sequence[Step], catalogued: Catalogued) -> None:
    for instance, facts in zip(instances, _after(steps), strict=True):
        _assign(instance, facts)
        instance.save()


def _assign(instance: Any, facts: Facts, *, leave_out: tuple[str, ...] = ()) -> None:
    for name, value in facts.items():
        if name not in leave_out:
            setattr(instance, name, value)


def _write_runbooks(instances: Sequence[Runbook], steps: Sequence[Step], catalogued: Catalogued) -> None:
    clusters, layers = catalogued.clusters(), catalogued.layers()
    documents = _documents(_after(steps))
    related: dict[int, list[int]] = {}
    layered: dict[int, list[int]] = {}
    for runbook, step, facts in zip(instances, steps, _after(steps), strict=True):
        plain = {name: value for name, value in facts.items() if name not in ("related_clusters", "layers")}
        plain["primary_cluster"] = clusters.get(plain["primary_cluster"])
        if "document_sha256" in plain:
            plain["document"] = documents.get((plain["document_path"], plain.pop("document_sha256")))
        _assign(runbook, plain)
        runbook.save()
        if "related_clusters" in step.changes:
            related[runbook.pk] = [clusters[key].pk for key in facts["related_clusters"]]
        if "layers" in step.changes:
            layered[runbook.pk] = [layers[title].pk for title in facts["layers"]]
    _set_many(Runbook.related_clusters.through, "runbook_id", "cluster_id", related)
    _set_many(Runbook.layers.through, "runbook_id", "layer_id", layered)


def _documents(facts: Iterable[Facts]) -> dict[tuple[str, str], Document]:
    paths = [each["document_path"] for each in facts if each.get("document_sha256")]
    found: dict[tuple[str, str], Document] = {}
    for part in _chunks(paths):
        documents = Document.objects.filter(path__in=part).defer("text", "html", "contents")
        found |= {(document.path, document.sha256): document for document in documents}
    return found


def _set_many(through: Any, own: str, other: str, wanted: dict[int, list[int]]) -> None:
    """The rows of a many-to-many table for these objects, made anew."""
    for part in _chunks(list(wanted)):
        through._default_manager.filter(**{f"{own}__in": part}).delete()
    rows = (through(**{own: pk, other: linked}) for pk, links in wanted.items() for linked in dict.fromkeys(links))
    through._default_manager.bulk_create(rows, batch_size=CHUNK)


def _chunks(values: list[Any]) -> Iterable[list[Any]]:
    return (values[start : start + CHUNK] for start in range(0, len(values), CHUNK))


def _write_sections(instances: Sequence[Section], steps: Sequence[Step], catalogued: Catalogued) -> None:
    runbooks = catalogued.runbooks()
    for section, facts in zip(instances, _after(steps), strict=True):
        _assign(section, facts, leave_out=("entries",))
        section.save()
        section.entries.all().delete()
        SectionEntry.objects.bulk_create(
            SectionEntry(section=section, runbook=runbooks[title], position=position, heading=heading, role=role)
            for position, (title, heading, role) in enumerate(facts["entries"], start=1)
        )
        render_section(section)


def _write_situations(instances: Sequence[Situation], steps: Sequence[Step], catalogued: Catalogued) -> None:
    runbooks = catalogued.runbooks()
    linked = []
    for situation, step, facts in zip(instances, steps, _after(steps), strict=True):
        _assign(situation, facts, leave_out=("runbooks",))
        situation.save()
        if "runbooks" in step.changes:
            # The file says nothing of headings: what people chose in the portal stays with the runbook.
            headings = dict(situation.steps.values_list("runbook", "headings"))
            situation.steps.all().delete()
            linked += [
                SituationRunbook(
                    situation=situation,
                    runbook=runbooks[title],
                    position=position,
                    headings=headings.get(runbooks[title].pk, ""),
                )
                for position, title in enumerate(facts["runbooks"], start=1)
            ]
    SituationRunbook.objects.bulk_create(linked, batch_size=CHUNK)


def _write_code_references(instances: Sequence[CodeReference], steps: Sequence[Step], catalogued: Catalogued) -> None:
    runbooks = catalogued.runbooks()
    for code, step, facts in zip(instances, steps, _after(steps), strict=True):
        _assign(code, facts, leave_out=("runbooks",))
        code.save()
        if "runbooks" in step.changes:
            code.runbooks.set(runbooks[title] for title in facts["runbooks"])


def _write_releases(instances: Sequence[Any], steps: Sequence[Step], catalogued: Catalogued) -> None:
    for release, facts in zip(instances, _after(steps), strict=True):
        _assign(release, facts, leave_out=("notes",))
        release.save()


Writer = Callable[[Sequence[Any], Sequence[Step], Catalogued], None]
WRITERS: dict[str, Writer] = {
    "layer": _write_plain,
    "cluster": _write_plain,
    "runbook": _write_runbooks,
    "section": _write_sections,
    "situation": _write_situations,
    "code_reference": _write_code_references,
    "release": _write_releases,
}
