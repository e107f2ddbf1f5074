"""What every command of the portal asks first: a database that answers and is up to date."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor


class PortalCommand(BaseCommand):
    """A command that says what to do instead of failing on a missing table."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Check the database, then run.

        :raises CommandError: the database does not answer, or has migrations to apply.
        """
        try:
            executor = MigrationExecutor(connection)
            behind = executor.migration_plan(executor.loader.graph.leaf_nodes())
        except OperationalError as error:
            raise CommandError(f"The database does not answer: {str(error).splitlines()[0]}") from error
        if behind:
            raise CommandError("The database is not up to date. Run 'manage.py migrate' first.")
        return super().execute(*args, **options)
