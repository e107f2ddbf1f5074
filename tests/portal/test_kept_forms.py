"""What somebody typed comes back.

After the session has ended, a stale page, a refusal, a wrong password.
"""

import re
from html import unescape

import pytest
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone

from governance.signoff.decide import form_etag
from governance.signoff.models import SignOff, StatusChangeRequest
from governance.signoff.submit import withdraw
from portal.kept_forms import KeptForm, sealed, unsealed
from runbooks.models import Layer, Runbook
from tests import cast
from tests.governance.admin.test_admin import admin_url, form_values

pytestmark = pytest.mark.django_db
COMMENT = 'I followed steps 1 to 9 on the test rig, & "all" held.'
ADMIN = "/admin/governance/statuschangerequest"


@pytest.fixture
def request_(runbook, people):
    return cast.ask(runbook, by=people["ed"])


def hidden_fields(page):
    """Every hidden field of a page, by name."""
    found = re.findall(
        r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.content.decode()
    )
    return {name: unescape(value) for name, value in found}


def decision(request, **changes):
    values = {"seen": form_etag(request), "decision": "approve", "comment": COMMENT}
    return values | {"password": cast.PASSWORD} | changes


# ---- the session has ended


def test_what_was_typed_when_the_session_had_ended_comes_back_after_signing_in(request_, people):
    client, address = Client(), f"{ADMIN}/{request_.pk}/decide/"
    page = client.post(address, decision(request_))
    assert page.status_code == 403
    assert "Your session has ended" in page.content.decode()
    sent = hidden_fields(page)
    assert sent["next"] == address
    wrong = client.post("/login/", {"username": "rita", "password": "wrong", **sent})
    assert hidden_fields(wrong)["kept"] == sent["kept"]
    back = client.post("/login/", {"username": "rita", "password": cast.PASSWORD, **sent})
    assert COMMENT in unescape(back.content.decode())
    kept = hidden_fields(back)
    assert kept["comment"] == COMMENT
    assert SignOff.objects.count() == 0
    form = client.post(address, {name: kept[name] for name in ("seen", "decision", "comment")})
    assert form.status_code == 400  # the password is asked for anew
    assert form.context["form"]["comment"].value() == COMMENT
    assert client.post(address, decision(request_)).status_code == 302


def test_no_password_is_kept(request_):
    page = Client().post(f"{ADMIN}/{request_.pk}/decide/", decision(request_))
    kept = unsealed(hidden_fields(page)["kept"], path=f"{ADMIN}/{request_.pk}/decide/")
    assert {name for name, _ in kept.fields} == {"seen", "decision", "comment"}
    assert cast.PASSWORD not in page.content.decode()


@pytest.mark.parametrize(
    ("address", "values"),
    [
        (f"{ADMIN}/add/", {"rationale": COMMENT}),
        (f"{ADMIN}/1/withdraw/", {"reason": COMMENT}),
        (f"{ADMIN}/access-changes/1/", {"comment": COMMENT}),
        ("/admin/runbooks/runbook/1/downgrade/", {"reason": COMMENT}),
        ("/admin/runbooks/runbook/", {"action": "ask_for_renewals", "rationale": COMMENT}),
        ("/admin/runbooks/runbook/add/", {"scope": COMMENT}),
    ],
)
def test_every_form_keeps_what_was_typed(people, address, values):
    page = Client().post(address, values)
    assert unsealed(hidden_fields(page)["kept"], path=address).typed


def test_a_form_without_a_text_leads_to_the_sign_in_as_ever(people):
    assert Client().post(f"{ADMIN}/add/", {"to_level": "ready"}).status_code == 302


def test_a_kept_form_is_bound_to_its_address_and_to_the_portals_key():
    token = sealed(KeptForm("/a/", [("comment", "two words")]))
    assert unsealed(token, path="/a/").fields == [("comment", "two words")]
    assert unsealed(token, path="/b/") is None
    assert unsealed(token + "x", path="/a/") is None
    assert unsealed("", path="") is None


def test_who_signed_in_elsewhere_meanwhile_gets_the_form_back_as_well(request_, sign_in):
    sent = hidden_fields(Client().post(f"{ADMIN}/{request_.pk}/decide/", decision(request_)))
    back = sign_in("rita").post("/login/", {"username": "rita", "password": cast.PASSWORD, **sent})
    assert hidden_fields(back)["comment"] == COMMENT


def test_a_form_with_an_old_token_is_handed_back_to_its_own_page_alone(request_, people):
    client, address = Client(enforce_csrf_checks=True), f"{ADMIN}/{request_.pk}/decide/"
    client.force_login(people["rita"])
    here, elsewhere = {"origin": "http://testserver"}, {"origin": "https://elsewhere.example"}
    back = client.post(address, decision(request_), headers=here)
    assert (back.status_code, hidden_fields(back)["comment"]) == (403, COMMENT)
    assert COMMENT not in unescape(
        client.post(address, decision(request_), headers=elsewhere).content.decode()
    )


# ---- the form is answered, and refused


def test_a_stale_page_gives_the_comment_back_with_the_reason(request_, people, sign_in):
    values = decision(request_)
    cast.approve(request_, by=people["rolf"])
    page = sign_in("rita").post(f"{ADMIN}/{request_.pk}/decide/", values)
    assert page.status_code == 409
    assert page.context["form"]["comment"].value() == COMMENT
    assert "has changed since the page was loaded" in page.content.decode()


def test_a_lapse_gives_the_comment_back(request_, people, sign_in):
    values, runbook = decision(request_), request_.runbook
    runbook.document = cast.store(runbook.document_path, "# Other steps\n")
    runbook.save()
    page = sign_in("rita").post(f"{ADMIN}/{request_.pk}/decide/", values)
    assert page.status_code == 409
    assert COMMENT in unescape(page.content.decode())


def test_a_refusal_gives_the_comment_back_with_the_reason(request_, people, sign_in):
    values = decision(request_)
    withdraw(request=request_, reason="Too early.", by=people["ed"])
    page = sign_in("rita").post(f"{ADMIN}/{request_.pk}/decide/", values)
    assert page.status_code == 403
    assert COMMENT in unescape(page.content.decode())
    assert "This request is closed." in page.content.decode()


def test_a_wrong_password_leaves_the_comment(request_, sign_in):
    page = sign_in("rita").post(
        f"{ADMIN}/{request_.pk}/decide/", decision(request_, password="wrong")
    )
    assert (page.status_code, page.context["form"]["comment"].value()) == (400, COMMENT)


@pytest.mark.parametrize("reason", [COMMENT, "x y " * 600])
def test_a_withdrawal_that_fails_gives_the_reason_back(request_, people, sign_in, reason):
    if reason == COMMENT:  # decided meanwhile
        for name in ("rita", "rolf"):
            cast.approve(request_, by=people[name])
    page = sign_in("ed").post(f"{ADMIN}/{request_.pk}/withdraw/", {"reason": reason})
    assert page.status_code in (400, 403)
    assert reason.strip() in unescape(page.content.decode())


def test_a_request_that_is_refused_between_check_and_action_keeps_its_rationale(
    runbook, people, sign_in, monkeypatch
):
    from governance.admin import forms

    cast.ask(runbook, by=people["ed"])
    monkeypatch.setattr(forms, "reasons_against_submitting", lambda **_: ())
    values = {"runbook": runbook.pk, "to_level": "ready", "to_year": timezone.localdate().year}
    page = sign_in("ed").post(
        f"{ADMIN}/add/", values | {"rationale": COMMENT, "evidence": cast.EVIDENCE}
    )
    assert page.status_code == 200
    assert COMMENT in unescape(page.content.decode())
    assert "already has an open request" in page.content.decode()


def test_a_downgrade_that_is_refused_keeps_its_reason(ready_runbook, sign_in):
    url = f"/admin/runbooks/runbook/{ready_runbook.pk}/downgrade/"
    page = sign_in("ed").post(url, {"level": "shadow", "reason": COMMENT})
    assert page.status_code == 400
    assert COMMENT in unescape(page.content.decode())


def test_renewals_that_are_all_refused_keep_their_rationale(runbook, people, sign_in):
    cast.ask(runbook, by=people["ed"])
    values = {
        "action": "ask_for_renewals",
        "_selected_action": [runbook.pk],
        "year": timezone.localdate().year,
    }
    page = sign_in("ed").post(
        "/admin/runbooks/runbook/", values | {"rationale": COMMENT, "evidence": cast.EVIDENCE}
    )
    assert page.status_code == 400
    assert COMMENT in unescape(page.content.decode())


def test_what_the_database_refuses_leaves_the_form_as_it_was_typed(sign_in, monkeypatch, people):
    """Every form of the admin: the reason stands above what was typed, and nothing is saved."""
    layer = Layer.objects.create(slug="pumps-2", title="Pumps 2")
    client = sign_in("ed")
    url = admin_url(Layer, "change", layer.pk)
    values = (
        form_values(client, url) | {"description": COMMENT}
        if hasattr(layer, "description")
        else form_values(client, url) | {"title": COMMENT[:40]}
    )

    def refuses(*_, **__):
        raise IntegrityError("A guard refuses this.")

    monkeypatch.setattr(Layer, "save", refuses)
    page = client.post(url, values)
    assert page.status_code == 200
    assert "A guard refuses this." in page.content.decode()
    assert COMMENT[:40] in unescape(page.content.decode())
    assert not StatusChangeRequest.objects.exists()
    assert Runbook.objects.count() == 0
