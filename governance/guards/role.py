"""The required and forbidden privileges of the portal's PostgreSQL role.

``docs/postgresql_role.sql`` grants exactly these; ``manage.py check`` compares them.
"""

from collections.abc import Iterator
from typing import Any

from django.db import connections
from django.db.backends.utils import CursorWrapper

from governance.guards.rules import ASSURANCE, DOCUMENT, INCIDENT, LEDGER, REQUEST, RULE, SIGN_OFF

SCHEMA = "public"
READ_ONLY = ("django_migrations",)
# Tables whose rows are added and never deleted, with the columns that may be updated.
ADDED_TO: dict[str, tuple[str, ...]] = {
    LEDGER: (),
    SIGN_OFF: (),
    DOCUMENT: (),
    RULE: ("in_force",),
    REQUEST: ("applied_at", "closed_at", "closed_reason", "dependence", "state"),
    INCIDENT: ("settled_at",),
    ASSURANCE: (
        *("request_id", "change_sequence", "change_hash"),
        *("generation", "seal", "written_at"),
    ),
}
# A role with TRIGGER can create a trigger that runs before the guards.
NEVER = frozenset({"TRUNCATE", "TRIGGER"})
EVERYWHERE = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})

ROLE_SQL = """
    SELECT rolsuper, rolcreaterole, has_schema_privilege(%(schema)s, 'USAGE'),
        has_schema_privilege(%(schema)s, 'CREATE'),
        has_database_privilege(current_database(), 'TEMPORARY')
    FROM pg_roles WHERE rolname = current_user
"""
OWNED_SQL = """
    SELECT DISTINCT pg_get_userbyid(c.relowner)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relname = ANY(%(tables)s)
        AND pg_has_role(c.relowner, 'MEMBER')
"""
TABLES_SQL = """
    SELECT c.relname, array_agg(p.name) FILTER (WHERE has_table_privilege(c.oid, p.name))
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN unnest(
        ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) AS p(name)
    WHERE n.nspname = %(schema)s AND c.relname = ANY(%(tables)s)
    GROUP BY c.relname ORDER BY c.relname
"""
COLUMNS_SQL = """
    SELECT c.relname, array_agg(a.attname::text)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE n.nspname = %(schema)s AND c.relname = ANY(%(tables)s)
        AND a.attnum > 0 AND NOT a.attisdropped
        AND has_column_privilege(c.oid, a.attnum, 'UPDATE') GROUP BY c.relname
"""
SEQUENCES_SQL = """
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s
        AND CASE WHEN c.relkind = 'S' THEN NOT has_sequence_privilege(c.oid, 'USAGE') END
    ORDER BY c.relname
"""


def faults(*, using: str = "default") -> list[str]:
    """Return the faults of the connection's role as clauses; empty on SQLite.

    :raises DatabaseError: the database does not answer.
    """
    connection = connections[using]
    if connection.vendor != "postgresql":
        return []
    tables = connection.introspection.django_table_names(include_views=False)
    asked = {"schema": SCHEMA, "tables": sorted({*tables, *READ_ONLY})}
    with connection.cursor() as cursor:
        return [*_faults(cursor, asked)]


def _faults(cursor: CursorWrapper, asked: Any) -> Iterator[str]:
    cursor.execute(ROLE_SQL, asked)
    is_superuser, may_create_roles, may_look, may_create, may_create_temporary = cursor.fetchone()
    if is_superuser:
        yield "it is a superuser, whom no guard and no grant holds"
        return
    if may_create_roles:
        yield "it may create roles, and so make itself a member of others"
    if not may_look:
        yield f"it lacks USAGE on the schema {SCHEMA}"
        return
    cursor.execute(OWNED_SQL, asked)
    owners = sorted(owner for (owner,) in cursor.fetchall())
    if owners:
        named = ", ".join(owners)
        yield (
            f"it is, or may act as, the owner of the tables ({named}), who can switch off the "
            "guards"
        )
        return
    if may_create:
        yield f"it may create tables and functions in the schema {SCHEMA}"
    if may_create_temporary:
        yield "it may create temporary tables"
    yield from _faults_of_tables(cursor, asked)
    cursor.execute(SEQUENCES_SQL, asked)
    for (sequence,) in cursor.fetchall():
        yield f"it lacks USAGE on the sequence {sequence}"


def _faults_of_tables(cursor: CursorWrapper, asked: Any) -> Iterator[str]:
    cursor.execute(COLUMNS_SQL, asked)
    changeable = {table: set(columns) for table, columns in cursor.fetchall()}
    cursor.execute(TABLES_SQL, asked)
    for table, granted in cursor.fetchall():
        yield from compare(table, set(granted or ()), changeable.get(table, set()))


def compare(table: str, granted: set[str], changeable: set[str]) -> Iterator[str]:
    """Yield the missing and the excess privileges of a role on one table.

    :param granted: the privileges on the whole table.
    :param changeable: the columns that the role may update.
    """
    is_bounded = table in ADDED_TO or table in READ_ONLY
    wanted = (
        {"SELECT"}
        if table in READ_ONLY
        else {"SELECT", "INSERT"}
        if table in ADDED_TO
        else EVERYWHERE
    )
    for privilege in sorted(wanted - granted):
        yield f"it lacks {privilege} on {table}"
    for privilege in sorted((granted & (NEVER | EVERYWHERE)) - wanted):
        yield f"it must not have {privilege} on {table}"
    if is_bounded:
        allowed = set(ADDED_TO.get(table, ()))
        for column in sorted(allowed - changeable):
            yield f"it lacks UPDATE ({column}) on {table}"
        extra = changeable - allowed
        if extra and "UPDATE" not in granted:
            yield f"it must not have UPDATE ({', '.join(sorted(extra))}) on {table}"
