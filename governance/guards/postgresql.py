"""The guards as PostgreSQL triggers: the same refusals as on SQLite, and TRUNCATE besides."""

import hashlib
from collections.abc import Iterator

from governance.guards.rules import GUARDS, LEDGER, REQUEST, RUNBOOK, SIGN_OFF

NEVER_EMPTIED = (LEDGER, SIGN_OFF, REQUEST, RUNBOOK)
# The digest of a guard stands in its function's comment, so that a changed one is noticed; so is a disabled one.
LIST_SQL = """
    SELECT t.tgname,
           CASE WHEN t.tgenabled IN ('O', 'A') THEN coalesce(obj_description(p.oid, 'pg_proc'), '') ELSE 'disabled' END
    FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_class c ON c.oid = t.tgrelid
    WHERE NOT t.tgisinternal AND t.tgname LIKE 'guard\\_%' AND pg_table_is_visible(c.oid)
"""
FUNCTION = """CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $guard$
BEGIN
  IF {condition} THEN
    RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN {row};
END $guard$"""
EMPTYING = "A governed table is never emptied."


def expected() -> dict[str, str]:
    """The digest of every guard by name, as its function's comment carries it."""
    return {name: _digest(function, trigger) for name, function, trigger in _definitions()}


def create_statements() -> Iterator[str]:
    """The statements that create all of them."""
    for name, function, trigger in _definitions():
        yield function
        yield f"COMMENT ON FUNCTION {name}() IS '{_digest(function, trigger)}'"
        yield trigger


def remove_statements() -> Iterator[str]:
    """The statements that remove all of them; harmless where there are none."""
    for name in expected():
        yield f"DROP FUNCTION IF EXISTS {name}() CASCADE"


def _definitions() -> Iterator[tuple[str, str, str]]:
    """(name, function, trigger) of each guard."""
    for name, event, table, condition, message in GUARDS:
        row = "OLD" if event.endswith("DELETE") else "NEW"
        function = FUNCTION.format(name=name, condition=_spelled(condition), message=message, row=row)
        yield name, function, f"CREATE TRIGGER {name} {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
    for table in NEVER_EMPTIED:
        name = f"guard_truncate_{table.rsplit('_', 1)[1]}"
        function = FUNCTION.format(name=name, condition="true", message=EMPTYING, row="NULL")
        yield (
            name,
            function,
            f"CREATE TRIGGER {name} BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {name}()",
        )


def _spelled(condition: str) -> str:
    return condition.replace("!==", "IS DISTINCT FROM").replace("===", "IS NOT DISTINCT FROM")


def _digest(function: str, trigger: str) -> str:
    return hashlib.sha256(f"{function};{trigger}".encode()).hexdigest()
