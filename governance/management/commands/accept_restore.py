"""``manage.py accept_restore --as USERNAME --reason TEXT``: go on after a backup was restored and rows are lost."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError

from governance import actions
from governance.management.base import PortalCommand, actor_named


class Command(PortalCommand):
    """Takes down whatever is signed, lapses what waits, since a lost row may have done so, and ends the doubt."""

    help = "Go on with a ledger that a checkpoint exposed as restored: all that is signed is taken down."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Who answers for it, and why."""
        parser.add_argument("--as", metavar="USERNAME", dest="username", required=True, help="a risk owner")
        parser.add_argument("--reason", metavar="TEXT", required=True, help="what happened, for the change log")

    def handle(self, *args: Any, **options: Any) -> None:
        """All or nothing.

        :raises CommandError: there is no such account, nothing is exposed, or the policy is against it.
        """
        by = actor_named(options["username"])
        if not isinstance(by, User):
            raise CommandError("--as names nobody. Give the user name of a risk owner.")
        try:
            taken_down = actions.accept_restored_ledger(reason=options["reason"], by=by)
        except actions.NothingToAccept as refused:
            raise CommandError(str(refused)) from refused
        except actions.ActionRefused as refused:
            raise CommandError(f"{refused} Nothing was changed.") from refused
        for runbook in taken_down:
            self.stdout.write(f"Taken down: {runbook.slug}")
        self.stdout.write(
            self.style.SUCCESS(
                "The portal goes on with this ledger. Take a checkpoint now, and look over who is in which group."
            )
        )
