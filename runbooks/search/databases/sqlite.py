"""SQLite: FTS5 over the index's own table, kept up to date by triggers.

Django rebuilds a table when a column changes, and drops its triggers: ``migrate`` puts them back.
"""

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

TABLE = "runbooks_searchentry"
COLUMNS = ("title", "names", "later_names", "headings", "facts", "body")
WEIGHTS = "12.0, 7.0, 4.0, 3.0, 2.0, 1.0"
# The keys of an entry's passages in their order, with commas between them.
PASSAGES = (
    "SELECT group_concat(id) FROM (SELECT id FROM runbooks_searchpassage"
    " WHERE entry_id = entry.id ORDER BY position)"
)
TRIGGERS = ("search_entry_added", "search_entry_changed", "search_entry_removed")

_names = ", ".join(COLUMNS)
_old = ", ".join(f"OLD.{column}" for column in COLUMNS)
_new = ", ".join(f"NEW.{column}" for column in COLUMNS)
_forget = (
    f"INSERT INTO search_text(search_text, rowid, {_names}) VALUES ('delete', OLD.id, {_old});"
)
_learn = f"INSERT INTO search_text(rowid, {_names}) VALUES (NEW.id, {_new});"

CREATE = (
    f"""CREATE VIRTUAL TABLE IF NOT EXISTS search_text USING fts5(
        {_names}, content='{TABLE}', content_rowid='id', tokenize="unicode61 remove_diacritics 0 tokenchars '_'"
    )""",
    f"CREATE TRIGGER IF NOT EXISTS {TRIGGERS[0]} AFTER INSERT ON {TABLE} BEGIN {_learn} END",
    # Of these columns alone: that an entry is behind is noted of thousands at once.
    (
        f"CREATE TRIGGER IF NOT EXISTS {TRIGGERS[1]} AFTER UPDATE OF {_names} ON {TABLE} BEGIN "
        f"{_forget} {_learn} END"
    ),
    f"CREATE TRIGGER IF NOT EXISTS {TRIGGERS[2]} AFTER DELETE ON {TABLE} BEGIN {_forget} END",
    # Rows that came while a trigger was missing.
    "INSERT INTO search_text(search_text) VALUES ('rebuild')",
)
REMOVE = (
    *(f"DROP TRIGGER IF EXISTS {name}" for name in TRIGGERS),
    "DROP TABLE IF EXISTS search_text",
)


def lock(cursor: Any) -> None:
    """One writer of the index at a time. SQLite's transactions are IMMEDIATE: it is so already."""


def standing(cursor: Any) -> bool:
    """The virtual table and its three triggers."""
    cursor.execute("SELECT name FROM sqlite_master WHERE name LIKE 'search_%'")
    return {"search_text", *TRIGGERS} <= {name for (name,) in cursor.fetchall()}


def intact(cursor: Any) -> bool:
    """Whether FTS5 finds its own tables whole and of one mind with the index's table.

    :raises DatabaseError: they are not, or cannot be read.
    """
    cursor.execute("INSERT INTO search_text(search_text, rank) VALUES ('integrity-check', 1)")
    return True


def matching(
    groups: Sequence[Sequence[str]],
    *,
    columns: Sequence[str],
    every: bool,
    only: Sequence[int] | None,
    limit: int,
) -> tuple[str, list[Any]]:
    """A query for entries in which every group (or any) has a word, the likeliest first.

    :param groups: words, or phrases of several words, any of which will do.
    :param columns: what is asked of each entry.
    :param only: ids of the runbooks that may be found; None for all.
    """
    among = (
        f"AND rowid IN (SELECT id FROM {TABLE} WHERE runbook_id IN (SELECT value FROM "
        "json_each(%s)))"
    )
    query = f"""
        SELECT {", ".join(f"entry.{column}" for column in columns)} FROM (
            SELECT rowid AS pk, bm25(search_text, {WEIGHTS}) AS likeliness FROM search_text
            WHERE search_text MATCH %s {among if only is not None else ""} ORDER BY likeliness, rowid LIMIT %s
        ) JOIN {TABLE} entry ON entry.id = pk ORDER BY likeliness, pk
    """
    return query, [_asked(groups, every), *([str(list(only))] if only is not None else []), limit]


def holding(groups: Sequence[Sequence[str]]) -> tuple[str, list[Any]]:
    """A query for the ids of all runbooks in whose entry every group has a word, in no order."""
    query = f"""
        SELECT entry.runbook_id FROM search_text JOIN {TABLE} entry ON entry.id = search_text.rowid
        WHERE search_text MATCH %s AND entry.runbook_id IS NOT NULL
    """
    return query, [_asked(groups, True)]


def rows(
    connection: BaseDatabaseWrapper, query: str, parameters: list[Any]
) -> list[tuple[Any, ...]]:
    """What a query of ``matching`` brings."""
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchall()


def _asked(groups: Sequence[Sequence[str]], every: bool) -> str:
    joint = " AND " if every else " OR "
    return joint.join(f"({' OR '.join(_quoted(word) for word in group)})" for group in groups)


def _quoted(word: str) -> str:
    return '"' + word.replace('"', "") + '"'
