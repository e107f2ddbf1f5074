"""Is the process up, and may it be believed? ``/healthz`` and ``/readyz``."""

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test import Client

from governance import guards

pytestmark = pytest.mark.django_db


@pytest.fixture
def probe(settings):
    """A machine without an account, where people must sign in."""
    settings.PORTAL_READ = "login"
    return Client()


def test_a_process_that_answers_is_healthy(probe):
    response = probe.get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok\n")
    assert response.headers["Content-Type"].startswith("text/plain")


def test_health_asks_nothing_of_the_database(probe, django_assert_num_queries):
    with django_assert_num_queries(0):
        probe.get("/healthz")


def test_with_every_guard_in_place_the_portal_is_ready(probe):
    response = probe.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"ready": True})


def test_without_its_guards_the_portal_is_not_ready_and_names_them(probe):
    guards.remove()
    response = probe.get("/readyz")
    assert response.status_code == 503
    assert response.json()["ready"] is False
    for name, *_ in guards.rules.GUARDS:
        assert name in response.json()["reason"]
    assert probe.get("/healthz").status_code == 200


@pytest.mark.parametrize("guard", guards.rules.GUARDS, ids=lambda guard: guard[0])
def test_one_missing_guard_is_enough_and_migrate_puts_it_back(probe, guard):
    name, _, table, *_ = guard
    with connection.cursor() as cursor:
        cursor.execute(
            f"DROP TRIGGER {name}"
            if connection.vendor == "sqlite"
            else f"DROP TRIGGER {name} ON {table}"
        )
    response = probe.get("/readyz")
    assert (response.status_code, response.json()["reason"]) == (
        503,
        f"Guards are missing: {name}.",
    )
    call_command("migrate", verbosity=0)
    assert probe.get("/readyz").status_code == 200


def test_a_guard_that_was_made_lax_counts_as_missing(probe):
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("DROP TRIGGER guard_ledger_delete")
            cursor.execute(
                "CREATE TRIGGER guard_ledger_delete BEFORE DELETE ON "
                "governance_changelogentry BEGIN SELECT 1; END"
            )
        else:
            cursor.execute(
                "ALTER TABLE governance_changelogentry DISABLE TRIGGER guard_ledger_delete"
            )
    assert "guard_ledger_delete" in probe.get("/readyz").json()["reason"]


def test_a_database_that_does_not_answer_is_told_without_its_address(probe, monkeypatch):
    def gone(**_):
        raise OperationalError("could not connect to db.example as ruth with password s3cr3t")

    monkeypatch.setattr(guards, "missing", gone)
    response = probe.get("/readyz")
    assert (response.status_code, response.json()) == (
        503,
        {"ready": False, "reason": "The database is not responding."},
    )


@pytest.mark.parametrize("address", ["/healthz", "/readyz"])
def test_a_probe_may_ask_for_the_head_alone(probe, address):
    response = probe.head(address)
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize("address", ["/healthz", "/readyz"])
def test_no_session_is_made_for_a_probe(probe, address):
    assert not probe.get(address).cookies
