"""The import page: what it shows is what it applies."""

import re
from html import unescape
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from governance import ledger
from governance.editing.audited_edit import audited_edit
from governance.exchange.models import LandscapeSource
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from runbooks.models import Runbook
from tests import cast
from tests.governance.admin.test_admin import admin_url, form_values
from tests.governance.exchange.test_landscape_history import PUMP, TANK, VALVE, VERSIONS
from tests.runbooks.landscape.samples import text_of

pytestmark = pytest.mark.django_db
URL = "/admin/runbooks/runbook/import/"
CONFLICTED = text_of((PUMP, "<<<<<<< mine", VALVE, "=======", TANK, ">>>>>>> yours"))
FIELD = re.compile(r'<input type="(hidden|radio)" name="([^"]+)" value="([^"]*)"')


def upload(client, text, **more):
    file = SimpleUploadedFile("landscape.md", text if isinstance(text, bytes) else text.encode())
    return client.post(URL, {"upload": file, "show": "1", **more})


def hidden(response):
    """What the page's form sends back by itself."""
    found = FIELD.findall(response.content.decode())
    return {
        name: unescape(value)
        for kind, name, value in found
        if kind == "hidden" and not name.startswith("csrf")
    }


def choices(response):
    return {name for kind, name, _ in FIELD.findall(response.content.decode()) if kind == "radio"}


def words(response):
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", response.content.decode())))


def test_a_file_is_planned_first_and_applied_as_shown(people, sign_in):
    client = sign_in("ed")
    shown = upload(client, VERSIONS[0])
    assert shown.status_code == 200
    assert "add Pump Restart Runbook" in words(shown)
    assert Runbook.objects.count() == 0
    applied = client.post(URL, {**hidden(shown), "apply": "1"}, follow=True)
    assert "Imported. Nothing was signed off" in words(applied)
    assert Runbook.objects.count() == 2
    assert LandscapeSource.objects.get().text == VERSIONS[0]
    assert ChangeLogEntry.objects.get(action=Action.LANDSCAPE_IMPORTED).actor == "ed"
    assert ledger.verify().is_whole


def test_a_pasted_text_is_the_same(people, sign_in):
    client = sign_in("ed")
    shown = client.post(URL, {"pasted": VERSIONS[0].replace("\n", "\r\n"), "show": "1"})
    client.post(URL, {**hidden(shown), "apply": "1"})
    assert LandscapeSource.objects.get().text == VERSIONS[0]


def test_every_byte_of_a_file_survives_the_way_through_the_form(people, sign_in):
    client, text = sign_in("ed"), "\ufeff" + VERSIONS[0].replace("\n", "\r\n").rstrip()
    client.post(URL, {**hidden(upload(client, text)), "apply": "1"})
    assert LandscapeSource.objects.get().text == text


def test_a_side_is_chosen_for_each_conflict(people, sign_in):
    client = sign_in("ed")
    asked = upload(client, CONFLICTED)
    assert "Keep the upper side (mine)" in words(asked)
    assert "Tank Level Alarm" in words(asked)
    (side,) = choices(asked)
    shown = client.post(URL, {**hidden(asked), side: "theirs", "show": "1"})
    assert "add Tank Level Alarm" in words(shown)
    client.post(URL, {**hidden(shown), side: "theirs", "apply": "1"})
    assert set(Runbook.objects.values_list("title", flat=True)) == {
        "Pump Restart Runbook",
        "Tank Level Alarm",
    }


def test_another_side_than_the_one_shown_is_another_plan(people, sign_in):
    client = sign_in("ed")
    (side,) = choices(asked := upload(client, CONFLICTED))
    shown = client.post(URL, {**hidden(asked), side: "theirs", "show": "1"})
    refused = client.post(URL, {**hidden(shown), side: "ours", "apply": "1"})
    assert refused.status_code == 409
    assert "add Valve Calibration" in words(refused)
    assert Runbook.objects.count() == 0


@pytest.mark.parametrize(("answer", "titles"), [("yes", 2), ("no", 3)])
def test_a_rename_is_confirmed_or_denied_on_the_page(people, sign_in, answer, titles):
    client = sign_in("ed")
    client.post(URL, {**hidden(upload(client, VERSIONS[0])), "apply": "1"})
    shown = upload(client, VERSIONS[0].replace("**Valve Calibration**", "**Ventile**"))
    assert "“Valve Calibration” is now “Ventile”?" in words(shown)
    refused = client.post(URL, {**hidden(shown), "apply": "1"})
    assert refused.status_code == 409
    assert "Answer yes or no to every rename" in words(refused)
    (name,) = choices(shown)
    again = client.post(URL, {**hidden(shown), name: answer, "show": "1"})
    client.post(URL, {**hidden(again), name: answer, "apply": "1"})
    assert Runbook.objects.count() == titles


def test_a_catalogue_that_changed_meanwhile_is_told_with_the_new_plan(people, sign_in):
    client = sign_in("ed")
    client.post(URL, {**hidden(upload(client, VERSIONS[0])), "apply": "1"})
    shown = upload(client, VERSIONS[0].replace("v1.0", "v1.1"))
    Runbook.objects.filter(title="Valve Calibration").update(version="v7")
    refused = client.post(URL, {**hidden(shown), "apply": "1"})
    assert refused.status_code == 409
    assert "something changed after the plan was shown" in words(refused)
    assert "v7 v1.1" in words(refused)
    assert Runbook.objects.get(title="Pump Restart Runbook").version == "v1.0"


def test_declared_stands_beside_signed_and_leads_to_the_request(people, sign_in):
    client = sign_in("ed")
    client.post(URL, {**hidden(upload(client, VERSIONS[3])), "apply": "1"})
    page = client.get(URL).content.decode()
    add = reverse("admin:governance_statuschangerequest_add")
    shadow, study = (
        Runbook.objects.get(title="Tank Level Alarm"),
        Runbook.objects.get(title="Leak Notes"),
    )
    assert f"{add}?runbook={shadow.pk}&amp;to_level=shadow" in page
    assert f"{add}?runbook={study.pk}&amp;to_level=rnd_only" in page
    form = client.get(f"{add}?runbook={shadow.pk}&to_level=shadow").content.decode()
    assert '<option value="shadow" selected>' in form


def test_a_claim_that_no_step_leads_to_has_no_link(people, sign_in):
    client = sign_in("ed")
    client.post(
        URL,
        {
            **hidden(upload(client, VERSIONS[0].replace("2026-ready |", "2031-ready |"))),
            "apply": "1",
        },
    )
    page = client.get(URL)
    assert "to_year=2031" not in page.content.decode()
    assert "no step leads there" in words(page)


def test_a_runbook_that_left_the_file_is_proposed_for_retirement(people, sign_in):
    client = sign_in("ed")
    client.post(URL, {**hidden(upload(client, VERSIONS[0])), "apply": "1"})
    shown = upload(client, text_of((PUMP,)))
    runbook = Runbook.objects.get(title="Valve Calibration")
    assert "Proposed for retirement" in words(shown)
    assert reverse("admin:runbooks_runbook_downgrade", args=[runbook.pk]) in shown.content.decode()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({}, "Choose a file, or paste its text."),
        ({"pasted": "# A shopping list"}, "No runbook table was found"),
        ({"content": "%%%"}, "The upload was incomplete"),
        ({"content": "/w=="}, "not UTF-8"),
        ({"pasted": "x" * (1024 * 1024 + 1)}, "larger than 1 MB"),
        ({"pasted": "a\n<<<<<<< x\n<<<<<<< y"}, "another conflict begins"),
        ({"pasted": VERSIONS[0], "side-999999999999": "ours"}, "no merge conflict begins here"),
    ],
)
def test_what_cannot_be_imported_is_told_and_writes_nothing(people, sign_in, data, sentence):
    response = sign_in("ed").post(URL, {**data, "show": "1"})
    assert response.status_code == 400
    assert sentence in words(response)
    assert Runbook.objects.count() == 0


@pytest.mark.parametrize("line", ["9" * 5_000, "-1", "x", "\u0663"])
def test_a_side_for_what_is_no_line_chooses_nothing(people, sign_in, line):
    body = urlencode({"pasted": VERSIONS[0], f"side-{line}": "ours", "show": "1"})
    form = "application/x-www-form-urlencoded"
    assert sign_in("ed").post(URL, body, content_type=form).status_code == 200


@pytest.mark.parametrize(
    ("who", "status"), [("ed", 200), ("sue", 200), ("rita", 403), ("ada", 403), ("otto", 302)]
)
def test_the_page_needs_the_right_to_change_runbooks(people, sign_in, who, status):
    assert sign_in(who).get(URL).status_code == status
    assert upload(sign_in(who), VERSIONS[0]).status_code == status


def test_the_form_carries_a_token(people):
    client = Client(enforce_csrf_checks=True)
    client.force_login(people["ed"])
    assert client.post(URL, {"pasted": VERSIONS[0]}).status_code == 403


def test_the_list_of_runbooks_leads_to_the_page_and_the_imports_are_looked_at(people, sign_in):
    assert URL in sign_in("ed").get("/admin/runbooks/runbook/").content.decode()
    assert URL not in sign_in("rita").get("/admin/runbooks/runbook/").content.decode()
    assert sign_in("ada").get("/admin/governance/landscapesource/").status_code == 200
    assert sign_in("ed").get("/admin/governance/landscapesource/add/").status_code == 403


def test_an_editor_edits_further_names_with_the_runbook(runbook, sign_in):
    client, url = sign_in("ed"), admin_url(Runbook, "change", runbook.pk)
    values = form_values(client, url) | {"aliases-TOTAL_FORMS": 1, "aliases-0-name": "The wet one"}
    values["aliases-0-runbook"] = runbook.pk
    assert client.post(url, values).status_code == 302
    assert [str(alias) for alias in runbook.aliases.all()] == ["The wet one"]
    assert ChangeLogEntry.objects.first().changes["aliases"] == {
        "before": [],
        "after": ["The wet one"],
    }


def test_a_title_that_is_edited_stays_as_a_further_name(runbook, people):

    former = runbook.title
    with audited_edit(runbook, by=people["ed"]):
        runbook.title = "A new name"
        runbook.save()
    assert [str(alias) for alias in runbook.aliases.all()] == [former]
    with audited_edit(runbook, by=people["ed"]):
        runbook.title = former
        runbook.save()
    assert [str(alias) for alias in runbook.aliases.all()] == ["A new name"]


def test_documents_are_read_where_the_portal_knows_their_folder(
    people, sign_in, settings, tmp_path
):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "pump.md").write_text("# Steps\n")
    settings.DOCS_ROOT = str(tmp_path)
    client = sign_in("ed")
    client.post(URL, {**hidden(upload(client, VERSIONS[0])), "apply": "1"})
    assert Runbook.objects.get(title="Pump Restart Runbook").document.text == "# Steps\n"
    assert (
        cast.sha256("# Steps\n")
        == Runbook.objects.get(title="Pump Restart Runbook").document.sha256
    )


def test_the_page_speaks_german(people, sign_in):
    page = sign_in("ed").get(URL, headers={"accept-language": "de"})
    assert page.status_code == 200
