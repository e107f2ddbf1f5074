"""The catalogue's pages: each answers, what is not there says so, and what people wrote is text."""

from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import reverse

from governance.editing.audited_edit import audited_edit
from governance.ledger.models import ChangeLogEntry
from runbooks.models import (
    Cluster,
    Layer,
    Runbook,
    Section,
    SectionEntry,
    Situation,
    SituationRunbook,
)
from tests import cast
from tests.portal.addresses import every_route
from tests.runbooks.asking import FILTERS, LIST, Page, banner, page
from tests.runbooks.scene import values_for_routes

pytestmark = pytest.mark.django_db


# ---- each page answers


def test_every_page_of_the_catalogue_answers(scene, reader):
    for name, arguments in (
        ("home", []),
        ("search", []),
        ("situations", []),
        ("situation", [scene.situation.slug]),
        ("runbooks", []),
        ("runbook", [scene.ready.slug]),
        ("runbook-history", [scene.ready.slug]),
        ("runbook-version", [scene.ready.slug, scene.old_document.sha256]),
        ("cluster", [scene.cluster.slug]),
        ("layer", [scene.layer.slug]),
        ("landscape", []),
        ("changes", []),
        ("change", [1]),
        ("sign-offs", []),
        ("sign-off", [scene.request.pk]),
        ("findings", []),
        ("api-docs", []),
        ("login", []),
    ):
        shown = page(reader, reverse(name, args=arguments))
        assert shown.tags.count("h1") == 1, name
        assert shown.tags.count("main") == 1, name


@pytest.mark.parametrize(
    "address",
    ["/", "/runbooks/", "/situations/", "/search/", "/landscape/", "/changes/", "/sign-offs/"],
)
def test_an_empty_portal_says_so_in_words(db, reader, address):
    assert len(page(reader, address).words) > 100


@pytest.mark.parametrize(
    ("who", "read"),
    [
        (None, "login"),
        (None, "public"),
        ("otto", "login"),
        ("otto", "public"),
        ("ed", "login"),
        ("sue", "login"),
    ],
)
def test_no_address_of_the_portal_fails_whoever_asks(scene, sign_in, settings, who, read):
    settings.PORTAL_READ = read
    client = sign_in(who) if who else Client()
    values = values_for_routes(scene)
    failed = {}
    for route in every_route():
        if not route.name:
            assert "admin" in route.namespaces, f"{route} has no name"
            continue
        address = route.address(values)
        status = client.get(address).status_code
        if status >= 500:
            failed[address] = status
        if who is None and read == "public" and not route.namespaces and route.name != "logout":
            assert status in (200, 302), address
        if route.name in ("logout", "admin:logout") and who:
            client = sign_in(who)
    assert failed == {}


# ---- what is not there


NOWHERE = [
    "/nowhere/",
    "/runbooks/nowhere/",
    "/runbooks/nowhere/history/",
    "/runbooks/READY/versions/0000/",
    "/runbooks/READY/versions/%ff/",
    f"/runbooks/READY/versions/{'a' * 10_000}/",
    "/situations/nowhere/",
    "/clusters/nowhere/",
    "/layers/nowhere/",
    "/changes/0/",
    "/changes/999999/",
    "/changes/99999999999999999999/",
    f"/changes/{'9' * 5000}/",
    "/sign-offs/999999/",
    "/sign-offs/99999999999999999999/",
    f"/runbooks/{'a' * 10_000}/",
    "/%ff/",
]


def test_what_is_not_there_is_a_page_that_says_so(scene, reader):
    for address in NOWHERE:
        response = reader.get(address.replace("READY", scene.ready.slug))
        assert response.status_code == 404, address
        assert "text/html" in response["Content-Type"]
        assert Page(response).tags.count("h1") == 1


def test_a_null_byte_is_refused_wherever_it_stands_and_never_fails(scene, reader):
    """PostgreSQL stores none and fails when it is asked for one."""
    addresses = [f"{LIST}?{name}=a%00b" for name in (*FILTERS, "page", "other")]
    addresses += [
        "/search/?q=%00",
        "/changes/?page=%00",
        "/?%00=1",
        "/login/?next=%00",
        "/%00/",
        "/runbooks/%00/",
    ]
    addresses += [
        f"/runbooks/{scene.ready.slug}/versions/%00/",
        f"/runbooks/{scene.ready.slug}%00/history/",
    ]
    addresses += [
        f"/{name}/a%00/"
        for name in ("situations", "clusters", "layers", "changes", "sign-offs", "admin")
    ]
    for address in addresses:
        assert reader.get(address).status_code in (400, 404), address


def test_the_text_of_another_runbook_is_not_shown_under_this_ones_name(scene, reader, people):
    other = cast.make_runbook(text="# Quite another\n")
    assert (
        reader.get(
            reverse("runbook-version", args=[scene.ready.slug, other.document.sha256])
        ).status_code
        == 404
    )


# ---- what people wrote is text


MARKUP = '<script>alert("x")</script><img src=x onerror=alert(1)>'


def test_markup_in_every_text_field_is_shown_as_text(people, reader, ready_runbook):
    runbook = cast.make_runbook(
        MARKUP[:200], owner=MARKUP, escalation_contact=MARKUP, document_path=MARKUP, text=MARKUP
    )
    cluster = Cluster.objects.create(slug="m", title=MARKUP)
    layer = Layer.objects.create(slug="m", title=MARKUP)
    section = Section.objects.create(slug="m", number=1, title=MARKUP)
    situation = Situation.objects.create(
        slug="m", title=MARKUP, comment=MARKUP, alert_source=MARKUP
    )
    SectionEntry.objects.create(section=section, runbook=runbook, role=MARKUP, heading=MARKUP)
    SituationRunbook.objects.create(situation=situation, runbook=runbook)
    runbook.layers.add(layer)
    runbook.related_clusters.add(cluster)
    with audited_edit(runbook, by=people["ed"], reason=MARKUP):
        runbook.scope, runbook.version, runbook.primary_cluster = MARKUP, MARKUP[:60], cluster
        runbook.save()
    entry = ChangeLogEntry.objects.order_by("-sequence").first()
    for address in (
        "/",
        LIST,
        f"/search/?q={quote('<script>')}",
        "/situations/",
        "/landscape/",
        "/changes/",
        entry.get_absolute_url(),
        runbook.get_absolute_url(),
        f"{runbook.get_absolute_url()}history/",
        runbook.document.get_absolute_url(),
        situation.get_absolute_url(),
        cluster.get_absolute_url(),
        layer.get_absolute_url(),
    ):
        shown = page(reader, address)
        assert set(shown.scripts) <= {"/static/portal/document.js"}, address
        assert "img" not in shown.tags, address
    assert "alert(" in page(reader, runbook.get_absolute_url()).words


def test_the_documents_text_is_shown_with_its_contents(people, reader):
    runbook = cast.make_runbook(
        text="# Pump\n\n## Stop it\n\n1. Close **the valve**.\n\n[up](#stop-it)\n"
    )
    content = reader.get(runbook.get_absolute_url()).content.decode()
    assert '<h3 id="doc-stop-it">Stop it</h3>' in content
    assert "<strong>the valve</strong>" in content
    assert content.count('href="#doc-stop-it"') >= 2


def test_a_runbook_without_a_document_says_so(people, reader):
    runbook = cast.make_runbook(text=None)
    assert "The document is missing" in page(reader, runbook.get_absolute_url()).words
    assert "is-stop" in banner(reader, runbook)[0]


def test_a_runbook_with_nothing_but_a_title_has_a_page(db, reader):
    Runbook.objects.create(slug="bare", title="Bare")
    for address in ("/runbooks/bare/", "/runbooks/bare/history/", LIST, "/", "/landscape/"):
        assert "Bare" in page(reader, address).words or address == "/"
