"""Measure the comparison of stored rows with the ledger.

Usage: ``python -m benchmarks.compare_with_ledger [RUNBOOKS]``

Imports a landscape with that number of runbooks into a temporary database, changes each of them
once more, and prints the seconds and queries of the comparison that ``tick`` and ``verify_ledger``
make, and those of verifying the chain.
"""

import os
import sys
import tempfile
import time
from pathlib import Path


def main(runbooks: int) -> None:
    """Measure in a temporary SQLite database, or in that of ``DATABASE_URL``.

    :param runbooks: the number of runbooks.
    """
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{Path(folder) / 'ledger.sqlite3'}")
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        measure(runbooks)


def measure(runbooks: int) -> None:
    """Migrate the database, fill it, compare, and print the result."""
    import django

    from governance.assurance.comparison.compare import compare_with_ledger
    from governance.editing.audited_edit import AuditedEdit

    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from benchmarks.import_landscape import landscape
    from governance import ledger
    from governance.exchange.importing import LandscapeFile, apply_plan, plan_import
    from governance.ledger.models import ChangeLogEntry
    from runbooks.models import Runbook

    call_command("migrate", verbosity=0)
    with ledger.atomic():
        apply_plan(
            plan_import(
                LandscapeFile("landscape.md", landscape(runbooks).encode()), documents=None
            ),
            by=ledger.SYSTEM,
        )
        keys = list(Runbook.objects.values_list("pk", flat=True))
        edit = AuditedEdit.start(Runbook, keys, by=ledger.SYSTEM)
        Runbook.objects.update(owner="Operations", escalation_contact="+49 1")
        edit.commit(keys)
    with CaptureQueriesContext(connection) as queries:
        start = time.perf_counter()
        compared = compare_with_ledger()
        ours = time.perf_counter() - start
    start = time.perf_counter()
    assert ledger.verify().is_whole
    verified = time.perf_counter() - start
    print(
        f"{connection.vendor}, {len(keys)} runbooks, {ChangeLogEntry.objects.count()} ledger rows"
    )
    print(f"  compare {ours:6.2f} s in {len(queries)} queries, {len(compared.altered)} altered")
    print(f"  verify  {verified:6.2f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000)
