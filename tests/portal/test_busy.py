"""A busy database: reads do not wait, and a write that times out is answered with 503."""

import threading

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse

from portal.busy import is_busy
from runbooks.models import Runbook
from tests import cast
from tests.portal.addresses import every_route
from tests.runbooks.scene import values_for_routes

pytestmark = pytest.mark.django_db(transaction=True)
IMPATIENT = 0.3


class Writer:
    """Another connection, in a thread of its own, that holds the lock of every change."""

    def __enter__(self):
        self._held, self._done = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._hold)
        self._thread.start()
        assert self._held.wait(10)
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()

    def _hold(self):
        from governance import ledger

        with ledger.atomic():
            self._held.set()
            self._done.wait(60)
        connection.close()


@pytest.fixture
def impatient(settings, monkeypatch):
    """Who waits for a lock gives up soon; on a connection that is opened now."""
    settings.PORTAL_READ = "public"
    monkeypatch.setattr("governance.ledger.chain.LOCK_SECONDS", IMPATIENT)
    if connection.vendor == "sqlite":
        monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", IMPATIENT)
    connection.close()
    yield
    connection.close()


def in_a_new_connection(work):
    """What the work returns, done in a thread whose connection nobody has used before."""
    found = []

    def run():
        try:
            found.append(work())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]


# ---- reading


def test_every_address_is_read_while_somebody_writes(scene, people, impatient):
    """Also on a new connection: on SQLite, anything that needs a lock would wait there."""
    client, values = Client(), values_for_routes(scene)
    client.force_login(people["sue"])
    # The first asks whether the database can be written to; it may.
    addresses = [
        route.address(values) for route in every_route() if route.name and route.name != "readyz"
    ]
    client.raise_request_exception = False
    with Writer():
        answers = {
            address: in_a_new_connection(lambda a=address: client.get(a).status_code)
            for address in addresses
        }
    assert len(answers) > 60
    assert {address: status for address, status in answers.items() if status >= 500} == {}


# ---- writing


def sign_in(client):
    return client.post("/login/", {"username": "otto", "password": cast.PASSWORD})


def wrong_sign_in(client):
    return client.post("/login/", {"username": "otto", "password": "wrong"})


def take_down(client):
    user = User.objects.get(username="rita")
    client.force_login(user)
    runbook = Runbook.objects.get(title="Pump")
    address = reverse("admin:runbooks_runbook_downgrade", args=[runbook.pk])
    return lambda: client.post(address, {"level": "retired", "reason": "Wrong step."})


def edit(client):
    client.force_login(User.objects.get(username="ed"))
    return lambda: client.post(
        reverse("admin:runbooks_layer_add"), {"title": "Tanks", "slug": "tanks"}
    )


def test_a_write_that_waits_in_vain_is_answered_with_503_and_not_with_an_error(people, impatient):
    cast.make_runbook("Pump")
    writes = {}
    for name, prepare in {"take down": take_down, "edit": edit}.items():
        client = Client(raise_request_exception=False)
        writes[name] = prepare(client)
    for name, post in {"sign in": sign_in, "wrong password": wrong_sign_in}.items():
        writes[name] = lambda post=post: post(Client(raise_request_exception=False))
    writes["sign in to the admin"] = lambda: Client(raise_request_exception=False).post(
        "/admin/login/", {"username": "rita", "password": cast.PASSWORD}
    )
    if connection.vendor == "postgresql":  # rows of other tables wait for nobody there
        del writes["sign in"], writes["wrong password"], writes["sign in to the admin"]
    with Writer():
        answers = {name: in_a_new_connection(write) for name, write in writes.items()}
    for name, answer in answers.items():
        assert answer.status_code == 503, name
        assert answer["Retry-After"] == "5", name
        assert "Nothing was partly saved" in answer.content.decode(), name
    assert Runbook.objects.get(title="Pump").readiness_level == "unassessed"


def test_a_machine_is_answered_in_json(client, monkeypatch):
    client.raise_request_exception = False

    def locked(*_, **__):
        raise OperationalError("database is locked")

    monkeypatch.setattr("portal.rest.permissions.MayRead.has_permission", locked)
    answer = client.get("/api/v1/runbooks/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer.json()["detail"] == "The database is not responding."


@pytest.mark.parametrize(
    "broken", [ValueError("x"), OperationalError("no such table: runbooks_runbook")]
)
def test_what_is_no_busy_database_stays_an_error(client, monkeypatch, settings, broken):
    settings.PORTAL_READ = "public"
    client.raise_request_exception = False
    assert not is_busy(broken)

    def fail(*_, **__):
        raise broken

    monkeypatch.setattr("portal.pages.situations.resolve", fail)
    assert client.get("/a/").status_code == 500


def test_a_machine_is_answered_in_json_whatever_the_database_has(client, monkeypatch):
    client.raise_request_exception = False

    def fail(*_, **__):
        raise OperationalError("no such table: runbooks_runbook")

    monkeypatch.setattr("portal.rest.permissions.MayRead.has_permission", fail)
    answer = client.get("/api/v1/runbooks/")
    assert (answer.status_code, answer.json()["detail"]) == (503, "The database is not responding.")
