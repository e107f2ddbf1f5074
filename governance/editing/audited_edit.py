"""Editing the catalogue: the change and its ledger row in one transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

from django.contrib.auth.models import User
from django.db import models

from governance import ledger
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from governance.ledger.snapshot import diff, snapshot, subject_of
from governance.signoff.access_changes import announce
from governance.signoff.lapse import lapse_changed_requests
from runbooks.models import Cluster, Document, Layer, Runbook, RunbookAlias

# What a runbook is linked with goes from it without a word of its own when it is deleted.
LINKED_RUNBOOKS: dict[type[models.Model], str] = {Layer: "runbooks", Cluster: "related_runbooks"}


@dataclass(slots=True)
class AuditedEdit:
    """One edit in two halves, for a caller that writes in between (the admin's forms do).

    Both halves must run in one transaction. ``audited_edit`` is the same as a ``with`` block.
    """

    by: ledger.Actor
    reason: str
    before: dict[str, Any] | None

    @classmethod
    def begin(cls, instance: models.Model, *, by: ledger.Actor, reason: str = "") -> Self:
        """Remember what is stored now; nothing, for an object that is not stored yet."""
        stored = (
            type(instance)._base_manager.filter(pk=instance.pk).first() if instance.pk else None
        )
        with ledger.canonical_language():
            return cls(by=by, reason=reason, before=snapshot(stored) if stored else None)

    def finish(self, instance: models.Model) -> ChangeLogEntry | None:
        """Write the ledger row, and lapse open requests that pinned something else now. None when nothing changed."""
        if isinstance(instance, Runbook):
            document_follows_path(instance.pk)
            if self.before is not None:
                remember_former_titles({instance.pk: str(self.before["title"])})
        with ledger.canonical_language():
            after = snapshot(type(instance)._base_manager.get(pk=instance.pk))
        changes = diff(self.before, after)
        if self.before is not None and not changes:
            return None
        with ledger.canonical_language():
            record = ledger.Record(
                actor=self.by,
                action=Action.CHANGED if self.before is not None else Action.CREATED,
                subject=subject_of(instance),
                subject_title=str(instance),
                reason=self.reason,
                changes=changes,
            )
        entry = ledger.append(record)
        if isinstance(instance, User):
            announce(entry, account=instance)
        if isinstance(instance, SIGNATURE_DEPENDENCIES) and self.before is not None:
            lapse_changed_requests(
                by=self.by, runbook=instance if isinstance(instance, Runbook) else None
            )
        return entry


def document_follows_path(pk: int) -> None:
    """A runbook whose path changed shows the newest text that is stored for the new path, or none."""
    runbook = Runbook.objects.select_related("document").get(pk=pk)
    if runbook.document and runbook.document.path != runbook.document_path:
        runbook.document = (
            Document.objects.filter(path=runbook.document_path).order_by("-seen_at", "-pk").first()
        )
        runbook.save(update_fields=["document"])


def remember_former_titles(titles: dict[int, str]) -> None:
    """Keep as a further name what each runbook (by its primary key) was called before, where that differs.

    Whoever looks for the old title, or imports a file that still has it, finds the runbook.
    """
    for runbook in Runbook.objects.filter(pk__in=titles).only("title"):
        former = titles[runbook.pk]
        if former != runbook.title:
            RunbookAlias.objects.filter(runbook=runbook, name=runbook.title).delete()
            RunbookAlias.objects.get_or_create(name=former, defaults={"runbook": runbook})


@contextmanager
def audited_edit(
    instance: models.Model, *, by: ledger.Actor, reason: str = ""
) -> Iterator[AuditedEdit]:
    """Save ``instance`` and what belongs to it inside the block; the ledger row follows by itself.

    A block that changes nothing leaves no row.
    """
    with ledger.atomic():
        edit = AuditedEdit.begin(instance, by=by, reason=reason)
        yield edit
        edit.finish(instance)


def delete(instance: models.Model, *, by: ledger.Actor, reason: str = "") -> ChangeLogEntry:
    """Delete an object of the catalogue; its last facts stay in the ledger, and so does what each runbook loses by it.

    :raises ProtectedError: something still hangs on it.
    :raises IntegrityError: the database refuses (a runbook with a signed readiness is retired, not
        deleted).
    """
    with ledger.atomic():
        with ledger.canonical_language():
            before, subject, title = snapshot(instance), subject_of(instance), str(instance)
        linked = LINKED_RUNBOOKS.get(type(instance))
        runbooks = list(getattr(instance, linked).all()) if linked else []
        edits = {
            runbook.pk: AuditedEdit.begin(runbook, by=by, reason=reason) for runbook in runbooks
        }
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
        for runbook in Runbook.objects.filter(pk__in=edits):
            edits[runbook.pk].finish(runbook)
        if isinstance(instance, SIGNATURE_DEPENDENCIES):
            lapse_changed_requests(by=by)
        return entry


# A signed readiness hangs on these: a change of theirs can lapse a request.
SIGNATURE_DEPENDENCIES: tuple[type[models.Model], ...] = (Runbook, Cluster, Layer)
