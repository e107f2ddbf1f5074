"""The guards as SQLite triggers."""

from collections.abc import Iterator
from functools import cache

from governance.guards.rules import ASSURANCE, GUARDS, LEDGER, REQUEST, SIGN_OFF
from governance.guards.unsealing import unseals

LIST_SQL = (
    "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'guard\\_%' ESCAPE "
    "'\\'"
)
# The form in which Django stores a time (UTC, without an offset). With a modifier, SQLite
# normalises the date, so that 30 February becomes another date and differs. An invalid time gives
# null, which a trigger treats as false. The fraction is excluded, because SQLite might round it up
# to the next second, and is checked separately.
RECORDED_AT_IS_READABLE = """coalesce(typeof(NEW.recorded_at) = 'text'
    AND datetime(substr(NEW.recorded_at, 1, 19), '+0 days') = substr(NEW.recorded_at, 1, 19)
    AND substr(NEW.recorded_at, 12, 2) < '24'
    AND (length(NEW.recorded_at) = 19 OR substr(NEW.recorded_at, 20) GLOB '.[0-9]*')
    AND substr(NEW.recorded_at, 21) NOT GLOB '*[^0-9]*' AND length(NEW.recorded_at) <= 26
    AND NEW.recorded_at BETWEEN '1970' AND '2101', 0)"""
# SQLite reads invalid UTF-8 and half a surrogate pair as U+FFFD.
READABLE_TEXT = "replace({0}, char(65533), '') NOT GLOB '*' || char(65533) || '*'"
# A path has at least two characters per level of nesting. Python reads about 900 levels; the
# portal's values have few.
MAX_PATH = 1_500
# Only integers of 64 bits are allowed: SQLite converts longer ones to floats.
CHANGES_ARE_READABLE = (
    "(CASE WHEN NOT json_valid(NEW.changes) THEN 0"
    f""" WHEN json_type(NEW.changes) <> 'object' THEN 0
    ELSE NOT EXISTS (SELECT 1 FROM json_each(NEW.changes) told WHERE told.type <> 'object')
      AND NOT EXISTS (SELECT 1 FROM json_tree(NEW.changes) told WHERE told.type = 'real'
        OR (told.type = 'integer' AND typeof(told.atom) <> 'integer')"""
    f""" OR length(told.path) > {MAX_PATH}
        OR NOT ({READABLE_TEXT.format("coalesce(told.key, '')")})
        OR (told.type = 'text' AND NOT ({READABLE_TEXT.format("told.atom")}))) END)"""
)
# SQLite stores any type in any column, and JSON as the written text. PostgreSQL refuses wrong types
# and stores only the value (jsonb), so these guards exist on SQLite only.
TEXTS = {
    LEDGER: (
        "actor",
        "action",
        "subject",
        "subject_title",
        "reason",
        "release",
        "changes",
        "digests",
        "previous_hash",
        "hash",
    ),
    REQUEST: (
        "direction",
        "from_level",
        "to_level",
        "rationale",
        "evidence",
        "document_path",
        "document_sha256",
        "metadata",
        "metadata_sha256",
        "state",
        "requested_at",
        "closed_reason",
        "dependence",
    ),
    SIGN_OFF: (
        "decision",
        "comment",
        "statement",
        "document_sha256",
        "metadata_sha256",
        "seen_sha256",
        "signed_at",
    ),
}
TEXTS_ARE_READABLE = "({} AND typeof(NEW.sequence) = 'integer')".format(
    " AND ".join(
        f"typeof(NEW.{name}) = 'text' AND {READABLE_TEXT.format(f'NEW.{name}')}"
        for name in TEXTS[LEDGER]
    )
)
NUMBERS = {
    LEDGER: ("sequence",),
    REQUEST: ("runbook_id", "required_signatures", "independent", "requested_by_id"),
    SIGN_OFF: ("request_id", "signer_id"),
}
JSON_COLUMNS = {LEDGER: "changes", REQUEST: "metadata"}
# Values that are not integers: SQL treats a text such as 'f' as false, and Python as true.
NEITHER = {REQUEST: " OR NEW.independent NOT IN (0, 1)"}
TOLD_REQUEST = "CAST(json_extract(NEW.changes, '$.request.after') AS text)"
SPELLED_ONCE = "A value is stored in the one spelling that every reader understands alike."


def _is_spelled_otherwise(table: str) -> str:
    """Return the condition under which SQL and Python could read different values from a column."""
    wrong = [f"typeof(NEW.{column}) <> 'text'" for column in TEXTS[table]]
    wrong += [f"typeof(NEW.{column}) <> 'integer'" for column in NUMBERS[table]]
    condition = " OR ".join(wrong) + NEITHER.get(table, "")
    if column := JSON_COLUMNS.get(table):
        # Invalid JSON is refused elsewhere, with its own message.
        condition += f""" OR (CASE WHEN json_valid(NEW.{column}) THEN EXISTS (
    SELECT 1 FROM json_tree(NEW.{column}) member WHERE member.key IS NOT NULL
    GROUP BY member.parent, member.key HAVING count(*) > 1) ELSE 0 END)"""
    return condition


SPELLING_GUARDS = tuple(
    (f"guard_{name}_spelling", "BEFORE INSERT", table, _is_spelled_otherwise(table), SPELLED_ONCE)
    for name, table in (("ledger", LEDGER), ("request", REQUEST), ("sign_off", SIGN_OFF))
)


@cache
def expected() -> dict[str, str]:
    """Return the SQL of every trigger by name, as SQLite stores it."""
    refusals = {
        name: f"CREATE TRIGGER {name} {event} ON {table} FOR EACH ROW WHEN {_spelled(condition)}"
        f" BEGIN SELECT RAISE(ABORT, '{_quoted(message)}'); END"
        for name, event, table, condition, message in (*GUARDS, *SPELLING_GUARDS)
    }
    return refusals | {
        name: f"CREATE TRIGGER {name} {event} ON {table} FOR EACH ROW WHEN {_spelled(condition)}"
        f" BEGIN UPDATE {ASSURANCE} SET seal = '', generation = generation + 1"
        f" WHERE {_spelled(whose)}; END"
        for name, event, table, condition, whose in unseals()
    }


def create_statements() -> Iterator[str]:
    """Yield the statements that create all guards."""
    yield from expected().values()


def remove_statements() -> Iterator[str]:
    """Yield the statements that drop all guards, whether or not they exist."""
    for name in expected():
        yield f"DROP TRIGGER IF EXISTS {name}"


def _quoted(message: str) -> str:
    return message.replace("'", "''")


def _spelled(condition: str) -> str:
    return (
        condition.replace("!==", "IS NOT")
        .replace("===", "IS")
        .replace("RECORDED_AT_IS_READABLE", RECORDED_AT_IS_READABLE)
        .replace("CHANGES_ARE_READABLE", CHANGES_ARE_READABLE)
        .replace("TEXTS_ARE_READABLE", TEXTS_ARE_READABLE)
        .replace("TOLD_REQUEST", TOLD_REQUEST)
    )
