"""System check that reports an outdated search index, because it hides runbooks."""

from typing import Any

from django.core.checks import CheckMessage, Tags, Warning, register  # noqa: A004 - Django's name
from django.db import DatabaseError

from runbooks.search import index
from runbooks.search.post_migrate import is_migrated


@register(Tags.database)
def search_index_is_up_to_date(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """Check that every runbook and situation is in the index, with its present text.

    Reports nothing about a database that is not migrated yet.
    """
    if not databases or "default" not in databases:
        return []
    try:
        found = index.staleness() if is_migrated("default") else []
    except DatabaseError:
        return []  # unreachable, or half migrated: `migrate` gives a better message
    if not found:
        return []
    return [
        Warning(
            f"The search index is behind: {' '.join(found)}",
            hint="Run 'manage.py rebuild_search'.",
            id="runbooks.W001",
        )
    ]
