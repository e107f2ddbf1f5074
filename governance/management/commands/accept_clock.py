"""``manage.py accept_clock --as USERNAME --reason TEXT``: go on after the clock was ahead.

The clock has been set right since.
"""

from django.contrib.auth.models import User

from governance import ledger
from governance.assurance.integrity_incidents import accept_corrected_clock
from governance.management.acceptance import AcceptanceCommand


class Command(AcceptanceCommand):
    """Takes down what was signed while the clock was ahead, and lapses open requests."""

    help = (
        "Continue after this host's clock was ahead and has been corrected: what was signed in "
        "the meantime is downgraded. Check the clock first."
    )

    def accept(self, *, reason: str, by: User, mark: ledger.Mark | None) -> str:
        """Accept that the newest times of the ledger are in the future."""
        seen_at = mark.seen_at if mark else None
        self.say_taken_down(accept_corrected_clock(reason=reason, by=by, seen_at=seen_at))
        return "The portal goes on with the clock as it is now."
