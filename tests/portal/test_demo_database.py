"""Only the demo serves its invented runbooks, and it touches no other database."""

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError
from django.db import DatabaseError

from governance import demo_database, ledger
from governance.demo_database import (
    database_is_ours,
    is_demo_database,
    refusal,
    require_own_database,
)
from governance.ledger.models import ChangeLogEntry
from portal.accounts import DEMO_GROUP
from portal.env import read_environment
from runbooks.models import Runbook
from tests import cast

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def seeded(db, settings):
    """The demo's database, as the demo leaves it."""
    settings.PORTAL_DEMO = True
    call_command("seed_demo", stdout=StringIO())
    settings.PORTAL_DEMO = False


def test_the_demo_marks_its_database_in_the_ledger(seeded):
    assert is_demo_database()
    Group.objects.filter(name=DEMO_GROUP).delete()
    User.objects.filter(username="operator").delete()
    assert is_demo_database()
    with pytest.raises(DatabaseError):
        ChangeLogEntry.objects.filter(reason="Demo").update(reason="Real")


def test_a_real_portals_database_bears_no_mark(people, runbook):
    assert not is_demo_database()
    assert refusal() == ""
    assert database_is_ours(databases=["default"]) == []


def test_a_person_who_writes_the_word_demo_makes_no_demo(people):
    record = ledger.Record(
        actor=people["sue"], action="changed", subject="user:ed", reason="Demo", changes={}
    )
    ledger.append(record)
    assert not is_demo_database()


# ---- outside the demo


def test_a_server_refuses_the_demos_database(seeded):
    with pytest.raises(ImproperlyConfigured, match=r"filled by 'run\.py demo'.*Set DATABASE_URL"):
        require_own_database()


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("verdict", ["live-alert-pipeline-runbook"]),
        ("tick", []),
        ("export_landscape", []),
        ("verify_ledger", []),
    ],
)
def test_every_command_refuses_the_demos_database(seeded, command, arguments):
    with pytest.raises(CommandError, match=r"filled by 'run\.py demo'"):
        call_command(command, *arguments, stdout=StringIO(), stderr=StringIO())


def test_migrate_and_so_serve_refuse_the_demos_database(seeded):
    (error,) = database_is_ours(databases=["default"])
    assert (error.id, error.is_serious()) == ("governance.E020", True)
    assert "move the file away" in error.msg


# ---- in the demo


def test_the_demo_refuses_a_database_that_holds_anything_else(db, settings):
    settings.PORTAL_DEMO = True
    assert refusal() == ""
    cast.store("docs/x.md", "# X\n")
    assert "a portal of its own" in refusal()
    with pytest.raises(ImproperlyConfigured):
        require_own_database()
    with pytest.raises(CommandError, match="a portal of its own"):
        call_command("seed_demo", stdout=StringIO())
    assert not Runbook.objects.exists()


def test_the_demo_takes_its_own_database_again(seeded, settings):
    settings.PORTAL_DEMO = True
    assert refusal() == ""
    require_own_database()


def test_what_migrate_makes_is_nothing_of_a_portals_own(db):
    assert not demo_database.holds_a_portal()
    assert ChangeLogEntry.objects.exists()


def test_a_database_that_does_not_answer_is_not_called_a_demos(monkeypatch):
    def fails():
        raise DatabaseError("no such table")

    monkeypatch.setattr(demo_database, "is_demo_database", fails)
    assert refusal() == ""


# ---- what `run.py demo --reset` asks before it removes the file


ASKED_BY_RESET = ("check", "--tag", "demo", "--database", "default")


def test_the_demo_may_remove_its_own_database(seeded, settings):
    settings.PORTAL_DEMO = True
    call_command(*ASKED_BY_RESET, stdout=StringIO())


def test_the_demo_may_not_remove_a_portals_database(people, runbook, settings):
    settings.PORTAL_DEMO = True
    with pytest.raises(SystemCheckError, match=r"governance\.E020"):
        call_command(*ASKED_BY_RESET, stdout=StringIO(), stderr=StringIO())


@pytest.mark.parametrize("content", [b"", b"no database"])
def test_the_demo_may_remove_a_file_that_holds_no_portal(tmp_path, content):
    path = tmp_path / "portal.sqlite3"
    path.write_bytes(content)
    asked = manage("manage.py", *ASKED_BY_RESET, url=f"sqlite:///{path}", demo="1")
    assert asked.returncode == 0, asked.stderr


# ---- two files


@pytest.mark.parametrize(
    ("demo", "name"), [("1", "demo.sqlite3"), ("0", "portal.sqlite3"), ("", "portal.sqlite3")]
)
def test_the_demo_has_a_file_of_its_own(tmp_path, demo, name):
    database = read_environment(
        {"PORTAL_DEMO": demo, "SECRET_KEY": "k" * 50}, var=tmp_path
    ).database
    assert database["NAME"] == tmp_path / name


def manage(*words, url, demo="0"):
    kept = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    environment = {**kept, "DATABASE_URL": url, "PORTAL_DEMO": demo, "SIGNING_COOL_DOWN_HOURS": "0"}
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_demo_then_a_real_start_on_one_file_is_refused_by_every_way_in(tmp_path):
    url = f"sqlite:///{tmp_path / 'portal.sqlite3'}"
    for words in (("migrate", "-v0"), ("seed_demo",)):
        assert manage("manage.py", *words, url=url, demo="1").returncode == 0
    for words in (
        ("manage.py", "migrate", "--check", "--plan"),  # what `run.py serve` asks first
        ("manage.py", "verdict", "live-alert-pipeline-runbook"),
        ("-c", "import portal.wsgi"),  # what gunicorn loads
    ):
        refused = manage(*words, url=url)
        assert refused.returncode != 0, words
        assert "filled by 'run.py demo'" in refused.stderr, words
    assert manage("-c", "import portal.wsgi", url=url, demo="1").returncode == 0
