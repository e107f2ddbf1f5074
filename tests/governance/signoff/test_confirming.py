"""The password for each signature, waiting times, and double clicks as one signature."""

from datetime import timedelta
from functools import partial

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.utils import timezone

from governance import ledger
from governance.accounts.roles import RISK_OWNERS
from governance.editing.audited_edit import audited_edit
from governance.errors import ActionRefused
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from governance.signoff.choices import RequestState
from governance.signoff.decide import form_etag, reject, sign
from governance.signoff.models import SignOff
from governance.signoff.policy import Refusal
from governance.signoff.submit import withdraw
from tests import cast

pytestmark = pytest.mark.django_db


def refused(call, *reasons):
    with pytest.raises(ActionRefused) as caught:
        call()
    assert caught.value.reasons == reasons


def decide(
    request, *, by, password=cast.PASSWORD, comment="Read in full.", seen=None, at=None, act=sign
):
    seen = form_etag(request) if seen is None else seen
    return act(request=request, comment=comment, seen=seen, password=password, by=by, at=at)


@pytest.fixture
def request_(runbook, people):
    return cast.ask(runbook, by=people["ed"])


# ---- the password


@pytest.mark.parametrize("act", [sign, reject])
@pytest.mark.parametrize("password", ["", "wrong", cast.PASSWORD.upper(), cast.PASSWORD + " "])
def test_any_other_password_decides_nothing_and_is_recorded(request_, people, act, password):
    refused(
        lambda: decide(request_, by=people["rita"], password=password, act=act),
        Refusal.WRONG_PASSWORD,
    )
    request_.refresh_from_db()
    assert (request_.state, SignOff.objects.count()) == (RequestState.OPEN, 0)
    last = ChangeLogEntry.objects.first()
    assert (last.action, last.actor, last.subject) == (
        Action.CONFIRMATION_FAILED,
        "rita",
        "user:rita",
    )
    assert ledger.verify().is_whole


def test_the_password_of_somebody_else_is_a_wrong_one(request_, people):
    people["rolf"].set_password("another-horse-battery")
    people["rolf"].save()
    refused(
        lambda: decide(request_, by=people["rolf"], password=cast.PASSWORD), Refusal.WRONG_PASSWORD
    )


def test_the_password_that_is_stored_now_counts_not_the_one_of_an_old_object(request_, people):
    stale = User.objects.get(username="rita")
    people["rita"].set_password("another-horse-battery")
    people["rita"].save()
    refused(lambda: decide(request_, by=stale), Refusal.WRONG_PASSWORD)


def test_five_wrong_ones_lock_the_account_out_of_signing_right_or_wrong(request_, people):
    for _ in range(5):
        refused(
            lambda: decide(request_, by=people["rita"], password="wrong"), Refusal.WRONG_PASSWORD
        )
    rows = ChangeLogEntry.objects.count()
    for password in ("wrong", cast.PASSWORD):
        guess = partial(decide, request_, by=people["rita"], password=password)
        refused(guess, Refusal.LOCKED_OUT)
    assert ChangeLogEntry.objects.count() == rows  # nobody fills the ledger by guessing on
    decide(request_, by=people["rolf"])  # others are not locked


def test_a_quarter_of_an_hour_later_it_may_sign_again(request_, people):
    start = timezone.now()
    for _ in range(5):
        refused(
            lambda: decide(request_, by=people["rita"], password="wrong", at=start),
            Refusal.WRONG_PASSWORD,
        )
    refused(
        lambda: decide(request_, by=people["rita"], at=start + timedelta(minutes=14)),
        Refusal.LOCKED_OUT,
    )
    decide(request_, by=people["rita"], at=start + timedelta(minutes=16))


def test_the_page_says_that_the_password_is_wrong_beside_the_field(request_, sign_in):
    client = sign_in("rita")
    url = f"/admin/governance/statuschangerequest/{request_.pk}/"
    seen = client.get(f"{url}change/").context["form"].initial["seen"]
    values = {"seen": seen, "decision": "approve", "comment": "Read.", "password": "wrong"}
    answer = client.post(f"{url}decide/", values)
    assert answer.status_code == 400
    assert "Wrong password" in str(answer.context["form"].errors["password"])
    assert 'value="wrong"' not in answer.content.decode()


# ---- the waiting time after somebody else set the password


@pytest.fixture
def day(settings):
    settings.SIGNING_COOL_DOWN_HOURS = 24


def test_a_new_account_waits_a_day_before_it_signs(runbook, people, day):
    with time_machine.travel(timezone.now() + timedelta(days=2)):  # the cast is established by now
        late = cast.make_person("late", group=RISK_OWNERS)
        start = timezone.now()
        request = cast.ask(runbook, by=people["ed"], at=start)
        early = start + timedelta(hours=23)
        refused(lambda: decide(request, by=late, at=early), Refusal.COOLING_DOWN)
        decide(request, by=late, at=start + timedelta(hours=25))


def test_a_password_set_by_an_administrator_starts_the_waiting_time(request_, people, sign_in, day):
    User.objects.update(date_joined=timezone.now() - timedelta(days=9))
    request = request_
    url = f"/admin/auth/user/{people['rita'].pk}/password/"
    values = {
        "password1": "another-horse-battery",
        "password2": "another-horse-battery",
        "usable_password": "true",
    }
    assert sign_in("sue").post(url, values).status_code == 302
    row = ChangeLogEntry.objects.filter(action=Action.PASSWORD_SET).first()
    assert (row.actor, row.subject, row.changes) == ("sue", "user:rita", {})
    now = timezone.now()
    refused(
        lambda: decide(request, by=people["rita"], password="another-horse-battery", at=now),
        Refusal.COOLING_DOWN,
    )
    decide(
        request,
        by=people["rita"],
        password="another-horse-battery",
        at=now + timedelta(hours=24, minutes=1),
    )


def test_changing_it_oneself_neither_starts_nor_ends_the_waiting_time(
    request_, people, sign_in, day
):
    User.objects.update(date_joined=timezone.now() - timedelta(days=9))
    client = sign_in("rita")
    values = {
        "old_password": cast.PASSWORD,
        "new_password1": "my-own-horse-battery",
        "new_password2": "my-own-horse-battery",
    }
    assert client.post("/admin/password_change/", values).status_code == 302
    row = ChangeLogEntry.objects.filter(action=Action.PASSWORD_SET).first()
    assert (row.actor, row.subject) == ("rita", "user:rita")
    decide(request_, by=people["rita"], password="my-own-horse-battery")


def test_whoever_took_an_account_over_does_not_get_rid_of_the_waiting_time(request_, people, day):
    """An administrator sets the password, signs in as that person, and sets it once more."""
    User.objects.update(date_joined=timezone.now() - timedelta(days=9))
    for actor in (people["sue"], people["rita"]):
        with ledger.atomic():
            ledger.append(
                ledger.Record(actor=actor, action=Action.PASSWORD_SET, subject="user:rita")
            )
    refused(lambda: decide(request_, by=people["rita"], at=timezone.now()), Refusal.COOLING_DOWN)


def test_nobody_sets_their_own_password_where_the_old_one_is_not_asked_for(
    request_, people, sign_in, day
):
    """Whoever uses an unattended session must not obtain a password to sign with."""
    User.objects.update(date_joined=timezone.now() - timedelta(days=9))
    User.objects.filter(pk=people["rita"].pk).update(is_superuser=True)
    url = f"/admin/auth/user/{people['rita'].pk}/password/"
    values = {
        "password1": "another-horse-battery",
        "password2": "another-horse-battery",
        "usable_password": "true",
    }
    client = sign_in("rita")
    for response in (client.get(url), client.post(url, values)):
        assert (response.status_code, response.url) == (302, "/admin/password_change/")
    assert not ChangeLogEntry.objects.filter(
        action=Action.PASSWORD_SET, subject="user:rita"
    ).exists()
    assert User.objects.get(username="rita").check_password(cast.PASSWORD)


def test_a_password_set_in_ones_own_name_without_the_old_one_starts_the_waiting_time(
    request_, people, day
):
    User.objects.update(date_joined=timezone.now() - timedelta(days=9))
    with ledger.atomic():
        ledger.append(
            ledger.Record(actor=people["rita"], action=Action.PASSWORD_SET, subject="user:rita")
        )
    refused(lambda: decide(request_, by=people["rita"], at=timezone.now()), Refusal.COOLING_DOWN)


def test_a_password_that_is_taken_away_is_told(people, sign_in):
    url = f"/admin/auth/user/{people['rita'].pk}/password/"
    assert (
        sign_in("sue").post(url, {"usable_password": "false", "unset-password": "1"}).status_code
        == 302
    )
    row = ChangeLogEntry.objects.filter(action=Action.PASSWORD_SET).first()
    assert (row.actor, row.subject, row.changes["taken_away"]["after"]) == (
        "sue",
        "user:rita",
        True,
    )


def test_a_shell_that_sets_a_password_is_somebody_else(people):
    people["rita"].set_password("another-horse-battery")
    people["rita"].save()
    row = ChangeLogEntry.objects.filter(action=Action.PASSWORD_SET).first()
    assert (row.actor, row.subject) == ("(system)", "user:rita")


def test_no_row_of_the_ledger_holds_a_password_or_its_hash(people):
    people["rita"].set_password("another-horse-battery")
    people["rita"].save()
    told = " ".join(f"{entry.changes} {entry.reason}" for entry in ChangeLogEntry.objects.all())
    assert "another-horse" not in told
    assert people["rita"].password not in told


# ---- memberships that the ledger does not know


def test_a_membership_that_came_past_the_ledger_does_not_count(runbook, people):
    people["otto"].groups.add(Group.objects.get(name=RISK_OWNERS))
    request = cast.ask(runbook, by=people["ed"])
    refused(lambda: decide(request, by=people["otto"]), Refusal.MEMBERSHIP_NOT_RECORDED)


def test_who_joined_after_the_opening_does_not_count_however_the_clocks_stand(request_, people):
    cast.join(people["otto"], RISK_OWNERS)
    refused(
        lambda: decide(request_, by=people["otto"], at=timezone.now() + timedelta(days=3)),
        Refusal.ACCOUNT_TOO_YOUNG,
    )


def test_an_account_that_was_activated_after_the_opening_does_not_count(runbook, people):
    with audited_edit(people["rita"], by=ledger.SYSTEM):
        people["rita"].is_active = False
        people["rita"].save()
    request = cast.ask(runbook, by=people["ed"])
    with audited_edit(people["rita"], by=ledger.SYSTEM):
        people["rita"].is_active = True
        people["rita"].save()
    refused(lambda: decide(request, by=people["rita"]), Refusal.ACCOUNT_TOO_YOUNG)


def test_who_left_and_came_back_counts_for_what_is_opened_afterwards(request_, people):
    group = Group.objects.get(name=RISK_OWNERS)
    with audited_edit(people["rita"], by=ledger.SYSTEM):
        people["rita"].groups.remove(group)
    cast.join(people["rita"], RISK_OWNERS)
    refused(lambda: decide(request_, by=people["rita"]), Refusal.ACCOUNT_TOO_YOUNG)
    withdraw(request=request_, reason="Anew.", by=people["ed"])
    decide(cast.ask(request_.runbook, by=people["ed"]), by=people["rita"])


# ---- a second click


def test_a_double_click_is_one_signature_and_the_same_answer(request_, people):
    seen = form_etag(request_)
    first = decide(request_, by=people["rita"], seen=seen)
    again = decide(request_, by=people["rita"], seen=seen)
    assert (first.pk, first.state) == (again.pk, again.state)
    assert SignOff.objects.count() == 1
    assert ChangeLogEntry.objects.filter(action=Action.REQUEST_SIGNED).count() == 1


def test_a_retry_after_the_quorum_says_that_it_is_done(request_, people):
    decide(request_, by=people["rita"])
    seen = form_etag(request_)
    decide(request_, by=people["rolf"], seen=seen)
    assert decide(request_, by=people["rolf"], seen=seen).state == RequestState.APPROVED


def test_other_words_or_another_decision_are_no_retry(request_, people):
    seen = form_etag(request_)
    decide(request_, by=people["rita"], seen=seen)
    refused(
        lambda: decide(request_, by=people["rita"], seen=seen, comment="Otherwise."),
        Refusal.SIGNED_ALREADY,
    )
    refused(
        lambda: decide(request_, by=people["rita"], seen=seen, act=reject), Refusal.SIGNED_ALREADY
    )


def test_a_retry_needs_the_password_as_well(request_, people):
    seen = form_etag(request_)
    decide(request_, by=people["rita"], seen=seen)
    refused(
        lambda: decide(request_, by=people["rita"], seen=seen, password="wrong"),
        Refusal.WRONG_PASSWORD,
    )


def test_the_page_answers_a_second_click_like_the_first(request_, sign_in):
    client = sign_in("rita")
    url = f"/admin/governance/statuschangerequest/{request_.pk}/"
    seen = client.get(f"{url}change/").context["form"].initial["seen"]
    values = {"seen": seen, "decision": "approve", "comment": "Read.", "password": cast.PASSWORD}
    answers = [client.post(f"{url}decide/", values) for _ in range(2)]
    assert [(answer.status_code, answer.url) for answer in answers] == [(302, f"{url}change/")] * 2
