"""If a text changed after signing, the signed one is shown first, and they are distinguishable."""

import pytest
from django.urls import reverse

from governance.signoff.submit import submit
from runbooks.models import Document, Runbook
from tests import cast
from tests.runbooks.asking import Page

pytestmark = pytest.mark.django_db
SIGNED, NEWER = (
    "# Signed steps\n\n1. Close the old valve.\n",
    "# Newer steps\n\n1. Open the new valve.\n",
)


@pytest.fixture
def changed(people):
    """Signed ready, then given another text."""
    runbook = cast.make_ready(cast.make_runbook("Pump", text=SIGNED))
    return give(runbook, NEWER)


def give(runbook, text):
    document = cast.store(runbook.document_path, text) if text is not None else None
    Runbook.objects.filter(pk=runbook.pk).update(document=document)
    return Runbook.objects.get(pk=runbook.pk)


def show(client, address):
    response = client.get(address)
    assert response.status_code == 200, address
    return Page(response)


def version(runbook, text):
    return reverse("runbook-version", args=[runbook.slug, cast.sha256(text)])


def diff(runbook):
    return reverse(
        "runbook-difference", args=[runbook.slug, cast.sha256(SIGNED), cast.sha256(NEWER)]
    )


# ---- the page of the runbook


def test_an_operator_sees_the_signed_text_and_not_the_newer_one(changed, reader):
    shown = show(reader, changed.get_absolute_url())
    assert "Close the old valve" in shown.words
    assert "Open the new valve" not in shown.words


def test_a_banner_says_which_text_it_is_and_that_a_newer_unsigned_one_exists(changed, reader):
    shown = show(reader, changed.get_absolute_url())
    assert "Not for live use" in shown.words
    assert "Below: the signed text" in shown.words
    assert "A newer text exists" in shown.words
    assert set(shown.banners) == {"is-stop"}
    content = reader.get(changed.get_absolute_url()).content.decode()
    assert content.index("Below: the signed text") < content.index("Close the old valve")


def test_the_newer_text_and_the_difference_are_one_click_away(changed, reader):
    links = show(reader, changed.get_absolute_url()).links
    assert version(changed, NEWER) in links
    assert version(changed, SIGNED) in links
    assert diff(changed) in links
    for address in (version(changed, NEWER), version(changed, SIGNED), diff(changed)):
        show(reader, address)


def test_a_runbook_whose_text_is_the_signed_one_says_nothing_of_another(people, reader):
    shown = show(reader, cast.make_ready(cast.make_runbook("Pump", text=SIGNED)).get_absolute_url())
    assert "unsigned" not in shown.words
    assert shown.banners == ["is-go"]


def test_a_runbook_that_nobody_has_signed_shows_the_text_that_stands_there(people, reader):
    shown = show(reader, give(cast.make_runbook("Pump", text=SIGNED), NEWER).get_absolute_url())
    assert "Open the new valve" in shown.words
    assert "Below:" not in shown.words


@pytest.mark.parametrize("level", ["shadow", "safety_sandbox", "track", "rnd_only"])
def test_it_is_the_same_at_every_signed_level(people, reader, level):
    runbook = cast.make_runbook("Pump", text=SIGNED)
    request = cast.ask(runbook, by=people["ed"], level=level)
    cast.approve(request, by=people["rita"])
    request.refresh_from_db()
    if request.state == "open":
        cast.approve(request, by=people["rolf"])
    runbook = give(runbook, NEWER)
    shown = show(reader, runbook.get_absolute_url())
    assert "Close the old valve" in shown.words
    assert "A newer text exists" in shown.words


def test_a_document_that_went_away_leaves_the_signed_text_with_a_stop(changed, reader):
    shown = show(reader, give(changed, None).get_absolute_url())
    assert "Close the old valve" in shown.words
    assert "There is no longer a text at" in shown.words
    assert set(shown.banners) == {"is-stop"}


def test_where_the_signed_text_is_not_stored_the_other_one_is_never_passed_off_as_it(
    people, reader, monkeypatch
):
    runbook = give(cast.make_ready(cast.make_runbook("Pump", text=SIGNED)), NEWER)
    monkeypatch.setattr(Runbook, "signed_document", lambda self: None)
    shown = show(reader, runbook.get_absolute_url())
    assert "Open the new valve" in shown.words
    assert "Below: a text that nobody has signed" in shown.words
    assert "Below: the signed text" not in shown.words


def test_a_signature_anew_makes_the_newer_text_the_first_one(changed, people, reader):
    request = submit(
        runbook=changed,
        level="ready",
        year=changed.readiness_year,
        rationale="Read.",
        evidence=cast.EVIDENCE,
        by=people["ed"],
    )
    cast.approve(request, by=people["rita"])
    request.refresh_from_db()
    if request.state == "open":
        cast.approve(request, by=people["rolf"])
    shown = show(reader, changed.get_absolute_url())
    assert "Open the new valve" in shown.words
    assert shown.banners == ["is-go"]


def test_the_verdict_is_no_go_because_the_document_has_changed(changed, reader):
    answer = reader.get(f"/api/v1/runbooks/{changed.slug}/verdict/").json()
    assert (answer["verdict"], answer["reasons"]) == ("no-go", ["document_changed"])


def test_the_same_text_at_another_path_is_not_taken_for_this_runbooks_own(people, reader):
    cast.make_runbook("Twin", text=SIGNED)
    runbook = give(cast.make_ready(cast.make_runbook("Pump", text=SIGNED)), NEWER)
    assert runbook.shown_document().path == runbook.document_path
    assert list(runbook.versions().values_list("path", flat=True)) == [runbook.document_path] * 2


# ---- the pages of the two texts


def test_the_page_of_the_signed_text_says_that_a_newer_one_exists(changed, reader):
    shown = show(reader, version(changed, SIGNED))
    assert "Below: the signed text" in shown.words
    assert "An earlier version" not in shown.words
    assert set(shown.banners) == {"is-stop"}


def test_the_page_of_the_newer_text_says_that_nobody_has_signed_it(changed, reader):
    shown = show(reader, version(changed, NEWER))
    assert "Below: a text that nobody has signed" in shown.words
    assert set(shown.banners) == {"is-stop"}
    assert version(changed, SIGNED) in shown.links


# ---- wherever it appears


def test_changed_since_sign_off_is_said_wherever_the_runbook_appears(changed, reader, people):
    from runbooks.models import Situation, SituationRunbook

    situation = Situation.objects.create(slug="s", title="S")
    SituationRunbook.objects.create(situation=situation, runbook=changed, position=1)
    for address in (
        "/runbooks/",
        "/landscape/",
        "/search/?q=pump",
        "/reports/readiness/",
        "/situations/s/",
        changed.primary_cluster.get_absolute_url(),
        "/layers/pumps/",
        changed.get_absolute_url(),
        reverse("runbook-versions", args=[changed.slug]),
    ):
        assert (
            "changed since sign-off"
            in reader.get(address).content.decode().split("What the badges mean")[0]
        ), address
    row = reader.get(f"/api/v1/runbooks/{changed.slug}/").json()
    assert (row["changed_since_sign_off"], row["signed_document_sha256"]) == (
        True,
        cast.sha256(SIGNED),
    )


# ---- the list of versions


def test_the_versions_are_listed_with_what_they_are(changed, reader):
    shown = show(reader, reverse("runbook-versions", args=[changed.slug]))
    assert "signed text" in shown.words
    assert "current" in shown.words
    assert diff(changed) in shown.links
    for document in Document.objects.filter(path=changed.document_path):
        assert version(changed, document.text) in shown.links


def test_a_runbook_without_a_text_has_no_versions_and_says_so(people, reader):
    bare = cast.make_runbook("Bare", text=None)
    assert (
        "No text of this runbook is stored yet"
        in show(reader, reverse("runbook-versions", args=[bare.slug])).words
    )


def test_the_texts_of_other_runbooks_are_no_versions_of_one_without_a_path(people):
    cast.make_runbook("Other")
    bare = cast.make_runbook("Bare", text=None, document_path="")
    assert not bare.versions().exists()
