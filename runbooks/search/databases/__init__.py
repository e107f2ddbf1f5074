"""The two databases behind one interface: what stands beside the index's table, and how it is asked.

Each module gives ``CREATE`` and ``REMOVE`` (statements that may be run twice), ``standing`` (whether all of it stands),
``matching`` and ``holding`` (queries) and ``rows`` (what one brings). Both are asked for the same whole words.
"""

from types import ModuleType

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

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
