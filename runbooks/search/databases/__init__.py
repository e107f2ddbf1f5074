"""The two databases behind one interface: what stands beside the index's table, and how it is asked.

Each module gives ``CREATE`` and ``REMOVE`` (statements that may be run twice), ``standing``
(whether all of it stands), ``intact`` (whether what stands can be read), ``lock`` (for one writer
at a time), ``PASSAGES`` (a query inside another), ``matching`` and ``holding`` (queries) and
``rows`` (what one brings). Both are asked for the same whole words.
"""

from types import ModuleType

from django.apps import apps
from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model

from runbooks.search.databases import postgresql, sqlite

DIALECTS: dict[str, ModuleType] = {"sqlite": sqlite, "postgresql": postgresql}


def dialect_of(connection: BaseDatabaseWrapper) -> ModuleType:
    """The module for a connection."""
    return DIALECTS[connection.vendor]


def install(*, using: str = "default") -> None:
    """Put the full text index beside the table, unless it stands there already."""
    if standing(using=using):
        return
    connection = connections[using]
    with connection.cursor() as cursor:
        for statement in dialect_of(connection).CREATE:
            cursor.execute(statement)


def remove(*, using: str = "default") -> None:
    """Take it away again."""
    connection = connections[using]
    with connection.cursor() as cursor:
        for statement in dialect_of(connection).REMOVE:
            cursor.execute(statement)


def standing(*, using: str = "default") -> bool:
    """Whether the full text index and what keeps it up to date stand in the database."""
    connection = connections[using]
    with connection.cursor() as cursor:
        return dialect_of(connection).standing(cursor)


def lock(*, using: str = "default") -> None:
    """Let no other write the index until this transaction ends."""
    connection = connections[using]
    with connection.cursor() as cursor:
        dialect_of(connection).lock(cursor)


def repair(*, using: str = "default") -> None:
    """Put back what the index lacks or what cannot be read of it; belongs outside a transaction.

    Where a table is missing all are made anew: their rows are derived, and
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
    """Whether the index can be used: its tables and the full text index are there and can be read. Reads all of it."""
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
    """Asked for when they are needed: the models are made with the help of this package. What others point to first."""
    return [
        apps.get_model("runbooks", name)
        for name in ("SearchEntry", "SearchPassage", "SearchPlaces", "SearchStamp", "SearchWord")
    ]
