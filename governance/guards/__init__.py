"""Database triggers that enforce the rules of the sign-off and the ledger.

They work on SQLite and PostgreSQL, and cannot be bypassed by application code: only an approved
request changes a signed readiness, and decisions and ledger rows are never rewritten. Django drops
triggers when it rebuilds a table on SQLite. They are therefore reinstalled after every migrate, and
a system check looks for them.
"""

from collections.abc import Mapping

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from governance.guards import postgresql, rules, sqlite

__all__ = ["install", "list_sql", "missing", "remove", "rules"]

DIALECTS = {"sqlite": sqlite, "postgresql": postgresql}


def install(*, using: str = "default") -> None:
    """Create all guards, replacing existing ones of the same name."""
    connection = connections[using]
    dialect = DIALECTS[connection.vendor]
    with connection.cursor() as cursor:
        for statement in [*dialect.remove_statements(), *dialect.create_statements()]:
            cursor.execute(statement)


def remove(*, using: str = "default") -> None:
    """Drop all guards.

    Only the cleanup of a test or an explicit migration may call this.
    """
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
