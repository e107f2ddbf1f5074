"""Simultaneous edits and a browser's line endings: nothing is lost or changed by itself."""

import pytest
from django.contrib.auth.models import Group

from governance.assurance.evidence import verdict_on
from governance.ledger.models import ChangeLogEntry
from runbooks.models import (
    CodeReference,
    Runbook,
    Section,
    SectionEntry,
    Situation,
    SituationRunbook,
)
from tests import cast
from tests.governance.admin.test_admin import admin_url, form_values, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def clients(sign_in):
    """Two people with the same form open."""
    return sign_in("ed"), sign_in("ed")


def test_a_form_that_was_opened_before_anothers_change_saves_nothing_and_says_what_changed(
    ready_runbook, clients
):
    first, second = clients
    url = admin_url(Runbook, "change", ready_runbook.pk)
    stale = form_values(second, url)
    fresh = {
        **form_values(first, url),
        "scope": "Never in live hours.",
        "escalation_contact": "The desk",
    }
    assert first.post(url, fresh).status_code == 302
    response = second.post(url, {**stale, "owner": "Another team"})
    assert response.status_code == 200
    said = text_of(response)
    assert "someone else changed this" in said
    assert "scope: Never in live hours." in said
    assert "escalation contact: The desk" in said
    stored = Runbook.objects.get(pk=ready_runbook.pk)
    assert (stored.scope, stored.escalation_contact) == ("Never in live hours.", "The desk")
    assert stored.owner != "Another team"
    assert not verdict_on(stored).go


def test_saved_once_more_it_is_written_with_open_eyes(runbook, clients):
    first, second = clients
    url = admin_url(Runbook, "change", runbook.pk)
    stale = form_values(second, url)
    first.post(url, {**form_values(first, url), "scope": "Another scope."})
    response = second.post(url, {**stale, "scope": "Mine."})
    again = {
        **stale,
        "scope": "Mine.",
        "opened_on": response.context["adminform"].form["opened_on"].value(),
    }
    assert second.post(url, again).status_code == 302
    assert Runbook.objects.get(pk=runbook.pk).scope == "Mine."
    told = ChangeLogEntry.objects.filter(subject=f"runbook:{runbook.slug}").first()
    assert told.changes["scope"] == {"before": "Another scope.", "after": "Mine."}


def test_what_belongs_to_an_object_counts_too(runbook, clients):
    first, second = clients
    situation = Situation.objects.create(slug="dry", title="Pump runs dry")
    SituationRunbook.objects.create(situation=situation, runbook=runbook, position=1)
    url = admin_url(Situation, "change", situation.pk)
    stale = form_values(second, url)
    fresh = form_values(first, url)
    assert first.post(url, {**fresh, "steps-0-headings": "Close the valve"}).status_code == 302
    assert second.post(url, {**stale, "comment": "Hurry."}).status_code == 200
    assert situation.steps.get().headings == "Close the valve"


def test_a_group_that_was_taken_away_is_not_given_back_by_a_stale_form(people, sign_in):
    client, rita = sign_in("sue"), people["rita"]
    url = admin_url(type(rita), "change", rita.pk)
    stale = {**form_values(client, url), "date_joined_0": "", "date_joined_1": ""}
    taken = {**stale, "groups": []}
    assert client.post(url, taken).status_code == 302
    assert client.post(url, stale).status_code == 200
    assert not rita.groups.filter(name="Risk owners").exists()
    assert Group.objects.filter(name="Risk owners").exists()


def test_what_the_form_does_not_write_does_not_stop_it(runbook, clients):
    first, _ = clients
    url = admin_url(Runbook, "change", runbook.pk)
    values = form_values(first, url)
    runbook.document = cast.store(runbook.document_path, "# Newer steps\n")
    runbook.save()
    assert first.post(url, {**values, "owner": "Pumps"}).status_code == 302


@pytest.mark.parametrize("token", ["", "{", "[]", '"x"', "null", "7"])
def test_without_a_token_that_can_be_read_nothing_is_saved(runbook, sign_in, token):
    client, url = sign_in("ed"), admin_url(Runbook, "change", runbook.pk)
    response = client.post(url, {**form_values(client, url), "scope": "Blind.", "opened_on": token})
    assert response.status_code == 200
    assert Runbook.objects.get(pk=runbook.pk).scope != "Blind."
    assert response.context["adminform"].form["opened_on"].value().startswith("{")


def test_a_save_of_several_lines_that_changes_nothing_changes_nothing(runbook, sign_in):
    section = Section.objects.create(
        slug="pumps", title="Pumps", number="1", note="One line.\n\nAnother."
    )
    SectionEntry.objects.create(
        section=section, runbook=runbook, position=1, role="First.\nSecond."
    )
    situation = Situation.objects.create(slug="dry", title="Pump runs dry", comment="Look.\nAct.")
    SituationRunbook.objects.create(
        situation=situation, runbook=runbook, position=1, headings="One\nTwo"
    )
    reference = CodeReference.objects.create(path="src/pump.py", description="Starts.\nStops.")
    Runbook.objects.filter(pk=runbook.pk).update(scope="Line one\nLine two")
    client, rows = sign_in("ed"), ChangeLogEntry.objects.count()
    for stored in (section, situation, reference, runbook):
        url = admin_url(type(stored), "change", stored.pk)
        assert client.post(url, form_values(client, url)).status_code == 302, stored
    assert ChangeLogEntry.objects.count() == rows
    assert Runbook.objects.get(pk=runbook.pk).scope == "Line one\nLine two"
    assert "\r" not in section.entries.get().role
