"""Database triggers that enforce the rules of the sign-off and the ledger.

They work on SQLite and PostgreSQL, and cannot be bypassed by application code: only an approved
request changes a signed readiness, and decisions and ledger rows are never rewritten. Django drops
triggers when it rebuilds a table on SQLite. They are therefore reinstalled after every migrate, and
a system check looks for them.
"""

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from governance.guards import postgresql, rules, sqlite

__all__ = ["install", "missing", "remove", "rules"]

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


def missing(*, using: str = "default") -> list[str]:
    """Return the sorted names of missing or changed guards in this database."""
    connection = connections[using]
    dialect = DIALECTS[connection.vendor]
    expected = dialect.expected()
    found = _found(connection, dialect.LIST_SQL)
    return sorted(name for name, body in expected.items() if found.get(name) != body)


def _found(connection: BaseDatabaseWrapper, query: str) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return dict(cursor.fetchall())
