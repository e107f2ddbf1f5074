"""System checks: what must hold before this process answers anyone."""

from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.db import DatabaseError, connections

from governance import guards
from governance.guards.rules import LEDGER
from governance.ledger.high_water_mark import MarkUnreadable, mark_path, read_mark, write_problem


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


@register(deploy=True)
def high_water_mark_is_kept(**_: Any) -> list[CheckMessage]:
    """The file that tells a restored backup from the database it replaces can be read and written."""
    try:
        mark = read_mark()
    except MarkUnreadable as error:
        return [
            Error(
                f"{error} Every verdict is no-go.",
                hint="See 'The high-water mark' in docs/operations.md.",
                id="governance.E010",
            )
        ]
    problem = write_problem()
    if problem:
        hint = "Give the account that serves the folder, or set LEDGER_MARK to a file that it may write."
        return [Error(problem, hint=hint, id="governance.E011")]
    path = mark_path()
    if mark is None and path is not None:
        return [
            CheckWarning(
                f"There is no high-water mark ({path.name}) yet: a backup that was restored before is not noticed.",
                hint="It is made by the next change, or by 'manage.py check_integrity'. Keep it from then on.",
                id="governance.W010",
            )
        ]
    return []
