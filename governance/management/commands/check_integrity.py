"""``manage.py check_integrity``: report every reason why nothing may be used live now.

``run.py serve`` runs it first.
"""

import sys
from typing import Any

from governance import ledger
from governance.assurance import database_writes
from governance.assurance.alarms import integrity_alarms, notes
from governance.management.base import PortalCommand


class Command(PortalCommand):
    """Names every integrity alarm. The portal may still be served: its verdicts are no-go."""

    help = "Name every reason why nothing may be used live now. Exit 0: none. Exit 1: at least one."

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the alarms.

        :raises SystemExit: 1 if there is an alarm.
        """
        database_writes.try_to_write()
        seen = ledger.look()
        alarms, remarks = integrity_alarms(seen), notes(seen)
        ledger.follow(seen)
        for remark in remarks:
            self.stdout.write(self.style.WARNING(f"Note: {remark}"))
        for alarm in alarms:
            self.stderr.write(f"{alarm.reason.value}: {alarm.detail}")
        if alarms:
            self.stderr.write("Every verdict is no-go until this is resolved.")
            sys.exit(1)
        self.stdout.write(self.style.SUCCESS("No integrity alarm."))
