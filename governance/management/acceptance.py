"""What the commands have in common by which a person goes on after damage: who answers for it, and why."""

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
    """Runs ``accept``, and says in words why it was refused."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add who answers for it, and why."""
        parser.add_argument(
            "--as", metavar="USERNAME", dest="username", required=True, help="a risk owner"
        )
        parser.add_argument(
            "--reason", metavar="TEXT", required=True, help="what happened, for the change log"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Accept it. All or nothing.

        :raises CommandError: there is no such account, nothing is to be accepted, or the policy is
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
        """Do it, and return the sentence that says what comes next."""
        raise NotImplementedError

    def say_taken_down(self, runbooks: Iterable[Runbook]) -> None:
        """Name the runbooks that were taken down."""
        for runbook in runbooks:
            self.stdout.write(f"Downgraded: {runbook.slug}")
