"""Edits of the catalogue: the changes and their ledger entries in one transaction.

One object is edited as a list of one: the number of queries does not depend on how many there are.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

from django.contrib.auth.models import User
from django.core.exceptions import ObjectDoesNotExist
from django.db import models

from governance import ledger
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from governance.ledger.snapshot import diff, relations_of, snapshot, subject_of
from governance.signoff.access_changes import announce
from governance.signoff.lapse import lapse_changed_requests
from runbooks.batches import batched
from runbooks.models import (
    Cluster,
    Document,
    Layer,
    Runbook,
    RunbookAlias,
    SectionEntry,
    SituationRunbook,
)

# A signed readiness depends on these, so a change of one can lapse a request.
SIGNATURE_DEPENDENCIES: tuple[type[models.Model], ...] = (Runbook, Cluster, Layer)
# When one of these is deleted, its links to runbooks disappear without a signal of the runbook.
LINKED_RUNBOOKS: dict[type[models.Model], str] = {Layer: "runbooks", Cluster: "related_runbooks"}
# Foreign keys that a snapshot contains are joined.
JOINED: dict[type[models.Model], tuple[str, ...]] = {Runbook: ("primary_cluster", "document")}
DEFERRED: dict[type[models.Model], tuple[str, ...]] = {
    Runbook: ("document__text", "document__html", "document__contents")
}
# The runbook of a step is joined: a separate lookup of thousands exceeds SQLite's limit of values
# in one query.
CHILDREN: dict[str, type[models.Model]] = {"entries": SectionEntry, "steps": SituationRunbook}


@dataclass(slots=True)
class AuditedEdit:
    """An edit of objects of one model in two halves, for a caller that writes in between.

    Both halves must run in one transaction (``ledger.atomic``). ``audited_edit`` does both for one
    object, as a ``with`` block.
    """

    model: type[models.Model]
    by: ledger.Actor
    reason: str
    before: dict[Any, dict[str, Any]]

    @classmethod
    def start(
        cls,
        model: type[models.Model],
        pks: Iterable[Any],
        *,
        by: ledger.Actor,
        reason: str = "",
    ) -> Self:
        """Remember what is stored now.

        :param pks: primary keys of the objects that will be changed. None, and a key under which
            nothing is stored yet, mean new objects.
        """
        known = [pk for pk in pks if pk is not None]
        before = {pk: facts for pk, _, facts in _stored(model, known)}
        return cls(model=model, by=by, reason=reason, before=before)

    def commit(self, pks: Iterable[Any]) -> list[ChangeLogEntry]:
        """Append one ledger entry for each object that was created or changed.

        Objects without a change get no entry. Open requests whose pins no longer hold lapse.

        :param pks: primary keys of all objects that may have been created or changed, each stored
            by now.
        :returns: the entries as stored, in the order of ``pks``.
        :raises ObjectDoesNotExist: one of them is not stored, so its change could not be recorded.
        """
        keys = list(pks)
        if self.model is Runbook:
            self._follow_up(keys)
        stored, written = set(), []
        for pk, instance, facts in _stored(self.model, keys):
            stored.add(pk)
            if record := self._record(instance, facts):
                written.append((instance, record))
        if missing := set(keys) - stored:
            raise ObjectDoesNotExist(f"Not stored: {self.model._meta.model_name} {missing}.")
        if not written:
            return []
        entries = ledger.append_all([record for _, record in written])
        for (instance, _), entry in zip(written, entries, strict=True):
            if isinstance(instance, User):
                announce(entry, account=instance)
        self._lapse([instance.pk for instance, _ in written])
        return entries

    def _follow_up(self, pks: list[int]) -> None:
        """Update documents whose path changed, and keep former titles as further names."""
        for part in batched(pks):
            runbooks = Runbook.objects.filter(pk__in=part).select_related("document")
            for runbook in runbooks.only("title", "document_path", "document__path"):
                _follow_path(runbook)
                if runbook.pk in self.before:
                    _keep_former_title(runbook, str(self.before[runbook.pk]["title"]))

    def _record(self, instance: models.Model, after: dict[str, Any]) -> ledger.Record | None:
        before = self.before.get(instance.pk)
        changes = diff(before, after)
        if before is not None and not changes:
            return None
        with ledger.canonical_language():
            return ledger.Record(
                actor=self.by,
                action=Action.CHANGED if before is not None else Action.CREATED,
                subject=subject_of(instance),
                subject_title=str(instance),
                reason=self.reason,
                changes=changes,
            )

    def _lapse(self, written: list[Any]) -> None:
        """Lapse open requests whose pins changed.

        These are requests for the changed runbooks; if another model changed, all requests are
        checked.
        """
        changed = [pk for pk in written if pk in self.before]
        if not changed or not issubclass(self.model, SIGNATURE_DEPENDENCIES):
            return
        if self.model is not Runbook:
            lapse_changed_requests(by=self.by)
            return
        for part in batched(changed):
            lapse_changed_requests(by=self.by, runbooks=part)


def _follow_path(runbook: Runbook) -> None:
    """Point a runbook whose path changed at the newest text stored for the new path, or at none."""
    if runbook.document and runbook.document.path != runbook.document_path:
        stored = Document.objects.filter(path=runbook.document_path)
        runbook.document = stored.order_by("-seen_at", "-pk").first()
        runbook.save(update_fields=["document"])


def _keep_former_title(runbook: Runbook, former: str) -> None:
    """Keep the former title of a runbook as a further name, if it differs.

    A search for the old title, or an import of a file that still has it, then finds the runbook.
    """
    if former != runbook.title:
        RunbookAlias.objects.filter(runbook=runbook, name=runbook.title).delete()
        RunbookAlias.objects.get_or_create(name=former, defaults={"runbook": runbook})


def _stored(
    model: type[models.Model], pks: list[Any]
) -> Iterator[tuple[Any, models.Model, dict[str, Any]]]:
    """Yield the stored objects in the order of ``pks``, each with its key and its snapshot.

    A key under which nothing is stored is skipped.
    """
    relations = relations_of(model)
    rows = model._base_manager.prefetch_related(*(_into_a_list(name) for name in relations))
    if model in JOINED:
        rows = rows.select_related(*JOINED[model]).defer(*DEFERRED.get(model, ()))
    for part in batched(pks):
        found = rows.in_bulk(part)
        for pk in part:
            if pk not in found:
                continue
            related = {name: getattr(found[pk], f"read_{name}") for name in relations}
            with ledger.canonical_language():
                facts = snapshot(found[pk], related=related)
            yield pk, found[pk], facts


def _into_a_list(name: str) -> "models.Prefetch[Any]":
    """Prefetch a relation into a plain list.

    A related manager for each object costs more than the rows.
    """
    children = CHILDREN.get(name)
    rows = children._default_manager.select_related("runbook") if children else None
    return models.Prefetch(name, rows, to_attr=f"read_{name}")


@contextmanager
def audited_edit(instance: models.Model, *, by: ledger.Actor, reason: str = "") -> Iterator[None]:
    """Save ``instance`` and its children inside the block, and append the ledger entry after it.

    A block that changes nothing leaves no entry.
    """
    with ledger.atomic():
        edit = AuditedEdit.start(type(instance), [instance.pk], by=by, reason=reason)
        yield
        edit.commit([instance.pk])


def delete(instance: models.Model, *, by: ledger.Actor, reason: str = "") -> ChangeLogEntry:
    """Delete an object of the catalogue.

    The ledger keeps its last snapshot, and what each runbook loses by it.

    :raises ProtectedError: something still depends on it.
    :raises IntegrityError: the database refuses (a runbook with a signed readiness is retired, not
        deleted).
    """
    with ledger.atomic():
        with ledger.canonical_language():
            before, subject, title = snapshot(instance), subject_of(instance), str(instance)
        linked = LINKED_RUNBOOKS.get(type(instance))
        runbooks = [runbook.pk for runbook in getattr(instance, linked).all()] if linked else []
        edit = AuditedEdit.start(Runbook, runbooks, by=by, reason=reason)
        instance.delete()
        entry = ledger.append(
            ledger.Record(
                actor=by,
                action=Action.DELETED,
                subject=subject,
                subject_title=title,
                reason=reason,
                changes=diff(before, None),
            )
        )
        if isinstance(instance, User):
            announce(entry, addresses=[instance.email])
        edit.commit(runbooks)
        if isinstance(instance, SIGNATURE_DEPENDENCIES):
            lapse_changed_requests(by=by)
        return entry
