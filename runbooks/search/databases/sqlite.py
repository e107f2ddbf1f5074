"""SQLite: FTS5 over the index's own table, kept up to date by triggers.

Django rebuilds a table if a column changes, which drops its triggers. ``migrate`` restores them.
"""

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

TABLE = "runbooks_searchentry"
COLUMNS = ("title", "names", "later_names", "headings", "facts", "body")
WEIGHTS = "12.0, 7.0, 4.0, 3.0, 2.0, 1.0"
# The keys of an entry's passages in order, separated by commas.
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
        {_names}, content='{TABLE}', content_rowid='id',
        tokenize="unicode61 remove_diacritics 0 tokenchars '_'"
    )""",
    f"CREATE TRIGGER IF NOT EXISTS {TRIGGERS[0]} AFTER INSERT ON {TABLE} BEGIN {_learn} END",
    # Only for these columns, because an update of ``behind`` may affect thousands of rows.
    (
        f"CREATE TRIGGER IF NOT EXISTS {TRIGGERS[1]} AFTER UPDATE OF {_names} ON {TABLE} BEGIN "
        f"{_forget} {_learn} END"
    ),
    f"CREATE TRIGGER IF NOT EXISTS {TRIGGERS[2]} AFTER DELETE ON {TABLE} BEGIN {_forget} END",
    # Indexes the rows that were added while a trigger was missing.
    "INSERT INTO search_text(search_text) VALUES ('rebuild')",
)
REMOVE = (
    *(f"DROP TRIGGER IF EXISTS {name}" for name in TRIGGERS),
    "DROP TABLE IF EXISTS search_text",
)


def lock(cursor: Any) -> None:
    """Do nothing: SQLite's transactions are IMMEDIATE, so there is only one writer already."""


def standing(cursor: Any) -> bool:
    """Return whether the virtual table and its three triggers exist."""
    cursor.execute("SELECT name FROM sqlite_master WHERE name LIKE 'search_%'")
    return {"search_text", *TRIGGERS} <= {name for (name,) in cursor.fetchall()}


def intact(cursor: Any) -> bool:
    """Return True if FTS5's own tables are intact and agree with the index's table.

    :raises DatabaseError: they do not, or cannot be read.
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
    """Return a query for the entries in which every group (or any) has a word, best first.

    :param groups: words, or phrases of several words; one match in a group is enough.
    :param columns: the columns to return of each entry.
    :param every: whether every group must match, or any.
    :param only: ids of the runbooks that may be found; None for all.
    :param limit: the maximum number of entries.
    :returns: the SQL and its parameters.
    """
    among = (
        f"AND rowid IN (SELECT id FROM {TABLE} WHERE runbook_id IN (SELECT value FROM "
        "json_each(%s)))"
    )
    query = f"""
        SELECT {", ".join(f"entry.{column}" for column in columns)} FROM (
            SELECT rowid AS pk, bm25(search_text, {WEIGHTS}) AS likeliness FROM search_text
            WHERE search_text MATCH %s {among if only is not None else ""}
            ORDER BY likeliness, rowid LIMIT %s
        ) JOIN {TABLE} entry ON entry.id = pk ORDER BY likeliness, pk
    """
    return query, [_asked(groups, every), *([str(list(only))] if only is not None else []), limit]


def holding(groups: Sequence[Sequence[str]]) -> tuple[str, list[Any]]:
    """Return a query for the ids of all runbooks in whose entry every group has a word.

    The ids are not sorted.

    :returns: the SQL and its parameters.
    """
    query = f"""
        SELECT entry.runbook_id FROM search_text JOIN {TABLE} entry ON entry.id = search_text.rowid
        WHERE search_text MATCH %s AND entry.runbook_id IS NOT NULL
    """
    return query, [_asked(groups, True)]


def rows(
    connection: BaseDatabaseWrapper, query: str, parameters: list[Any]
) -> list[tuple[Any, ...]]:
    """Return the rows of a query from ``matching`` or ``holding``."""
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchall()


def _asked(groups: Sequence[Sequence[str]], every: bool) -> str:
    joint = " AND " if every else " OR "
    return joint.join(f"({' OR '.join(_quoted(word) for word in group)})" for group in groups)


def _quoted(word: str) -> str:
    return '"' + word.replace('"', "") + '"'
