"""The full text index in SQLite and PostgreSQL, behind one interface.

Each module has ``CREATE`` and ``REMOVE`` (statements that may be run twice), ``standing`` (whether
the index is complete), ``intact`` (whether it can be read), ``lock`` (for one writer at a time),
``PASSAGES`` (a subquery), ``matching`` and ``holding`` (which build queries) and ``rows`` (which
runs one). Both databases are asked for the same whole words.
"""

from types import ModuleType

from django.apps import apps
from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model

from runbooks.search.databases import postgresql, sqlite

DIALECTS: dict[str, ModuleType] = {"sqlite": sqlite, "postgresql": postgresql}


def dialect_of(connection: BaseDatabaseWrapper) -> ModuleType:
    """Return the module for a connection."""
    return DIALECTS[connection.vendor]


def install(*, using: str = "default") -> None:
    """Create the full text index beside the table, unless it exists already."""
    if standing(using=using):
        return
    connection = connections[using]
    with connection.cursor() as cursor:
        for statement in dialect_of(connection).CREATE:
            cursor.execute(statement)


def remove(*, using: str = "default") -> None:
    """Remove the full text index from the database."""
    connection = connections[using]
    with connection.cursor() as cursor:
        for statement in dialect_of(connection).REMOVE:
            cursor.execute(statement)


def standing(*, using: str = "default") -> bool:
    """Return whether the full text index, and what keeps it up to date, exist in the database."""
    connection = connections[using]
    with connection.cursor() as cursor:
        return dialect_of(connection).standing(cursor)


def lock(*, using: str = "default") -> None:
    """Prevent other writes to the index until this transaction ends."""
    connection = connections[using]
    with connection.cursor() as cursor:
        dialect_of(connection).lock(cursor)


def repair(*, using: str = "default") -> None:
    """Restore missing or unreadable parts of the index. Must be called outside a transaction.

    If a table is missing, all tables are created again and are empty. Their rows are derived;
    ``runbooks.search.index.rebuild`` fills them.
    """
    if is_sound(using=using):
        return
    models, there = _models(), set(connections[using].introspection.table_names())
    if not there >= {model._meta.db_table for model in models}:
        with connections[using].schema_editor() as editor:
            for model in reversed(models):
                if model._meta.db_table in there:
                    editor.delete_model(model)
            for model in models:
                editor.create_model(model)
    remove(using=using)
    install(using=using)


def is_sound(*, using: str = "default") -> bool:
    """Return whether the index can be used: all of it exists and can be read. Reads all of it."""
    connection = connections[using]
    try:
        with transaction.atomic(using=using), connection.cursor() as cursor:
            there = set(connection.introspection.table_names(cursor))
            dialect = dialect_of(connection)
            tables = {model._meta.db_table for model in _models()}
            return there >= tables and dialect.standing(cursor) and dialect.intact(cursor)
    except DatabaseError:
        return False


def _models() -> list[type[Model]]:
    """Return the models of the index; a model comes before those that refer to it.

    They are not imported at module level, because the models are defined with the help of this
    package.
    """
    return [
        apps.get_model("runbooks", name)
        for name in ("SearchEntry", "SearchPassage", "SearchPlaces", "SearchStamp", "SearchWord")
    ]
