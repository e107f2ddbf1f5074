"""Measure the verification of the ledger.

Usage: ``python -m benchmarks.verify_ledger [ROWS]``

Creates a ledger in a temporary database. Prints the rows per second of reading the rows alone (the
floor) and of verifying them, several times alternately, and their ratio.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 5


def main(rows: int) -> None:
    """Measure in a temporary SQLite database, or in that of ``DATABASE_URL``.

    :param rows: the number of rows.
    """
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{Path(folder) / 'ledger.sqlite3'}")
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        measure(rows)


def measure(rows: int) -> None:
    """Migrate the database, create the rows, read and verify them, and print the result."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection, transaction

    from governance import ledger
    from governance.ledger.models import ChangeLogEntry

    call_command("migrate", verbosity=0)
    with transaction.atomic():
        ledger.append_all(
            ledger.Record(
                actor=ledger.SYSTEM,
                action="changed",
                subject=f"runbook:runbook-{number % 500}",
                subject_title="Überprüfung der Freigabe",
                reason="Because.",
                changes={
                    "scope": {"before": "a" * 60, "after": "b" * 60},
                    "layers": {"before": [], "after": ["x", "y"]},
                },
            )
            for number in range(rows)
        )
    count = ChangeLogEntry.objects.count()

    def read() -> None:
        for _ in (
            ChangeLogEntry.objects.order_by("sequence")
            .values_list()
            .iterator(chunk_size=ledger.VERIFY_CHUNK)
        ):
            pass

    def verify() -> None:
        assert ledger.verify().is_whole

    seconds: dict[str, list[float]] = {"read": [], "verify": []}
    for _ in range(ROUNDS):
        for name, call in (("read", read), ("verify", verify)):
            start = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - start)
    floor, ours = (statistics.median(seconds[name]) for name in ("read", "verify"))
    print(f"{connection.vendor}, {count} rows")
    print(f"  read alone   {count / floor:>10,.0f} rows/s  {floor:6.2f} s")
    print(f"  verify       {count / ours:>10,.0f} rows/s  {ours:6.2f} s  {ours / floor:.2f} x")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
