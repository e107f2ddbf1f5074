"""``manage.py create_api_token USERNAME``: create a token for a REST consumer, shown once."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError

from governance import ledger
from governance.accounts.tokens import create_api_token
from governance.management.base import PortalCommand


class Command(PortalCommand):
    """Creates a token, prints it, and stores only its digest."""

    help = (
        "Make a token with which an account may read the API. It is printed once; only its "
        "sha256 is kept."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the arguments: the account, and what uses the token."""
        parser.add_argument("username", metavar="USERNAME")
        parser.add_argument("--label", default="", help="what uses it, for the list in the admin")

    def handle(self, *args: Any, **options: Any) -> None:
        """Create the token.

        :raises CommandError: there is no such active account, or the label is too long.
        """
        user = User.objects.filter(username=options["username"], is_active=True).first()
        if user is None:
            raise CommandError(
                f"There is no active account named {options['username']!r}. No token was made."
            )
        if len(options["label"]) > 80:  # noqa: PLR2004 - as long as the field
            raise CommandError("The label is longer than 80 characters. No token was made.")
        _, token = create_api_token(user=user, label=options["label"], by=ledger.SYSTEM)
        self.stderr.write(
            "Shown this once. Use it as: Authorization: Bearer <token>. Revoke it in the admin."
        )
        self.stdout.write(token)
