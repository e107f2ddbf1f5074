"""Everybody changes their own password, an operator included."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from governance.accounts.roles import OLD_CONFIRMED
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from tests import cast

pytestmark = pytest.mark.django_db
NEW = "my-own-horse-battery"
VALUES = {"old_password": cast.PASSWORD, "new_password1": NEW, "new_password2": NEW}


def test_an_operator_changes_their_own_password_and_stays_signed_in(people, sign_in):
    client = sign_in("otto")
    assert "/accounts/password/" in client.get("/").content.decode()
    assert client.get("/admin/password_change/").status_code == 302  # the admin stays shut
    response = client.post("/accounts/password/", VALUES, follow=True)
    assert response.status_code == 200
    assert "Your password was changed." in response.content.decode()
    assert User.objects.get(username="otto").check_password(NEW)
    row = ChangeLogEntry.objects.first()
    assert (row.action, row.actor, row.subject) == (Action.PASSWORD_SET, "otto", "user:otto")
    assert row.changes[OLD_CONFIRMED]["after"] is True
    assert client.get("/").context["user"].username == "otto"


@pytest.mark.parametrize(
    "changes",
    [{"old_password": "wrong"}, {"new_password2": "another-one-here"}, {"new_password1": "short"}],
)
def test_what_is_wrong_is_said_and_nothing_is_changed(people, sign_in, changes):
    page = sign_in("otto").post("/accounts/password/", VALUES | changes)
    assert page.status_code == 200
    assert page.context["form"].errors
    assert User.objects.get(username="otto").check_password(cast.PASSWORD)


def test_wrong_old_passwords_are_recorded_and_limited_here_as_well(people, sign_in):
    client = sign_in("otto")
    for _ in range(6):
        client.post("/accounts/password/", VALUES | {"old_password": "wrong"})
    assert (
        ChangeLogEntry.objects.filter(
            action=Action.CONFIRMATION_FAILED, subject="user:otto"
        ).count()
        == 5
    )
    client.post("/accounts/password/", VALUES)
    assert User.objects.get(username="otto").check_password(cast.PASSWORD)


def test_a_stranger_is_led_to_the_sign_in_in_public_mode_as_well(people, settings):
    settings.PORTAL_READ = "public"
    assert Client().get("/accounts/password/").url == "/login/?next=/accounts/password/"


def test_the_page_speaks_both_languages(people, sign_in):
    assert (
        sign_in("otto").get("/accounts/password/", headers={"accept-language": "de"}).status_code
        == 200
    )
