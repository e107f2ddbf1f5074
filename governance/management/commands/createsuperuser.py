"""``manage.py createsuperuser``: Django's command, with a row in the ledger."""

from typing import Any

from django.contrib.auth.management.commands.createsuperuser import Command as DjangoCommand
from django.contrib.auth.models import User

from governance import ledger
from governance.accounts.account_log import record_new_accounts


class Command(DjangoCommand):
    """Django's command; the ledger records the new account, as for those created in the admin."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Create the account, then record it."""
        known = set(User.objects.values_list("pk", flat=True))
        super().handle(*args, **options)
        record_new_accounts(
            User.objects.exclude(pk__in=known), by=ledger.SYSTEM, reason="Made on the command line."
        )
