"""What the search needs in a database before anyone asks. Run after every migrate."""

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models import Model

from runbooks.models.search import DERIVED, SearchSynonym
from runbooks.search import databases, index

MODELS: tuple[type[Model], ...] = (*DERIVED, SearchSynonym)
TABLES = frozenset(model._meta.db_table for model in MODELS)


def prepare_search(sender: AppConfig, using: str, **_: Any) -> None:
    """Receiver of ``post_migrate``: puts the full text index back, and builds what an existing catalogue lacks."""
    if sender.name != "runbooks" or using != "default" or not is_migrated(using):
        return
    # Django's table rebuild on SQLite drops triggers, as it does those of the guards.
    databases.install(using=using)
    if index.is_built():
        index.catch_up()  # what an import that was ended left behind
    if index.staleness() or not index.is_built():
        index.rebuild()


def is_migrated(using: str) -> bool:
    """Whether the search's tables are there: not so in the middle of going back."""
    return set(connections[using].introspection.table_names()) >= TABLES
