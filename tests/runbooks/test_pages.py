"""The catalogue's pages: each answers, filters narrow, nonsense gets a message, and a warning is never missing."""

import re
from html.parser import HTMLParser
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from governance import actions
from governance.models import ChangeLogEntry
from runbooks.choices import REASON_TEXTS
from runbooks.models import Cluster, Document, Layer, Runbook, Section, SectionEntry, Situation, SituationRunbook
from runbooks.standing import Reason
from tests import cast
from tests.portal.addresses import every_route
from tests.runbooks.scene import fill, values_for_routes, widen

pytestmark = pytest.mark.django_db

LIST = "/runbooks/"


class Page(HTMLParser):
    """A page as a reader meets it: its words, its links, its headings, its banners."""

    def __init__(self, response):
        super().__init__()
        self.words, self.links, self.tags, self.banners, self.scripts = "", [], [], [], []
        self.feed(response.content.decode())

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "script" and (attributes.get("src") or "").startswith("/static/portal/"):
            return  # the portal's own, from its own files
        self.tags.append(tag)
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])
        if tag == "script":
            self.scripts.append(attributes.get("src"))
        classes = (attributes.get("class") or "").split()
        if "banner" in classes:
            self.banners += [name for name in classes if name.startswith("is-")]

    def handle_data(self, data):
        self.words = f"{self.words} {data}"


def page(client, address, status=200):
    response = client.get(address)
    assert response.status_code == status, address
    return Page(response)


def listed(client, query):
    """The titles in the list, in its order."""
    response = client.get(f"{LIST}?{query}")
    assert response.status_code == 200, query
    return [runbook.title for runbook in response.context["runbooks"]]


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
    "address", ["/", "/runbooks/", "/situations/", "/search/", "/landscape/", "/changes/", "/sign-offs/"]
)
def test_an_empty_portal_says_so_in_words(db, reader, address):
    assert len(page(reader, address).words) > 100


@pytest.mark.parametrize(
    ("who", "read"),
    [(None, "login"), (None, "public"), ("otto", "login"), ("otto", "public"), ("ed", "login"), ("sue", "login")],
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


# ---- the list and its filters, one by one


@pytest.fixture
def landscape(people):
    """Three runbooks that differ in everything that can be filtered by."""
    alpha, beta, gamma = (cast.make_runbook(title) for title in ("Alpha", "Beta", "Gamma"))
    for number, runbook in enumerate((alpha, beta, gamma), start=1):
        layer = Layer.objects.create(slug=f"layer-{number}", title=f"Layer {number}")
        runbook.layers.set([layer])
        section = Section.objects.create(slug=f"section-{number}", number=number, title=f"Section {number}")
        SectionEntry.objects.create(section=section, runbook=runbook)
        situation = Situation.objects.create(slug=f"situation-{number}", title=f"Situation {number}")
        SituationRunbook.objects.create(situation=situation, runbook=runbook)
        cluster = Cluster.objects.create(
            slug=f"c-{number}", first_number=7000 + number * 10, last_number=7005 + number * 10
        )
        Runbook.objects.filter(pk=runbook.pk).update(primary_cluster=cluster)
    Runbook.objects.filter(pk=beta.pk).update(declared_level="ready", declared_year=2026, scope="A scope of its own")
    gamma.related_clusters.add(Cluster.objects.get(slug="c-1"))
    gamma.refresh_from_db()
    cast.make_ready(gamma)
    return alpha, beta, gamma


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("", ["Alpha", "Beta", "Gamma"]),
        ("readiness=ready", ["Gamma"]),
        ("readiness=unassessed", ["Alpha", "Beta"]),
        ("readiness=ready&readiness=unassessed", ["Alpha", "Beta", "Gamma"]),
        ("readiness=shadow", []),
        ("year=THIS", ["Gamma"]),
        ("year=2099", []),
        ("declared=ready", ["Beta"]),
        ("declared=unassessed", ["Alpha", "Gamma"]),
        ("layer=layer-2", ["Beta"]),
        ("cluster=7010", ["Alpha", "Gamma"]),
        ("cluster=7023", ["Beta"]),
        ("cluster=7026", []),
        ("cluster=7023A", []),
        ("cluster=%207023%20", ["Beta"]),
        ("section=section-1", ["Alpha"]),
        ("situation=situation-3", ["Gamma"]),
        ("text=scope+own", ["Beta"]),
        ("text=alpha", ["Alpha"]),
        ("text=scope+beta", ["Beta"]),
        ("text=nowhere", []),
        ("layer=layer-2&cluster=7023&text=beta&readiness=unassessed&section=section-2&situation=situation-2", ["Beta"]),
        ("layer=layer-2&section=section-1", []),
        ("year=&layer=&cluster=&section=&situation=&text=&declared=", ["Alpha", "Beta", "Gamma"]),
    ],
)
def test_each_filter_narrows_the_list(landscape, reader, query, titles):
    assert listed(reader, query.replace("THIS", str(landscape[2].readiness_year))) == titles


def test_every_filter_is_tried_above():
    from runbooks.filters import RunbookFilterSet

    tried = {"readiness", "year", "declared", "layer", "cluster", "section", "situation", "text"}
    assert set(RunbookFilterSet.base_filters) == tried


def test_the_list_keeps_its_filters_from_page_to_page(landscape, reader, monkeypatch):
    from runbooks.views import RunbookList

    monkeypatch.setattr(RunbookList, "paginate_by", 1)
    first = page(reader, f"{LIST}?readiness=unassessed&page=1")
    assert any("readiness=unassessed" in link and "page=2" in link for link in first.links)
    assert listed(reader, "readiness=unassessed&page=2") == ["Beta"]


HOSTILE = {
    "a word": "abc",
    "a huge number": "9" * 11,
    "a number of a thousand digits": "9" * 5000,
    "a negative number": "-1",
    "a fraction": "20.5",
    "an exponent": "1e400",
    "not a number": "NaN",
    "infinity": "Infinity",
    "no UTF-8": "%ff%fe",
    "a lone surrogate": "%ED%A0%80",
    "an emoji": quote("🚨"),
    "a right-to-left mark": quote("\u202eabc"),
    "a long text": "x" * 10_000,
    "many words": "+".join(["word"] * 2_000),
    "markup": quote("<script>alert(1)</script>"),
    "a quote": quote("' OR 1=1 --"),
    "a percent sign": "%25",
    "a half escape": "%",
    "white space": "+++",
    "a line feed": "a%0Ab",
    "other digits": quote("٨٣"),
}
FILTERS = ["readiness", "year", "declared", "layer", "cluster", "section", "situation", "text"]


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_that_makes_no_sense_gets_an_answer_and_never_fails(landscape, reader, name):
    for what, value in HOSTILE.items():
        response = reader.get(f"{LIST}?{name}={value}")
        assert response.status_code == 200, (name, what)
        errors = response.context["filter"].form.errors
        if errors:
            assert list(response.context["runbooks"]) == [], (name, what)
            assert set(errors) == {name}
            assert "errorlist" in response.content.decode(), (name, what)
        assert b"<script>alert" not in response.content


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("cluster=abc", "is no cluster number. Write a number such as 83 or 16A."),
        ("cluster=83-85", "is no cluster number. Write a number such as 83 or 16A."),
        ("year=99999999999", "less than or equal to 2100"),
        ("year=1", "greater than or equal to 2020"),
        ("year=2026.5", "no more than 0 decimal places"),
        ("year=soon", "Enter a number"),
        ("readiness=bogus", "bogus is not one of the available choices"),
        ("readiness=ready&readiness=bogus", "bogus is not one of the available choices"),
        ("declared=bogus", "bogus is not one of the available choices"),
        ("layer=bogus", "not one of the available choices"),
        ("section=bogus", "not one of the available choices"),
        ("situation=bogus", "not one of the available choices"),
        (f"text={'x' * 201}", "at most 200 characters"),
    ],
)
def test_a_filter_that_makes_no_sense_says_what_is_wrong_and_shows_nothing(landscape, reader, query, words):
    shown = page(reader, f"{LIST}?{query}")
    assert words in " ".join(shown.words.split())
    assert "Alpha" not in shown.words


@pytest.mark.parametrize("address", ["/runbooks/", "/changes/", "/sign-offs/", "/reports/findings/", "HISTORY"])
def test_a_page_that_does_not_exist_is_never_a_failure(scene, reader, address):
    address = address.replace("HISTORY", f"/runbooks/{scene.ready.slug}/history/")
    for number in ("999", "0", "-1", "abc", "9" * 5000, "1e9", ""):
        assert reader.get(f"{address}?page={number}").status_code in (200, 404), number


def test_an_unknown_parameter_of_the_page_does_no_harm(landscape, reader):
    assert listed(reader, "utm_source=mail") == ["Alpha", "Beta", "Gamma"]


# ---- search


def test_a_search_for_nonsense_never_fails(scene, reader):
    for what, value in HOSTILE.items():
        response = reader.get(f"/search/?q={value}")
        assert response.status_code == 200, what
        assert b"<script>alert" not in response.content


def test_a_search_finds_situations_and_runbooks_and_puts_first_what_holds_every_word(scene, reader):
    links = page(reader, "/search/?q=waiting+pump").links
    assert links.index(scene.waiting.get_absolute_url()) < links.index(scene.ready.get_absolute_url())
    assert scene.situation.get_absolute_url() in page(reader, "/search/?q=pump+stopped").links


def test_a_search_without_words_shows_the_situations(scene, reader):
    assert scene.situation.get_absolute_url() in page(reader, "/search/").links


def test_a_search_that_finds_nothing_says_so_and_keeps_the_words(scene, reader):
    shown = reader.get("/search/?q=n%22o%3Csuch%3E").content.decode()
    assert "Nothing holds the words of" in shown
    assert 'value="n&quot;o&lt;such&gt;"' in shown


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
    addresses += ["/search/?q=%00", "/changes/?page=%00", "/?%00=1", "/login/?next=%00", "/%00/", "/runbooks/%00/"]
    addresses += [f"/runbooks/{scene.ready.slug}/versions/%00/", f"/runbooks/{scene.ready.slug}%00/history/"]
    addresses += [f"/{name}/a%00/" for name in ("situations", "clusters", "layers", "changes", "sign-offs", "admin")]
    for address in addresses:
        assert reader.get(address).status_code in (400, 404), address


def test_the_text_of_another_runbook_is_not_shown_under_this_ones_name(scene, reader, people):
    other = cast.make_runbook(text="# Quite another\n")
    assert reader.get(reverse("runbook-version", args=[scene.ready.slug, other.document.sha256])).status_code == 404


# ---- the warning


def banner(client, runbook):
    shown = page(client, runbook.get_absolute_url())
    return shown.banners, " ".join(shown.words.split())


def test_a_live_ready_runbook_carries_no_warning(scene, reader):
    banners, words = banner(reader, scene.ready)
    assert banners == ["is-go"]
    assert "Not for live use" not in words
    assert "Signed for live use until" in words


def test_an_unassessed_runbook_carries_the_warning_with_its_reason(scene, reader):
    banners, words = banner(reader, scene.waiting)
    assert banners == ["is-caution"]
    assert "Not for live use" in words
    assert str(REASON_TEXTS[Reason.NOT_READY]) in words


@pytest.mark.parametrize("level", ["rnd_only", "safety_sandbox", "shadow", "track"])
def test_a_lower_signed_level_carries_the_warning(runbook, people, reader, level):
    cast.approve(cast.ask(runbook, by=people["ed"], level=level), by=people["rita"])
    banners, words = banner(reader, runbook)
    assert "is-go" not in banners
    assert str(REASON_TEXTS[Reason.NOT_READY]) in words


def test_a_declared_readiness_carries_the_warning_all_the_same(people, reader):
    banners, words = banner(reader, cast.make_runbook(declared_level="ready", declared_year=2026))
    assert banners == ["is-caution"]
    assert "nobody has signed that" in words


def test_a_retired_runbook_carries_a_stop(ready_runbook, people, reader):
    actions.downgrade(runbook=ready_runbook, level="retired", reason="Not used.", by=people["rita"])
    assert banner(reader, ready_runbook)[0] == ["is-stop"]


def without_legend(response):
    """The page without the list of what the badges mean, which shows every badge."""
    return re.sub(r'<dl class="legend">.*?</dl>', "", response.content.decode(), flags=re.DOTALL)


def test_a_live_ready_runbook_is_marked_on_every_page_that_lists_it(scene, reader):
    situation = scene.ready.situations.first().get_absolute_url()
    for address in (
        "/",
        LIST,
        "/landscape/",
        situation,
        scene.cluster.get_absolute_url(),
        scene.layer.get_absolute_url(),
    ):
        assert "is-live" in without_legend(reader.get(address)), address


DRIFTS = {
    Reason.DOCUMENT_CHANGED: lambda runbook: Runbook.objects.filter(pk=runbook.pk).update(
        document=cast.store(runbook.document_path, "# Other steps\n")
    ),
    Reason.DOCUMENT_MISSING: lambda runbook: Runbook.objects.filter(pk=runbook.pk).update(document=None),
    Reason.METADATA_CHANGED: lambda runbook: Runbook.objects.filter(pk=runbook.pk).update(version="v9"),
}


@pytest.mark.parametrize("reason", DRIFTS)
def test_what_changed_after_the_signature_is_a_stop_on_every_page_that_shows_it(scene, reader, reason):
    DRIFTS[reason](scene.ready)
    banners, words = banner(reader, scene.ready)
    assert "is-stop" in banners
    assert "is-go" not in banners
    assert str(REASON_TEXTS[reason]) in words
    situation = scene.ready.situations.first().get_absolute_url()
    for address in (
        "/",
        LIST,
        "/landscape/",
        situation,
        scene.cluster.get_absolute_url(),
        scene.layer.get_absolute_url(),
    ):
        assert "is-live" not in without_legend(reader.get(address)), address
    assert "Not for live use." in page(reader, situation).words


@pytest.mark.parametrize("years", [1, -1])
def test_an_expired_readiness_is_a_stop(scene, reader, years, time_machine_at):
    time_machine_at(scene.ready.readiness_year + years)
    banners, words = banner(reader, scene.ready)
    assert banners == ["is-stop"]
    assert str(REASON_TEXTS[Reason.EXPIRED if years > 0 else Reason.NOT_YET_VALID]) in words


@pytest.fixture
def time_machine_at():
    """Sets the clock to a summer day of a year, for pages, which take no time as an argument."""
    import time_machine

    travels = []

    def travel(year):
        travels.append(time_machine.travel(f"{year}-06-15T12:00:00Z", tick=True))
        travels[-1].start()

    yield travel
    for travelled in travels:
        travelled.stop()


def test_an_earlier_text_says_that_it_must_not_be_followed(scene, reader):
    shown = page(reader, reverse("runbook-version", args=[scene.ready.slug, scene.old_document.sha256]))
    assert shown.banners == ["is-stop"]
    assert "Do not follow it" in shown.words
    assert "An earlier text" in shown.words


def test_the_present_text_of_a_runbook_that_is_not_live_ready_carries_the_warning_too(scene, reader):
    shown = page(reader, reverse("runbook-version", args=[scene.waiting.slug, scene.waiting.document.sha256]))
    assert shown.banners == ["is-caution"]


def test_a_live_ready_text_says_that_it_is_the_signed_one(scene, reader):
    shown = page(reader, reverse("runbook-version", args=[scene.ready.slug, scene.ready.document.sha256]))
    assert shown.banners == []
    assert "it is the signed one" in shown.words


def test_a_step_of_a_situation_warns_before_it_names_the_runbook(scene, reader):
    content = reader.get(scene.waiting.situations.first().get_absolute_url()).content.decode()
    assert content.index("Not for live use.") < content.index(f">{scene.waiting.title}<")


# ---- what people wrote is text


MARKUP = '<script>alert("x")</script><img src=x onerror=alert(1)>'


def test_markup_in_every_text_field_is_shown_as_text(people, reader, ready_runbook):
    runbook = cast.make_runbook(
        MARKUP[:200], owner=MARKUP, escalation_contact=MARKUP, document_path=MARKUP, text=MARKUP
    )
    cluster = Cluster.objects.create(slug="m", title=MARKUP)
    layer = Layer.objects.create(slug="m", title=MARKUP)
    section = Section.objects.create(slug="m", number=1, title=MARKUP)
    situation = Situation.objects.create(slug="m", title=MARKUP, comment=MARKUP, alert_source=MARKUP)
    SectionEntry.objects.create(section=section, runbook=runbook, role=MARKUP, heading=MARKUP)
    SituationRunbook.objects.create(situation=situation, runbook=runbook)
    runbook.layers.add(layer)
    runbook.related_clusters.add(cluster)
    with actions.governed_edit(runbook, by=people["ed"], reason=MARKUP):
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
    runbook = cast.make_runbook(text="# Pump\n\n## Stop it\n\n1. Close **the valve**.\n\n[up](#stop-it)\n")
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


# ---- cost: pinned, and the same for three rows and for thirty


QUERIES = {
    "/": 9,
    "/runbooks/": 7,
    "/situations/": 7,
    "/search/?q=pump": 16,
    "/search/suggestions/?q=pump": 12,
    "/landscape/": 12,
    "/changes/": 4,
    "/sign-offs/": 8,
    "/reports/findings/": 3,
    "SITUATION": 8,
    "CLUSTER": 8,
    "LAYER": 6,
    "VERSION": 7,
    "VERSIONS": 8,
    "HISTORY": 3,
    "RUNBOOK": 6,
    "/reports/readiness/": 7,
    "/reports/overdue/": 3,
}


def count_queries(client, address):
    client.get(address)  # whatever is remembered for good, such as content types, is not this page's cost
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
    lists = {route.name for route in every_route() if not route.namespaces and not route.is_api and route.name} - {
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
        "document",
    }
    assert lists == {
        "home", "runbooks", "situations", "search", "search-suggestions", "landscape", "changes", "sign-offs", "findings",
        "readiness-report", "overdue-report",
        "situation", "cluster", "layer", "runbook-version", "runbook-versions", "runbook-history", "runbook",
    }  # fmt: skip


def test_a_page_reads_no_text_that_it_does_not_show(scene, reader):
    with CaptureQueriesContext(connection) as queries:
        reader.get(LIST)
        reader.get("/")
    column = f'"{Document._meta.db_table}"."text"'
    assert not [query for query in queries.captured_queries if column in query["sql"]]


def test_a_change_is_seen_at_the_next_look(scene, reader, people):
    assert banner(reader, scene.ready)[0] == ["is-go"]
    actions.downgrade(runbook=scene.ready, level="shadow", reason="Wrong step.", by=people["rita"])
    assert banner(reader, scene.ready)[0] == ["is-caution"]
    assert scene.ready.title not in [runbook.title for runbook in reader.get("/").context["live_ready"]]


def test_no_page_may_be_kept_by_a_cache_in_between(scene, reader):
    for address in ("/", LIST, scene.ready.get_absolute_url()):
        assert "public" not in reader.get(address).headers.get("Cache-Control", "")
