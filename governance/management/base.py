"""Base of the portal's commands: the database must answer and be up to date."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from governance import ledger
from governance.demo_database import refusal


def actor_named(username: str | None) -> ledger.Actor:
    """Return the actor for the change log: an active account, or the system if none is given.

    :raises CommandError: there is no such account.
    """
    if not username:
        return ledger.SYSTEM
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise CommandError(f"There is no active account named {username!r}. Nothing was written.")
    return user


class PortalCommand(BaseCommand):
    """A command that says what to do instead of failing on a missing table."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Check the database, then run.

        :raises CommandError: the database does not answer, has migrations to apply, or is the
            demo's.
        """
        try:
            executor = MigrationExecutor(connection)
            behind = executor.migration_plan(executor.loader.graph.leaf_nodes())
        except OperationalError as error:
            raise CommandError(
                f"The database is not responding: {str(error).splitlines()[0]}"
            ) from error
        if behind:
            raise CommandError("The database is not up to date. Run 'manage.py migrate' first.")
        reason = refusal()
        if reason:
            raise CommandError(reason)
        return super().execute(*args, **options)
