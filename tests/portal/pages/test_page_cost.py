"""What a page costs: its queries are pinned, and the same for three rows and for thirty."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.signoff.downgrade import downgrade
from runbooks.models import Document
from tests.portal.addresses import every_route
from tests.runbooks.asking import LIST, banner
from tests.runbooks.scene import fill, widen

pytestmark = pytest.mark.django_db


QUERIES = {
    "/": 8,
    "/runbooks/": 5,
    "/situations/": 6,
    "/search/?q=pump": 15,
    "/search/suggestions/?q=pump": 11,
    "/landscape/": 10,
    "/changes/": 4,
    "/sign-offs/": 8,
    "/reports/findings/": 3,
    "SITUATION": 8,
    "CLUSTER": 5,
    "LAYER": 4,
    "VERSION": 7,
    "VERSIONS": 7,
    "HISTORY": 3,
    "RUNBOOK": 6,
    "/reports/readiness/": 7,
    "/reports/overdue/": 3,
}


def count_queries(client, address):
    client.get(
        address
    )  # whatever is remembered for good, such as content types, is not this page's cost
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return len(queries)


def test_the_number_of_queries_of_a_page_does_not_grow_with_its_rows(scene, reader, people):
    addresses = {
        "SITUATION": scene.situation.get_absolute_url(),
        "CLUSTER": "/clusters/phase-16a/",
        "LAYER": scene.layer.get_absolute_url(),
        "VERSION": scene.ready.document.get_absolute_url(),
        "VERSIONS": f"{scene.ready.get_absolute_url()}versions/",
        "HISTORY": f"{scene.ready.get_absolute_url()}history/",
        "RUNBOOK": scene.ready.get_absolute_url(),
    }
    fill(3, people)
    widen(scene.ready, 3, people)
    few = {name: count_queries(reader, addresses.get(name, name)) for name in QUERIES}
    fill(27, people)
    widen(scene.ready, 27, people)
    many = {name: count_queries(reader, addresses.get(name, name)) for name in QUERIES}
    assert many == few
    assert many == QUERIES


def test_every_page_that_lists_rows_is_pinned_above():
    lists = {
        route.name
        for route in every_route()
        if not route.namespaces and not route.is_api and route.name
    } - {
        "login",
        "logout",
        "set_language",
        "healthz",
        "readyz",
        "api-docs",
        "change",
        "sign-off",
        "sign-off-document",
        "runbook-difference",
        "alert",
        "own-password",
        "password",
        "document",
    }
    assert lists == {
        "home", "runbooks", "situations", "search", "search-suggestions", "landscape", "changes",
        "sign-offs", "findings", "readiness-report", "overdue-report", "situation", "cluster",
        "layer", "runbook-version", "runbook-versions", "runbook-history", "runbook",
    }  # fmt: skip


def test_a_page_reads_no_text_that_it_does_not_show(scene, reader):
    with CaptureQueriesContext(connection) as queries:
        reader.get(LIST)
        reader.get("/")
    column = f'"{Document._meta.db_table}"."text"'
    assert not [query for query in queries.captured_queries if column in query["sql"]]


def test_a_change_is_seen_at_the_next_look(scene, reader, people):
    assert banner(reader, scene.ready)[0] == ["is-go"]
    downgrade(runbook=scene.ready, level="shadow", reason="Wrong step.", by=people["rita"])
    assert banner(reader, scene.ready)[0] == ["is-caution"]
    assert scene.ready.title not in [
        runbook.title for runbook in reader.get("/").context["live_ready"]
    ]


def test_no_page_may_be_kept_by_a_cache_in_between(scene, reader):
    for address in ("/", LIST, scene.ready.get_absolute_url()):
        assert "public" not in reader.get(address).headers.get("Cache-Control", "")
