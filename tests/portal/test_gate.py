"""The gate fails closed: only a go is 200; anything else is a no-go in the same shape, in time."""

import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import InterfaceError, OperationalError, connection
from django.test import Client
from django.utils import timezone

from governance import guards
from governance.accounts.tokens import create_api_token
from governance.signoff.downgrade import downgrade
from portal import database_deadline, gate
from portal.connection_urls import CONNECT_TIMEOUT
from portal.rest import authentication
from runbooks.validity import Reason
from tests import cast
from tests.portal.fake_postgresql import silent_server
from tests.runbooks.scene import basic

YEAR = timezone.localdate().year
DOCUMENT = Path(django_settings.BASE_DIR) / "docs" / "gate.md"
MEMBERS = {
    "runbook",
    "year",
    "verdict",
    "reasons",
    "detail",
    "valid_until",
    "independent",
    "not_independent_because",
    "as_of",
    "verdict_then",
    "reasons_then",
}
ADDRESSES = ("gate/", "gate", "verdict/", "verdict")


def address_of(runbook, route="gate/"):
    return f"/api/v1/runbooks/{getattr(runbook, 'slug', runbook)}/{route}"


def assert_no_go(response, status, reason):
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    body = json.loads(response.content)
    assert set(body) == MEMBERS
    assert (body["verdict"], body["reasons"]) == ("no-go", [reason])
    assert body["detail"]
    return body


@pytest.mark.django_db
@pytest.mark.parametrize("route", ["gate/", "gate"])
def test_a_go_is_200_with_or_without_the_slash(ready_runbook, sign_in, route):
    response = sign_in("otto").get(address_of(ready_runbook, route), {"year": YEAR})
    assert (response.status_code, response.json()["verdict"]) == (200, "go")
    assert set(response.json()) == MEMBERS
    assert response.json()["detail"] is None
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_a_no_go_is_409_with_its_reasons(runbook, sign_in):
    body = assert_no_go(sign_in("otto").get(address_of(runbook)), 409, "not_ready")
    assert (body["runbook"], body["year"]) == (runbook.slug, YEAR)


@pytest.mark.django_db
def test_a_revoke_closes_the_gate_at_the_next_request(ready_runbook, people, sign_in):
    downgrade(runbook=ready_runbook, level="shadow", reason="Wrong step.", by=people["rita"])
    assert_no_go(sign_in("otto").get(address_of(ready_runbook)), 409, "not_ready")


@pytest.mark.django_db
@pytest.mark.parametrize("route", ADDRESSES)
@pytest.mark.parametrize("slug", ["nowhere", "a%20b", "ü"])
def test_an_unknown_runbook_is_404(people, sign_in, route, slug):
    assert_no_go(sign_in("otto").get(address_of(slug, route)), 404, "unknown_runbook")


@pytest.mark.django_db
@pytest.mark.parametrize("route", ADDRESSES)
@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer wrong"}, {"authorization": "Bearer"}, basic("x")]
)
def test_whoever_may_not_ask_is_told_no_go(ready_runbook, route, headers):
    response = Client(headers=headers).get(address_of(ready_runbook, route))
    assert_no_go(response, 401, "not_permitted")
    assert response.headers["WWW-Authenticate"]


@pytest.mark.django_db
def test_a_locked_out_account_is_told_no_go(ready_runbook, people):
    client = Client(headers=basic("otto", "wrong"))
    answers = [client.get(address_of(ready_runbook)) for _ in range(12)]
    assert answers[-1].status_code in (401, 403, 429)
    assert_no_go(answers[-1], answers[-1].status_code, "not_permitted")


BAD_QUESTIONS = [
    "year=",
    "year",
    "year=2026&year=2027",
    "year=2026&year=2026",
    "year=x",
    "year=0",
    "year=-1",
    "year=+2026",
    "year=02026",
    "year=2026.0",
    "year=1999",
    "year=2101",
    "year=99999999999",
    "year=%D9%A2%D9%A0%D9%A2%D9%A6",
    "year=%FF",
    "year=%00",
    "Year=2026",
    "yaer=2026",
    "year=2026;x=1",
    "format=xml",
    "format=",
    "format=json&format=json",
    "=",
    "page=1",
]


@pytest.mark.django_db
@pytest.mark.parametrize("route", ADDRESSES)
@pytest.mark.parametrize("query", [*BAD_QUESTIONS, "as_of="])
def test_a_question_that_is_not_understood_is_400_and_a_no_go(ready_runbook, sign_in, route, query):
    assert_no_go(
        sign_in("otto").get(f"{address_of(ready_runbook, route)}?{query}"), 400, "bad_request"
    )


@pytest.mark.django_db
def test_the_gate_tells_of_now_alone(ready_runbook, sign_in):
    response = sign_in("otto").get(
        address_of(ready_runbook), {"as_of": timezone.localdate().isoformat()}
    )
    assert_no_go(response, 400, "bad_request")


@pytest.mark.django_db
@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*", ""])
def test_the_answer_is_json_whatever_is_accepted(ready_runbook, sign_in, accept):
    response = sign_in("otto").get(address_of(ready_runbook), headers={"accept": accept})
    assert (response.status_code, response.json()["verdict"]) == (200, "go")


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "trace"])
@pytest.mark.parametrize("route", ADDRESSES)
def test_no_other_method_is_a_go(ready_runbook, sign_in, method, route):
    response = getattr(sign_in("otto"), method)(address_of(ready_runbook, route))
    assert_no_go(response, 405, "bad_request")


@pytest.mark.django_db
@pytest.mark.parametrize(("level", "status"), [("ready", 200), ("unassessed", 409)])
def test_the_head_alone_says_the_same(ready_runbook, sign_in, level, status):
    runbook = ready_runbook if level == "ready" else cast.make_runbook()
    response = sign_in("otto").head(address_of(runbook))
    assert (response.status_code, response.content) == (status, b"")
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_a_wrong_host_is_a_no_go(ready_runbook, sign_in):
    response = sign_in("otto").get(address_of(ready_runbook), headers={"host": "evil.example"})
    assert_no_go(response, 400, "bad_request")


@pytest.mark.django_db
@pytest.mark.parametrize("name", django_settings.MIDDLEWARE[1:])
@pytest.mark.parametrize("route", ADDRESSES)
def test_an_error_in_any_middleware_is_a_no_go(ready_runbook, sign_in, settings, name, route):
    """A middleware of ours that fails just before each of them stands for that one's failure."""
    at = settings.MIDDLEWARE.index(name)
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE[:at],
        f"{__name__}.failing",
        *settings.MIDDLEWARE[at:],
    ]
    client = sign_in("otto")
    client.raise_request_exception = False
    assert_no_go(client.get(address_of(ready_runbook, route)), 503, "database_unreachable")


def failing(get_response):
    def fail(request):
        raise OperationalError("gone")

    return fail


def redirecting(get_response):
    from django.http import HttpResponseRedirect

    return lambda request: HttpResponseRedirect("https://sso.example/")


def friendly(get_response):
    from django.http import HttpResponse

    return lambda request: HttpResponse('{"verdict": "go"}')


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["redirecting", "friendly"])
def test_a_redirect_and_any_other_success_is_a_no_go(ready_runbook, sign_in, settings, name):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.{name}"]
    response = sign_in("otto").get(address_of(ready_runbook))
    assert_no_go(response, 500, "doubt")
    assert "Location" not in response.headers


@pytest.mark.django_db
@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
@pytest.mark.parametrize("route", ADDRESSES)
def test_a_database_that_fails_at_the_sign_in_is_503(ready_runbook, monkeypatch, error, route):
    def fails(*_):
        raise error("gone")

    monkeypatch.setattr(authentication, "digest_of", fails)
    client = Client(raise_request_exception=False, headers={"authorization": "Bearer any"})
    assert_no_go(client.get(address_of(ready_runbook, route)), 503, "database_unreachable")


@pytest.mark.django_db
def test_other_addresses_of_the_api_say_it_in_json(ready_runbook, monkeypatch):
    def fails(*_):
        raise OperationalError("gone as ruth with password s3cr3t")

    monkeypatch.setattr(authentication, "digest_of", fails)
    client = Client(raise_request_exception=False, headers={"authorization": "Bearer any"})
    response = client.get("/api/v1/runbooks/")
    assert (response.status_code, response.json()["detail"]) == (
        503,
        "The database is not responding.",
    )
    assert b"s3cr3t" not in response.content


@pytest.mark.django_db
def test_readiness_survives_a_connection_that_is_gone(monkeypatch):
    def gone(**_):
        raise InterfaceError("connection already closed")

    monkeypatch.setattr(guards, "missing", gone)
    assert Client().get("/readyz").status_code == 503


def test_every_reason_for_a_status_is_a_reason_of_the_verdict():
    assert set(gate.REASON_OF_STATUS.values()) <= set(Reason)


# ---- a database that does not answer

QUESTION = """
import json, sys, time, django
from django.conf import settings
django.setup()
settings.ALLOWED_HOSTS = ["testserver"]
from django.test import Client
client = Client(raise_request_exception=False, headers={"authorization": "Bearer any"})
found = []
for address in sys.argv[1:] * 2:
    began = time.monotonic()
    response = client.get(address)
    took = time.monotonic() - began
    found.append([address, response.status_code, response.content.decode(), took])
print(json.dumps(found))
"""


def asked_of(url, *addresses):
    """What a process of its own answers, asked twice, with that database."""
    environment = {
        "PATH": os.environ["PATH"],
        "SECRET_KEY": "given",
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "PORTAL_READ": "public",
    }
    done = subprocess.run(
        [sys.executable, "-c", QUESTION, *addresses],
        env=environment,
        cwd=django_settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return json.loads(done.stdout)


def test_the_limits_leave_a_moment_below_five_seconds():
    assert max(database_deadline.DEADLINE, 2 * database_deadline.SQLITE_BUSY_SECONDS) < 5
    assert database_deadline.HEALTH_CHECK_SECONDS + CONNECT_TIMEOUT < database_deadline.DEADLINE


def assert_all_say_so_in_time(found):
    """The limits are tested elsewhere. Here, nothing waits forever; a busy machine is slow."""
    for address, status, content, seconds in found:
        assert status == 503, (address, content)
        assert seconds < 30, (address, seconds)
        body = json.loads(content)
        if address == "/readyz":
            assert body["ready"] is False
        else:
            assert (body["verdict"], body["reasons"]) == ("no-go", ["database_unreachable"])


ASKED = ("/api/v1/runbooks/any/gate/", "/api/v1/runbooks/any/verdict/", "/readyz")


@pytest.mark.parametrize("lets_in", [False, True], ids=["at once", "behind the sign-in"])
def test_a_postgresql_that_says_nothing_is_503_within_five_seconds(lets_in):
    with silent_server(lets_in=lets_in) as port:
        assert_all_say_so_in_time(asked_of(f"postgres://any:any@127.0.0.1:{port}/any", *ASKED))


def test_a_postgresql_that_is_not_there_is_503_at_once():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    found = asked_of(f"postgres://any:any@127.0.0.1:{port}/any", *ASKED)
    assert_all_say_so_in_time(found)


def test_a_locked_sqlite_file_is_503_within_five_seconds(tmp_path):
    file = tmp_path / "locked.sqlite3"
    holder = sqlite3.connect(file, isolation_level=None)
    try:
        holder.execute("PRAGMA locking_mode=EXCLUSIVE")
        holder.execute("CREATE TABLE any (x)")
        holder.execute("BEGIN EXCLUSIVE")
        assert_all_say_so_in_time(asked_of(f"sqlite:///{file}", *ASKED))
    finally:
        holder.close()


def test_a_folder_that_is_not_there_is_503(tmp_path):
    assert_all_say_so_in_time(asked_of(f"sqlite:///{tmp_path}/nowhere/portal.sqlite3", *ASKED))


@pytest.mark.django_db(transaction=True)
def test_the_limits_end_with_the_answer(ready_runbook, sign_in):
    assert sign_in("otto").get(address_of(ready_runbook)).status_code == 200
    query = "PRAGMA busy_timeout" if connection.vendor == "sqlite" else "SHOW statement_timeout"
    with connection.cursor() as cursor:
        cursor.execute(query)
        assert cursor.fetchone()[0] in (20_000, "0")


# ---- the recipe of the documentation


def recipe():
    return re.search(r"```sh\n(#!/bin/sh\n.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)[1]


def run_recipe(server, runbook, token, *, script=None, year=YEAR):
    return subprocess.run(
        ["/bin/sh", "-c", script or recipe(), "gate.sh", runbook, str(year)],
        env={"PATH": os.environ["PATH"], "PORTAL_URL": server, "PORTAL_TOKEN": token},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def token(people):
    return create_api_token(user=people["otto"], by=people["sue"])[1]


@pytest.mark.django_db(transaction=True)
def test_the_recipe_lets_nothing_pass_but_a_go(live_server, ready_runbook, token):
    waiting = cast.make_runbook()
    server = live_server.url
    go = run_recipe(server, ready_runbook.slug, token)
    assert (go.returncode, go.stdout.splitlines()[-1]) == (0, "go"), go.stderr
    without_slash = recipe().replace("/gate/?", "/gate?")
    assert run_recipe(server, ready_runbook.slug, token, script=without_slash).returncode == 0
    refused = {
        "a no-go": run_recipe(server, waiting.slug, token),
        "a no-go without the slash": run_recipe(server, waiting.slug, token, script=without_slash),
        "another year": run_recipe(server, ready_runbook.slug, token, year=YEAR - 1),
        "an empty year": run_recipe(server, ready_runbook.slug, token, year=""),
        "a bad token": run_recipe(server, ready_runbook.slug, "wrong"),
        "no token": run_recipe(server, ready_runbook.slug, ""),
        "an unknown slug": run_recipe(server, "nowhere", token),
        "no slug": run_recipe(server, "", token),
        "an address of pages": run_recipe(f"{server}/runbooks", ready_runbook.slug, token),
    }
    for what, done in refused.items():
        assert done.returncode == 1, (what, done.stdout, done.stderr)
        assert "no-go" in done.stderr, what


@pytest.mark.django_db(transaction=True)
def test_curl_alone_is_right_even_without_the_recipes_care(live_server, ready_runbook, token):
    """``curl -f`` alone: the portal itself sends neither a redirect nor an empty success."""
    waiting = cast.make_runbook()
    for route in ADDRESSES[:2]:
        for slug, status in ((ready_runbook.slug, 0), (waiting.slug, 22), ("nowhere", 22)):
            url = f"{live_server.url}{address_of(slug, route)}"
            command = [
                "curl",
                "-fsS",
                "-o",
                os.devnull,
                "-H",
                f"Authorization: Bearer {token}",
                url,
            ]
            assert subprocess.run(command, check=False, capture_output=True).returncode == status, (
                url
            )


def test_the_recipe_does_not_pass_where_no_server_answers():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert run_recipe(f"http://127.0.0.1:{port}", "any", "any").returncode == 1


def test_the_recipe_does_not_pass_where_a_server_says_nothing():
    began = time.monotonic()
    with silent_server(lets_in=False) as port:
        assert run_recipe(f"http://127.0.0.1:{port}", "any", "any").returncode == 1
    assert time.monotonic() - began < 20


def test_the_recipe_does_not_follow_a_redirect_to_a_friendly_page():
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class SignInPage(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/login" else 302)
            self.send_header("Location", "/login")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), SignInPage)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        assert run_recipe(f"http://127.0.0.1:{server.server_port}", "any", "any").returncode == 1
    finally:
        server.shutdown()
        server.server_close()
