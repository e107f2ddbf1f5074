"""``manage.py tick``: what has to happen by itself. Run it from a timer, once an hour or once a day."""

import logging
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError

from governance import actions, ledger
from governance.management.base import PortalCommand
from governance.reminders import send_due_reminders
from runbooks.search import index

logger = logging.getLogger(__name__)


class Command(PortalCommand):
    """Verifies the ledger, lapses, checks the catalogue, completes the search index, reminds. Run it as you like."""

    help = (
        "Verify the ledger, lapse what has run out, check the catalogue, send the reminders that are due. For a timer."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Each part on its own: one that fails holds up no other.

        :raises CommandError: the ledger is broken, an e-mail could not be sent, or a part failed.
        """
        problems = [
            problem
            for part in (self._verify, self._lapse, self._check, self._index, self._remind)
            for problem in self._do(part)
        ]
        if problems:
            raise CommandError("\n".join(problems))

    def _do(self, part: Callable[[], list[str]]) -> list[str]:
        try:
            return part()
        except Exception as error:  # a timer's run: the other parts must happen
            logger.exception("A part of tick failed.")
            return [f"{part.__name__.strip('_')} failed: {error}"]

    def _verify(self) -> list[str]:
        result = ledger.verify()
        actions.note_ledger_state(problem=result.sentence)
        self.stdout.write(f"Ledger rows verified: {result.count}.")
        problems = [result.sentence, *(finding.message for finding in actions.exposed_by_checkpoints())]
        return [f"{problem} Every verdict is no-go until that is settled." for problem in problems if problem]

    def _lapse(self) -> list[str]:
        self.stdout.write(f"Lapsed: {actions.lapse_what_ran_out(by=ledger.SYSTEM)}.")
        return []

    def _check(self) -> list[str]:
        checked = actions.check_catalogue(by=ledger.SYSTEM, reason="Tick")
        self.stdout.write(f"Findings opened: {checked.opened}, settled: {checked.settled}.")
        return []

    def _index(self) -> list[str]:
        made = index.catch_up()
        if made:
            self.stdout.write(f"Search entries made anew: {made}.")
        return []

    def _remind(self) -> list[str]:
        outcome = send_due_reminders()
        self.stdout.write(f"Reminders sent: {outcome.sent}.")
        return [f"Not sent, and tried again next time: {failure}" for failure in outcome.failed]
