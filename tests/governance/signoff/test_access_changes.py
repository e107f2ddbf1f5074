"""Who may sign, and by which rule, changes slowly.

Alone, nobody makes the signers of their own go.
"""

from datetime import timedelta
from functools import partial

import pytest
import time_machine
from django.contrib.auth.models import Group, Permission, User
from django.core import mail
from django.test import Client
from django.utils import timezone

from governance import ledger
from governance.accounts.roles import EDITORS, RISK_OWNERS
from governance.assurance.evidence import verdict_on
from governance.assurance.standings import live_ready_keys
from governance.editing.audited_edit import audited_edit
from governance.editing.settle_change import confirm_change
from governance.errors import ActionRefused
from governance.findings.choices import FindingKind
from governance.findings.models import Finding
from governance.findings.reconcile import check_catalogue
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from governance.signoff.decide import form_etag
from governance.signoff.eligibility import is_first_day
from governance.signoff.models import SignOff, SignOffRule, StatusChangeRequest
from governance.signoff.policy import Refusal
from governance.signoff.rules import bring_rules_into_force
from governance.signoff.submit import withdraw
from runbooks.models import Runbook
from tests import cast
from tests.governance.admin.test_admin import admin_url, form_values, text_of

pytestmark = pytest.mark.django_db
YEAR = timezone.localdate().year
CHANGES = "/admin/governance/statuschangerequest/access-changes/"


@pytest.fixture
def established(people, settings):
    """Two days later, with a waiting time of a day: the cast is established."""
    for name in ("rita", "rolf", "ruth"):
        User.objects.filter(username=name).update(email=f"{name}@portal.example")
    settings.SIGNING_COOL_DOWN_HOURS = 24
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        yield people


def signed_in(name):
    client = Client()
    client.force_login(User.objects.get(username=name))
    return client


def refused(call, *reasons):
    with pytest.raises(ActionRefused) as caught:
        call()
    assert caught.value.reasons == reasons


def edit_user(client, name, **fields):
    """Save the account's own page in the admin with other values; ``groups`` are names."""
    url = admin_url(User, "change", User.objects.get(username=name).pk)
    values = form_values(client, url)
    values.pop("last_login", None)
    if "groups" in fields:
        fields["groups"] = [Group.objects.get(name=group).pk for group in fields["groups"]]
    for field, value in fields.items():
        values.pop(field, None)
        values |= {field: value} if value not in (False, None) else {}
    assert client.post(url, values).status_code == 302


def make_rule(client, **fields):
    values = {
        "target_level": "ready",
        "purpose": "move",
        "required_signatures": 1,
        "evidence_required": "on",
    }
    values |= {"group": Group.objects.get(name=RISK_OWNERS).pk} | fields
    return client.post(admin_url(SignOffRule, "add"), values)


def set_password(client, name, password):
    url = f"/admin/auth/user/{User.objects.get(username=name).pk}/password/"
    values = {"password1": password, "password2": password, "usable_password": "true"}
    assert client.post(url, values).status_code == 302


def ask_over_http(client, runbook):
    values = {"runbook": runbook.pk, "to_level": "ready", "to_year": timezone.localdate().year}
    values |= {"rationale": "Drilled it twice.", "evidence": cast.EVIDENCE}
    return client.post(admin_url(StatusChangeRequest, "add"), values)


def sign_over_http(client, request, password=cast.PASSWORD):
    values = {"seen": form_etag(request), "decision": "approve", "comment": "Read in full."}
    return client.post(
        f"/admin/governance/statuschangerequest/{request.pk}/decide/",
        values | {"password": password},
    )


def settle_over_http(client, sequence, password=cast.PASSWORD, decision="confirm"):
    return client.post(
        f"{CHANGES}{sequence}/", {"decision": decision, "comment": "Known.", "password": password}
    )


def last_row(subject):
    return ChangeLogEntry.objects.filter(subject=subject).order_by("-sequence").first()


# ---- the attacker


def test_one_superuser_cannot_reach_a_live_go_alone(  # noqa: PLR0915 - one story, told in its order
    runbook, established, django_capture_on_commit_callbacks
):
    """Every way that the admin opens to one superuser, walked over HTTP.

    Each waits, or needs a second risk owner.
    """
    people = established
    owners = ["rita", "rolf", "ruth"]
    with audited_edit(people["ada"], by=ledger.SYSTEM):  # somebody who left long ago
        people["ada"].groups.set([Group.objects.get(name=RISK_OWNERS)])
        people["ada"].is_active = False
        people["ada"].save()
    sue, other = signed_in("sue"), cast.make_runbook()
    with time_machine.travel(timezone.now() + timedelta(days=2)):

        def told(call):
            """The addresses that are told of what is done."""
            mail.outbox.clear()
            with django_capture_on_commit_callbacks(execute=True):
                call()
            return sorted({message.to[0].partition("@")[0] for message in mail.outbox})

        sue.force_login(people["sue"])
        # Redirect the owners' mail first: the old addresses are told.
        assert told(lambda: edit_user(sue, "rita", email="sue+rita@portal.example")) == [
            *owners,
            "sue+rita",
        ]
        User.objects.filter(username="rita").update(email="rita@portal.example")
        # A rule of one signature.
        assert told(lambda: make_rule(sue)) == owners
        in_force = SignOffRule.objects.get(target_level="ready", purpose="move", in_force=True)
        assert in_force.required_signatures == 2
        # Join the risk owners; put a puppet among the editors, another among the risk owners.
        assert told(lambda: edit_user(sue, "sue", groups=[RISK_OWNERS])) == owners
        for puppet, group in (("puppet", EDITORS), ("hand", RISK_OWNERS)):
            values = {
                "username": puppet,
                "password1": "puppet-horse-battery",
                "password2": "puppet-horse-battery",
            }
            sue.post(admin_url(User, "add"), values | {"usable_password": "true"})
            edit = partial(edit_user, sue, puppet, groups=[group], is_staff="on")
            assert told(edit) == owners
        # The puppet asks; so does an editor whose password was reset.
        assert "You cannot request or sign until" in text_of(
            ask_over_http(signed_in("puppet"), other)
        )
        assert told(lambda: set_password(sue, "ed", "stolen-horse-battery")) == owners
        assert "You cannot request or sign until" in text_of(ask_over_http(signed_in("ed"), other))
        assert not StatusChangeRequest.objects.exists()
        # Somebody established asks: who may sign that?
        assert ask_over_http(signed_in("ruth"), runbook).status_code == 302
        request = StatusChangeRequest.objects.get()
        assert request.required_signatures == 2
        set_password(sue, "rolf", "stolen-horse-battery")
        assert told(lambda: edit_user(sue, "ada", is_active="on", is_staff="on")) == owners
        # Permissions, on a group and on an account, and a second superuser.
        sign = Permission.objects.get(codename="sign_statuschangerequest")
        group = Group.objects.get(name=EDITORS)
        group_url = admin_url(Group, "change", group.pk)
        permissions = [*group.permissions.values_list("pk", flat=True), sign.pk]
        assert (
            sue.post(
                group_url, form_values(sue, group_url) | {"permissions": permissions}
            ).status_code
            == 302
        )
        edit_user(sue, "puppet", user_permissions=[sign.pk])
        assert told(lambda: edit_user(sue, "otto", is_superuser="on", is_staff="on")) == owners
        for name, password in (
            ("sue", cast.PASSWORD),
            ("hand", "puppet-horse-battery"),
            ("puppet", "puppet-horse-battery"),
            ("ed", "stolen-horse-battery"),
            ("rolf", "stolen-horse-battery"),
            ("ada", cast.PASSWORD),
            ("otto", cast.PASSWORD),
        ):
            assert sign_over_http(signed_in(name), request, password).status_code == 403, name
        # Confirm it all oneself, by whatever account there is.
        waiting = [
            change for change, is_waiting in sue.get(CHANGES).context["changes"] if is_waiting
        ]
        assert {change.entry.subject for change in waiting} == {
            *("signoffrule:ready.move", "user:sue", "user:puppet", "user:hand", "user:ada")
        }
        for change in waiting:
            for name, password in (
                ("sue", cast.PASSWORD),
                ("hand", "puppet-horse-battery"),
                ("rolf", "stolen-horse-battery"),
                ("ada", cast.PASSWORD),
                ("otto", cast.PASSWORD),
            ):
                assert (
                    settle_over_http(signed_in(name), change.entry.sequence, password).status_code
                    == 403
                ), name
        # Take out the others: no second first day begins, and those who are taken out are told.
        for name in owners:
            assert name in told(lambda: edit_user(sue, name, groups=[]))  # noqa: B023
        assert "You cannot request or sign until" in text_of(ask_over_http(signed_in("sue"), other))
        assert sign_over_http(sue, request).status_code == 403
        assert not ChangeLogEntry.objects.filter(action=Action.CHANGE_CONFIRMED).exists()
        assert not SignOff.objects.exists()
        for each in Runbook.objects.all():
            assert verdict_on(each).word == "no-go"
        assert ledger.verify().is_whole


def test_what_one_person_made_is_labelled_after_the_waiting_time_as_well(runbook, established):
    """Nobody refused it for a day: then it counts, and the verdict says who stands behind it."""
    sue = signed_in("sue")
    make_rule(sue)
    edit_user(sue, "sue", groups=[RISK_OWNERS])
    edit_user(sue, "otto", groups=[EDITORS])
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        request = cast.ask(runbook, by=User.objects.get(username="otto"))
        assert request.required_signatures == 1
        cast.approve(request, by=User.objects.get(username="sue"))
        answer = verdict_on(Runbook.objects.get(pk=runbook.pk))
        assert (answer.word, answer.independent) == ("go", False)
        assert answer.dependence == ("made_by_party", "made_by_one")
        client = signed_in("otto")
        for page in (runbook.get_absolute_url(), "/runbooks/", "/", request.get_absolute_url()):
            assert "no independent review" in text_of(client.get(page)).lower(), page
        body = client.get(f"/api/v1/runbooks/{runbook.slug}/verdict/").json()
        assert (body["independent"], body["not_independent_because"]) == (
            False,
            ["made_by_party", "made_by_one"],
        )


def test_a_review_by_people_who_owe_each_other_nothing_is_independent(runbook, established):
    cast.make_ready(runbook)
    answer = verdict_on(Runbook.objects.get(pk=runbook.pk))
    assert (answer.word, answer.independent, answer.dependence) == ("go", True, ())


# ---- a second risk owner


def test_a_second_risk_owner_lets_a_membership_take_effect_at_once(runbook, established):
    edit_user(signed_in("sue"), "otto", groups=[RISK_OWNERS])
    change = last_row("user:otto")
    request = cast.ask(runbook, by=established["ed"])
    otto = User.objects.get(username="otto")
    refused(lambda: cast.approve(request, by=otto), Refusal.ACCESS_TOO_NEW)
    assert settle_over_http(signed_in("rita"), change.sequence).status_code == 302
    cast.approve(request, by=otto)
    row = ChangeLogEntry.objects.get(action=Action.CHANGE_CONFIRMED)
    assert (row.actor, row.subject, row.changes["change"]["after"]) == (
        "rita",
        "user:otto",
        change.sequence,
    )
    refused(
        lambda: confirm_change(entry=change, password=cast.PASSWORD, by=established["rolf"]),
        Refusal.CHANGE_SETTLED,
    )


def test_a_refused_membership_is_undone(established):
    edit_user(signed_in("sue"), "otto", groups=[RISK_OWNERS])
    assert (
        settle_over_http(
            signed_in("rita"), last_row("user:otto").sequence, decision="refuse"
        ).status_code
        == 302
    )
    assert not User.objects.get(username="otto").groups.exists()
    assert last_row("user:otto").actor == "rita"


def test_a_refused_activation_is_undone(established):
    with audited_edit(established["rolf"], by=ledger.SYSTEM):
        established["rolf"].is_active = False
        established["rolf"].save()
    edit_user(signed_in("sue"), "rolf", is_active="on")
    settle_over_http(signed_in("rita"), last_row("user:rolf").sequence, decision="refuse")
    assert not User.objects.get(username="rolf").is_active


@pytest.mark.parametrize("who", ["ed", "otto", "ada"])
def test_only_risk_owners_settle_a_change(established, who):
    edit_user(signed_in("sue"), "otto", groups=[RISK_OWNERS])
    entry = last_row("user:otto")
    with pytest.raises(ActionRefused):
        confirm_change(entry=entry, password=cast.PASSWORD, by=User.objects.get(username=who))


def test_a_wrong_password_settles_nothing_and_the_comment_stays(established):
    edit_user(signed_in("sue"), "otto", groups=[RISK_OWNERS])
    entry = last_row("user:otto")
    page = signed_in("rita").post(
        f"{CHANGES}{entry.sequence}/",
        {"decision": "confirm", "comment": "I know him well.", "password": "wrong"},
    )
    assert page.status_code == 400
    assert "I know him well." in page.content.decode()
    assert last_row("user:rita").action == Action.CONFIRMATION_FAILED


def test_the_inbox_counts_what_waits_for_me_and_not_what_i_made(established):
    edit_user(signed_in("sue"), "otto", groups=[RISK_OWNERS])
    assert "1 change to confirm" in text_of(signed_in("rita").get("/admin/"))
    assert "0 changes to confirm" in text_of(signed_in("sue").get("/admin/"))
    assert signed_in("ed").get(CHANGES).status_code == 403


def test_a_second_superuser_made_by_a_risk_owner_is_no_second_person(runbook, established):
    """A risk owner makes another superuser, and by it a puppet, and confirms that."""
    User.objects.filter(username="rita").update(is_superuser=True)
    edit_user(signed_in("rita"), "otto", is_superuser="on", is_staff="on")
    edit_user(signed_in("otto"), "ada", groups=[RISK_OWNERS])
    entry = last_row("user:ada")
    assert settle_over_http(signed_in("rita"), entry.sequence).status_code == 403
    assert "0 changes to confirm" in text_of(signed_in("rita").get("/admin/"))
    assert settle_over_http(signed_in("rolf"), entry.sequence).status_code == 302


def test_a_chain_of_makers_is_no_independent_review(runbook, established):
    User.objects.filter(username="rita").update(is_superuser=True)
    edit_user(signed_in("rita"), "otto", is_superuser="on", is_staff="on")
    edit_user(signed_in("otto"), "ada", groups=[EDITORS])
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        request = cast.ask(runbook, by=User.objects.get(username="ada"))
        for name in ("rita", "rolf"):
            cast.approve(request, by=User.objects.get(username=name))
        assert verdict_on(Runbook.objects.get(pk=runbook.pk)).dependence == ("made_by_party",)


# ---- rules


def test_a_stricter_rule_takes_effect_at_once_and_a_lighter_one_waits(runbook, established):
    sue = signed_in("sue")
    make_rule(sue, required_signatures=3)
    assert (
        SignOffRule.objects.get(
            target_level="ready", purpose="move", in_force=True
        ).required_signatures
        == 3
    )
    make_rule(sue, required_signatures=2)
    request = cast.ask(runbook, by=established["ed"])
    assert request.required_signatures == 3
    withdraw(request=request, reason="x", by=established["ed"])
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        assert cast.ask(runbook, by=established["ed"]).required_signatures == 2


@pytest.mark.parametrize("decision", ["confirm", "refuse"])
def test_a_lighter_rule_is_confirmed_or_refused(runbook, established, decision):
    make_rule(signed_in("sue"))
    entry = last_row("signoffrule:ready.move")
    assert settle_over_http(signed_in("rita"), entry.sequence, decision=decision).status_code == 302
    with time_machine.travel(timezone.now() + timedelta(hours=48)):
        needed = cast.ask(runbook, by=established["ed"]).required_signatures
    assert needed == (1 if decision == "confirm" else 2)


def test_an_older_lighter_rule_does_not_come_after_a_newer_stricter_one(runbook, established):
    sue = signed_in("sue")
    make_rule(sue, required_signatures=1)
    make_rule(sue, required_signatures=3)
    with time_machine.travel(timezone.now() + timedelta(hours=48)):
        assert bring_rules_into_force(at=timezone.now()) == 0
        assert cast.ask(runbook, by=established["ed"]).required_signatures == 3


def test_a_rule_put_in_force_past_the_portal_before_its_time_is_obeyed_by_nobody(
    runbook, established
):
    make_rule(signed_in("sue"))
    rules = SignOffRule.objects.filter(target_level="ready", purpose="move")
    rules.filter(in_force=True).update(in_force=False)
    rules.filter(effective_from__isnull=False).update(in_force=True)
    refused(lambda: cast.ask(runbook, by=established["ed"]), Refusal.RULE_MISSING)


# ---- the first day


def test_the_first_day_signs_at_once_and_is_labelled(runbook, people, settings):
    settings.SIGNING_COOL_DOWN_HOURS = 24
    cast.make_ready(runbook)
    answer = verdict_on(Runbook.objects.get(pk=runbook.pk))
    assert (answer.word, answer.independent, answer.dependence) == ("go", False, ("first_day",))
    with time_machine.travel(
        timezone.now() + timedelta(days=3)
    ):  # the label stays, the next signature is without
        page = text_of(signed_in("otto").get(runbook.get_absolute_url()))
        assert "first day, before there was an established risk owner" in page


@pytest.mark.parametrize("name", ["Prüfer", 'Owners "A"', "Risk\\owners"])
def test_the_first_day_ends_whatever_the_group_that_signs_is_called(db, settings, name):
    settings.SIGNING_COOL_DOWN_HOURS = 24
    group = Group.objects.create(name=name)
    SignOffRule.objects.create(
        target_level="ready", version=7, required_signatures=1, group=group, in_force=False
    )
    joined = {"groups": {"before": [], "after": [name]}}
    record = ledger.Record(
        actor=ledger.SYSTEM, action=Action.CHANGED, subject="user:paula", changes=joined
    )
    ledger.append(record)
    assert is_first_day(timezone.now())
    assert not is_first_day(timezone.now() + timedelta(days=2))


def test_where_nothing_waits_nothing_is_labelled(ready_runbook):
    assert verdict_on(Runbook.objects.get(pk=ready_runbook.pk)).independent is True


# ---- who can sign


def test_whoever_may_not_sign_now_is_not_asked_to(runbook, established):
    """Inbox, counter, mail and page ask the same policy."""
    from governance.assurance.reminders import send_due_reminders
    from governance.signoff.eligibility import awaiting

    edit_user(
        signed_in("sue"), "otto", groups=[RISK_OWNERS], email="otto@portal.example", is_staff="on"
    )
    cast.ask(runbook, by=established["ed"])
    otto = User.objects.get(username="otto")
    assert awaiting(otto) == []
    assert "Inbox: 0 requests waiting for you" in text_of(signed_in("otto").get("/admin/"))
    mail.outbox.clear()
    send_due_reminders()
    assert sorted(message.to[0] for message in mail.outbox) == [
        f"{name}@portal.example" for name in ("rita", "rolf", "ruth")
    ]


def test_a_request_that_nobody_could_complete_is_not_opened(runbook, people):
    for name in ("rolf", "ruth"):
        people[name].groups.clear()
    refused(lambda: cast.ask(runbook, by=people["ed"]), Refusal.QUORUM_OUT_OF_REACH)


def test_the_requester_is_not_among_those_who_could(runbook, people):
    people["ruth"].groups.clear()
    refused(lambda: cast.ask(runbook, by=people["rita"]), Refusal.QUORUM_OUT_OF_REACH)
    assert cast.ask(runbook, by=people["ed"]).is_open


def test_a_quorum_that_is_lost_later_is_a_finding_and_a_sentence(runbook, people, sign_in):
    request = cast.ask(runbook, by=people["ed"])
    cast.approve(request, by=people["rita"])
    for name in ("rolf", "ruth"):
        with audited_edit(people[name], by=people["sue"]):
            people[name].groups.clear()
    check_catalogue(live=live_ready_keys(), by=ledger.SYSTEM)
    finding = Finding.objects.get(kind=FindingKind.QUORUM_OUT_OF_REACH)
    assert "1 of 2 signatures, and only 0 people can still sign" in finding.message
    for page in (
        f"/admin/governance/statuschangerequest/{request.pk}/change/",
        request.get_absolute_url(),
    ):
        assert "This request cannot be completed" in text_of(sign_in("rita").get(page))
    withdraw(request=request, reason="x", by=people["ed"])
    check_catalogue(live=live_ready_keys(), by=ledger.SYSTEM)
    finding.refresh_from_db()
    assert finding.resolved_at


def test_who_waits_or_is_locked_out_is_not_lost(runbook, established):
    for name in ("rolf", "ruth"):
        set_password(signed_in("sue"), name, "another-horse-battery")
    assert cast.ask(runbook, by=established["ed"]).is_open


def test_the_survey_of_many_requests_asks_no_more_than_that_of_one(
    people, django_assert_num_queries
):
    from governance.signoff.eligibility import survey

    cast.ask(cast.make_runbook(), by=people["ed"])
    with django_assert_num_queries(5):
        survey()
    for _ in range(5):
        cast.ask(cast.make_runbook(), by=people["ed"])
    with django_assert_num_queries(5):
        found = survey()
    assert all(not found.reach(request).is_lost for request in found.requests)
