"""``manage.py seed_demo``: a portal for a trial, separate from others."""

import re
from io import StringIO

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone

from governance import guards, ledger
from governance.accounts.roles import AUDITORS, EDITORS, OPERATORS, RISK_OWNERS
from governance.assurance.standings import live_ready
from governance.editing.audited_edit import delete
from governance.findings.models import Finding
from governance.ledger.models import ChangeLogEntry, Release
from governance.signoff.choices import RequestState
from governance.signoff.downgrade import downgrade
from governance.signoff.models import SignOff, StatusChangeRequest
from portal.accounts import DEMO_GROUP
from portal.management.commands import seed_demo
from runbooks.models import Document, Runbook, Situation, SituationRunbook
from tests import cast
from tests.runbooks.scene import state_of_everything

pytestmark = pytest.mark.django_db


def seed():
    """What the command prints."""
    output = StringIO()
    call_command("seed_demo", stdout=output)
    return output.getvalue()


def passwords_in(printed):
    return dict(
        re.findall(
            r"^  (\S+)\s+(\S+)\s+(?:Operators|Editors|Risk owners|Auditors)$", printed, re.MULTILINE
        )
    )


@pytest.fixture
def demo(settings):
    settings.PORTAL_DEMO = True


@pytest.fixture
def seeded(demo):
    """A seeded database, and the passwords that were printed."""
    return passwords_in(seed())


def test_situations_name_headings_to_read_and_each_is_in_the_text_and_told(seeded):
    steps = SituationRunbook.objects.exclude(headings="")
    assert {step.situation.slug for step in steps} == set(seed_demo.HEADINGS)
    assert all(heading["anchor"] for step in steps for heading in step.headings_to_read())
    red = ChangeLogEntry.objects.filter(
        subject="situation:red-severity-im-live-dashboard", reason="Demo"
    )
    assert any("3.2 Bei RED" in str(entry.changes) for entry in red)


# ---- where it refuses


def test_outside_the_demo_it_is_refused_and_nothing_is_written(settings):
    settings.PORTAL_DEMO = False
    rows = ChangeLogEntry.objects.count()
    with pytest.raises(CommandError, match=r"run\.py demo"):
        seed()
    assert not User.objects.exists()
    assert not Runbook.objects.exists()
    assert ChangeLogEntry.objects.count() == rows


def test_it_never_mixes_with_accounts_of_a_real_portal(demo, people):
    with pytest.raises(CommandError, match="a portal of its own"):
        seed()
    assert User.objects.count() == len(people)
    assert not Group.objects.filter(name=DEMO_GROUP).exists()
    assert not Runbook.objects.exists()


def test_an_account_made_after_the_seed_stops_a_second_one(seeded):
    cast.make_person("guest")
    with pytest.raises(CommandError, match="accounts of its own"):
        seed()


# ---- what it makes


def test_sixteen_runbooks_with_their_documents_and_no_finding_of_a_missing_one(seeded):
    assert Runbook.objects.count() == 16
    assert Document.objects.count() == 16
    assert not Runbook.objects.filter(document=None).exists()
    assert Situation.objects.count() == 12
    assert Release.objects.exists()
    assert not Finding.objects.filter(
        kind__in=("missing_document", "conflict_marker"), resolved_at=None
    ).exists()


def test_six_people_each_in_their_group(seeded):
    groups = {
        "operator": OPERATORS,
        "editor": EDITORS,
        "risk-owner-1": RISK_OWNERS,
        "risk-owner-2": RISK_OWNERS,
        "risk-owner-3": RISK_OWNERS,
        "auditor": AUDITORS,
    }
    assert set(seeded) == set(groups) == set(User.objects.values_list("username", flat=True))
    for user in User.objects.all():
        assert {group.name for group in user.groups.all()} == {groups[user.username], DEMO_GROUP}
        assert not user.is_superuser
        assert user.is_staff is (user.username != "operator")


def test_each_of_them_signs_in_with_the_printed_password(seeded, settings):
    settings.PORTAL_READ = "login"
    for username, password in seeded.items():
        client = Client()
        assert client.login(request=HttpRequest(), username=username, password=password)
        assert client.get("/").status_code == 200
        assert client.get("/admin/").status_code == (302 if username == "operator" else 200)


def test_none_of_them_signs_in_once_it_is_no_demo(seeded, settings):
    settings.PORTAL_DEMO = False
    for username, password in seeded.items():
        assert not Client().login(request=HttpRequest(), username=username, password=password)


def test_the_passwords_are_long_and_each_is_another(seeded):
    assert len(set(seeded.values())) == 6
    assert all(len(password) >= 12 for password in seeded.values())


def test_there_is_something_to_see_and_something_left_to_sign(seeded):
    signed = {
        runbook.slug: runbook.readiness_level
        for runbook in Runbook.objects.exclude(readiness_level="unassessed")
    }
    assert signed == seed_demo.SIGNED
    live = {runbook.slug for runbook in live_ready()}
    assert live == {slug for slug, level in seed_demo.SIGNED.items() if level == "ready"}
    (waiting,) = StatusChangeRequest.objects.filter(state=RequestState.OPEN)
    assert waiting.runbook.slug == seed_demo.WAITING
    assert waiting.approvals == 1 < waiting.required_signatures
    assert waiting.to_year == timezone.localdate().year


def test_nobody_signs_what_they_asked_for_not_even_in_the_demo(seeded):
    assert SignOff.objects.exists()
    for sign_off in SignOff.objects.select_related("request"):
        assert sign_off.signer_id != sign_off.request.requested_by_id


def test_who_answers_for_a_runbook_is_named_where_the_table_says(seeded):
    for slug, (owner, contact) in seed_demo.ANSWERABLE.items():
        runbook = Runbook.objects.get(slug=slug)
        assert (runbook.owner, runbook.escalation_contact) == (owner, contact)


def test_every_page_of_the_demo_answers(seeded, settings):
    settings.PORTAL_READ = "public"
    client = Client()
    addresses = [
        "/",
        "/runbooks/",
        "/situations/",
        "/landscape/",
        "/changes/",
        "/sign-offs/",
        "/reports/findings/",
    ]
    addresses += [
        row.get_absolute_url()
        for model in (Runbook, Situation, Document)
        for row in model.objects.all()
    ]
    for address in addresses:
        assert client.get(address).status_code == 200, address


def test_the_ledger_is_whole_and_tells_of_every_account_without_its_password(seeded):
    assert ledger.verify().is_whole
    assert guards.missing() == []
    told = {entry.subject for entry in ChangeLogEntry.objects.filter(subject__startswith="user:")}
    assert told == {f"user:{username}" for username in seeded}
    everything = str(list(ChangeLogEntry.objects.values()))
    for user in User.objects.all():
        assert user.password not in everything
    for password in seeded.values():
        assert password not in everything


# ---- a second run


def test_a_second_run_changes_nothing_and_prints_no_password(seeded):
    labels = ("runbooks", "governance", "auth")
    before = state_of_everything(*labels)
    printed = seed()
    assert state_of_everything(*labels) == before
    assert passwords_in(printed) == {}
    for password in seeded.values():
        assert password not in printed
    assert "--reset" in printed


def test_a_second_run_leaves_what_a_visitor_did(seeded):

    runbook = Runbook.objects.get(slug="live-alert-pipeline-runbook")
    downgrade(
        runbook=runbook,
        level="retired",
        reason="Tried.",
        by=User.objects.get(username="risk-owner-1"),
    )
    gone = Runbook.objects.filter(readiness_level="unassessed", status_change_requests=None).first()
    delete(gone, by=ledger.SYSTEM)
    seed()
    assert Runbook.objects.get(pk=runbook.pk).readiness_level == "retired"
    assert not Runbook.objects.filter(pk=gone.pk).exists()
    assert ledger.verify().is_whole


def test_an_account_that_was_removed_is_made_anew_and_nothing_is_signed_again(seeded):
    User.objects.get(username="operator").delete()
    requests = StatusChangeRequest.objects.count()
    made = passwords_in(seed())
    assert set(made) == {"operator"}
    assert made["operator"] != seeded["operator"]
    assert StatusChangeRequest.objects.count() == requests


def test_a_seed_that_breaks_half_way_leaves_nothing(demo, monkeypatch):
    rows = ChangeLogEntry.objects.count()

    def breaks(self, passwords):
        raise RuntimeError("power cut")

    monkeypatch.setattr(seed_demo.Command, "_sign_some", breaks)
    with pytest.raises(RuntimeError):
        seed()
    assert not User.objects.exists()
    assert not Runbook.objects.exists()
    assert ChangeLogEntry.objects.count() == rows
