"""Every entry point writes the ledger: accounts, tokens, sign-ins, commands.

All are enumerated, so that a new one cannot be forgotten.
"""

from datetime import timedelta
from io import StringIO

import pytest
from django.conf import settings as django_settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command, get_commands
from django.test import Client
from django.utils import timezone

from governance import ledger
from governance.accounts.models import ApiToken
from governance.accounts.tokens import create_api_token, revoke_api_token
from governance.admin.base import AuditedAdmin, ReadOnlyAdmin
from governance.findings.models import Finding
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from governance.signoff.rules import replace_rule
from portal.rest.authentication import TokenAuthentication
from tests import cast
from tests.portal.addresses import every_route

pytestmark = pytest.mark.django_db

# What each command of ours does to governed rows. A new command fails the test below until it
# stands here.
WRITES_THE_LEDGER = {
    "accept_broken_ledger",
    "accept_clock",
    "accept_restore",
    "create_api_token",
    "createsuperuser",
    "import_landscape",
    "render_documents",
    "seed_demo",
    "sync_documents",
    "tick",
    "unlock",
}
WRITES_NOTHING_GOVERNED = {
    "check",
    "check_integrity",
    "checkpoint",
    "export_landscape",
    "export_proof",
    "rebuild_search",
    "verdict",
    "verify_ledger",
}


def last():
    return ChangeLogEntry.objects.first()


# ---- walked


def test_every_command_of_ours_is_known_to_write_the_ledger_or_nothing():
    ours = {
        name for name, app in get_commands().items() if app in ("portal", "governance", "runbooks")
    }
    assert ours == WRITES_THE_LEDGER | WRITES_NOTHING_GOVERNED


def test_every_admin_routes_its_writes_or_has_none(people):
    for model_admin in admin.site._registry.values():
        assert isinstance(model_admin, AuditedAdmin | ReadOnlyAdmin)
        assert not getattr(model_admin, "list_editable", ()), (
            "an edit in a list would go past the ledger's reason"
        )


def test_no_route_of_the_api_writes():
    for route in every_route():
        if route.is_api:
            view = route.callback.cls
            actions_of = getattr(route.callback, "actions", None) or {"get": "get"}
            assert set(actions_of) <= {"get", "head"}, view


def test_commands_that_write_nothing_governed_leave_no_row(ready_runbook, tmp_path):
    rows = ChangeLogEntry.objects.count()
    call_command("checkpoint", "--output", str(tmp_path / "a"), stdout=StringIO())
    call_command(
        "export_proof", ready_runbook.slug, "--output", str(tmp_path / "b"), stdout=StringIO()
    )
    call_command("verdict", ready_runbook.slug, stdout=StringIO())
    call_command("verify_ledger", stdout=StringIO())
    assert ChangeLogEntry.objects.count() == rows
    assert not Finding.objects.exists()


# ---- accounts


def test_an_account_that_a_command_makes_is_told(people, monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "a-long-horse-battery")
    call_command(
        "createsuperuser", "--noinput", "--username", "root-1", "--email", "", stdout=StringIO()
    )
    row = last()
    assert (row.action, row.subject, row.actor) == (Action.CREATED, "user:root-1", "(system)")
    assert row.changes["is_superuser"]["after"] is True
    assert "battery" not in str(row.changes)
    assert "password" not in row.changes


def test_a_new_account_in_the_admin_is_two_rows_who_made_it_and_who_set_its_password(
    people, sign_in
):
    values = {
        "username": "newcomer",
        "usable_password": "true",
        "password1": "a-long-horse-battery",
        "password2": "a-long-horse-battery",
    }
    assert sign_in("sue").post("/admin/auth/user/add/", values).status_code == 302
    rows = list(ChangeLogEntry.objects.order_by("-sequence")[:2])
    assert {(row.action, row.subject, row.actor) for row in rows} == {
        (Action.CREATED, "user:newcomer", "sue"),
        (Action.PASSWORD_SET, "user:newcomer", "sue"),
    }


def test_the_name_of_a_group_that_signs_is_fixed(people, sign_in):
    from django.contrib.auth.models import Group

    group = Group.objects.create(name="Night shift")
    replace_rule(
        target_level="shadow",
        required_signatures=1,
        group=group,
        evidence_required=False,
        by=people["sue"],
    )
    sign_in("sue").post(f"/admin/auth/group/{group.pk}/change/", {"name": "Day shift"})
    group.refresh_from_db()
    assert group.name == "Night shift"


# ---- tokens


def bearer(token):
    return Client(headers={"authorization": f"Bearer {token}"})


@pytest.fixture
def token(people):
    return create_api_token(user=people["otto"], label="sync", by=people["sue"])[1]


def test_a_token_is_printed_once_and_only_its_digest_is_kept(people):
    out = StringIO()
    call_command("create_api_token", "otto", "--label", "sync", stdout=out, stderr=StringIO())
    token = out.getvalue().strip()
    stored = ApiToken.objects.get()
    assert token not in (stored.digest, stored.start)
    assert token.startswith(stored.start)
    row = last()
    assert (row.action, row.subject) == (Action.TOKEN_CREATED, "user:otto")
    assert token not in str(row.changes)
    assert bearer(token).get("/api/v1/runbooks/").status_code == 200


@pytest.mark.parametrize(("name", "label"), [("nobody", ""), ("otto", "x" * 81)])
def test_a_token_for_nobody_or_with_too_long_a_label_is_not_made(people, name, label):
    with pytest.raises(CommandError, match="No token was made"):
        call_command("create_api_token", name, "--label", label)
    assert not ApiToken.objects.exists()


def test_a_revoked_token_lets_nobody_in_from_the_next_request_on(token, people):
    assert bearer(token).get("/api/v1/runbooks/").status_code == 200
    assert revoke_api_token(token=ApiToken.objects.get(), by=people["sue"]) is True
    assert bearer(token).get("/api/v1/runbooks/").status_code == 401
    assert (last().action, last().actor) == (Action.TOKEN_REVOKED, "sue")
    assert revoke_api_token(token=ApiToken.objects.get(), by=people["sue"]) is False


def test_the_token_of_an_account_that_was_deactivated_lets_nobody_in(token, people):
    User.objects.filter(username="otto").update(is_active=False)
    assert bearer(token).get("/api/v1/runbooks/").status_code == 401


@pytest.mark.parametrize("shown", ["", "x", "rgp_nonsense", "a b", "\x00", "ü", "x" * 5000])
def test_nonsense_in_the_place_of_a_token_is_401(token, shown):
    assert bearer(shown).get("/api/v1/runbooks/").status_code == 401


def test_a_token_opens_no_page_and_no_admin(token):
    assert bearer(token).get("/runbooks/").status_code == 302
    assert bearer(token).get("/admin/").status_code == 302
    assert TokenAuthentication().authenticate_header(None).startswith("Bearer")


def test_tokens_are_revoked_in_the_admin_by_whoever_may(token, sign_in):
    stored = ApiToken.objects.get()
    chosen = {"action": "revoke", "_selected_action": [stored.pk]}
    sign_in("ada").post("/admin/governance/apitoken/", chosen)
    stored.refresh_from_db()
    assert stored.revoked_at is None
    page = sign_in("sue").post("/admin/governance/apitoken/", chosen, follow=True)
    assert "1 token revoked." in page.content.decode()
    stored.refresh_from_db()
    assert stored.revoked_at is not None
    assert token not in page.content.decode()


# ---- sign-ins


def fail_to_sign_in(client, name="otto", times=1):
    return [client.post("/login/", {"username": name, "password": "wrong"}) for _ in range(times)][
        -1
    ]


def test_ten_wrong_passwords_lock_the_sign_in_and_one_row_tells_of_it(people):
    client = Client()
    answer = fail_to_sign_in(client, times=django_settings.AXES_FAILURE_LIMIT)
    assert answer.status_code == 429
    assert "Too many wrong passwords" in answer.content.decode()
    fail_to_sign_in(client, times=5)
    rows = ChangeLogEntry.objects.filter(action=Action.SIGN_IN_LOCKED)
    assert [(row.subject, row.actor) for row in rows] == [("user:otto", "(system)")]
    right = client.post("/login/", {"username": "otto", "password": cast.PASSWORD})
    assert right.status_code == 429
    assert "_auth_user_id" not in client.session


def test_the_admins_own_sign_in_is_locked_too(people):
    client = Client()
    for _ in range(django_settings.AXES_FAILURE_LIMIT):
        answer = client.post("/admin/login/", {"username": "rita", "password": "wrong"})
    assert answer.status_code == 429


def test_guessing_over_the_api_is_locked_as_well(people):
    from tests.portal.test_access import basic

    for _ in range(django_settings.AXES_FAILURE_LIMIT):
        assert Client(headers=basic("otto", "wrong")).get("/api/v1/runbooks/").status_code in (
            401,
            403,
            429,
        )
    assert Client(headers=basic("otto")).get("/api/v1/runbooks/").status_code in (401, 403, 429)
    assert ChangeLogEntry.objects.filter(action=Action.SIGN_IN_LOCKED).count() == 1


def test_a_name_that_nobody_bears_leaves_no_row(people):
    fail_to_sign_in(Client(), name="nobody", times=django_settings.AXES_FAILURE_LIMIT + 2)
    assert not ChangeLogEntry.objects.filter(action=Action.SIGN_IN_LOCKED).exists()


def test_others_sign_in_meanwhile_and_the_lock_ends(people, monkeypatch):
    client = Client()
    fail_to_sign_in(client, times=django_settings.AXES_FAILURE_LIMIT)
    assert (
        Client().post("/login/", {"username": "rita", "password": cast.PASSWORD}).status_code == 302
    )
    later = timezone.now() + timedelta(minutes=16)
    import time_machine

    with time_machine.travel(later, tick=True):
        assert (
            Client().post("/login/", {"username": "otto", "password": cast.PASSWORD}).status_code
            == 302
        )


def test_nine_wrong_ones_and_a_right_one_lock_nothing(people):
    client = Client()
    fail_to_sign_in(client, times=django_settings.AXES_FAILURE_LIMIT - 1)
    assert (
        client.post("/login/", {"username": "otto", "password": cast.PASSWORD}).status_code == 302
    )
    assert ledger.verify().is_whole
