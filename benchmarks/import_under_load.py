"""Measure how long people wait for a downgrade, a sign-off and a page during an import.

python -m benchmarks.import_under_load --documents 3000 [--database URL] [--seconds 900]

A process imports a landscape in which every runbook has a document of ordinary length. Meanwhile
one thread repeatedly requests a status, signs it and downgrades it, and another one loads a
runbook's page and searches. The longest and the median wait of each are printed, before and during
the import. Runs on SQLite, on the database of ``DATABASE_URL``, or on that of ``--database``, in a
temporary database of its own. It stops after ``--seconds``.
"""

import argparse
import itertools
import os
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.import_landscape import WORDS, landscape

QUIET_SECONDS = 5.0
PAUSE = 0.2
OURS = 20  # runbooks, used in turn, because one with a thousand signatures has a long page
EVIDENCE = "https://evidence.example/drill"
PASSWORD = "correct-horse-battery"


def document(number: int) -> str:
    """Return a runbook of about nine kilobytes with headings, steps, a table and commands."""
    dice = random.Random(number)

    def words(count: int) -> str:
        return " ".join(dice.choices(WORDS, k=count))

    parts = [f"# Runbook {number}", "", words(60)]
    for chapter in range(8):
        parts += ["", f"## {chapter + 1}. {words(4).title()}", "", words(70), ""]
        parts += [f"{step + 1}. {words(12)} `{dice.choice(WORDS)}`" for step in range(6)]
        parts += ["", "| Signal | Schritt |", "|---|---|"]
        parts += [f"| {words(3)} | {words(5)} |" for _ in range(4)]
        parts += ["", "```sh", f"ops {dice.choice(WORDS)} --now", "```"]
    return "\n".join(parts) + "\n"


def write_source(folder: Path, documents: int) -> Path:
    """Write the landscape file and its documents below a folder, and return the file."""
    (folder / "docs").mkdir(parents=True)
    for number in range(documents):
        (folder / "docs" / f"{number}.md").write_text(document(number), encoding="utf-8")
    file = folder / "landscape.md"
    file.write_text(landscape(documents), encoding="utf-8")
    return file


class Waits:
    """Seconds that each kind of work took, and its last error."""

    def __init__(self) -> None:
        self.spent: dict[str, list[float]] = {}
        self.failed: dict[str, str] = {}

    def measure(self, name: str, work: Callable[[], Any]) -> Any:
        """Do the work, and store its duration even if it fails."""
        begin = time.perf_counter()
        try:
            return work()
        except Exception as error:  # refusals are what the benchmark looks for
            self.failed[name] = f"{type(error).__name__}: {error}"
            return None
        finally:
            self.spent.setdefault(name, []).append(time.perf_counter() - begin)

    def report(self, title: str) -> None:
        """Print one line for each kind of work."""
        print(title)
        for name, spent in self.spent.items():
            said = f"  FAILED: {self.failed[name]}" if name in self.failed else ""
            most, middle = max(spent), statistics.median(spent)
            print(f"  {name:<10} max {most:6.2f} s  median {middle:6.3f} s  n {len(spent)}{said}")
        sys.stdout.flush()


class Load:
    """Simulated users: two threads that run until they are stopped."""

    def __init__(self) -> None:
        from governance import ledger
        from governance.editing.audited_edit import audited_edit
        from governance.exchange.documents import store_document
        from runbooks.models import Runbook

        self.waits = Waits()
        self._stop = threading.Event()
        self.people = {name: _person(name, group) for name, group in PEOPLE.items()}
        self.runbooks = []
        for number in range(OURS):
            path, text = f"docs/own_{number}.md", document(-1 - number).encode()
            stored = store_document(path=path, content=text, by=ledger.SYSTEM)
            runbook = Runbook(
                slug=f"own-{number}", title=f"Own {number}", document_path=path, document=stored
            )
            with audited_edit(runbook, by=ledger.SYSTEM):
                runbook.save()
            self.runbooks.append(runbook)
        self._threads = [
            threading.Thread(target=self._until_stopped, args=[work])
            for work in (self._sign, self._read)
        ]

    def start(self) -> None:
        """Start both threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop both threads after their current work."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _until_stopped(self, work: Callable[[Any], None]) -> None:
        from django.db import connection

        for runbook in itertools.cycle(self.runbooks):
            if self._stop.is_set():
                break
            work(runbook)
            time.sleep(PAUSE)
        connection.close()

    def _sign(self, runbook: Any) -> None:

        from governance.signoff.decide import form_etag, sign
        from governance.signoff.downgrade import downgrade
        from governance.signoff.submit import submit

        asked: Any = {"runbook": runbook, "level": "shadow", "year": None, "rationale": "Drilled."}
        request = self.waits.measure(
            "request", lambda: submit(**asked, evidence=EVIDENCE, by=self.people["editor"])
        )
        if request is None:
            return
        self.waits.measure(
            "sign-off",
            lambda: sign(
                request=request,
                comment="Read in full.",
                seen=form_etag(request),
                password=PASSWORD,
                by=self.people["owner-1"],
            ),
        )
        down: Any = {"runbook": runbook, "level": "unassessed", "reason": "Drill."}
        self.waits.measure("downgrade", lambda: downgrade(**down, by=self.people["owner-2"]))

    def _read(self, runbook: Any) -> None:
        from django.test import Client

        page = runbook.get_absolute_url()
        for name, address in (
            ("page", page),
            ("search", "/search/?q=alarm+broker"),
            ("list", "/runbooks/"),
        ):
            self.waits.measure(name, lambda address=address: Client().get(address))


PEOPLE = {"editor": "Editors", "owner-1": "Risk owners", "owner-2": "Risk owners"}


def _person(name: str, group: str) -> Any:
    from django.contrib.auth.models import Group, User

    from governance import ledger
    from governance.editing.audited_edit import audited_edit

    person = User.objects.create_user(name, password=PASSWORD, is_staff=True)
    with audited_edit(person, by=ledger.SYSTEM):
        person.groups.add(Group.objects.get(name=group))
    return person


def started_import(file: Path, log: Path) -> int:
    """Start a process that imports a file, and return its process id.

    It shares only the database with this process.
    """
    from django.core.management import call_command
    from django.db import connections

    connections.close_all()  # a connection must not be shared with a child process
    child = os.fork()
    if child:
        return child
    try:
        with log.open("w") as out:
            call_command("import_landscape", file, docs_root=file.parent, stdout=out, stderr=out)
        os._exit(0)
    except BaseException as error:
        log.write_text(f"{type(error).__name__}: {error}")
        os._exit(1)


def finished(child: int, seconds: float) -> int | None:
    """Return the exit status of a process, or None if it was killed because it took too long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.2)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def measure(documents: int, seconds: float) -> None:
    """Measure waits without an import, then during one, and print both."""
    from django.db import connection

    vendor = connection.vendor
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "source"
        file, log = write_source(root, documents), Path(folder) / "log"
        load = Load()
        begin = time.perf_counter()
        child = started_import(file, log)  # before any thread starts, because it forks
        load.start()
        status = finished(child, seconds)
        took = time.perf_counter() - begin
        beside, load.waits = load.waits, Waits()
        time.sleep(QUIET_SECONDS)
        load.stop()
        ended = {None: f"stopped after {seconds:g} s", 0: "imported"}.get(status, "FAILED")
        print(f"{vendor}: {documents} documents, {ended}, {took:.1f} s")
        print("\n".join(f"  | {line}" for line in log.read_text().splitlines()[-3:]))
        beside.report("During the import:")
        load.waits.report(f"Afterwards, for {QUIET_SECONDS:g} s:")


def main() -> None:
    """Create a database, import, and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=3_000)
    parser.add_argument("--database", help="as DATABASE_URL")
    parser.add_argument(
        "--seconds", type=float, default=900.0, help="stop the import after so long"
    )
    options = parser.parse_args()
    if options.database:
        os.environ["DATABASE_URL"] = options.database
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection
    from django.test.utils import setup_databases, setup_test_environment, teardown_databases

    setup_test_environment()
    settings.PORTAL_READ = "public"
    name = str(settings.VAR_DIR / "benchmark_load.sqlite3")
    connection.settings_dict["TEST"]["NAME"] = (
        name if connection.vendor == "sqlite" else "test_benchmark_load"
    )
    made = setup_databases(verbosity=0, interactive=False)
    try:
        measure(options.documents, options.seconds)
    finally:
        teardown_databases(made, verbosity=0)


if __name__ == "__main__":
    main()
