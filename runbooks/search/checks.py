"""System check: an index that is behind hides runbooks, so it is said before anyone searches."""

from typing import Any

from django.core.checks import CheckMessage, Tags, Warning, register  # noqa: A004 - Django's own name
from django.db import DatabaseError

from runbooks.search import index
from runbooks.search.post_migrate import is_migrated


@register(Tags.database)
def search_index_is_up_to_date(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """Every runbook and situation is in the index, with its present text. Says nothing of a database not yet migrated."""
    if not databases or "default" not in databases:
        return []
    try:
        found = index.staleness() if is_migrated("default") else []
    except DatabaseError:
        return []  # not reachable, or half migrated: `migrate` says so better
    if not found:
        return []
    return [
        Warning(
            f"The search index is behind: {' '.join(found)}",
            hint="Run 'manage.py rebuild_search'.",
            id="runbooks.W001",
        )
    ]
