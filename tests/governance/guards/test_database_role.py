"""``manage.py check``: guards, the database's role, and what the role script grants."""

import os
import re
import shutil
import subprocess
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import OperationalError, connection

from governance import guards
from governance.guards import role
from governance.guards.rules import LEDGER, REQUEST

pytestmark = pytest.mark.django_db

SCRIPT = django_settings.BASE_DIR / "docs" / "postgresql_role.sql"
COMMANDS = [("check",), ("check", "--deploy"), ("check", "--database", "default")]


def execute(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)


def said(*words):
    """What the check says where it passes."""
    out = StringIO()
    call_command(*words, stdout=out, stderr=out)
    return out.getvalue()


def refusal(*words):
    with pytest.raises(SystemCheckError) as caught:
        call_command(*words, stdout=StringIO(), stderr=StringIO())
    return str(caught.value)


@pytest.fixture(autouse=True)
def _as_deployed(monkeypatch):
    """The browser's tests set this one for the whole process, and ``check --deploy`` refuses it."""
    monkeypatch.delenv("DJANGO_ALLOW_ASYNC_UNSAFE", raising=False)


@pytest.fixture
def as_if_bounded(monkeypatch):
    """The tests' own role is often a superuser: leave the role out."""
    monkeypatch.setattr(role, "faults", lambda **_: [])


# ---- guards


@pytest.mark.parametrize("words", COMMANDS)
def test_with_every_guard_the_check_passes(as_if_bounded, words):
    assert "governance.E" not in said(*words)


@pytest.mark.parametrize("words", COMMANDS)
def test_a_missing_guard_fails_the_check_and_is_named(as_if_bounded, words):
    table = "" if connection.vendor == "sqlite" else f" ON {LEDGER}"
    execute(f"DROP TRIGGER guard_ledger_update{table}")
    told = refusal(*words)
    assert "governance.E002" in told
    assert "guard_ledger_update" in told
    assert told.count("guard_ledger_update") == 1, "said once"
    call_command("migrate", verbosity=0, skip_checks=False)  # which no error stops
    assert "governance.E" not in said(*words)


def test_a_database_that_is_not_migrated_is_no_failure(as_if_bounded, monkeypatch):
    monkeypatch.setattr(connection.introspection, "table_names", lambda *_, **__: [])
    monkeypatch.setattr(guards, "missing", lambda **_: ["everything"])
    told = said("check")
    assert "governance.W002" in told
    assert "manage.py migrate" in told


def test_a_file_that_is_not_there_is_not_made_by_looking(tmp_path):
    address = f"sqlite:///{tmp_path / 'none.sqlite3'}"
    done = manage("check", "--deploy", "--fail-level", "ERROR", DATABASE_URL=address)
    assert done.returncode == 0, done.stderr
    assert "not migrated" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_does_not_answer_fails_the_check_without_its_address(monkeypatch):
    def gone(**_):
        raise OperationalError("could not connect to db.example as ruth with password s3cr3t")

    monkeypatch.setattr(role, "faults", gone)
    told = refusal("check")
    assert "governance.E001" in told
    assert "s3cr3t" not in told


def manage(*words, **environment):
    """Run manage.py in a process of its own, with the portal's settings and nothing else set."""
    import sys

    clean = {"PATH": os.environ["PATH"], "SECRET_KEY": "x" * 50, **environment}
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=django_settings.BASE_DIR,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


# ---- the role, by rule


@pytest.mark.parametrize(
    ("table", "granted", "changeable", "wanted"),
    [
        ("auth_user", "SELECT INSERT UPDATE DELETE", "id", []),
        ("auth_user", "SELECT INSERT UPDATE", "id", ["it lacks DELETE on auth_user"]),
        (
            "auth_user",
            "SELECT INSERT UPDATE DELETE TRUNCATE TRIGGER",
            "id",
            ["it must not have TRIGGER on auth_user", "it must not have TRUNCATE on auth_user"],
        ),
        (LEDGER, "SELECT INSERT", "", []),
        (LEDGER, "SELECT", "", [f"it lacks INSERT on {LEDGER}"]),
        (LEDGER, "SELECT INSERT UPDATE", "actor hash", [f"it must not have UPDATE on {LEDGER}"]),
        (
            LEDGER,
            "SELECT INSERT",
            "actor hash",
            [f"it must not have UPDATE (actor, hash) on {LEDGER}"],
        ),
        (REQUEST, "SELECT INSERT", "state closed_at closed_reason applied_at dependence", []),
        (
            REQUEST,
            "SELECT INSERT",
            "closed_at closed_reason applied_at dependence",
            [f"it lacks UPDATE (state) on {REQUEST}"],
        ),
        ("django_migrations", "SELECT", "", []),
        (
            "django_migrations",
            "SELECT INSERT",
            "",
            ["it must not have INSERT on django_migrations"],
        ),
    ],
)
def test_a_role_has_what_it_needs_and_no_more(table, granted, changeable, wanted):
    assert list(role.compare(table, set(granted.split()), set(changeable.split()))) == wanted


def test_the_script_grants_exactly_what_the_check_asks_for():
    script = SCRIPT.read_text(encoding="utf-8")
    revoked = re.findall(
        r"^REVOKE UPDATE, DELETE ON ([\w, ]+) FROM portal_app;", script, re.MULTILINE
    )
    assert {table for tables in revoked for table in tables.split(", ")} == set(role.ADDED_TO)
    granted = re.findall(
        r"^GRANT UPDATE \(([\w, ]+)\) ON (\w+) TO portal_app;", script, re.MULTILINE
    )
    assert {table: set(columns.split(", ")) for columns, table in granted} == {
        table: set(columns) for table, columns in role.ADDED_TO.items() if columns
    }


def test_the_script_ends_at_its_first_error_and_leaves_nothing_behind():
    lines = [
        line
        for line in SCRIPT.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("--")
    ]
    assert lines[:2] == [r"\set ON_ERROR_STOP on", "BEGIN;"]
    assert lines[-1] == "COMMIT;"


# ---- the role, in PostgreSQL itself


def psql(sql):
    """Run a script with psql on the tests' database, as whoever runs the tests."""
    database = connection.settings_dict
    environment = {
        **os.environ,
        "PGHOST": database["HOST"],
        "PGPORT": str(database["PORT"]),
        "PGUSER": database["USER"],
        "PGPASSWORD": database["PASSWORD"],
        "PGDATABASE": database["NAME"],
    }
    return subprocess.run(
        ["psql", "--no-psqlrc", "--quiet"],
        input=sql,
        env={name: word for name, word in environment.items() if word},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture(scope="module")
def bounded(on_postgresql):
    """A role of these tests' own, made by the script as it stands but for the role's name.

    Made outside of every test's transaction, which takes back what the test changes.
    """
    if not on_postgresql:
        yield ""
        return
    name = f"portal_app_{os.getpid()}"
    script = SCRIPT.read_text(encoding="utf-8").replace("portal_app", name)
    made = psql(f"CREATE ROLE {name} LOGIN;")
    assert made.returncode == 0, made.stderr
    try:
        for _ in range(2):  # it may be run again
            ran = psql(script)
            assert (ran.returncode, ran.stderr) == (0, "")
        yield name
    finally:
        psql(f"DROP OWNED BY {name}; DROP ROLE {name};")


@pytest.fixture(scope="module")
def on_postgresql(django_db_setup):
    """Whether there is a role to check: SQLite has none; PostgreSQL needs its psql."""
    if connection.vendor == "postgresql" and not shutil.which("psql"):
        pytest.skip("needs psql, the client of PostgreSQL")
    return connection.vendor == "postgresql"


def test_the_role_of_the_script_is_clean(bounded):
    if not bounded:
        return
    execute(f"SET ROLE {bounded}")
    for words in COMMANDS:
        assert "governance.E" not in said(*words)
    execute("RESET ROLE")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (f"REVOKE INSERT ON {LEDGER} FROM %s", f"it lacks INSERT on {LEDGER}"),
        ("REVOKE DELETE ON django_session FROM %s", "it lacks DELETE on django_session"),
        ("REVOKE SELECT ON django_migrations FROM %s", "it lacks SELECT on django_migrations"),
        (f"REVOKE UPDATE (state) ON {REQUEST} FROM %s", f"it lacks UPDATE (state) on {REQUEST}"),
        (
            "REVOKE USAGE ON SEQUENCE auth_user_id_seq FROM %s",
            "it lacks USAGE on the sequence auth_user_id_seq",
        ),
        (f"GRANT UPDATE ON {LEDGER} TO %s", f"it must not have UPDATE on {LEDGER}"),
        (f"GRANT UPDATE (actor) ON {LEDGER} TO %s", f"it must not have UPDATE (actor) on {LEDGER}"),
        (f"GRANT TRUNCATE ON {LEDGER} TO %s", f"it must not have TRUNCATE on {LEDGER}"),
        ("GRANT TRIGGER ON runbooks_runbook TO %s", "it must not have TRIGGER on runbooks_runbook"),
        (
            "GRANT CREATE ON SCHEMA public TO %s",
            "it may create tables and functions in the schema public",
        ),
        ("ALTER ROLE %s CREATEROLE", "it may create roles"),
        ("ALTER ROLE %s SUPERUSER", "it is a superuser"),
        (
            "DO $$ BEGIN EXECUTE format('GRANT %%I TO %s', current_user); END $$",
            "owner of the tables",
        ),
    ],
)
def test_one_grant_too_few_or_too_many_fails_the_check_and_is_named(bounded, change, named):
    if not bounded:
        return
    execute(change % bounded)
    execute(f"SET ROLE {bounded}")
    for words in COMMANDS:
        told = refusal(*words)
        assert "governance.E003" in told
        assert named in told
    execute("RESET ROLE")


def test_a_schema_that_the_role_may_not_use_is_named(bounded):
    if not bounded:
        return
    execute("REVOKE USAGE ON SCHEMA public FROM PUBLIC")
    execute(f"REVOKE USAGE ON SCHEMA public FROM {bounded}")
    execute(f"SET ROLE {bounded}")
    assert "it lacks USAGE on the schema public" in refusal("check")
    execute("RESET ROLE")


def test_a_superuser_fails_the_check(on_postgresql):
    if not on_postgresql:
        return
    execute("SELECT 1")
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if not cursor.fetchone()[0]:
            return  # the tests run as another role
    assert "it is a superuser" in refusal("check", "--deploy")


def test_the_script_fails_where_the_role_is_missing(on_postgresql):
    if not on_postgresql:
        return
    script = SCRIPT.read_text(encoding="utf-8").replace("portal_app", "nobody_of_this_name")
    ran = psql(script)
    assert ran.returncode == 3, "psql's exit code for a script that was stopped"
    assert ran.stderr.count("ERROR") == 1


def test_the_check_fails_in_a_process_of_its_own_too(on_postgresql):
    if not on_postgresql:
        return
    database = connection.settings_dict
    account = database["USER"] + (f":{database['PASSWORD']}" if database["PASSWORD"] else "")
    address = (
        f"postgres://{account}@{database['HOST']}:{database['PORT'] or 5432}/{database['NAME']}"
    )
    done = manage("check", "--deploy", DATABASE_URL=address)
    assert done.returncode == 1
    assert "governance.E003" in done.stderr


def test_operations_name_the_same_commands():
    operations = Path(django_settings.BASE_DIR / "docs" / "operations.md").read_text(
        encoding="utf-8"
    )
    assert "--file=docs/postgresql_role.sql" in operations
    assert "manage.py check --deploy" in operations
