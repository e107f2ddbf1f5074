"""``manage.py accept_broken_ledger --as USERNAME --reason TEXT``: go on with a broken chain.

The chain cannot be repaired.
"""

from django.contrib.auth.models import User

from governance import ledger
from governance.assurance.integrity_incidents import accept_broken_ledger
from governance.management.acceptance import AcceptanceCommand


class Command(AcceptanceCommand):
    """Takes down all that is signed, lapses open requests, and lists the bad rows in the ledger."""

    help = (
        "Continue with a ledger whose chain cannot be repaired: every signed runbook is "
        "downgraded, and the broken entries are named in the change log. If there is a backup, "
        "restore it instead."
    )

    def accept(self, *, reason: str, by: User, mark: ledger.Mark | None) -> str:
        """Accept the rows that do not verify."""
        done = accept_broken_ledger(reason=reason, by=by, mark=mark)
        self.say_taken_down(done.taken_down)
        for sequence in done.rows:
            self.stdout.write(f"Accepted as it is: row {sequence}")
        return (
            "The chain goes on from here. Run 'manage.py verify_ledger', and take a checkpoint now."
        )
