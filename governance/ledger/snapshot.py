"""The content of an object in a ledger row: its fields as plain values, before and after."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models

from governance.ledger.registry import registration_of


def subject_of(instance: models.Model) -> str:
    """Return the permanent name of an object in the ledger: ``runbook:alert-pipeline``."""
    return f"{instance._meta.model_name}:{registration_of(type(instance)).name(instance)}"


def relations_of(model: type[models.Model]) -> tuple[str, ...]:
    """Return the names of a model's many-to-many relations and child rows, in ledger order."""
    fields: Any = model._meta.many_to_many
    linked = tuple(field.name for field in fields if field.remote_field.through._meta.auto_created)
    return linked + registration_of(model).children


def snapshot(
    instance: models.Model, *, related: Mapping[str, Iterable[Any]] | None = None
) -> dict[str, Any]:
    """Return all recorded fields of a stored object as JSON values.

    The values are text, whole numbers, booleans, None and lists.

    :param related: the related objects by the names of ``relations_of``, if the caller has already
        read them.
    """
    behind = related or {
        name: getattr(instance, name).all() for name in relations_of(type(instance))
    }
    registration = registration_of(type(instance))
    facts = {
        field.name: _plain(
            field.value_from_object(instance)
            if not field.is_relation
            else getattr(instance, field.name)
        )
        for field in instance._meta.concrete_fields
        if not field.primary_key and field.name not in registration.exclude
    }
    for name, others in behind.items():
        if name in registration.children:
            facts[name] = [getattr(child, "told", str(child)) for child in others]
        else:
            facts[name] = sorted(str(other) for other in others)
    return facts


def _plain(value: Any) -> Any:
    """Return a field's value as a JSON value; dates and objects become text."""
    if value is None or isinstance(value, (bool, int, dict, list)):
        return value
    return str(value)


def diff(before: dict[str, Any] | None, after: dict[str, Any] | None) -> dict[str, dict[str, Any]]:
    """Return the changed fields as ``{"title": {"before": …, "after": …}}``.

    Empty values of a new object are omitted.
    """
    before, after = before or {}, after or {}
    changes = {}
    for name in [*after, *(name for name in before if name not in after)]:
        old, new = before.get(name), after.get(name)
        if old != new and not (old is None and new in ("", [], {})):
            changes[name] = {"before": old, "after": new}
    return changes
