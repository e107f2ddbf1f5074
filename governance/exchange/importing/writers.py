"""Write objects of one kind.

The number of queries grows only with the number of objects, and is kept as small as possible.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.db import models

from governance.editing.sections import Fragments, fill_note, fill_roles
from governance.exchange.importing.limits import MODELS
from governance.exchange.importing.plan import Step
from governance.exchange.importing.target_state import Facts
from runbooks.batches import BATCH_SIZE, batched
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
from runbooks.search import index
from runbooks.slugs import SlugRegister


class Catalogued:
    """Objects that steps refer to by key, looked up once per kind, and their rendered Markdown."""

    def __init__(self, fragments: Fragments) -> None:
        self.fragments = fragments
        self._runbooks: dict[str, Runbook] = {}

    @staticmethod
    def clusters() -> dict[str, Cluster]:
        """Return the clusters by label."""
        return {str(cluster): cluster for cluster in Cluster.objects.all()}

    @staticmethod
    def layers() -> dict[str, Layer]:
        """Return the layers by title."""
        return {layer.title: layer for layer in Layer.objects.all()}

    def runbooks(self) -> dict[str, Runbook]:
        """Return the runbooks by title, as they are after the runbooks were written."""
        if not self._runbooks:
            self._runbooks = {runbook.title: runbook for runbook in Runbook.objects.only("title")}
        return self._runbooks

    def instances(self, kind: str, steps: Sequence[Step]) -> list[Any]:
        """Return the object of each step: the stored one, or a new one with its own slug."""
        model, key_field = MODELS[kind]
        stored = (
            self.clusters()
            if kind == "cluster"
            else _by_key(model, key_field, [step.stored for step in steps])
        )
        has_slug = any(field.name == "slug" for field in model._meta.fields)
        slugs = (
            SlugRegister(model._default_manager.values_list("slug", flat=True))
            if has_slug
            else None
        )
        return [
            stored.get(step.stored) or _new(model, key_field, step.key, slugs) for step in steps
        ]


def _by_key(model: type[models.Model], key_field: str, keys: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in batched(keys):
        instances = model._default_manager.filter(**{f"{key_field}__in": part})
        found |= {getattr(instance, key_field): instance for instance in instances}
    return found


def _new(model: type[models.Model], key_field: str, key: str, slugs: SlugRegister | None) -> Any:
    instance: Any = model(**{key_field: key})
    if slugs is not None:
        instance.slug = slugs.take(key)
    return instance


def _after(steps: Iterable[Step]) -> list[Facts]:
    return [step.after or {} for step in steps]


def _assign(instance: Any, facts: Facts, *, leave_out: tuple[str, ...] = ()) -> None:
    for name, value in facts.items():
        if name not in leave_out:
            setattr(instance, name, value)


def _save_all(model: Any, instances: Sequence[Any]) -> list[int]:
    """Store the objects; return the primary keys of those that were stored before.

    New objects are stored in batches, existing ones one by one.
    """
    stored = [instance for instance in instances if instance.pk is not None]
    for part in batched([instance for instance in instances if instance.pk is None]):
        model._default_manager.bulk_create(part)
    for instance in stored:
        instance.save()
    return [instance.pk for instance in stored]


def _write_plain(instances: Sequence[Any], steps: Sequence[Step], catalogued: Catalogued) -> None:
    for instance, facts in zip(instances, _after(steps), strict=True):
        _assign(instance, facts, leave_out=("notes",))  # the ledger holds a release's notes
    if instances:
        _save_all(type(instances[0]), instances)


def _write_runbooks(
    instances: Sequence[Runbook], steps: Sequence[Step], catalogued: Catalogued
) -> None:
    clusters, layers = catalogued.clusters(), catalogued.layers()
    documents = _documents(_after(steps))
    for runbook, facts in zip(instances, _after(steps), strict=True):
        plain = {
            name: value
            for name, value in facts.items()
            if name not in ("related_clusters", "layers")
        }
        plain["primary_cluster"] = clusters.get(plain["primary_cluster"])
        if "document_sha256" in plain:
            plain["document"] = documents.get(
                (plain["document_path"], plain.pop("document_sha256"))
            )
        _assign(runbook, plain)
    _save_all(Runbook, instances)
    related = _links(instances, steps, "related_clusters", clusters)
    _set_many(Runbook.related_clusters.through, "runbook_id", "cluster_id", related)
    _set_many(
        Runbook.layers.through, "runbook_id", "layer_id", _links(instances, steps, "layers", layers)
    )


def _links(
    instances: Sequence[Any], steps: Sequence[Step], name: str, others: Mapping[str, models.Model]
) -> dict[int, list[int]]:
    """Return primary key -> primary keys to link, of the objects whose links change."""
    return {
        instance.pk: [others[key].pk for key in facts[name]]
        for instance, step, facts in zip(instances, steps, _after(steps), strict=True)
        if step.before is None or step.before[name] != facts[name]
    }


def _documents(facts: Iterable[Facts]) -> dict[tuple[str, str], Document]:
    paths = [each["document_path"] for each in facts if each.get("document_sha256")]
    found: dict[tuple[str, str], Document] = {}
    for part in batched(paths):
        documents = Document.objects.filter(path__in=part).defer("text", "html", "contents")
        found |= {(document.path, document.sha256): document for document in documents}
    return found


def _set_many(through: Any, own: str, other: str, wanted: dict[int, list[int]]) -> set[int]:
    """Replace the rows of a many-to-many table for these objects.

    :returns: the primary keys of what was linked before or is now.
    """
    concerned = {pk for links in wanted.values() for pk in links}
    for part in batched(list(wanted)):
        links = through._default_manager.filter(**{f"{own}__in": part})
        concerned.update(links.values_list(other, flat=True))
        links.delete()
    rows = (
        through(**{own: pk, other: linked})
        for pk, links in wanted.items()
        for linked in dict.fromkeys(links)
    )
    through._default_manager.bulk_create(rows, batch_size=BATCH_SIZE)
    return concerned


def _write_sections(
    instances: Sequence[Section], steps: Sequence[Step], catalogued: Catalogued
) -> None:
    runbooks = catalogued.runbooks()
    for section, facts in zip(instances, _after(steps), strict=True):
        _assign(section, facts, leave_out=("entries",))
        fill_note(section, catalogued.fragments)
    for part in batched(_save_all(Section, instances)):
        SectionEntry.objects.filter(section__in=part).delete()
    entries = [
        SectionEntry(
            section=section, runbook=runbooks[title], position=position, heading=heading, role=role
        )
        for section, facts in zip(instances, _after(steps), strict=True)
        for position, (title, heading, role) in enumerate(facts["entries"], start=1)
    ]
    fill_roles(entries, catalogued.fragments)
    for new in batched(entries):
        SectionEntry.objects.bulk_create(new)


def _write_situations(
    instances: Sequence[Situation], steps: Sequence[Step], catalogued: Catalogued
) -> None:
    runbooks = catalogued.runbooks()
    for situation, facts in zip(instances, _after(steps), strict=True):
        _assign(situation, facts, leave_out=("runbooks",))
    _save_all(Situation, instances)
    wanted = _links(instances, steps, "runbooks", runbooks)
    headings: dict[tuple[int, int], str] = {}
    for part in batched(list(wanted)):
        before = SituationRunbook.objects.filter(situation__in=part)
        # The file has no headings, so those that people chose in the portal stay with the runbook.
        headings |= {(situation, runbook): text for situation, runbook, text in before.values_list(
            "situation", "runbook", "headings")}  # fmt: skip
        before.delete()
    linked = [
        SituationRunbook(
            situation_id=situation,
            runbook_id=runbook,
            position=position,
            headings=headings.get((situation, runbook), ""),
        )
        for situation, links in wanted.items()
        for position, runbook in enumerate(links, start=1)
    ]
    for new in batched(linked):
        SituationRunbook.objects.bulk_create(new)


def _write_code_references(
    instances: Sequence[CodeReference], steps: Sequence[Step], catalogued: Catalogued
) -> None:
    for code, facts in zip(instances, _after(steps), strict=True):
        _assign(code, facts, leave_out=("runbooks",))
    _save_all(CodeReference, instances)
    wanted = _links(instances, steps, "runbooks", catalogued.runbooks())
    index.refresh(
        _set_many(CodeReference.runbooks.through, "codereference_id", "runbook_id", wanted)
    )


Writer = Callable[[Sequence[Any], Sequence[Step], Catalogued], None]
WRITERS: dict[str, Writer] = {
    "layer": _write_plain,
    "cluster": _write_plain,
    "runbook": _write_runbooks,
    "section": _write_sections,
    "situation": _write_situations,
    "code_reference": _write_code_references,
    "release": _write_plain,
}
