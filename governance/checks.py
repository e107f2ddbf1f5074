"""System checks: conditions that must hold before this process serves requests."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.checks import CheckMessage, Tags, register
from django.core.checks import Error as CheckError
from django.core.checks import Warning as CheckWarning
from django.db import DatabaseError, connections, transaction
from django.db.migrations.executor import MigrationExecutor

from governance import guards
from governance.guards import role
from governance.guards.rules import LEDGER
from governance.ledger.high_water_mark import MarkUnreadable, mark_path, read_mark, write_problem

NOT_MIGRATED = CheckWarning(
    "The database is not migrated, so there is nothing to check in it.",
    hint="Run 'manage.py migrate'.",
    id="governance.W002",
)


@register(Tags.database)
def guards_stand(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """Check that every guard is in the database. A database without migrations is skipped.

    ``migrate`` runs this check. It reports a warning, not an error: an error would stop the
    ``migrate`` that restores the guards after a release that changes one. ``manage.py check`` runs
    ``database_is_sound`` instead, where a missing guard is an error.
    """
    if not databases or "default" not in databases:
        return []
    try:
        if LEDGER not in connections["default"].introspection.table_names():
            return []
        missing = guards.missing()
    except DatabaseError:
        return []  # not reachable: `migrate` and the health page report that better
    if not missing:
        return []
    return [
        CheckWarning(
            f"The database lacks {len(missing)} guard(s): {', '.join(missing)}.",
            hint="Run 'manage.py migrate': it puts them back. Then find out who removed them.",
            id="governance.W001",
        )
    ]


def database_is_sound(**_: Any) -> list[CheckMessage]:
    """Check that the database answers, has every guard, and gives the role no other rights.

    Registered only by ``manage.py check``, so that it stops no other command.
    """
    if not has_file():
        return [NOT_MIGRATED]
    found: list[CheckMessage] = []
    try:
        with transaction.atomic():  # a refused query must not break the caller's transaction
            found += _faults_of_role()
            found += _faults_of_guards()
    except DatabaseError as error:
        return found or [  # a role without read access is reported already
            CheckError(
                f"The database does not answer as it should ({type(error).__name__}).",
                hint="Look at DATABASE_URL, at the server, and at what the role may read.",
                id="governance.E001",
            )
        ]
    return found


def has_file() -> bool:
    """Return whether there is a database to ask; connecting to SQLite would create an empty one."""
    connection = connections["default"]
    name = connection.settings_dict["NAME"]
    return connection.vendor != "sqlite" or not isinstance(name, Path) or name.exists()


def _faults_of_role() -> Iterator[CheckMessage]:
    faults = role.faults()
    if faults:
        yield CheckError(
            f"The database role is not the one to serve with: {'; '.join(faults)}.",
            hint="As the owner of the tables, run 'psql --dbname=portal "
            "--file=docs/postgresql_role.sql', and name the role portal_app in DATABASE_URL "
            "(docs/operations.md).",
            id="governance.E003",
        )


def _faults_of_guards() -> Iterator[CheckMessage]:
    connection = connections["default"]
    if LEDGER not in connection.introspection.table_names():
        yield NOT_MIGRATED
        return
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        yield CheckWarning(
            "The database has migrations to apply.",
            hint="Run 'manage.py migrate'.",
            id="governance.W003",
        )
    missing = guards.missing()
    if missing:
        yield CheckError(
            f"The database lacks {len(missing)} guard(s): {', '.join(missing)}.",
            hint="Run 'manage.py migrate': it puts them back. Then find out who removed them.",
            id="governance.E002",
        )


@register(deploy=True)
def high_water_mark_is_kept(**_: Any) -> list[CheckMessage]:
    """Check that the file that detects a restored backup can be read and written.

    It tells a restored backup from the database that the backup replaces.
    """
    try:
        mark = read_mark()
    except MarkUnreadable as error:
        return [
            CheckError(
                f"{error} Every verdict is no-go.",
                hint="See 'The high-water mark' in docs/operations.md.",
                id="governance.E010",
            )
        ]
    problem = write_problem()
    if problem:
        hint = (
            "Give the account that serves the folder, or set LEDGER_MARK to a file that it may "
            "write."
        )
        return [CheckError(problem, hint=hint, id="governance.E011")]
    path = mark_path()
    if mark is None and path is not None:
        return [
            CheckWarning(
                (
                    f"There is no high-water mark ({path.name}) yet: a backup that was restored "
                    "before is not noticed."
                ),
                hint=(
                    "It is made by the next change, or by 'manage.py check_integrity'. Keep it "
                    "from then on."
                ),
                id="governance.W010",
            )
        ]
    return []
