"""What an answer says of the live rows, and the pages that show it."""

import json
from urllib.parse import quote

import pytest
from django.utils import timezone

from governance.signoff.downgrade import downgrade
from portal.pages.search import HITS_PER_PAGE
from runbooks.choices import ReadinessLevel
from runbooks.models import Cluster, Layer, Runbook, Situation, SituationRunbook
from runbooks.search.query import holding
from runbooks.search.retrieval import MAX_CANDIDATES
from tests import cast
from tests.runbooks.asking import answer

pytestmark = pytest.mark.django_db
BODY = (
    "# Steps\n\n## Drain\n\nOpen the bluelever, then wait.\n\n## Refill\n\nClose the `run_id` "
    "valve.\n"
)


def titles(question, **options):
    answered = answer(question, **options)
    return [hit.runbook.title for hit in answered.hits(answered.runbooks)]


@pytest.fixture
def reader(client, settings):
    settings.PORTAL_READ = "public"
    return client


@pytest.fixture
def twins(people):
    """Two runbooks that say the same; the second is signed."""
    first, second = (cast.make_runbook(f"Twin {name}", text=BODY) for name in ("one", "two"))
    cast.make_ready(second)
    return first, second


# ---- order


def test_of_two_that_answer_alike_the_live_ready_one_comes_first_and_the_other_is_marked(
    twins, reader
):
    assert titles("bluelever") == ["Twin two", "Twin one"]
    content = reader.get("/search/?q=bluelever").content.decode()
    assert content.count("Not for live use") == 1
    assert content.index("Twin two") < content.index("Not for live use")


def test_a_readiness_that_ended_counts_at_once(twins, people, reader):
    downgrade(runbook=twins[1], level="shadow", reason="Wrong step.", by=people["rita"])
    assert not any(found.standing.is_live_ready for found in answer("bluelever").runbooks)
    assert titles("bluelever") == ["Twin one", "Twin two"]
    assert reader.get("/search/?q=bluelever").content.decode().count("Not for live use") == 2


def test_a_readiness_ends_with_its_year(twins):
    next_year = timezone.now().replace(year=timezone.localdate().year + 1, month=6, day=1)
    assert not any(
        found.standing.is_live_ready for found in answer("bluelever", at=next_year).runbooks
    )


def test_an_index_that_lies_cannot_make_a_runbook_live_ready(twins):
    from runbooks.models import SearchEntry

    words = " bluelever ready live 2026 signed " * 5
    SearchEntry.objects.filter(runbook=twins[0]).update(title=words, names=words, facts=words)
    ready = {found.pk: found.standing.is_live_ready for found in answer("bluelever").runbooks}
    assert ready == {twins[0].pk: False, twins[1].pk: True}


def test_exact_title_then_situation_then_heading_then_body(people):
    body = cast.make_runbook("Alpha", text="# A\n\nThe redlamp glows.\n")
    heading = cast.make_runbook("Beta", text="# B\n\n## Redlamp glows\n\nx\n")
    named = cast.make_runbook("Gamma", text="# C\n")
    cast.make_runbook("Redlamp glows", text="# D\n")
    situation = Situation.objects.create(slug="s", title="Redlamp glows in the cellar")
    SituationRunbook.objects.create(situation=situation, runbook=named)
    assert titles("redlamp glows") == ["Redlamp glows", named.title, heading.title, body.title]
    cast.make_ready(body)
    assert titles("redlamp glows")[0] == "Redlamp glows"


def test_the_first_runbook_of_a_situation_comes_before_its_second(people):
    first, second = cast.make_runbook("Zulu"), cast.make_runbook("Alpha")
    situation = Situation.objects.create(slug="s", title="Cellarflood")
    SituationRunbook.objects.create(situation=situation, runbook=first, position=1)
    SituationRunbook.objects.create(situation=situation, runbook=second, position=2)
    assert titles("cellarflood") == ["Zulu", "Alpha"]


# ---- sections and marks


def test_a_hit_leads_to_the_section_that_answers(twins, reader):
    (hit,) = [
        hit for hit in answer("run_id").hits(answer("run_id").runbooks) if hit.runbook == twins[0]
    ]
    assert (hit.heading, hit.anchor) == ("Refill", "doc-refill")
    content = reader.get("/search/?q=run_id").content.decode()
    assert f'href="{twins[0].get_absolute_url()}#doc-refill"' in content
    assert "<mark>run_id</mark>" in content
    assert '<h3 id="doc-refill">' in reader.get(twins[0].get_absolute_url()).content.decode()


def test_what_is_shown_is_escaped_and_marked(people, reader):
    cast.make_runbook(
        "A <b>bold</b> title",
        text='# X\n\n## <img src=x> bluelever\n\n<script>alert("bluelever")</script>\n',
    )
    content = reader.get("/search/?q=bluelever+bold").content.decode()
    assert "<mark>bluelever</mark>" in content
    assert "A &lt;b&gt;bold&lt;/b&gt; title" in content
    assert "<script>alert" not in content
    assert "<img" not in content


# ---- facets


@pytest.fixture
def catalogue(people):
    """Four runbooks with one word, two layers, an own cluster each, one signed."""
    night = Layer.objects.create(slug="night", title="Night")
    made = [cast.make_runbook(f"Lever {number}", text=BODY) for number in range(4)]
    made[0].layers.add(night)
    cast.make_ready(made[3])
    return made


def shown(reader, query):
    response = reader.get(f"/search/?{query}")
    assert response.status_code == 200
    return {hit.runbook.title for hit in response.context["hits"]}


def test_facets_count_and_narrow_down(catalogue, reader):
    facets = {facet.name: facet for facet in reader.get("/search/?q=bluelever").context["facets"]}
    assert {
        name: [(choice.value, choice.number) for choice in facets[name].choices]
        for name in ("status", "layer")
    } == {
        "status": [("unassessed", 3), ("live", 1)],
        "layer": [("pumps", 4), ("night", 1)],
    }
    assert shown(reader, "q=bluelever&status=live") == {"Lever 3"}
    assert shown(reader, "q=bluelever&layer=night") == {"Lever 0"}
    assert shown(reader, f"q=bluelever&cluster={catalogue[2].primary_cluster.slug}") == {"Lever 2"}
    assert shown(reader, "q=bluelever&status=live&layer=night") == set()


@pytest.mark.parametrize(
    "query",
    ["status=bogus", "layer=bogus", "cluster=%22", "status=live&status=x", "page=99", "page=x"],
)
def test_a_filter_or_page_that_makes_no_sense_is_no_failure(catalogue, reader, query):
    assert reader.get(f"/search/?q=bluelever&{query}").status_code == 200


def test_a_chosen_filter_can_be_taken_away_and_keeps_the_question(catalogue, reader):
    facets = reader.get("/search/?q=bluelever&layer=night").context["facets"]
    chosen = next(choice for facet in facets for choice in facet.choices if choice.chosen)
    assert chosen.query == "q=bluelever"


def test_a_filter_finds_what_lay_beyond_the_best(people, reader):
    for number in range(MAX_CANDIDATES + 5):
        Runbook.objects.create(
            slug=f"many-{number}", title=f"Manyword {number}", scope="x", position=number
        )
    last = Runbook.objects.get(slug=f"many-{MAX_CANDIDATES + 4}")
    last.layers.add(Layer.objects.create(slug="rare", title="Rare"))
    Runbook.objects.filter(pk=last.pk).update(
        title="Some other name with a manyword somewhere in it"
    )
    assert shown(reader, "q=manyword&layer=rare") == {
        "Some other name with a manyword somewhere in it"
    }
    content = reader.get("/search/?q=manyword").content.decode()
    assert f"Top {MAX_CANDIDATES} results" in content
    assert len(shown(reader, "q=manyword&page=2")) == MAX_CANDIDATES - HITS_PER_PAGE


# ---- questions of every kind


@pytest.mark.parametrize(
    "question",
    [
        "", " ", "x" * 5_000, "word " * 1_000, '"', "'", "''; --", "*", "a*", '"unclosed',
        "NEAR(a b)", "NEAR", "AND OR NOT", "-", "-bluelever", "bluelever^2", "{title}:x",
        "title:bluelever", "(", ")", "a:*", "a & b | !c", "<->", "\\", "%", "🔥", "…!?",
        "x" * 10_000, "\u05e9\u05dc\u05d5\u05dd pump", "NEAR(\"blue\" \"lever\", 5)",
        "👩\u200d🚒 bluelever", "\"*\"", "\ud800", "٨٣", "日本語", "\u202eabc", "a" * 64 + "b", "_",
        "bluelever AND", "'bluelever'",
    ],
)  # fmt: skip
def test_any_question_gets_a_page_and_suggestions(catalogue, reader, question):
    encoded = quote(question.encode("utf-8", "surrogatepass"))
    assert reader.get(f"/search/?q={encoded}").status_code == 200
    assert isinstance(reader.get(f"/search/suggestions/?q={encoded}").json()["suggestions"], list)
    assert holding(Runbook.objects.all(), question.encode("utf-8", "replace").decode()) is not None


def test_signs_of_a_query_language_are_no_commands(catalogue):
    for question in ("-bluelever", '"bluelever"', "bluelever*", "NOT bluelever", "title:bluelever"):
        assert len(titles(question)) == 4, question


def test_what_brings_nothing_offers_the_situations_and_says_what_to_change(catalogue, reader):
    Situation.objects.create(slug="flood", title="Cellarflood")
    content = reader.get("/search/?q=zzzzzz").content.decode()
    assert "No results for “zzzzzz”" in content
    assert "Check the spelling" in content
    assert "/situations/flood/" in content


def test_words_that_stand_nowhere_are_named(catalogue, reader):
    assert (
        "Not found and left out: zzzzzz"
        in reader.get("/search/?q=bluelever+zzzzzz").content.decode()
    )
    assert len(shown(reader, "q=bluelever+zzzzzz")) == 4


# ---- suggestions


def test_suggestions_name_where_they_lead_and_what_may_not_be_used_live(catalogue, reader):
    situation = Situation.objects.create(slug="flood", title="Bluelever stuck")
    SituationRunbook.objects.create(situation=situation, runbook=catalogue[0])
    response = reader.get("/search/suggestions/?q=bluele")
    first, *rest = response.json()["suggestions"]
    assert first == {
        "kind": "situation",
        "title": "Bluelever stuck",
        "address": "/situations/flood/",
        "note": "1 runbook",
    }
    notes = {each["title"]: (each["note"], each["live_ready"]) for each in rest}
    assert notes["Lever 0"] == ("not for live use", False)
    assert notes["Lever 3"] == (f"{timezone.localdate().year}-ready", True)
    assert "no-store" in response.headers["Cache-Control"]


def test_suggestions_are_for_readers_alone(catalogue, client, settings):
    settings.PORTAL_READ = "login"
    assert client.get("/search/suggestions/?q=lever").status_code == 302


def test_suggestions_while_one_types(catalogue, reader):
    for length in range(2, len("bluelever") + 1):
        suggestions = reader.get(f"/search/suggestions/?q={'bluelever'[:length]}").json()[
            "suggestions"
        ]
        assert len(suggestions) == 4, json.dumps(suggestions)


# ---- the list's filter and the API


def test_the_text_filter_finds_words_as_the_search_does(people, reader):
    runbook = cast.make_runbook("Überprüfung der Pumpe")
    cast.make_runbook("Other")
    for text in ("ueberpruefung", "uberprufung", "UEBERPRUEFUNG pumpe", "überprufnug"):
        assert [
            row["slug"]
            for row in reader.get(f"/api/v1/runbooks/?text={quote(text)}").json()["results"]
        ] == [runbook.slug]
        assert [
            row.pk for row in reader.get(f"/runbooks/?text={quote(text)}").context["runbooks"]
        ] == [runbook.pk]


def test_every_level_has_a_name_among_the_facets(people, reader):
    for position, level in enumerate(ReadinessLevel.values):
        if level != "ready":
            Runbook.objects.bulk_create(
                [Runbook(slug=level, title=f"Levelword {level}", position=position)]
            )
    assert len(titles("levelword")) == len(ReadinessLevel.values) - 1
    assert Cluster.objects.count() == 0
