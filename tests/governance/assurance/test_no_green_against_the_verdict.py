"""Whatever is forged: where the verdict is no-go, nothing is shown or reported as live-ready."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from governance.assurance.evidence import verdict_on
from governance.assurance.standings import live_ready
from governance.signoff.models import SignOff
from runbooks.models import Runbook
from tests import cast
from tests.tampering import past_the_refusals

pytestmark = pytest.mark.django_db


def lose_a_signature(runbook):
    decision = SignOff.objects.filter(
        request__runbook=runbook, request__applied_at__isnull=False
    ).latest("pk")
    past_the_refusals("DELETE FROM governance_signoff WHERE id = %s", decision.pk)


def rename_a_signer(runbook):
    past_the_refusals("UPDATE auth_user SET username = 'somebody-else' WHERE username = 'rita'")


def forge_the_readiness(runbook):
    past_the_refusals(
        "UPDATE runbooks_runbook SET readiness_year = readiness_year + 1 WHERE id = %s", runbook.pk
    )


def forge_what_is_shown(runbook):
    forged = "<p>Open every valve.</p>"
    past_the_refusals(
        "UPDATE runbooks_document SET html = %s, html_sha256 = %s WHERE id = %s",
        forged,
        cast.sha256(forged),
        runbook.document_id,
    )


def forge_the_text_alone(runbook):
    past_the_refusals(
        "UPDATE runbooks_document SET html = '<p>Open every valve.</p>' WHERE id = %s",
        runbook.document_id,
    )


def forge_a_ledger_row(runbook):
    past_the_refusals(
        "UPDATE governance_changelogentry SET changes = '[]' WHERE action = 'readiness_changed'"
    )


FORGERIES = [
    lose_a_signature,
    rename_a_signer,
    forge_the_readiness,
    forge_what_is_shown,
    forge_a_ledger_row,
]


def greens(page):
    """How often a page shows a runbook as live-ready, not counting the legend of the colours."""
    return page.count("is-live") - page.count("<dd>May be used live")


def addresses(scene):
    return [
        "/",
        "/runbooks/",
        "/runbooks/?readiness=ready",
        scene.ready.get_absolute_url(),
        f"{scene.ready.get_absolute_url()}versions/",
        "/situations/",
        scene.situation.get_absolute_url(),
        "/a/nothing:like:this/",
        scene.cluster.get_absolute_url(),
        scene.layer.get_absolute_url(),
        "/landscape/",
        f"/search/?q={scene.ready.title}",
        "/reports/readiness/",
    ]


@pytest.mark.parametrize("forge", FORGERIES)
def test_what_was_forged_is_green_nowhere(scene, reader, forge):
    pages = addresses(scene)
    before = {address: greens(reader.get(address).content.decode()) for address in pages}
    assert sum(map(bool, before.values())) >= len(pages) - 3, (
        before
    )  # else nothing is shown by what follows
    forge(scene.ready)
    assert not verdict_on(Runbook.objects.get(pk=scene.ready.pk)).go
    for address in pages:
        page = reader.get(address).content.decode()
        assert not greens(page), address
        assert "is-go" not in page, address
    assert live_ready() == []


@pytest.mark.parametrize("forge", FORGERIES)
def test_no_machine_is_told_live_ready(scene, reader, forge):
    forge(scene.ready)
    for row in (
        reader.get(f"/api/v1/runbooks/{scene.ready.slug}/").json(),
        *reader.get("/api/v1/runbooks/?page_size=1000").json()["results"],
    ):
        assert row["live_ready"] is False
        assert row["reasons_against_live"]
    suggestions = reader.get("/search/suggestions/", {"q": scene.ready.title}).json()
    assert '"live_ready": true' not in json.dumps(suggestions)
    assert '"go"' not in json.dumps(reader.get("/api/v1/resolve/").json())


@pytest.mark.parametrize("forge", FORGERIES)
def test_the_admin_does_not_say_signed_for_live_use(scene, sign_in, forge):
    client: Client = sign_in("ed")
    forge(scene.ready)
    for page in ("", f"{scene.ready.pk}/change/"):
        shown = client.get(f"/admin/runbooks/runbook/{page}").content.decode()
        assert "Signed for live use." not in shown
    assert "not valid" in client.get("/admin/runbooks/runbook/").content.decode()


def test_a_text_that_is_not_itself_is_vouched_for_by_no_page_that_shows_one_runbook(
    scene, reader, sign_in
):
    """A list reads no texts. Whatever shows or answers about one runbook does."""
    version = scene.ready.document.get_absolute_url()
    forge_the_text_alone(scene.ready)
    for address in (
        scene.ready.get_absolute_url(),
        version,
        f"{scene.ready.get_absolute_url()}versions/",
        scene.situation.get_absolute_url(),
    ):
        page = reader.get(address).content.decode()
        assert not greens(page), address
        assert "current, signed version" not in page
    for address in (scene.ready.get_absolute_url(), version):
        assert "The stored text does not match its sha256." in reader.get(address).content.decode()
    row = reader.get(f"/api/v1/runbooks/{scene.ready.slug}/").json()
    assert (row["live_ready"], row["reasons_against_live"]) == (False, ["document_altered"])
    admin = sign_in("ed").get(f"/admin/runbooks/runbook/{scene.ready.pk}/change/").content.decode()
    assert "Signed for live use." not in admin


def test_many_rows_are_asked_about_together(people, django_assert_max_num_queries, reader):
    for number in range(8):
        cast.make_ready(cast.make_runbook(f"Valve {number}"))
    reader.get("/runbooks/")
    with django_assert_max_num_queries(11):
        assert reader.get("/runbooks/").content.decode().count("is-live") >= 8


def test_an_answer_is_kept_for_no_other_request(scene, reader):
    assert greens(reader.get("/runbooks/").content.decode())
    lose_a_signature(scene.ready)
    assert not greens(reader.get("/runbooks/").content.decode())


def test_the_command_that_asks_says_the_same(scene):
    forge_what_is_shown(scene.ready)
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("verdict", scene.ready.slug, stdout=out)
    assert "document_altered" in out.getvalue()
