"""``manage.py verify_ledger``: is the chain whole?"""

from typing import Any

from django.core.management.base import CommandError

from governance import guards, ledger
from governance.management.base import PortalCommand


class Command(PortalCommand):
    """Walks the whole ledger and names the first row that does not hold."""

    help = "Verify the ledger's hash chain. Exit 1 and the first bad row when it is broken."

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify chain and guards.

        :raises CommandError: the chain is broken, or a guard is missing.
        """
        result = ledger.verify()
        if not result.is_whole:
            raise CommandError(f"The ledger is broken at row {result.bad_sequence}: {result.problem}.")
        missing = guards.missing()
        if missing:
            raise CommandError(
                f"The chain is whole, but guards are missing: {', '.join(missing)}. Run 'manage.py migrate'."
            )
        self.stdout.write(self.style.SUCCESS(f"The chain is whole: {result.count} rows, last hash {result.last_hash}."))
