"""The guards as PostgreSQL triggers. In addition to those on SQLite, they refuse TRUNCATE."""

from collections.abc import Iterator
from functools import cache

from governance.guards.rules import (
    ASSURANCE,
    DOCUMENT,
    GUARDS,
    INCIDENT,
    LEDGER,
    REQUEST,
    RULE,
    RUNBOOK,
    SIGN_OFF,
)
from governance.guards.unsealing import unseals

# Without this, a temporary table of the same name precedes ours in the search path, and any user
# who can create one could make the guard query it instead.
SEARCH_PATH = "public, pg_temp"
NEVER_EMPTIED = (LEDGER, INCIDENT, SIGN_OFF, REQUEST, RULE, RUNBOOK, DOCUMENT)
# Reads the triggers themselves rather than comments on them, so that a changed or disabled guard is
# detected.
LIST_SQL = """
    SELECT t.tgname, concat_ws('|', c.relname, t.tgtype, t.tgenabled, t.tgqual IS NULL,\
 t.tgattr = ''::int2vector,
        array_to_string(p.proconfig, ';'), p.prosrc)
    FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_class c ON c.oid = t.tgrelid
    WHERE NOT t.tgisinternal AND t.tgname LIKE 'guard\\_%' AND pg_table_is_visible(c.oid)
"""
# pg_trigger.tgtype: row 1, before 2, insert 4, delete 8, update 16, truncate 32.
TRIGGER_TYPES = {
    "BEFORE INSERT": 7,
    "BEFORE DELETE": 11,
    "BEFORE UPDATE": 19,
    "BEFORE TRUNCATE": 34,
    "AFTER INSERT": 5,
    "AFTER DELETE": 9,
    "AFTER UPDATE": 17,
}
BODY = """
BEGIN
  IF {condition} THEN
    RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN {row};
END """
UNSEAL = """
BEGIN
  IF {condition} THEN
    UPDATE {table} SET seal = '', generation = generation + 1 WHERE {whose};
  END IF;
  RETURN NULL;
END """
TOLD_REQUEST = "(NEW.changes->'request'->>'after')"
# Levels of nesting: Python reads no more than about 900.
MAX_DEPTH = 500
RECORDED_AT_IS_READABLE = "(NEW.recorded_at BETWEEN '1970-01-01' AND '2101-01-01')"
CHANGES_ARE_READABLE = """(CASE WHEN jsonb_typeof(NEW.changes) <> 'object' THEN false
    WHEN EXISTS (SELECT 1 FROM jsonb_each(NEW.changes) told\
 WHERE jsonb_typeof(told.value) <> 'object') THEN false
    ELSE NOT jsonb_path_exists(NEW.changes, 'strict $.** ? (@.type() == "number"
        && (@ > 9223372036854775807 || @ < -9223372036854775808 || @.floor() != @))')
      AND NOT jsonb_path_exists(NEW.changes, 'strict $.**{MAX_DEPTH to last}') END)""".replace(
    "MAX_DEPTH", str(MAX_DEPTH)
)
# Ensured by the column types and the encoding of the database.
TEXTS_ARE_READABLE = "true"
EMPTYING = "A governed table is never emptied."


@cache
def expected() -> dict[str, str]:
    """Return the expected result of ``LIST_SQL`` for each guard."""
    return {
        name: f"{table}|{TRIGGER_TYPES[event]}|O|t|t|search_path={SEARCH_PATH}|{body}"
        for name, event, table, body in _guards()
    }


def create_statements() -> Iterator[str]:
    """Yield the statements that create all guards."""
    for name, event, table, body in _guards():
        each = "STATEMENT" if event.endswith("TRUNCATE") else "ROW"
        yield (
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET "
            f"search_path = {SEARCH_PATH}"
            f" AS $guard${body}$guard$"
        )
        yield f"CREATE TRIGGER {name} {event} ON {table} FOR EACH {each} EXECUTE FUNCTION {name}()"


def remove_statements() -> Iterator[str]:
    """Yield the statements that drop all guards, whether or not they exist."""
    for name in expected():
        yield f"DROP FUNCTION IF EXISTS {name}() CASCADE"


def _guards() -> Iterator[tuple[str, str, str, str]]:
    """Yield name, event, table and function body of each guard."""
    for name, event, table, condition, message in GUARDS:
        row = "OLD" if event.endswith("DELETE") else "NEW"
        said = message.replace("'", "''")
        yield name, event, table, BODY.format(condition=_spelled(condition), message=said, row=row)
    for name, event, table, condition, whose in unseals():
        yield (
            *(name, event, table),
            UNSEAL.format(condition=_spelled(condition), table=ASSURANCE, whose=_spelled(whose)),
        )
    for table in NEVER_EMPTIED:
        name = f"guard_truncate_{table.rsplit('_', 1)[1]}"
        yield (
            name,
            "BEFORE TRUNCATE",
            table,
            BODY.format(condition="true", message=EMPTYING, row="NULL"),
        )


def _spelled(condition: str) -> str:
    return (
        condition.replace("!==", "IS DISTINCT FROM")
        .replace("===", "IS NOT DISTINCT FROM")
        .replace("RECORDED_AT_IS_READABLE", RECORDED_AT_IS_READABLE)
        .replace("CHANGES_ARE_READABLE", CHANGES_ARE_READABLE)
        .replace("TEXTS_ARE_READABLE", TEXTS_ARE_READABLE)
        .replace("TOLD_REQUEST", TOLD_REQUEST)
    )
