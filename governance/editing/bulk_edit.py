"""Editing many objects of one kind: what ``audited_edit`` does for one, in a number of queries that stays the same."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from django.db import models

from governance import ledger
from governance.editing.audited_edit import (
    SIGNATURE_DEPENDENCIES,
    document_follows_path,
    remember_former_titles,
)
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from governance.ledger.snapshot import diff, relations_of, snapshot, subject_of
from governance.signoff.lapse import lapse_changed_requests
from runbooks.models import Runbook, SectionEntry, SituationRunbook

# What a ledger row tells of an object is joined where there is one of it.
JOINED: dict[type[models.Model], tuple[str, ...]] = {Runbook: ("primary_cluster", "document")}
# A step's runbook is joined: looked up by itself, a thousand of them are more than SQLite takes in
# one query.
ROWS: dict[str, type[models.Model]] = {"entries": SectionEntry, "steps": SituationRunbook}
# SQLite takes 32,766 values in one query at least.
CHUNK = 5_000


@dataclass(slots=True)
class BulkEdit:
    """The two halves of an edit of many objects. Both must run in one transaction (``ledger.atomic``)."""

    by: ledger.Actor
    reason: str
    before: dict[int, dict[str, Any]]

    @classmethod
    def begin(
        cls, model: type[models.Model], pks: Iterable[int], *, by: ledger.Actor, reason: str = ""
    ) -> Self:
        """Remember what is stored now of the objects that will be changed; new ones need no remembering."""
        return cls(
            by=by, reason=reason, before={pk: facts for pk, _, facts in _stored(model, list(pks))}
        )

    def finish(self, model: type[models.Model], pks: Iterable[int]) -> list[ChangeLogEntry]:
        """One ledger row for each object that was made or changed; open requests that pinned something else lapse."""
        keys = list(pks)
        if model is Runbook:
            self._follow_up(keys)
        records = [
            record
            for _, instance, facts in _stored(model, keys)
            if (record := self._record(instance, facts))
        ]
        entries = ledger.append_all(records) if records else []
        if records and issubclass(model, SIGNATURE_DEPENDENCIES) and self.before:
            lapse_changed_requests(by=self.by)
        return entries

    def _follow_up(self, pks: list[int]) -> None:
        changed = [pk for pk in pks if pk in self.before]
        for part in _chunks(changed):
            runbooks = Runbook.objects.filter(pk__in=part, document__isnull=False)
            for pk in runbooks.exclude(document__path=models.F("document_path")).values_list(
                "pk", flat=True
            ):
                document_follows_path(pk)
            remember_former_titles({pk: str(self.before[pk]["title"]) for pk in part})

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


def _stored(
    model: type[models.Model], pks: list[int]
) -> Iterable[tuple[int, models.Model, dict[str, Any]]]:
    """The objects as they are stored, in the order of ``pks``, with what the ledger tells of them."""
    joined, relations = JOINED.get(model, ()), relations_of(model)
    for part in _chunks(pks):
        queryset = (
            model._base_manager.select_related(*joined) if joined else model._base_manager.all()
        )
        if "document" in joined:
            queryset = queryset.defer(
                *(f"document__{name}" for name in ("text", "html", "contents"))
            )
        found = queryset.prefetch_related(*(_into_a_list(name) for name in relations)).in_bulk(part)
        with ledger.canonical_language():
            for pk in part:
                related = {name: getattr(found[pk], f"read_{name}") for name in relations}
                yield pk, found[pk], snapshot(found[pk], related=related)


def _into_a_list(name: str) -> "models.Prefetch[Any]":
    """Read a relation into a plain list: a related manager for each object costs more than the rows."""
    rows = ROWS[name]._default_manager.select_related("runbook") if name in ROWS else None
    return models.Prefetch(name, rows, to_attr=f"read_{name}")


def _chunks(pks: list[int]) -> Iterable[list[int]]:
    return (pks[start : start + CHUNK] for start in range(0, len(pks), CHUNK))
