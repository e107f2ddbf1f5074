"""System checks: what must hold before this process answers anyone."""

from typing import Any

from django.core.checks import CheckMessage, Tags, register
from django.core.checks import Warning as CheckWarning
from django.db import DatabaseError, connections

from governance import guards
from governance.guards.rules import LEDGER


@register(Tags.database)
def guards_stand(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """Every guard is in the database as it should be. Says nothing of a database that is not migrated yet."""
    if not databases or "default" not in databases:
        return []
    try:
        if LEDGER not in connections["default"].introspection.table_names():
            return []
        missing = guards.missing()
    except DatabaseError:
        return []  # not reachable: `migrate` and the health page say so better
    if not missing:
        return []
    return [
        # No error: it would stop the very `migrate` that puts them back, after every release that changes a guard.
        # Until then /readyz answers 503.
        CheckWarning(
            f"The database lacks {len(missing)} guard(s): {', '.join(missing)}.",
            hint="Run 'manage.py migrate': it puts them back. Then find out who removed them.",
            id="governance.W001",
        )
    ]
