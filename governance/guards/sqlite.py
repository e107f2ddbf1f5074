"""The guards as SQLite triggers."""

from collections.abc import Iterator
from functools import cache

from governance.guards.rules import ASSURANCE, GUARDS, LEDGER, REQUEST, SIGN_OFF, unseals

LIST_SQL = (
    "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'guard\\_%' ESCAPE "
    "'\\'"
)
# As Django stores a time (UTC, without an offset). With a modifier SQLite works a date out: 30
# February is another one then. What is no time at all is null, and a trigger takes a null for a no.
# The fraction is left out: it would round up to the next second at times, and is looked at by
# itself.
RECORDED_AT_IS_READABLE = """coalesce(typeof(NEW.recorded_at) = 'text'
    AND datetime(substr(NEW.recorded_at, 1, 19), '+0 days') = substr(NEW.recorded_at, 1, 19)
    AND substr(NEW.recorded_at, 12, 2) < '24'
    AND (length(NEW.recorded_at) = 19 OR substr(NEW.recorded_at, 20) GLOB '.[0-9]*')
    AND substr(NEW.recorded_at, 21) NOT GLOB '*[^0-9]*' AND length(NEW.recorded_at) <= 26
    AND NEW.recorded_at BETWEEN '1970' AND '2101', 0)"""
# SQLite reads U+FFFD in the place of bytes that are no UTF-8, and of half a surrogate pair.
READABLE_TEXT = "replace({0}, char(65533), '') NOT GLOB '*' || char(65533) || '*'"
# A path has at least two characters for each level of nesting; Python reads about 900 levels, and
# ours are few.
MAX_PATH = 1_500
# No number but a whole one of 64 bits: SQLite makes a float of a longer one.
CHANGES_ARE_READABLE = f"""(CASE WHEN NOT json_valid(NEW.changes) THEN 0 WHEN json_type(NEW.changes) <> 'object' THEN 0
    ELSE NOT EXISTS (SELECT 1 FROM json_each(NEW.changes) told WHERE told.type <> 'object')
      AND NOT EXISTS (SELECT 1 FROM json_tree(NEW.changes) told WHERE told.type = 'real'
        OR (told.type = 'integer' AND typeof(told.atom) <> 'integer') OR length(told.path) > {MAX_PATH}
        OR NOT ({READABLE_TEXT.format("coalesce(told.key, '')")})
        OR (told.type = 'text' AND NOT ({READABLE_TEXT.format("told.atom")}))) END)"""
# SQLite keeps any type in any column, and JSON as the text that was written. PostgreSQL refuses the
# one and keeps the value alone (jsonb), so that these guards stand on SQLite only.
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
# Whatever an integer is not: in SQL a text such as 'f' is false, and Python takes it for true.
NEITHER = {REQUEST: " OR NEW.independent NOT IN (0, 1)"}
TOLD_REQUEST = "CAST(json_extract(NEW.changes, '$.request.after') AS text)"
SPELLED_ONCE = "A value is stored in the one spelling that every reader understands alike."


def _is_spelled_otherwise(table: str) -> str:
    """The condition under which SQL and Python could read another value from the same cell."""
    wrong = [f"typeof(NEW.{column}) <> 'text'" for column in TEXTS[table]]
    wrong += [f"typeof(NEW.{column}) <> 'integer'" for column in NUMBERS[table]]
    condition = " OR ".join(wrong) + NEITHER.get(table, "")
    if column := JSON_COLUMNS.get(table):
        # What is no JSON at all is refused elsewhere, with a sentence of its own.
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
    """The text of every trigger by name, as SQLite keeps it."""
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
    """The statements that create all of them."""
    yield from expected().values()


def remove_statements() -> Iterator[str]:
    """The statements that remove all of them; harmless where there are none."""
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
