"""PostgreSQL: a tsvector that the database itself makes of the folded words, and a GIN index. Needs no extension.

The default parser parts words at an underscore; a pair of letters stands for it, so that identifiers stay whole.
"""

from collections.abc import Sequence
from typing import Any

TABLE = "runbooks_searchentry"
COLUMN, INDEX = "search_vector", "search_entry_words"
# Four weights are all there are.
WEIGHTS = {"title": "A", "names": "B", "later_names": "C", "headings": "C", "facts": "D", "body": "D"}
UNDERSCORE = "zq"
PHRASE = "phraseto_tsquery('simple', %s)"

_vector = " || ".join(
    f"setweight(to_tsvector('simple', replace({column}, '_', '{UNDERSCORE}')), '{weight}')"
    for column, weight in WEIGHTS.items()
)
CREATE = (
    f"ALTER TABLE {TABLE} ADD COLUMN IF NOT EXISTS {COLUMN} tsvector GENERATED ALWAYS AS ({_vector}) STORED",
    f"CREATE INDEX IF NOT EXISTS {INDEX} ON {TABLE} USING gin ({COLUMN})",
)
REMOVE = (f"DROP INDEX IF EXISTS {INDEX}", f"ALTER TABLE {TABLE} DROP COLUMN IF EXISTS {COLUMN}")


def standing(cursor: Any) -> bool:
    """The column and its index."""
    cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [INDEX])
    return bool(cursor.fetchone()[0])


def matching(
    groups: Sequence[Sequence[str]], *, columns: Sequence[str], every: bool, only: Sequence[int] | None, limit: int
) -> tuple[str, list[Any]]:
    """A query for entries in which every group (or any) has a word, the likeliest first.

    :param groups: words, or phrases of several words, any of which will do.
    :param columns: what is asked of each entry.
    :param only: ids of the runbooks that may be found; None for all.
    """
    asked = (" && " if every else " || ").join(f"({' || '.join([PHRASE] * len(group))})" for group in groups)
    words = [word.replace("_", UNDERSCORE) for group in groups for word in group]
    query = f"""
        SELECT {", ".join(f"entry.{column}" for column in columns)} FROM (
            SELECT id AS pk, ts_rank('{{0.08, 0.3, 0.6, 1.0}}', {COLUMN}, asked.words) AS likeliness
            FROM {TABLE}, (SELECT {asked} AS words) asked
            WHERE {COLUMN} @@ asked.words {"AND runbook_id = ANY(%s)" if only is not None else ""}
            ORDER BY likeliness DESC, id LIMIT %s
        ) best JOIN {TABLE} entry ON entry.id = pk ORDER BY likeliness DESC, pk
    """
    return query, [*words, *([list(only)] if only is not None else []), limit]
