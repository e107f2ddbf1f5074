"""Check whether simultaneous sign requests through gunicorn break a connection.

python -m benchmarks.race_sign_off [--rounds 30] [--signers 20] [--keep-alive SECONDS]

Runs on SQLite, or beside the PostgreSQL database of ``DATABASE_URL``, in a temporary database of
its own. gunicorn runs as ``run.py serve`` starts it, on loopback. Every signer keeps one
connection, loads the page of a request, pauses like a reader (0 to 4 seconds), and sends the
decision at the same time as the others. For each broken exchange, the server's access log shows
whether the request arrived, and the client knows how long the connection had been idle.
``--keep-alive`` replaces the value of ``run.py``. Exit 0: every exchange was answered, each request
was approved once, and the ledger is whole. Exit 1: otherwise. The password is hashed by a fast
hasher, because the real one is slow on purpose.
"""

import argparse
import http.client
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

HERE = Path(__file__).resolve().parent.parent
PASSWORD = "correct-horse-battery"
PAUSES = (0.0, 0.5, 1.9, 2.0, 2.1, 2.5, 3.0, 4.0)
DATABASE = "portal_race_sign_off"
TIMEOUT = 60
MAX_REQUESTS = 5_000
TRIES = 3
CONFLICT, SERVER_ERROR = 409, 500
PAGE = "/admin/governance/statuschangerequest/{}/{}/"


@dataclass(slots=True)
class Broken:
    """An exchange without a response."""

    number: str
    error: str
    idle: float
    used_before: int


@dataclass(slots=True)
class Outcome:
    """Responses and broken exchanges of all signers."""

    statuses: Counter[int] = field(default_factory=Counter)
    broken: list[Broken] = field(default_factory=list)
    lock: Any = field(default_factory=threading.Lock)


class Signer:
    """A person with one kept connection and a session."""

    def __init__(self, port: int, session: str, outcome: Outcome) -> None:
        self.port, self.cookies, self.outcome = port, {"sessionid": session}, outcome
        self.connection: http.client.HTTPConnection | None = None
        self.answered, self.uses = 0.0, 0

    def sign(self, request: int, pause: float, start: threading.Barrier) -> None:
        """Load the page, pause, and decide together with the others.

        Reload if somebody else was first.
        """
        seen = self._look(request)
        start.wait(TIMEOUT)
        time.sleep(pause)
        for _ in range(TRIES):
            if not seen or self._decide(request, seen) != CONFLICT:
                return
            seen = self._look(request)

    def _look(self, request: int) -> str:
        """Return the token of the page's form.

        Empty if nothing is left to decide, or without an answer.
        """
        page = self._exchange(
            "GET", PAGE.format(request, "change"), f"get-{request}-{id(self)}-{time.monotonic_ns()}"
        )[1]
        seen = re.search(r'name="seen" value="([^"]*)"', page)
        return seen[1] if seen else ""

    def _decide(self, request: int, seen: str) -> int:
        values = {"seen": seen, "decision": "approve", "comment": "Read.", "password": PASSWORD}
        values["csrfmiddlewaretoken"] = self.cookies.get("csrftoken", "")
        number = f"post-{request}-{id(self)}-{time.monotonic_ns()}"
        return self._exchange("POST", PAGE.format(request, "decide"), number, urlencode(values))[0]

    def _exchange(
        self, method: str, path: str, number: str, body: str | None = None
    ) -> tuple[int, str]:
        """Return status and text of one request on the kept connection.

        A broken exchange (0) is recorded and never repeated.
        """
        headers = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "X-Race": number,
        }
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = self.connection or http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=TIMEOUT
        )
        idle, used = time.monotonic() - self.answered if self.connection else 0.0, self.uses
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            self.connection, self.uses = None, 0
            with self.outcome.lock:
                self.outcome.broken.append(Broken(number, repr(error), idle, used))
            return 0, ""
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition("=")
            self.cookies[name] = value.partition(";")[0]
        with self.outcome.lock:
            self.outcome.statuses[answer.status] += 1
        closes = answer.will_close
        self.connection, self.uses = (None, 0) if closes else (connection, used + 1)
        self.answered = time.monotonic()
        return answer.status, text


def fill(rounds: int, signers: int) -> tuple[list[int], list[str]]:
    """Return the ids of the open requests, and a session for each risk owner."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import Group, User
    from django.contrib.sessions.backends.db import SessionStore
    from django.utils import timezone

    from governance import ledger
    from governance.accounts.roles import EDITORS, RISK_OWNERS
    from governance.editing.audited_edit import audited_edit
    from governance.exchange.documents import store_document
    from governance.signoff.submit import submit
    from runbooks.models import Runbook

    def person(name: str, group: str) -> User:
        user = User.objects.create_user(name, password=PASSWORD, is_staff=True)
        with audited_edit(user, by=ledger.SYSTEM):
            user.groups.add(Group.objects.get(name=group))
        return user

    editor, sessions, requests = person("editor", EDITORS), [], []
    for number in range(signers):
        owner, session = person(f"owner-{number}", RISK_OWNERS), SessionStore()
        session[SESSION_KEY], session[HASH_SESSION_KEY] = (
            str(owner.pk),
            owner.get_session_auth_hash(),
        )
        session[BACKEND_SESSION_KEY] = "portal.accounts.PortalBackend"
        session.create()
        sessions.append(str(session.session_key))
    for number in range(rounds):
        path = f"docs/pump_{number}.md"
        runbook = Runbook(slug=f"pump-{number}", title=f"Pump {number}", document_path=path)
        runbook.document = store_document(
            path=path, content=b"# Pump\n\n1. Look.\n", by=ledger.SYSTEM
        )
        runbook.save()
        asked = {
            "level": "ready",
            "year": timezone.localdate().year,
            "evidence": "https://evidence.example/drill",
        }
        requests.append(submit(runbook=runbook, rationale="Drilled.", by=editor, **asked).pk)
    return requests, sessions


def race(port: int, requests: list[int], sessions: list[str]) -> Outcome:
    """Let all signers decide on one request after the other."""
    outcome, chance = Outcome(), random.Random(7)
    signers = [Signer(port, session, outcome) for session in sessions]
    for request in requests:
        start = threading.Barrier(len(signers))
        pauses = [chance.choice(PAUSES) for _ in signers]
        threads = [
            threading.Thread(target=signer.sign, args=(request, pause, start))
            for signer, pause in zip(signers, pauses, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return outcome


def serve(port: int, keep_alive: str | None, log: Path) -> "subprocess.Popen[bytes]":
    """Run gunicorn with the options of ``run.py serve``; its access log has the request numbers."""
    sys.path.insert(0, str(HERE))
    from run import SERVER_OPTIONS

    options = [*SERVER_OPTIONS, *(("--keep-alive", keep_alive) if keep_alive else ())]
    words = [
        sys.executable,
        "-m",
        "gunicorn",
        "portal.wsgi:application",
        *options,
        "--bind",
        f"127.0.0.1:{port}",
    ]
    words += [
        "--access-logfile",
        str(log),
        "--access-logformat",
        "%({x-race}i)s %(s)s",
        "--log-level",
        "warning",
    ]
    server = subprocess.Popen(words, cwd=HERE)
    for _ in range(150):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return server
        time.sleep(0.2)
    server.send_signal(signal.SIGTERM)
    raise SystemExit("gunicorn did not start.")


def report(outcome: Outcome, arrived: set[str]) -> bool:
    """Print what happened, and return whether nothing broke."""
    print(f"  answers: {dict(sorted(outcome.statuses.items()))}, broken: {len(outcome.broken)}")
    for one in outcome.broken:
        seen = "arrived" if one.number in arrived else "never arrived"
        print(
            f"  {one.number.split('-')[0].upper():4} {seen}, idle {one.idle:.2f} s, "
            f"{one.used_before} before it: {one.error}"
        )
    return not outcome.broken and not any(status >= SERVER_ERROR for status in outcome.statuses)


def measure(options: Any, folder: Path) -> bool:
    """Race in a migrated temporary database, and return whether nothing broke."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from governance import ledger
    from governance.ledger.models import ChangeLogEntry

    call_command("migrate", verbosity=0)
    requests, sessions = fill(options.rounds, options.signers)
    connection.close()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "access.log"
    server = serve(port, options.keep_alive, log)
    try:
        outcome = race(port, requests, sessions)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
    arrived = {line.split()[0] for line in log.read_text().splitlines() if line.strip()}
    kept = options.keep_alive or "as served"
    print(
        f"{connection.vendor}, {options.rounds} rounds of {options.signers} signers, "
        f"keep-alive {kept}"
    )
    nothing_broke = report(outcome, arrived)
    changed = Counter(
        ChangeLogEntry.objects.filter(action="readiness_changed").values_list("subject", flat=True)
    )
    once, whole = (
        set(changed.values()) == {1} and len(changed) == options.rounds,
        ledger.verify().is_whole,
    )
    print(f"  each approved once: {once}; the ledger is whole: {whole}")
    connection.close()
    return nothing_broke and once and whole


def main() -> int:
    """Create a database, race, and drop it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--signers", type=int, default=20)
    parser.add_argument("--keep-alive", metavar="SECONDS", help="another value than that of run.py")
    options = parser.parse_args()
    if options.rounds * options.signers > MAX_REQUESTS:
        parser.error(f"At most {MAX_REQUESTS} sign requests.")
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    with tempfile.TemporaryDirectory() as name:
        folder, given = Path(name), os.environ.get("DATABASE_URL", "")
        if not given.startswith("postgres"):
            os.environ["DATABASE_URL"] = f"sqlite:///{folder / 'race.sqlite3'}"
            return 0 if measure(options, folder) else 1
        import psycopg

        with psycopg.connect(given, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {DATABASE}")
            admin.execute(f"CREATE DATABASE {DATABASE}")
        try:
            os.environ["DATABASE_URL"] = urlunsplit(urlsplit(given)._replace(path=f"/{DATABASE}"))
            return 0 if measure(options, folder) else 1
        finally:
            with psycopg.connect(given, autocommit=True) as admin:
                admin.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")


if __name__ == "__main__":
    sys.exit(main())
