"""The database's own last word: triggers that no door of the application can walk round.

They hold promises 1 and 6 of the design on SQLite and PostgreSQL: a signed readiness moves by an
approved request alone; decisions and ledger rows are never rewritten. Django drops triggers when
it rebuilds a table on SQLite, so they are put back after every migrate and looked for by a
system check.
"""

from collections.abc import Mapping

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from governance.guards import postgresql, rules, sqlite

__all__ = ["install", "list_sql", "missing", "remove", "rules"]

DIALECTS = {"sqlite": sqlite, "postgresql": postgresql}


def install(*, using: str = "default") -> None:
    """Create the guards anew; what was there under the same name is replaced."""
    connection = connections[using]
    dialect = DIALECTS[connection.vendor]
    with connection.cursor() as cursor:
        for statement in [*dialect.remove_statements(), *dialect.create_statements()]:
            cursor.execute(statement)


def remove(*, using: str = "default") -> None:
    """Take the guards away. For a test's clean-up and for a migration that says so; nothing else calls it."""
    connection = connections[using]
    with connection.cursor() as cursor:
        for statement in DIALECTS[connection.vendor].remove_statements():
            cursor.execute(statement)


def missing(*, using: str = "default", found: Mapping[str, str] | None = None) -> list[str]:
    """Return the names of guards that are not as they should be, sorted; empty when all stand.

    :param found: what ``list_sql`` answered, where the caller has asked already.
    """
    connection = connections[using]
    stored = _found(connection) if found is None else found
    expected = DIALECTS[connection.vendor].expected()
    return sorted(name for name, body in expected.items() if stored.get(name) != body)


def list_sql(vendor: str) -> str:
    """Return the query for the guards in the database: name and body."""
    return DIALECTS[vendor].LIST_SQL


def _found(connection: BaseDatabaseWrapper) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(list_sql(connection.vendor))
        return dict(cursor.fetchall())
