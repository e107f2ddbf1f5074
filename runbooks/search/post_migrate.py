"""Preparation of the search in a database after every ``migrate``."""

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models import Model

from runbooks.models.search import DERIVED, SearchSynonym
from runbooks.search import databases, index

MODELS: tuple[type[Model], ...] = (*DERIVED, SearchSynonym)
TABLES = frozenset(model._meta.db_table for model in MODELS)


def prepare_search(sender: AppConfig, using: str, **_: Any) -> None:
    """Restore the full text index, and index what an existing catalogue lacks.

    Receiver of ``post_migrate``.
    """
    if sender.name != "runbooks" or using != "default" or not is_migrated(using):
        return
    # On SQLite, Django rebuilds tables and drops the triggers, including those of the guards.
    databases.install(using=using)
    if index.is_built():
        index.catch_up()  # what an interrupted import left behind
    if index.staleness() or not index.is_built():
        index.rebuild()


def is_migrated(using: str) -> bool:
    """Return whether the search's tables exist. They may not during a backward migration."""
    return set(connections[using].introspection.table_names()) >= TABLES
