"""What a row of the ledger says about an object: its fields as plain values, before and after."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth.models import Group, User
from django.db import models

from governance.exchange.models import LandscapeSource
from governance.signoff.models import SignOffRule
from runbooks.models import Cluster, CodeReference, Document, Layer, Runbook, Section, Situation

# Derived or secret values say nothing about what a person changed.
UNRECORDED: dict[type[models.Model], frozenset[str]] = {
    Document: frozenset({"text", "html", "contents"}),
    Section: frozenset({"note_html"}),
    # The ledger is for ever and read by many: no person's name or address goes into it.
    User: frozenset({"password", "last_login", "email", "first_name", "last_name"}),
    LandscapeSource: frozenset({"text"}),
}
# Rows that belong to an object and are edited with it.
CHILDREN: dict[type[models.Model], tuple[str, ...]] = {
    Runbook: ("aliases",),
    Section: ("entries",),
    Situation: ("steps",),
}
# A signed readiness hangs on these: a change of theirs can lapse a request.
SIGNATURE_DEPENDENCIES: tuple[type[models.Model], ...] = (Runbook, Cluster, Layer)
NAMED_BY = ("slug", "path", "version", "username", "name")


def subject_of(instance: models.Model) -> str:
    """The stable name of an object in the ledger: ``runbook:live-alert-pipeline-runbook``."""
    kind = instance._meta.model_name
    if isinstance(instance, Document):
        return f"{kind}:{instance.path}@{instance.short_sha256}"
    if isinstance(instance, SignOffRule):
        return f"{kind}:{instance.target_level}.{instance.purpose}"
    if isinstance(instance, (Cluster, CodeReference, Layer, Runbook, Section, Situation, User, Group)):
        for name in NAMED_BY:
            if hasattr(instance, name):
                return f"{kind}:{getattr(instance, name)}"
    return f"{kind}:{instance.pk}"


def relations_of(model: type[models.Model]) -> tuple[str, ...]:
    """The names of what an object is linked with, and of the rows that belong to it, in the ledger's order."""
    fields: Any = model._meta.many_to_many
    linked = tuple(field.name for field in fields if field.remote_field.through._meta.auto_created)
    return linked + CHILDREN.get(model, ())


def snapshot(instance: models.Model, *, related: Mapping[str, Iterable[Any]] | None = None) -> dict[str, Any]:
    """Every recorded field of a stored object as JSON values: text, whole numbers, booleans, None, lists.

    :param related: by the names of ``relations_of``, what the object is linked with, where the caller has read it already.
    """
    behind = related or {name: getattr(instance, name).all() for name in relations_of(type(instance))}
    unrecorded = UNRECORDED.get(type(instance), frozenset())
    facts = {
        field.name: _plain(
            field.value_from_object(instance) if not field.is_relation else getattr(instance, field.name)
        )
        for field in instance._meta.concrete_fields
        if not field.primary_key and field.name not in unrecorded
    }
    children = CHILDREN.get(type(instance), ())
    for name, others in behind.items():
        if name in children:
            facts[name] = [getattr(child, "told", str(child)) for child in others]
        else:
            facts[name] = sorted(str(other) for other in others)
    return facts


def _plain(value: Any) -> Any:
    """A JSON value for a field's value; dates and objects become their text."""
    if value is None or isinstance(value, (bool, int, dict, list)):
        return value
    return str(value)


def diff(before: dict[str, Any] | None, after: dict[str, Any] | None) -> dict[str, dict[str, Any]]:
    """What differs, field by field, as ``{"title": {"before": …, "after": …}}``. Empty values of a new object are left out."""
    before, after = before or {}, after or {}
    changes = {}
    for name in [*after, *(name for name in before if name not in after)]:
        old, new = before.get(name), after.get(name)
        if old != new and not (old is None and new in ("", [], {})):
            changes[name] = {"before": old, "after": new}
    return changes
