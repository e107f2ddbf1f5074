"""The portal detects a restored backup: this host's high-water mark has rows that it lacks."""

import json
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from governance import guards, ledger
from governance.assurance.evidence import verdict_on
from governance.assurance.standings import live_ready
from governance.ledger import high_water_mark
from governance.ledger.high_water_mark import Look, Mark, MarkUnreadable, read_mark
from governance.ledger.models import ChangeLogEntry
from governance.signoff.downgrade import downgrade
from runbooks.models import Runbook
from tests import cast
from tests.governance.ledger.test_checkpoint import rewrite_chain, run

pytestmark = pytest.mark.django_db(transaction=True)


def reasons(runbook):
    return {reason.value for reason in verdict_on(Runbook.objects.get(pk=runbook.pk)).reasons}


def readyz():
    return Client().get("/readyz")


def end_of_ledger():
    return ChangeLogEntry.objects.order_by("-sequence").values_list("sequence", "hash").first()


class Backup:
    """A copy of the whole database, taken and put back with the database's own means."""

    def __init__(self, path):
        self.path = path
        if connection.vendor == "sqlite":
            connection.ensure_connection()
            with sqlite3.connect(path) as copy:
                connection.connection.backup(copy)
            copy.close()
        else:
            self.name = f"{connection.settings_dict['NAME']}_backup"
            self._as_maintenance(f"DROP DATABASE IF EXISTS {self.name}")
            self._as_maintenance(
                f"CREATE DATABASE {self.name} TEMPLATE {connection.settings_dict['NAME']}"
            )

    def restore(self):
        if connection.vendor == "sqlite":
            connection.ensure_connection()
            with sqlite3.connect(self.path) as copy:
                copy.backup(connection.connection)
            copy.close()
            return
        name = connection.settings_dict["NAME"]
        self._as_maintenance(f"DROP DATABASE {name}")
        self._as_maintenance(f"CREATE DATABASE {name} TEMPLATE {self.name}")

    def drop(self):
        if connection.vendor == "postgresql":
            self._as_maintenance(f"DROP DATABASE IF EXISTS {self.name}")

    def _as_maintenance(self, statement):
        import psycopg

        connection.close()
        parameters = connection.get_connection_params() | {"dbname": "postgres"}
        keys = ("dbname", "user", "password", "host", "port")
        with psycopg.connect(
            **{key: parameters[key] for key in keys if key in parameters}, autocommit=True
        ) as one:
            one.execute(statement)


@pytest.fixture
def back_up(tmp_path):
    taken = []

    def taking():
        taken.append(Backup(tmp_path / "backup.sqlite3"))
        return taken[-1]

    yield taking
    for backup in taken:
        backup.drop()


@pytest.fixture
def restored(mark, ready_runbook, people, back_up):
    """A backup, a downgrade, and the backup put back: the row says ready again."""
    backup = back_up()
    downgrade(runbook=ready_runbook, level="shadow", reason="Wrong step.", by=people["rita"])
    backup.restore()
    assert Runbook.objects.get(pk=ready_runbook.pk).readiness_level == "ready"
    return ready_runbook


# ---- a restored backup


def test_a_restored_backup_is_no_go_everywhere_without_any_command(restored, sign_in):
    assert reasons(restored) == {"ledger_restored"}
    assert live_ready() == []
    answer = sign_in("otto").get(f"/api/v1/runbooks/{restored.slug}/").json()
    assert (answer["live_ready"], answer["reasons_against_live"]) == (False, ["ledger_restored"])
    page = sign_in("otto").get(restored.get_absolute_url()).content.decode()
    assert "is-go" not in page
    assert "An older backup of the database was restored" in page
    response = readyz()
    assert (response.status_code, response.json()["reasons"]) == (503, ["ledger_restored"])
    assert "older backup was restored" in response.json()["reason"]


@pytest.mark.parametrize("command", ["tick", "verify_ledger"])
def test_the_timer_and_the_verification_name_a_restored_backup(restored, command):
    with pytest.raises(CommandError, match="older backup"):
        run(command)
    assert reasons(restored) == {"ledger_restored"}


def test_the_start_of_the_server_names_a_restored_backup(restored):
    with pytest.raises(SystemExit):
        run("check_integrity")


def test_no_checkpoint_is_taken_of_a_restored_backup(restored, tmp_path):
    with pytest.raises(CommandError, match="older backup was restored"):
        run("checkpoint", "--output", str(tmp_path / "checkpoint.json"))


def test_a_restored_backup_that_was_gone_on_with_is_still_noticed(restored, mark):
    before = mark.read_text()
    for number in range(3):
        cast.make_runbook(f"After the restore {number}")
        cast.store(f"docs/after_{number}.md", "# After\n")
    assert end_of_ledger()[0] > json.loads(before)["sequence"]
    assert reasons(restored) == {"ledger_restored"}
    assert mark.read_text() == before


def test_a_runbook_is_taken_down_while_the_ledger_counts_as_restored(restored, people):
    downgrade(runbook=restored, level="shadow", reason="Again.", by=people["rita"])
    assert Runbook.objects.get(pk=restored.pk).readiness_level == "shadow"


def test_a_person_accepts_a_restored_backup_and_nothing_stays_ready(restored, mark):
    lost = json.loads(mark.read_text())
    said = run("accept_restore", "--as", "rita", "--reason", "The disk of Tuesday is lost.")
    assert restored.slug in said
    row = ChangeLogEntry.objects.get(action="restore_accepted")
    assert row.changes["high_water_mark"]["before"] == [
        {"sequence": lost["sequence"], "hash": lost["hash"]}
    ]
    assert reasons(restored) == {"not_ready"}
    again = cast.make_ready(restored)
    assert reasons(again) == set()
    assert (read_mark().sequence, read_mark().hash) == end_of_ledger()
    assert readyz().status_code == 200
    assert "whole" in run("verify_ledger")
    run("tick")


def test_a_forged_word_that_the_restore_was_accepted_brings_nothing_back(restored, mark):
    lost = json.loads(mark.read_text())
    with ledger.atomic():
        changes = {
            "high_water_mark": {"before": [{"sequence": 1, "hash": lost["hash"]}], "after": None}
        }
        record = ledger.Record(
            actor=ledger.SYSTEM, action="restore_accepted", subject="ledger", changes=changes
        )
        ledger.append(record)
    assert reasons(restored) == {"ledger_restored"}


def test_the_right_backup_settles_it_without_a_person(mark, ready_runbook, people, back_up):
    older = back_up()
    cast.store("docs/more.md", "# More\n")
    if connection.vendor == "postgresql":
        rows = list(ChangeLogEntry.objects.order_by("sequence"))
        rewrite_chain(rows[:-1])
        assert reasons(ready_runbook) == {"ledger_restored"}  # a second copy would take its time
        rewrite_chain(rows)
    else:
        newer = Backup(older.path.with_name("newer.sqlite3"))
        older.restore()
        assert reasons(ready_runbook) == {"ledger_restored"}
        newer.restore()
    assert reasons(ready_runbook) == set()


def test_another_host_that_has_seen_more_says_no_until_it_is_accepted_there(
    restored, mark, settings
):
    other = mark.with_name("other_host.json")
    seen = replace(read_mark(), sequence=read_mark().sequence + 1, hash="f" * 64)
    run("accept_restore", "--as", "rita", "--reason", "Lost.")
    again = cast.make_ready(restored)
    assert reasons(again) == set()
    settings.LEDGER_MARK = str(other)
    high_water_mark._write(other, seen)
    assert reasons(again) == {"ledger_restored"}
    run("accept_restore", "--as", "rita", "--reason", "Lost, seen from the other host.")
    assert reasons(cast.make_ready(again)) == set()


def test_another_host_that_has_seen_the_same_row_needs_no_word_of_its_own(restored, mark, settings):
    other = mark.with_name("other_host.json")
    other.write_text(mark.read_text())
    run("accept_restore", "--as", "rita", "--reason", "Lost.")
    again = cast.make_ready(restored)
    settings.LEDGER_MARK = str(other)
    assert reasons(again) == set()
    assert (read_mark().sequence, read_mark().hash) == end_of_ledger()


def test_rows_that_were_cut_off_are_noticed_at_once(mark, ready_runbook):
    rewrite_chain(list(ChangeLogEntry.objects.order_by("sequence"))[:-1])
    assert "ledger_restored" in reasons(ready_runbook)


# ---- how the mark moves


def test_the_mark_follows_every_commit(mark, people):
    cast.store("docs/a.md", "# A\n")
    assert (read_mark().sequence, read_mark().hash) == end_of_ledger()
    cast.store("docs/b.md", "# B\n")
    assert (read_mark().sequence, read_mark().hash) == end_of_ledger()


def test_what_is_rolled_back_moves_no_mark(mark, ready_runbook):
    before = mark.read_text()
    with transaction.atomic():
        cast.store("docs/a.md", "# A\n")
        assert reasons(ready_runbook) == set()  # asked in the midst of it
        transaction.set_rollback(True)
    assert mark.read_text() == before
    assert reasons(ready_runbook) == set()


def test_the_mark_never_goes_back(mark, people):
    cast.store("docs/a.md", "# A\n")
    old = ledger.look()
    cast.store("docs/b.md", "# B\n")
    now = read_mark()
    ledger.follow(old)
    ledger.follow(replace(old, reached=(1, "0" * 64)))
    assert read_mark() == now


def test_marks_written_at_once_end_at_the_highest(mark, people):
    cast.store("docs/a.md", "# A\n")
    base = read_mark()

    def move(number):
        moved = replace(base, sequence=base.sequence + number, hash=f"{number:064x}")
        with high_water_mark._locked(mark):
            high_water_mark._replace(mark, Look(base, newest=None), moved)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(move, range(1, 40)))
    assert read_mark().sequence == base.sequence + 39
    assert not list(mark.parent.glob(".mark.json.*.*"))  # no draft is left


def test_rows_of_another_host_are_verified_once_and_passed(
    mark, ready_runbook, django_assert_num_queries
):
    before = mark.read_text()
    cast.store("docs/elsewhere.md", "# Elsewhere\n")
    mark.write_text(before)
    assert reasons(ready_runbook) == set()
    assert (read_mark().sequence, read_mark().hash) == end_of_ledger()
    with django_assert_num_queries(1):
        ledger.look()


@pytest.mark.parametrize("address", ["/api/v1/runbooks/{}/gate/", "/readyz"])
def test_a_host_that_answers_machines_alone_keeps_a_mark_too(
    mark, ready_runbook, settings, address
):
    """On PostgreSQL these responses run in a transaction, which is limited in time."""
    settings.PORTAL_READ = "public"
    before = mark.read_text()
    cast.store("docs/elsewhere.md", "# Elsewhere\n")
    mark.write_text(before)
    assert Client().get(address.format(ready_runbook.slug)).status_code == 200
    assert (read_mark().sequence, read_mark().hash) == end_of_ledger()
    mark.unlink()
    assert Client().get(address.format(ready_runbook.slug)).status_code == 200
    assert (read_mark().sequence, read_mark().hash) == end_of_ledger()


def test_a_mark_that_follows_after_the_commit_waits_for_it(mark, ready_runbook):
    before = mark.read_text()
    cast.store("docs/elsewhere.md", "# Elsewhere\n")
    mark.write_text(before)
    with transaction.atomic():
        assert reasons(ready_runbook) == set()
        assert reasons(ready_runbook) == set()
        assert mark.read_text() == before
    assert (read_mark().sequence, read_mark().hash) == end_of_ledger()


# ---- a mark that is missing, or cannot be read or written


def test_a_missing_mark_is_made_anew_and_that_is_said(mark, ready_runbook):
    mark.unlink()
    assert reasons(ready_runbook) == set()
    assert (read_mark().sequence, read_mark().hash) == end_of_ledger()
    response = readyz()
    assert response.status_code == 200
    assert "was missing and was made anew" in response.json()["notes"][0]


def test_a_ledger_that_is_new_has_a_mark_from_its_first_row(mark, db):
    mark.unlink(missing_ok=True)
    guards.remove()
    ChangeLogEntry.objects.all().delete()
    guards.install()
    cast.store("docs/a.md", "# A\n")
    assert read_mark().made_anew_at is None
    assert readyz().json() == {"ready": True}


UNREADABLE = [
    b"", b"[]", b"{}", b"null", b"\xff\xfe", b'{"format": "x"}', b"[" * 5_000, b"9" * 6_000,
    b'{"format": "runbook-portal-high-water-mark/1", "sequence": true, "hash": "", '
b'"made_anew_at": null,'
    b' "seen_at": "2026-01-01T00:00:00+00:00"}',
    b'{"format": "runbook-portal-high-water-mark/1", "sequence": 9e99, "hash": "", '
b'"made_anew_at": null,'
    b' "seen_at": "2026-01-01T00:00:00+00:00"}',
    b'{"format": "runbook-portal-high-water-mark/1", "sequence": 9, "hash": "", '
b'"made_anew_at": null,'
    b' "seen_at": "2026-01-01T00:00:00"}',
]  # fmt: skip


@pytest.mark.parametrize("content", UNREADABLE)
def test_a_mark_that_cannot_be_read_is_no_go_and_said(mark, ready_runbook, people, content):
    mark.write_bytes(content)
    with pytest.raises(MarkUnreadable):
        read_mark()
    assert reasons(ready_runbook) == {"mark_unreadable"}
    assert readyz().json()["reasons"] == ["mark_unreadable"]
    assert [
        found.id
        for found in run_checks(include_deployment_checks=True)
        if found.id == "governance.E010"
    ]
    with pytest.raises(CommandError, match="high-water mark"):
        run("accept_restore", "--as", "rita", "--reason", "x")
    downgrade(runbook=ready_runbook, level="shadow", reason="x", by=people["rita"])
    assert mark.read_bytes() == content  # it is proof of something


def test_a_mark_that_cannot_be_written_loses_no_change_and_is_said(
    mark, ready_runbook, people, settings, sign_in
):
    folder = mark.with_name("no_folder")
    folder.write_text("A file where a folder should be.")
    settings.LEDGER_MARK = str(folder / "mark.json")
    client = sign_in("rita")
    response = client.post(
        f"/admin/runbooks/runbook/{ready_runbook.pk}/downgrade/",
        {"level": "shadow", "reason": "Wrong step."},
    )
    assert response.status_code == 302
    assert Runbook.objects.get(pk=ready_runbook.pk).readiness_level == "shadow"
    assert "cannot be" in " ".join(
        [*readyz().json().get("notes", []), readyz().json().get("reason", "")]
    )
    found = [found.id for found in run_checks(include_deployment_checks=True)]
    assert {"governance.E010", "governance.E011"} & set(found)


def test_a_folder_that_takes_no_file_is_said_and_stops_nothing(
    mark, ready_runbook, people, monkeypatch
):
    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(high_water_mark.Path, "touch", refused)
    monkeypatch.setattr(high_water_mark, "_write", refused)
    downgrade(runbook=ready_runbook, level="shadow", reason="x", by=people["rita"])
    assert Runbook.objects.get(pk=ready_runbook.pk).readiness_level == "shadow"
    assert "cannot be written: Permission denied" in readyz().json()["notes"][0]
    assert "governance.E011" in [found.id for found in run_checks(include_deployment_checks=True)]


def test_a_lock_that_nobody_gives_back_holds_up_no_downgrade(
    mark, ready_runbook, people, monkeypatch
):
    monkeypatch.setattr(high_water_mark, "LOCK_ATTEMPTS", 2)
    with high_water_mark._locked(mark):
        downgrade(runbook=ready_runbook, level="shadow", reason="x", by=people["rita"])
    assert Runbook.objects.get(pk=ready_runbook.pk).readiness_level == "shadow"
    assert reasons(ready_runbook) == {"not_ready"}


def test_each_database_has_a_mark_of_its_own(settings, monkeypatch):
    settings.LEDGER_MARK = ""
    monkeypatch.setitem(connection.settings_dict, "NAME", "/srv/one.sqlite3")
    one = high_water_mark.mark_path()
    monkeypatch.setitem(connection.settings_dict, "NAME", "/srv/demo.sqlite3")
    assert high_water_mark.mark_path() != one
    if connection.vendor == "postgresql":
        port = connection.settings_dict["PORT"]
        here = high_water_mark.mark_path()
        monkeypatch.setitem(connection.settings_dict, "PORT", f"{port}9")
        assert high_water_mark.mark_path() != here


def test_the_latest_time_is_written_down_now_and_then_alone(mark, ready_runbook, monkeypatch):
    assert reasons(ready_runbook) == set()
    before = mark.stat().st_mtime_ns
    assert reasons(ready_runbook) == set()
    assert mark.stat().st_mtime_ns == before
    later = timezone.now() + timedelta(minutes=6)
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert reasons(ready_runbook) == set()
    assert read_mark().seen_at == later


def test_a_mark_reads_as_it_was_written(mark, db):
    now = timezone.now()
    for wanted in (Mark(7, "a" * 64, now), Mark(2**63 - 1, "b" * 64, now, now)):
        high_water_mark._write(mark, wanted)
        assert read_mark() == wanted
    assert os.listdir(mark.parent) == [mark.name]
