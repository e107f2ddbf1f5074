"""The list and the search: each filter narrows, and nonsense gets a message."""

from urllib.parse import quote

import pytest

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
from tests.runbooks.asking import FILTERS, LIST, listed, page

pytestmark = pytest.mark.django_db


# ---- the list and its filters, one by one


@pytest.fixture
def landscape(people):
    """Three runbooks that differ in everything that can be filtered by."""
    alpha, beta, gamma = (cast.make_runbook(title) for title in ("Alpha", "Beta", "Gamma"))
    for number, runbook in enumerate((alpha, beta, gamma), start=1):
        layer = Layer.objects.create(slug=f"layer-{number}", title=f"Layer {number}")
        runbook.layers.set([layer])
        section = Section.objects.create(
            slug=f"section-{number}", number=number, title=f"Section {number}"
        )
        SectionEntry.objects.create(section=section, runbook=runbook)
        situation = Situation.objects.create(
            slug=f"situation-{number}", title=f"Situation {number}"
        )
        SituationRunbook.objects.create(situation=situation, runbook=runbook)
        cluster = Cluster.objects.create(
            slug=f"c-{number}", first_number=7000 + number * 10, last_number=7005 + number * 10
        )
        Runbook.objects.filter(pk=runbook.pk).update(primary_cluster=cluster)
    Runbook.objects.filter(pk=beta.pk).update(
        declared_level="ready", declared_year=2026, scope="A scope of its own"
    )
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
        (
            "layer=layer-2&cluster=7023&text=beta&readiness=unassessed"
            "&section=section-2&situation=situation-2",
            ["Beta"],
        ),
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
    from portal.pages.runbooks import RunbookList

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
        ("cluster=abc", "is not a cluster number. Enter a number such as 83 or 16A."),
        ("cluster=83-85", "is not a cluster number. Enter a number such as 83 or 16A."),
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
def test_a_filter_that_makes_no_sense_says_what_is_wrong_and_shows_nothing(
    landscape, reader, query, words
):
    shown = page(reader, f"{LIST}?{query}")
    assert words in " ".join(shown.words.split())
    assert "Alpha" not in shown.words


@pytest.mark.parametrize(
    "address", ["/runbooks/", "/changes/", "/sign-offs/", "/reports/findings/", "HISTORY"]
)
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
    assert links.index(scene.waiting.get_absolute_url()) < links.index(
        scene.ready.get_absolute_url()
    )
    assert scene.situation.get_absolute_url() in page(reader, "/search/?q=pump+stopped").links


def test_a_search_without_words_shows_the_situations(scene, reader):
    assert scene.situation.get_absolute_url() in page(reader, "/search/").links


def test_a_search_that_finds_nothing_says_so_and_keeps_the_words(scene, reader):
    shown = reader.get("/search/?q=n%22o%3Csuch%3E").content.decode()
    assert "No results for" in shown
    assert 'value="n&quot;o&lt;such&gt;"' in shown
