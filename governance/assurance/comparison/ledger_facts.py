"""What the ledger last recorded of each object of the catalogue, each account and each rule."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import Group, User
from django.db import models

from governance.ledger.acceptance import accepted_breaks
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry, Release
from governance.signoff.columns import SIGNED_COLUMNS
from governance.signoff.models import SignOffRule
from runbooks.models import Cluster, CodeReference, Document, Layer, Runbook, Section, Situation

COMPARED: tuple[type[models.Model], ...] = (
    Runbook,
    Cluster,
    Layer,
    Section,
    Situation,
    CodeReference,
    Document,
    Release,
    User,
    Group,
)
KINDS = {str(model._meta.model_name): model for model in COMPARED}
RULE = str(SignOffRule._meta.model_name)
# The fields of an object's label, for objects that other objects' rows name by their label.
LABEL_FIELDS = {
    "runbook": ("title",),
    "layer": ("title",),
    "group": ("name",),
    "cluster": ("kind", "first_number", "last_number", "suffix", "title"),
}
MADE = (Action.CREATED, Action.DOCUMENT_STORED)
FOLDED = (
    *MADE,
    Action.CHANGED,
    Action.DELETED,
    Action.READINESS_CHANGED,
    Action.LANDSCAPE_IMPORTED,
)


def _identity_of(model: type[models.Model]) -> str:
    """Return the field that the objects' subject in the ledger is made of."""
    fields = {field.name for field in model._meta.fields}
    return next((name for name in ("slug", "path", "username", "name") if name in fields), "pk")


IDENTITY = {kind: _identity_of(model) for kind, model in KINDS.items()}


@dataclass(slots=True)
class Facts:
    """What the ledger recorded of one object.

    :ivar values: by field, the last value and the sequence of the row that recorded it.
    :ivar events: sequence and changes of each row that may have changed the label.
    :ivar is_complete: whether the ledger recorded its creation, so that a field that no row names
        is empty.
    """

    values: dict[str, tuple[Any, int]] = field(default_factory=dict)
    events: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    is_complete: bool = False

    def label_at(self, sequence: int, instance: models.Model, kind: str) -> str:
        """Return the label of an object when a row was written.

        :param instance: the stored object, for fields that no row ever named.
        """
        values = {name: self._first(name, instance) for name in LABEL_FIELDS[kind]}
        for number, changes in self.events:
            if number <= sequence:
                values |= {name: changes[name].get("after") for name in values if name in changes}
        return label_of(kind, values)

    def _first(self, name: str, instance: models.Model) -> Any:
        if self.is_complete:
            return None
        told = (changes[name].get("before") for _, changes in self.events if name in changes)
        return next(told, getattr(instance, name))


def label_of(kind: str, values: dict[str, Any]) -> str:
    """Return an object's label from the values of its label fields."""
    if kind == "cluster":
        texts = {
            name: value or "" for name, value in values.items() if not name.endswith("_number")
        }
        return str(Cluster(**{**values, **texts}))
    return str(next(iter(values.values())) or "")


@dataclass(slots=True)
class LedgerFacts:
    """What the ledger recorded of all objects.

    :ivar objects: the facts by subject.
    :ivar deleted: by kind, the label of each deleted object and the sequence of that row.
    :ivar rules: by subject and version, what the row of that version recorded.
    :ivar imported: file and sha256 of every imported landscape.
    """

    objects: dict[str, Facts] = field(default_factory=dict)
    deleted: dict[str, list[tuple[str, int]]] = field(default_factory=lambda: defaultdict(list))
    rules: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    imported: set[tuple[str, Any]] = field(default_factory=set)

    def label_at(self, sequence: int, instance: Any) -> str:
        """Return the label of a stored object when a row was written."""
        kind = str(instance._meta.model_name)
        if kind not in LABEL_FIELDS:
            return str(instance)
        subject = f"{kind}:{getattr(instance, IDENTITY[kind])}"
        known = self.objects.get(subject)
        return known.label_at(sequence, instance, kind) if known else str(instance)

    def deleted_since(self, sequence: int, kind: str) -> list[str]:
        """Return the labels of the objects of a kind that were deleted after a row."""
        return [label for label, number in self.deleted.get(kind, ()) if number > sequence]


def read_ledger_facts() -> LedgerFacts:
    """Return what all rows that changed an object recorded, read in one query."""
    known = LedgerFacts()
    rows = ChangeLogEntry.objects.filter(action__in=FOLDED).order_by("sequence")
    # A row that was accepted as broken proves nothing, and it may be one that cannot be read.
    rows = rows.exclude(sequence__in=[each.sequence for each in accepted_breaks()])
    for sequence, action, subject, changes in rows.values_list(
        "sequence", "action", "subject", "changes"
    ).iterator():
        told = dict(_members(changes))
        if action == Action.LANDSCAPE_IMPORTED:
            _note_import(known, subject, told, sequence)
        elif subject.startswith(f"{RULE}:"):
            _note_rule(known, subject, told)
        elif subject.partition(":")[0] in KINDS:
            _note_object(known, subject, action, told, sequence)
    return known


def _members(changes: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each change that is well formed.

    Others are skipped: a forged row must not stop the comparison of all other rows.
    """
    for name, change in changes.items() if isinstance(changes, dict) else ():
        if isinstance(change, dict):
            yield name, change


def _note_import(known: LedgerFacts, subject: str, told: dict[str, Any], sequence: int) -> None:
    sha256 = told.get("source_sha256", {}).get("after")
    if sha256 is None or isinstance(sha256, str):
        known.imported.add((subject.partition(":")[2], sha256))
    moved = told.get("moved", {}).get("after")
    for moved_subject, position in moved.items() if isinstance(moved, dict) else ():
        known.objects.setdefault(moved_subject, Facts()).values["position"] = (position, sequence)


def _note_rule(known: LedgerFacts, subject: str, told: dict[str, Any]) -> None:
    """Note a row about a rule.

    A row with a version describes a new version, which takes the one before it out of force.
    """
    versions = sorted(version for name, version in known.rules if name == subject)
    values = {name: change.get("after") for name, change in told.items()}
    if type(values.get("version")) is int:
        for version in versions:
            known.rules[subject, version]["in_force"] = False
        known.rules[subject, values["version"]] = values
    elif versions:
        known.rules[subject, versions[-1]].update(values)


def _note_object(
    known: LedgerFacts, subject: str, action: str, told: dict[str, Any], sequence: int
) -> None:
    kind = subject.partition(":")[0]
    if action == Action.DELETED:
        _note_deletion(known, subject, told, sequence)
        return
    if action == Action.CHANGED:
        _follow_rename(known, subject, told)
    if action in MADE:
        known.objects[subject] = Facts(is_complete=True)
    facts = known.objects.setdefault(subject, Facts())
    recorded = SIGNED_COLUMNS if action == Action.READINESS_CHANGED else told
    facts.values |= {name: (told[name].get("after"), sequence) for name in recorded if name in told}
    if any(each in told for each in LABEL_FIELDS.get(kind, ())):
        facts.events.append((sequence, told))


def _note_deletion(known: LedgerFacts, subject: str, told: dict[str, Any], sequence: int) -> None:
    known.objects.pop(subject, None)
    kind = subject.partition(":")[0]
    if kind in LABEL_FIELDS:
        before = {each: told.get(each, {}).get("before") for each in LABEL_FIELDS[kind]}
        known.deleted[kind].append((label_of(kind, before), sequence))


def _follow_rename(known: LedgerFacts, subject: str, told: dict[str, Any]) -> None:
    """Move the facts to the new subject if the row changed the field that the subject is made of.

    The subject is made of a path or a group's name, for example.
    """
    kind, _, name = subject.partition(":")
    identity = told.get(IDENTITY[kind], {})
    if identity.get("after") == name != identity.get("before"):
        renamed = known.objects.pop(f"{kind}:{identity.get('before')}", None)
        if renamed is not None:
            known.objects[subject] = renamed
