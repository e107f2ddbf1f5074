"""``manage.py unlock USERNAME [--address] [--as USERNAME]``: end the lock of a sign-in."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError

from governance.accounts.lockout import unlock_sign_in
from governance.management.base import PortalCommand, actor_named


class Command(PortalCommand):
    """Deletes an account's failed sign-ins; the change log records who did it."""

    help = "Unlock the sign-in of an account that too many wrong passwords have locked."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the arguments: the account, and the person who is responsible."""
        parser.add_argument("username", metavar="USERNAME", help="the account that cannot sign in")
        parser.add_argument(
            "--address",
            action="store_true",
            help="also unlock the addresses that it was tried from, where many names were tried",
        )
        parser.add_argument(
            "--as", metavar="USERNAME", dest="by", help="who unlocks it, for the change log"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Unlock the account.

        :raises CommandError: there is no such account.
        """
        by = actor_named(options["by"])
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(
                f"There is no account named {options['username']!r}. Nothing was unlocked."
            )
        failures = unlock_sign_in(user=user, addresses_too=options["address"], by=by)
        if failures:
            self.stdout.write(
                self.style.SUCCESS(f"Unlocked {user}: {failures} failed sign-ins are forgotten.")
            )
        else:
            self.stdout.write(
                f"{user} was not locked: no sign-in has failed in the last 15 minutes."
            )
        if not user.is_active:
            self.stdout.write("The account is not active, so it still cannot sign in.")
