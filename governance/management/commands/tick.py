"""``manage.py tick``: what has to happen by itself. Run it from a timer, once an hour or once a day."""

from typing import Any

from django.core.management.base import CommandError

from governance import actions, ledger
from governance.management.base import PortalCommand
from governance.reminders import send_due_reminders


class Command(PortalCommand):
    """Verifies the ledger, closes requests that have run out, checks the catalogue, reminds people. Run it as you like."""

    help = (
        "Verify the ledger, lapse what has run out, check the catalogue, send the reminders that are due. For a timer."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Each part on its own: one that fails holds up no other.

        :raises CommandError: the ledger is broken, or an e-mail could not be sent.
        """
        result = ledger.verify()
        problem = "" if result.is_whole else f"Row {result.bad_sequence}, column {result.column}: {result.problem}."
        actions.note_ledger_state(problem=problem)
        lapsed = actions.lapse_what_ran_out(by=ledger.SYSTEM)
        checked = actions.check_catalogue(by=ledger.SYSTEM, reason="Tick")
        outcome = send_due_reminders()
        self.stdout.write(f"Ledger rows verified: {result.count}. Lapsed: {lapsed}. Reminders sent: {outcome.sent}.")
        self.stdout.write(f"Findings opened: {checked.opened}, settled: {checked.settled}.")
        if problem:
            raise CommandError(f"The ledger is broken. {problem} Every verdict is no-go until it is whole.")
        if outcome.failed:
            raise CommandError("Not sent, and tried again next time:\n" + "\n".join(outcome.failed))
