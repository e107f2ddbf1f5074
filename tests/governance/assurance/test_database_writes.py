"""Without write access nobody could downgrade a runbook: no-go, as ``/readyz`` reports.

No error is without an explanation.
"""

import shutil
import sqlite3
import subprocess
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from django.core.management import CommandError
from django.db import DatabaseError, OperationalError, connection
from django.test import Client

from governance import ledger
from governance.assurance import database_writes
from governance.assurance.evidence import verdict_on
from governance.assurance.standings import live_ready
from governance.ledger.models import ChangeLogEntry
from governance.signoff.downgrade import downgrade
from runbooks.models import Runbook
from tests.governance.ledger.test_checkpoint import run


@pytest.fixture(autouse=True)
def _no_write_failed_before():
    """A failed write of an earlier test is remembered by this process."""
    database_writes._failed.lately = False
    yield
    database_writes._failed.lately = False


def reasons(runbook):
    return {reason.value for reason in verdict_on(Runbook.objects.get(pk=runbook.pk)).reasons}


def take_down(client, runbook):
    return client.post(
        f"/admin/runbooks/runbook/{runbook.pk}/downgrade/",
        {"level": "shadow", "reason": "Wrong step."},
    )


def write_rows(number):
    for _ in range(number):
        with ledger.atomic():
            ledger.append(ledger.Record(actor=ledger.SYSTEM, action="changed", subject="x"))


@contextmanager
def full_sqlite():
    """SQLite says that the disk is full, as it does at the end of a real one."""
    with connection.cursor() as cursor:
        pages = cursor.execute("PRAGMA page_count").fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count = {pages}")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA max_page_count = {2**31 - 2}")


@contextmanager
def read_only_session():
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA query_only = ON")
        else:
            cursor.execute("SET default_transaction_read_only = on")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                "PRAGMA query_only = OFF"
                if connection.vendor == "sqlite"
                else "SET default_transaction_read_only = off"
            )


@pytest.mark.django_db(transaction=True)
def test_a_database_that_takes_no_write_is_no_go_everywhere(ready_runbook, people):
    rows = ChangeLogEntry.objects.count()
    with read_only_session():
        assert reasons(ready_runbook) == {"database_not_writable"}
        assert live_ready() == []
        answer = Client().get("/readyz")
        assert (answer.status_code, answer.json()["reasons"]) == (503, ["database_not_writable"])
        with pytest.raises(SystemExit):
            run("check_integrity")
        with pytest.raises(CommandError):
            run("tick")
        with pytest.raises(DatabaseError) as failed:
            downgrade(runbook=ready_runbook, level="shadow", reason="x", by=people["rita"])
        assert database_writes.is_write_failure(failed.value)
    assert ChangeLogEntry.objects.count() == rows
    assert reasons(ready_runbook) == set()
    assert Client().get("/readyz").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_downgrade_that_cannot_be_written_is_answered_in_words_and_the_verdict_is_no_go(
    ready_runbook, people
):
    client = Client(raise_request_exception=False)
    client.force_login(people["rita"])
    with read_only_session():
        answer = take_down(client, ready_runbook)
        assert answer.status_code == 503
        assert "it was not downgraded" in answer.content.decode()
        assert reasons(ready_runbook) == {"database_not_writable"}
    assert Runbook.objects.get(pk=ready_runbook.pk).readiness_level == "ready"
    assert take_down(client, ready_runbook).status_code == 302
    assert reasons(ready_runbook) == {"not_ready"}


@pytest.mark.django_db(transaction=True)
def test_after_a_write_that_failed_it_is_no_go_until_one_succeeds(mark, ready_runbook, people):
    """The disk is full, and neither SQLite nor the file system had said so before."""
    if connection.vendor != "sqlite":
        return  # a limit of SQLite's own
    client = Client(raise_request_exception=False)
    client.force_login(people["rita"])
    with full_sqlite():
        assert reasons(ready_runbook) == set()
        with pytest.raises(OperationalError, match="full"):
            write_rows(2_000)
        assert take_down(client, ready_runbook).status_code == 503
        assert Runbook.objects.get(pk=ready_runbook.pk).readiness_level == "ready"
        assert reasons(ready_runbook) == {"database_not_writable"}
        assert Client().get("/readyz").json()["reasons"] == ["database_not_writable"]
        note = mark.with_name("mark.json.write_failed")
        assert note.exists()  # for the other processes of this host
        database_writes._failed.lately = False
        assert Client().get("/readyz").status_code == 503
    assert Client().get("/readyz").status_code == 200
    assert not note.exists()
    assert reasons(ready_runbook) == set()


@pytest.mark.django_db
def test_a_verdict_writes_nothing_while_no_write_has_failed(
    ready_runbook, django_assert_num_queries
):
    database_writes._forget()
    with django_assert_num_queries(1):
        assert database_writes.write_problem() == ""


@pytest.mark.django_db
def test_the_probe_leaves_nothing_behind(ready_runbook):
    from django.contrib.sessions.models import Session

    before = Session.objects.count()
    assert database_writes.try_to_write() == ""
    assert Session.objects.count() == before


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_busy_is_no_full_one(ready_runbook, monkeypatch):
    if connection.vendor != "sqlite":
        return  # a limit of SQLite's own
    monkeypatch.setattr(database_writes, "SQLITE_BUSY_MILLISECONDS", 50)
    other = sqlite3.connect(connection.settings_dict["NAME"])
    other.execute("BEGIN IMMEDIATE")
    try:
        answer = Client().get("/readyz")
    finally:
        other.rollback()
        other.close()
    assert answer.status_code == 200
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA busy_timeout").fetchone()[0] == 20_000


@pytest.mark.parametrize(
    ("disk", "words"),
    [
        ({}, ""),
        ({"f_bavail": 10}, "full"),
        ({"f_bavail": 0}, "full"),
        ({"f_flag": 1}, "read-only"),
    ],
)
def test_the_file_system_tells_of_a_full_or_read_only_disk(tmp_path, monkeypatch, disk, words):
    file = tmp_path / "portal.sqlite3"
    file.touch()
    told = SimpleNamespace(**{"f_bavail": 10**6, "f_frsize": 4096, "f_flag": 0, **disk})
    monkeypatch.setattr(database_writes.os, "statvfs", lambda _: told)
    problem = database_writes._problem_of_file(file)
    assert words in problem
    assert bool(problem) is bool(words)


def test_a_real_disk_that_is_read_only_or_full_is_noticed(tmp_path):
    """A small disk of its own, where this account may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if (
        not shutil.which("mount")
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)],
            capture_output=True,
            check=False,
        ).returncode
    ):
        return  # the test before has shown the same without a disk
    try:
        file = disk / "portal.sqlite3"
        file.write_bytes(b"x" * 100)
        assert database_writes._problem_of_file(file) == ""
        (disk / "filler").write_bytes(b"x" * 3_900_000)
        assert "full" in database_writes._problem_of_file(file)
        (disk / "filler").unlink()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        assert database_writes._problem_of_file(file)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("state", ["25006", "53100", "58030", "42501", "40001", None])
def test_which_errors_of_postgresql_mean_that_nothing_can_be_written(state):
    error = DatabaseError("failed")
    error.__cause__ = SimpleError(state)
    assert database_writes.is_write_failure(error) is (state in {"25006", "53100", "58030"})


class SimpleError(Exception):
    def __init__(self, sqlstate):
        self.sqlstate = sqlstate


@pytest.mark.django_db
def test_an_error_of_another_kind_is_an_error_as_before(ready_runbook, people, monkeypatch):
    def fails(*_, **__):
        raise OperationalError("something else")

    monkeypatch.setattr(ledger, "atomic", fails)
    client = Client(raise_request_exception=False)
    client.force_login(people["rita"])
    assert take_down(client, ready_runbook).status_code == 500
    assert reasons(ready_runbook) == set()
