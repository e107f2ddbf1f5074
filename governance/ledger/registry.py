"""What the ledger records for each model. Each package registers its own models."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import models


@dataclass(frozen=True, slots=True)
class Registration:
    """How the ledger records one model.

    :ivar exclude: fields that are derived or secret and are never recorded.
    :ivar children: related names of rows that belong to an object and are edited with it.
    :ivar name: returns the part of the subject after the colon.
    """

    exclude: frozenset[str] = frozenset()
    children: tuple[str, ...] = ()
    name: Callable[[Any], object] = lambda instance: instance.pk


_registered: dict[type[models.Model], Registration] = {}


def register(
    model: type[models.Model],
    *,
    named_by: str | Callable[[Any], object] = "pk",
    exclude: tuple[str, ...] = (),
    children: tuple[str, ...] = (),
) -> None:
    """Register a model with the ledger.

    :param named_by: the field that permanently identifies an object, or a function that returns its
        name.
    """

    def name(instance: Any) -> object:
        return named_by(instance) if callable(named_by) else getattr(instance, named_by)

    _registered[model] = Registration(frozenset(exclude), children, name)


def registration_of(model: type[models.Model]) -> Registration:
    """Return the registration of a model. An unregistered model is named by its primary key."""
    return _registered.get(model, Registration())
