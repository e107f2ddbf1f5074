"""Compare the catalogue, the accounts and the rules with what the ledger last recorded of them.

A value that was changed outside the portal (an owner, an escalation contact, a group) would lead an
operator to the wrong number, or let a stranger sign. The number of queries does not depend on the
number of objects.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import models
from django.db.models import Prefetch

from governance import ledger
from governance.accounts.roles import GROUP_PERMISSIONS
from governance.assurance.comparison.ledger_facts import (
    COMPARED,
    KINDS,
    Facts,
    LedgerFacts,
    read_ledger_facts,
)
from governance.exchange.models import LandscapeSource
from governance.ledger.snapshot import relations_of, snapshot, subject_of
from governance.signoff.models import SignOffRule
from runbooks.models import Document, Runbook, SectionEntry, SituationRunbook

# A step's runbook and a permission's model are joined, because the labels contain them.
ROWS: dict[str, models.QuerySet[Any]] = {
    "entries": SectionEntry._default_manager.select_related("runbook"),
    "steps": SituationRunbook._default_manager.select_related("runbook"),
    "permissions": Permission.objects.select_related("content_type"),
    "user_permissions": Permission.objects.select_related("content_type"),
}
JOINED: dict[type[models.Model], tuple[str, ...]] = {Runbook: ("primary_cluster", "document")}
LARGE: dict[type[models.Model], tuple[str, ...]] = {
    Runbook: ("document__text", "document__html", "document__contents"),
    Document: ("text", "html", "contents"),
}
RELATED_KIND = {
    "entries": "runbook",
    "steps": "runbook",
    "runbooks": "runbook",
    "groups": "group",
    "layers": "layer",
    "related_clusters": "cluster",
}
CHUNK = 1_000
MAX_SHOWN = 120
NOTHING: tuple[Any, ...] = (None, "", [], {})


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An object that differs from what the ledger recorded.

    :ivar subject: its name in the ledger.
    :ivar sentence: what is wrong, and what to do.
    :ivar is_told: False if no ledger row ever described it.
    :ivar runbook: its primary key if it is a runbook.
    """

    subject: str
    sentence: str
    is_told: bool = True
    runbook: int | None = None


def disagreements() -> Iterator[Disagreement]:
    """Yield every stored object that differs from the ledger, and each that is missing."""
    with ledger.canonical_language():
        known = read_ledger_facts()
        stored: set[str] = set()
        for model in COMPARED:
            for instance in _stored(model):
                subject = subject_of(instance)
                stored.add(subject)
                yield from _of_object(known, subject, instance)
        yield from _gone(known, stored)
        yield from _rules(known)
        yield from _landscape(known)


def _stored(model: type[models.Model]) -> Iterator[Any]:
    """Yield every object of a model, with its related objects as lists (``read_<name>``)."""
    rows = (
        model._base_manager.order_by("pk")
        .select_related(*JOINED.get(model, ()))
        .defer(*LARGE.get(model, ()))
    )
    if not JOINED.get(model):
        rows = rows.select_related(None)
    links = [Prefetch(name, ROWS.get(name), to_attr=f"read_{name}") for name in relations_of(model)]
    yield from rows.prefetch_related(*links).iterator(chunk_size=CHUNK)


def _of_object(known: LedgerFacts, subject: str, instance: Any) -> Iterator[Disagreement]:
    runbook = instance.pk if isinstance(instance, Runbook) else None
    told = known.objects.get(subject)
    if told is None:
        if not _is_harmless(instance):
            yield Disagreement(subject, NEVER_TOLD, is_told=False, runbook=runbook)
        return
    related = {name: getattr(instance, f"read_{name}") for name in relations_of(type(instance))}
    now = snapshot(instance, related=related)
    wrong = [
        _in_words(name, value, told)
        for name, value in now.items()
        if not _is_told(told, name, value, instance)
        and not _was_told(known, told, name, instance, related)
    ]
    if wrong:
        yield Disagreement(subject, f"{' '.join(wrong)} {PUT_RIGHT}", runbook=runbook)


def _is_harmless(instance: Any) -> bool:
    """Return whether an object is one of the portal's own groups, or one that permits nothing."""
    return isinstance(instance, Group) and (
        instance.name in GROUP_PERMISSIONS or not instance.permissions.exists()
    )


NEVER_TOLD = (
    "It has no ledger entry, so it was created outside the portal. Find out who created it. Then "
    "delete it, or change and save it in the admin, so that the ledger records it."
)
PUT_RIGHT = (
    "It was changed outside the portal. Find out by whom, then save the right value in the admin. "
    "If the ledger's value is restored, this finding is resolved automatically."
)
GONE = (
    "The ledger records it, but it is no longer stored: it was deleted outside the portal. "
    "Restore it, or create it again."
)


def _in_words(name: str, value: Any, told: Facts) -> str:
    if name not in told.values:
        return f"“{name}” is {_shown(value)}, but the ledger never recorded a value."
    last, sequence = told.values[name]
    return (
        f"“{name}” is {_shown(value)}, but the last value in the ledger is {_shown(last)} (entry "
        f"{sequence})."
    )


def _shown(value: Any) -> str:
    if value in NOTHING:
        return "empty"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"“{text[:MAX_SHOWN]}”"


def _is_told(told: Facts, name: str, value: Any, instance: models.Model) -> bool:
    """Return whether a value is the one that was last recorded.

    If the ledger recorded the object's creation, a field that no row named must be empty or have
    its default.
    """
    if name in told.values:
        return _is_same(told.values[name][0], value)
    return not told.is_complete or value in NOTHING or value == _beginning(instance, name)


def _beginning(instance: models.Model, name: str) -> Any:
    field = next((each for each in instance._meta.concrete_fields if each.name == name), None)
    return field.get_default() if field is not None else None


def _is_same(told: Any, now: Any) -> bool:
    if type(told) is type(now) and told == now:
        return True
    if told in NOTHING and now in NOTHING:
        return True
    if isinstance(told, str) and isinstance(now, str):
        moments = _moment(told), _moment(now)
        return None not in moments and moments[0] == moments[1]
    return False


def _moment(text: str) -> datetime | None:
    """Return the aware time that a text names; None for any other text.

    Rows write a time with a blank or a T, and with an offset or a Z.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _was_told(
    known: LedgerFacts, told: Facts, name: str, instance: Any, related: dict[str, Any]
) -> bool:
    """Return whether a link is as recorded, under the labels that the linked objects had then.

    Objects that were deleted since are no longer expected.
    """
    if name in ("permissions", "user_permissions"):
        return _permissions_are_told(told, name, instance, related[name])
    if name not in told.values:
        return False
    last, sequence = told.values[name]
    if name not in related:
        other = getattr(instance, name, None)
        return isinstance(other, models.Model) and known.label_at(sequence, other) == last
    labels = [_label_then(known, other, sequence) for other in related[name]]
    gone = known.deleted_since(sequence, RELATED_KIND.get(name, ""))
    left = [
        entry for entry in _listed(last) if not any(_names(str(entry), label) for label in gone)
    ]
    return sorted(labels) == sorted(map(str, left))


def _listed(told: Any) -> list[Any]:
    """Return a recorded list; an empty one if the value is no list."""
    return told if isinstance(told, list) else []


def _label_then(known: LedgerFacts, other: Any, sequence: int) -> str:
    """Return the label that a linked object, or a link's row, had when a ledger row was written."""
    if not isinstance(other, (SectionEntry, SituationRunbook)):
        return known.label_at(sequence, other)
    text, prefix = str(getattr(other, "told", other)), f"{other.position}. {other.runbook}"
    return f"{other.position}. {known.label_at(sequence, other.runbook)}{text.removeprefix(prefix)}"


def _names(entry: str, label: str) -> bool:
    """Return whether an entry of a recorded list names this label: ``2. Pump restart (Steps)``."""
    return re.fullmatch(rf"(\d+\. )?{re.escape(label)}((: | \().*)?", entry, re.DOTALL) is not None


def _permissions_are_told(told: Facts, name: str, instance: Any, related: Iterable[Any]) -> bool:
    """Return whether an object has only permissions that were recorded, or that the portal grants.

    A release may rename permissions, so missing ones do not count.
    """
    last = _listed(told.values[name][0]) if name in told.values else []
    if not told.is_complete and name not in told.values:
        return True
    own = GROUP_PERMISSIONS.get(instance.name, ()) if isinstance(instance, Group) else ()
    return all(str(each) in last or each.codename in own for each in related)


def _gone(known: LedgerFacts, stored: set[str]) -> Iterator[Disagreement]:
    for subject in sorted(known.objects.keys() - stored):
        if subject.partition(":")[0] in KINDS:
            yield Disagreement(subject, GONE)


def _rules(known: LedgerFacts) -> Iterator[Disagreement]:
    """Yield the versions of rules that differ from their ledger rows, and those that are missing.

    The row of each version holds every term. Rows of the first format name a rule by its primary
    key.
    """
    stored = set()
    for rule in SignOffRule.objects.select_related("group").order_by("pk"):
        subject = subject_of(rule)
        stored.add((subject, rule.version))
        told = known.rules.get((subject, rule.version))
        is_first = told is None
        if told is None:
            told = known.rules.get((f"signoffrule:{rule.pk}", rule.version))
        if told is None:
            yield Disagreement(f"{subject} v{rule.version}", NEVER_TOLD, is_told=False)
            continue
        now = snapshot(rule)
        if is_first:  # the row that recorded it again took it out of force
            now.pop("in_force")
        wrong = [
            name for name, value in now.items() if name in told and not _is_same(told[name], value)
        ]
        if wrong:
            said = " ".join(
                f"“{name}” is {_shown(now[name])}, but the ledger records {_shown(told[name])}."
                for name in wrong
            )
            yield Disagreement(f"{subject} v{rule.version}", f"{said} {PUT_RIGHT}")
    for subject, version in sorted(known.rules.keys() - stored):
        if "." in subject:
            yield Disagreement(f"{subject} v{version}", GONE)


def _landscape(known: LedgerFacts) -> Iterator[Disagreement]:
    """Yield a disagreement if the stored landscape file is not the imported one.

    An export starts from it.
    """
    newest = LandscapeSource.objects.order_by("-pk").first()
    # The first format did not record the sha256 of the stored text.
    told = newest and {(newest.file, newest.sha256), (newest.file, None)} & known.imported
    if newest and not (newest.hash_matches and told):
        yield Disagreement(
            f"landscape:{newest.file}", f"The stored file is not the imported one. {PUT_RIGHT}"
        )
