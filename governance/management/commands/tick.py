"""``manage.py tick``: what has to happen by itself. Run it from a timer, every few minutes."""

import logging
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from governance import ledger
from governance.assurance import database_writes
from governance.assurance.alarms import integrity_alarms, notes
from governance.assurance.comparison.compare import compare_with_ledger, keep_comparison
from governance.assurance.integrity_incidents import note_ledger_state
from governance.assurance.reminders import send_due_reminders
from governance.assurance.renewal import record_tick, renew_all
from governance.assurance.standings import live_ready_keys
from governance.findings.choices import Detector
from governance.findings.models import Finding
from governance.findings.reconcile import check_catalogue
from governance.management.base import PortalCommand
from governance.signoff.lapse import lapse_expired_requests
from governance.signoff.rules import bring_rules_into_force
from runbooks.search import index

logger = logging.getLogger(__name__)


class Command(PortalCommand):
    """Do what is due: verify, seal, lapse, check, complete the search index, remind."""

    help = (
        "Verify the ledger and compare stored rows with it, look at every seal, lapse what has "
        "run out, check the catalogue, send the reminders that are due. For a timer, every few "
        "minutes."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run each part on its own, so that one that fails holds up no other.

        :raises CommandError: the ledger is broken, an e-mail could not be sent, or a part failed.
        """
        parts = (
            self._verify,
            self._compare,
            self._lapse,
            self._check,
            self._index,
            self._remind,
            self._record,
        )
        problems = [problem for part in parts for problem in self._do(part)]
        if problems:
            raise CommandError("\n".join(problems))

    def _do(self, part: Callable[[], list[str]]) -> list[str]:
        try:
            return part()
        except Exception as error:  # a timer runs this: the other parts must still run
            if database_writes.is_write_failure(error):
                database_writes.note_failure()
            logger.exception("A part of tick failed.")
            return [f"{part.__name__.strip('_')} failed: {error}"]

    def _verify(self) -> list[str]:
        result = ledger.verify()
        note_ledger_state(problem=result.sentence, sequence=result.bad_sequence or 0)
        self.stdout.write(f"Ledger rows verified: {result.count}.")
        database_writes.try_to_write()
        seen = ledger.look()
        alarms = integrity_alarms(seen)
        for note in notes(seen):
            self.stdout.write(f"Note: {note}")
        ledger.follow(seen)
        self.stdout.write(f"Runbooks sealed again: {renew_all()}.")
        return [
            f"{alarm.detail} Every verdict is no-go until this is resolved." for alarm in alarms
        ]

    def _compare(self) -> list[str]:
        compared = compare_with_ledger()
        checked = keep_comparison(compared, by=ledger.SYSTEM, reason="Tick")
        self.stdout.write(
            f"Rows unlike the ledger: {len(compared.altered)}, unknown to it: "
            f"{len(compared.untold)}."
        )
        self.stdout.write(f"Of these opened: {checked.opened}, settled: {checked.settled}.")
        # What a person has resolved is no longer an alarm.
        still_open = Finding.objects.filter(noticed_by=Detector.LEDGER, resolved_at__isnull=True)
        subjects = set(still_open.values_list("subject", flat=True))
        return [
            f"{one.subject}: {one.message}" for one in compared.altered if one.subject in subjects
        ]

    def _lapse(self) -> list[str]:
        self.stdout.write(f"Lapsed: {lapse_expired_requests(by=ledger.SYSTEM)}.")
        self.stdout.write(f"Rules put in force: {bring_rules_into_force(at=timezone.now())}.")
        return []

    def _check(self) -> list[str]:
        checked = check_catalogue(live=live_ready_keys(), by=ledger.SYSTEM, reason="Tick")
        self.stdout.write(f"Findings opened: {checked.opened}, settled: {checked.settled}.")
        return []

    def _index(self) -> list[str]:
        made = index.catch_up()
        if made:
            self.stdout.write(f"Search entries rebuilt: {made}.")
        return []

    def _remind(self) -> list[str]:
        outcome = send_due_reminders()
        self.stdout.write(f"Reminders sent: {outcome.sent}.")
        return [f"Not sent, and tried again next time: {failure}" for failure in outcome.failed]

    def _record(self) -> list[str]:
        record_tick(at=timezone.now())
        return []
