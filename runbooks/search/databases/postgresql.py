"""PostgreSQL: generated tsvectors of the folded words, and a GIN index. Needs no extension.

The default parser splits words at an underscore. A pair of letters replaces it, so that identifiers
stay whole. There are two vectors, because unpacking the large one of every match to rank it took
39 ms, and unpacking the small one takes 5 ms.
"""

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

TABLE = "runbooks_searchentry"
ALL_WORDS, NAMES, INDEX = "search_vector", "search_names", "search_entry_words"
# PostgreSQL has only four weights.
WEIGHTS = {
    "title": "A",
    "names": "B",
    "later_names": "C",
    "headings": "C",
    "facts": "D",
    "body": "D",
}
UNDERSCORE = "zq"
# The keys of an entry's passages in order, separated by commas.
PASSAGES = (
    "SELECT string_agg(id::text, ',' ORDER BY position) FROM runbooks_searchpassage"
    " WHERE entry_id = entry.id"
)
# Any number that no other code in this database uses for an advisory lock.
LOCK = 7_261_940_119
PHRASE = "phraseto_tsquery('simple', %s)"
RANK = "ts_rank('{0.08, 0.3, 0.6, 1.0}', "
# All matches are ranked by their names first; at most this number is then ranked by all words.
MAX_UNPACKED = 150
AVOID_SCANS, ALLOW_SCANS = "SET LOCAL enable_seqscan = off", "SET LOCAL enable_seqscan TO DEFAULT"


def _vector(*columns: str) -> str:
    return " || ".join(
        (
            f"setweight(to_tsvector('simple', replace({column}, '_', '{UNDERSCORE}')), "
            f"'{WEIGHTS[column]}')"
        )
        for column in columns
    )


CREATE = (
    f"ALTER TABLE {TABLE} ADD COLUMN IF NOT EXISTS {ALL_WORDS} tsvector"
    f" GENERATED ALWAYS AS ({_vector(*WEIGHTS)}) STORED",
    f"ALTER TABLE {TABLE} ADD COLUMN IF NOT EXISTS {NAMES} tsvector"
    f" GENERATED ALWAYS AS ({_vector(*(name for name in WEIGHTS if name != 'body'))}) STORED",
    f"CREATE INDEX IF NOT EXISTS {INDEX} ON {TABLE} USING gin ({ALL_WORDS})",
)
REMOVE = (
    f"DROP INDEX IF EXISTS {INDEX}",
    f"ALTER TABLE {TABLE} DROP COLUMN IF EXISTS {ALL_WORDS}, DROP COLUMN IF EXISTS {NAMES}",
)


def lock(cursor: Any) -> None:
    """Wait until no other transaction writes the index, and keep others out until this one ends.

    Two transactions that count words would otherwise deadlock.
    """
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def standing(cursor: Any) -> bool:
    """Return whether the two columns and their index exist."""
    cursor.execute(
        "SELECT to_regclass(%s) IS NOT NULL AND 2 = (SELECT count(*) FROM pg_attribute"
        " WHERE attrelid = to_regclass(%s) AND attname IN (%s, %s) AND NOT attisdropped)",
        [INDEX, TABLE, ALL_WORDS, NAMES],
    )
    return bool(cursor.fetchone()[0])


def intact(cursor: Any) -> bool:
    """Return whether the index was built completely.

    The vectors need no check, because the database generates them from the rows.
    """
    cursor.execute(
        "SELECT indisvalid AND indisready FROM pg_index WHERE indexrelid = to_regclass(%s)", [INDEX]
    )
    return bool(cursor.fetchone()[0])


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
    asked, words = _asked(groups, every)
    query = f"""
        SELECT {", ".join(f"entry.{column}" for column in columns)} FROM (
            SELECT pk, {RANK}{ALL_WORDS}, words) AS likeliness FROM (
                SELECT id AS pk, {ALL_WORDS}, words FROM {TABLE}, (SELECT {asked} AS words) asked
                WHERE {ALL_WORDS} @@ words {"AND runbook_id = ANY(%s)" if only is not None else ""}
                ORDER BY {RANK}{NAMES}, words) DESC, id LIMIT {MAX_UNPACKED}
            ) likely ORDER BY likeliness DESC, pk LIMIT %s
        ) best JOIN {TABLE} entry ON entry.id = pk ORDER BY likeliness DESC, pk
    """
    return query, [*words, *([list(only)] if only is not None else []), limit]


def holding(groups: Sequence[Sequence[str]]) -> tuple[str, list[Any]]:
    """Return a query for the ids of all runbooks in whose entry every group has a word.

    The ids are not sorted.

    :returns: the SQL and its parameters.
    """
    asked, words = _asked(groups, True)
    return (
        f"SELECT runbook_id FROM {TABLE} WHERE {ALL_WORDS} @@ ({asked}) AND runbook_id IS NOT NULL",
        words,
    )


def rows(
    connection: BaseDatabaseWrapper, query: str, parameters: list[Any]
) -> list[tuple[Any, ...]]:
    """Return the rows of a query from ``matching`` or ``holding``."""
    # The planner ignores the cost of unpacking a vector and would read the whole table instead of
    # the index. The statements are sent together, because that takes one round trip and one
    # transaction, to which the setting is confined.
    with connection.cursor() as cursor:
        cursor.execute(f"{AVOID_SCANS}; {query}; {ALLOW_SCANS}", parameters)
        cursor.nextset()
        return cursor.fetchall()


def _asked(groups: Sequence[Sequence[str]], every: bool) -> tuple[str, list[Any]]:
    asked = (" && " if every else " || ").join(
        f"({' || '.join([PHRASE] * len(group))})" for group in groups
    )
    return asked, [word.replace("_", UNDERSCORE) for group in groups for word in group]
