"""``manage.py accept_restore --as USERNAME --reason TEXT``: go on after a restored backup.

Rows that are newer than the backup are lost.
"""

from django.contrib.auth.models import User

from governance import ledger
from governance.assurance.integrity_incidents import accept_restored_ledger
from governance.management.acceptance import AcceptanceCommand


class Command(AcceptanceCommand):
    """Takes down all that is signed, lapses open requests, and ends the alarm.

    A lost row may have done either already.
    """

    help = (
        "Continue with a ledger that a high-water mark or a checkpoint exposed as restored: every "
        "signed runbook is downgraded."
    )

    def accept(self, *, reason: str, by: User, mark: ledger.Mark | None) -> str:
        """Accept the loss of rows."""
        self.say_taken_down(accept_restored_ledger(reason=reason, by=by, mark=mark))
        return (
            "The portal goes on with this ledger. Take a checkpoint now, and look over who is in "
            "which group."
        )
