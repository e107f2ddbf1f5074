"""What is searched is the text that a runbook's page shows: the signed one first."""

import html
import re

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance import guards
from governance.editing.audited_edit import audited_edit
from governance.signoff.downgrade import downgrade
from runbooks.models import (
    Document,
    Runbook,
    SearchEntry,
    SearchPassage,
    SearchPlaces,
    SearchWord,
    Situation,
    SituationRunbook,
)
from runbooks.search import index
from runbooks.search.query import holding
from tests import cast
from tests.runbooks.asking import answer

pytestmark = pytest.mark.django_db
SIGNED = "# Pump\n\n## Sluice\n\nClose the bluelever.\n\n## Drain\n\nWait for the siren.\n"
NEWER = "# Pump\n\n## Gate\n\nOpen the redwheel, then wait for the siren.\n"


@pytest.fixture
def reader(client, settings):
    settings.PORTAL_READ = "public"
    return client


@pytest.fixture
def pump(people):
    return cast.make_ready(cast.make_runbook("Pump", text=SIGNED))


def give(runbook, text):
    """Another text, or none, through the door that editors and the sync use."""
    runbook.refresh_from_db()
    with audited_edit(runbook, by="ed", reason="x"):
        runbook.document = cast.store(runbook.document_path, text) if text is not None else None
        runbook.save()
    runbook.refresh_from_db()
    return runbook


@pytest.fixture
def drifted(pump):
    return give(pump, NEWER)


def hits(question):
    answered = answer(question)
    return answered.hits(answered.runbooks)


def only_hit(question):
    (hit,) = hits(question)
    return hit


def held():
    """All that the index holds, without the keys."""
    names = (
        "entry__runbook__slug",
        "entry__situation__slug",
        "position",
        "heading",
        "anchor",
        "text",
    )
    passages = SearchPassage.objects.values_list(*names)
    places = SearchPlaces.objects.values_list("entry__runbook__slug", "words", "newer")
    columns = (*SearchEntry.COLUMNS, "exact_titles", "exact_names", "document")
    entries = SearchEntry.objects.values_list("runbook__slug", "situation__slug", *columns)
    return (
        sorted(map(str, passages)),
        sorted(map(str, places)),
        sorted(map(str, entries)),
        set(SearchWord.objects.values_list("word", "count")),
    )


def leads_to_what_is_there(reader, hit):
    """Whether the section of a hit and the text of its snippet are on the page it links to."""
    page = reader.get(hit.runbook.get_absolute_url()).content.decode()
    words = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())
    text = "".join(part.text for part in hit.snippet_parts()).strip("… ")
    return (not hit.anchor or f'id="{hit.anchor}"' in page) and text in words


# ---- the signed text is found


def test_the_signed_text_is_found_and_its_section_led_to_while_a_newer_one_stands_there(
    drifted, reader
):
    hit = only_hit("bluelever")
    assert (hit.heading, hit.anchor, hit.unsigned, hit.standing.is_live_ready) == (
        "Sluice",
        "doc-sluice",
        False,
        False,
    )
    assert leads_to_what_is_there(reader, hit)
    assert "Close the bluelever" in hit.passage_text
    content = reader.get("/search/?q=bluelever").content.decode()
    assert "changed since sign-off" in content
    assert "that nobody has signed" not in content


def test_a_word_that_both_texts_have_leads_to_the_signed_one(drifted, reader):
    hit = only_hit("siren")
    assert (hit.heading, hit.unsigned) == ("Drain", False)
    assert leads_to_what_is_there(reader, hit)


def test_a_word_of_the_newer_text_alone_is_found_marked_and_shows_nothing_of_it(drifted, reader):
    hit = only_hit("redwheel")
    assert (hit.heading, hit.anchor, hit.passage_text, hit.unsigned) == (
        "",
        "",
        drifted.scope,
        True,
    )
    content = reader.get("/search/?q=redwheel").content.decode()
    assert "Some of the search words appear only in a text that nobody has signed." in content
    newer = f"{drifted.get_absolute_url()}versions/{cast.sha256(NEWER)}/"
    assert f'href="{newer}"' in content
    assert "Open the <mark>" not in content
    assert "#doc-gate" not in content
    assert "nobody has signed" in reader.get(newer).content.decode()
    (suggestion,) = reader.get("/search/suggestions/?q=redwheel").json()["suggestions"]
    assert (suggestion["note"], suggestion["live_ready"]) == (
        "not for live use, found only in an unsigned text",
        False,
    )


def test_with_one_signed_and_one_unsigned_word_the_section_is_signed_and_the_hit_is_marked(
    drifted, reader
):
    hit = only_hit("bluelever redwheel")
    assert (hit.heading, hit.unsigned) == ("Sluice", True)
    assert "redwheel" not in hit.passage_text
    assert leads_to_what_is_there(reader, hit)


def test_nothing_of_the_newer_text_is_kept_to_be_shown(drifted):
    places = SearchPlaces.objects.get(newer__contains="redwheel")
    assert "redwheel" not in places.words
    assert places.entry.runbook == drifted
    for passage in SearchPassage.objects.all():
        shown = f"{passage.heading} {passage.anchor} {passage.text}"
        assert "redwheel" not in shown.casefold()


def test_what_is_only_in_an_unsigned_text_comes_after_what_is_in_a_shown_one(drifted):
    other = cast.make_runbook("Other", text="# Other\n\n## Gate\n\nOpen the redwheel.\n")
    assert [hit.runbook for hit in hits("redwheel")] == [other, drifted]


def test_a_text_that_went_away_leaves_the_signed_one_found(pump, reader):
    give(pump, None)
    hit = only_hit("bluelever")
    assert (hit.heading, hit.unsigned) == ("Sluice", False)
    assert leads_to_what_is_there(reader, hit)


def test_where_the_signed_text_is_not_stored_nothing_is_shown_of_the_other(drifted):
    """The page shows the unsigned text with a warning; the search never shows unsigned text."""
    guards.remove()
    Document.objects.filter(sha256=cast.sha256(SIGNED)).delete()
    assert hits("bluelever") == []
    hit = only_hit("redwheel")
    assert (hit.heading, hit.anchor, hit.passage_text, hit.unsigned) == (
        "",
        "",
        drifted.scope,
        True,
    )
    cast.store("docs/elsewhere.md", SIGNED)  # known again: the page shows it at once
    assert only_hit("bluelever").heading == "Sluice"
    assert index.staleness(thoroughly=True) == []


def test_the_lists_filter_finds_both_texts(drifted):
    for word in ("bluelever", "redwheel"):
        assert list(holding(Runbook.objects.all(), word)) == [drifted]


# ---- whatever changes which text is shown


def renew(runbook, people):
    request = cast.ask(runbook, by=people["ed"])
    cast.approve(request, by=people["rita"])
    cast.approve(request, by=people["rolf"])


EVENTS = {
    "signed": lambda runbook, people: cast.make_ready(cast.make_runbook("Other", text=SIGNED)),
    "a newer text": lambda runbook, people: give(runbook, NEWER),
    "two newer texts": lambda runbook, people: (
        give(runbook, NEWER),
        give(runbook, "# Third\n\nTurn the greenknob.\n"),
    ),
    "and back to the signed one": lambda runbook, people: (
        give(runbook, NEWER),
        give(runbook, SIGNED),
    ),
    "no text": lambda runbook, people: give(runbook, None),
    "no text, then a newer one": lambda runbook, people: (
        give(runbook, None),
        give(runbook, NEWER),
    ),
    "the newer one signed": lambda runbook, people: renew(give(runbook, NEWER), people),
    "signed, then a third": lambda runbook, people: (
        renew(give(runbook, NEWER), people),
        give(runbook, SIGNED),
    ),
    "taken down": lambda runbook, people: downgrade(
        runbook=give(runbook, NEWER), level="shadow", reason="Wrong.", by=people["rita"]
    ),
    "taken down without a text": lambda runbook, people: downgrade(
        runbook=give(runbook, None), level="shadow", reason="Wrong.", by=people["rita"]
    ),
    "retired": lambda runbook, people: downgrade(
        runbook=give(runbook, NEWER), level="retired", reason="Old.", by=people["rita"]
    ),
    "another path": lambda runbook, people: edit(
        give(runbook, NEWER), document_path="docs/other.md"
    ),
    "a title": lambda runbook, people: edit(give(runbook, NEWER), title="Sump"),
    "the signed text elsewhere": lambda runbook, people: cast.store(
        "docs/a.md", give(runbook, NEWER) and SIGNED
    ),
    "another text by update": lambda runbook, people: Runbook.objects.filter(pk=runbook.pk).update(
        document=cast.store(runbook.document_path, NEWER)
    ),
    "a situation": lambda runbook, people: SituationRunbook.objects.create(
        situation=Situation.objects.create(slug="s", title="Flood"),
        runbook=give(runbook, NEWER),
        position=1,
    ),
}


def edit(runbook, **fields):
    with audited_edit(runbook, by="ed", reason="x"):
        for name, value in fields.items():
            setattr(runbook, name, value)
        runbook.save()


@pytest.mark.parametrize("event", EVENTS)
def test_the_index_holds_the_text_that_the_page_shows_and_a_rebuild_changes_nothing(
    pump, people, reader, event
):
    EVENTS[event](pump, people)
    assert index.staleness(thoroughly=True) == []
    runbook = Runbook.objects.get(pk=pump.pk)
    shown = runbook.shown_document()
    assert runbook.search_entry.document == shown
    for word in ("bluelever", "redwheel", "greenknob"):
        for hit in hits(word):
            assert leads_to_what_is_there(reader, hit), (event, word)
            assert (
                hit.unsigned == (word not in (shown.text if shown else ""))
                or hit.runbook != runbook
            )
    before = held()
    call_command("rebuild_search", verbosity=0)
    assert held() == before
    assert index.staleness(thoroughly=True) == []


def test_a_signed_text_that_is_rendered_anew_is_read_anew_though_a_newer_one_stands_there(drifted):
    guards.remove()
    signed = Document.objects.filter(sha256=cast.sha256(SIGNED))
    signed.update(html='<h2 id="doc-new">Newheading</h2><p>x</p>')
    assert only_hit("newheading").anchor == "doc-new"
    assert hits("bluelever") == []


def test_time_alone_changes_no_text(drifted):
    """A year that ends takes the readiness away and not the signature: no write could be missed."""
    names = {field.name for field in Runbook._meta.get_fields()}
    assert {name for name in names if name.startswith("signed_")} == {
        "signed_document_sha256", "signed_metadata_sha256", "signed_at", "signed_from_year",
        "signed_until", "signed_solo", "signed_dependence",
    }  # fmt: skip
    before = drifted.shown_document()
    drifted.readiness_year, drifted.signed_until = 2020, None
    assert drifted.shown_document() == before


def test_a_signature_on_the_text_that_is_shown_already_leaves_the_index_alone(
    people, django_assert_max_num_queries
):
    runbook = cast.make_runbook("Pump", text=SIGNED)
    before = held()
    with django_assert_max_num_queries(8):
        index.refresh_texts([runbook.pk])
    cast.make_ready(runbook)
    assert held() == before


# ---- an index that is behind


def test_an_index_that_is_behind_leads_to_no_section_that_the_page_has_not(pump, reader):
    """The row changed without the index: by raw SQL, by a restore, by a write between two reads."""
    newer = cast.store(pump.document_path, NEWER)
    guards.remove()
    with connection.cursor() as cursor:
        cursor.execute(
            (
                "UPDATE runbooks_runbook SET document_id = %s, signed_document_sha256 = %s WHERE "
                "id = %s"
            ),
            [newer.pk, newer.sha256, pump.pk],
        )
    hit = only_hit("bluelever")
    assert (hit.heading, hit.anchor, hit.passage_text) == ("", "", pump.scope)
    assert index.staleness() == ["1 runbooks are indexed with another text."]
    with connection.cursor() as cursor:  # signed another, which is not what the index is of
        cursor.execute(
            "UPDATE runbooks_runbook SET signed_document_sha256 = %s WHERE id = %s",
            ["a" * 64, pump.pk],
        )
    hit = only_hit("bluelever")
    assert (hit.heading, hit.anchor, hit.passage_text) == ("", "", pump.scope)


def test_a_newer_text_costs_a_page_at_most_three_queries_more(drifted, people, reader):
    def asked():
        reader.get("/search/?q=siren")
        with CaptureQueriesContext(connection) as queries:
            assert reader.get("/search/?q=siren").status_code == 200
        return len(queries)

    while_drifted = asked()
    renew(drifted, people)
    # The passage; and the evidence, which tells why it is not live-ready.
    assert while_drifted <= asked() + 3
