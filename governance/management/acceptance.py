"""Base of the commands by which a person continues after damage: who is responsible, and why."""

from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError

from governance import ledger
from governance.errors import ActionRefused, NothingToAccept
from governance.ledger.high_water_mark import MarkUnreadable, read_mark
from governance.management.base import PortalCommand, actor_named
from runbooks.models import Runbook


class AcceptanceCommand(PortalCommand):
    """A command that runs ``accept`` and explains a refusal."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options for the responsible person and the reason."""
        parser.add_argument(
            "--as", metavar="USERNAME", dest="username", required=True, help="a risk owner"
        )
        parser.add_argument(
            "--reason", metavar="TEXT", required=True, help="what happened, for the change log"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run ``accept``, all or nothing.

        :raises CommandError: there is no such account, nothing to accept, or the policy has reasons
            against it.
        """
        by = actor_named(options["username"])
        if not isinstance(by, User):
            raise CommandError("--as is not an active account. Give the user name of a risk owner.")
        try:
            done = self.accept(reason=options["reason"], by=by, mark=read_mark())
        except (NothingToAccept, MarkUnreadable) as refused:
            raise CommandError(str(refused)) from refused
        except ActionRefused as refused:
            raise CommandError(f"{refused} Nothing was changed.") from refused
        self.stdout.write(self.style.SUCCESS(done))

    def accept(self, *, reason: str, by: User, mark: ledger.Mark | None) -> str:
        """Accept the damage, and return a sentence that says what comes next."""
        raise NotImplementedError

    def say_taken_down(self, runbooks: Iterable[Runbook]) -> None:
        """Write the names of the runbooks that were taken down."""
        for runbook in runbooks:
            self.stdout.write(f"Downgraded: {runbook.slug}")
