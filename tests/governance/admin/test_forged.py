"""Forbidden fields, sent to every form of the admin and every API route: refused or ignored."""

import json

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from governance.signoff.models import SignOff, SignOffRule, StatusChangeRequest
from runbooks.models import Runbook
from tests import cast
from tests.portal.addresses import every_route
from tests.runbooks.scene import make_scene, values_for_routes

pytestmark = pytest.mark.django_db
YEAR = timezone.localdate().year
FORGED = {
    "status": "approved",
    "state": "approved",
    "user": "1",
    "signed_by": "1",
    "signer": "1",
    "quorum": "0",
    "required_signatures": "1",
    "readiness": "ready",
    "readiness_level": "ready",
    "readiness_year": str(YEAR),
    "signed_document_sha256": "0" * 64,
    "signed_metadata_sha256": "0" * 64,
    "signed_at": "2026-01-01 00:00",
    "signed_until": "2099-12-31",
    "signed_solo": "",
    "valid_until": "2099-12-31",
    "valid_from_year": "2020",
    "requested_by": "1",
    "independent": "",
    "in_force": "on",
    "separate_from_requester": "",
    "applied_at": "2026-01-01 00:00",
    "decision": "approve",
    "hash": "0" * 64,
    "is_superuser": "on",
}


def everything_that_is_signed():
    return (
        list(
            Runbook.objects.exclude(readiness_level="unassessed")
            .order_by("pk")
            .values_list("slug", "readiness_level", "readiness_year", "signed_until")
        ),
        list(
            StatusChangeRequest.objects.filter(applied_at__isnull=False)
            .order_by("pk")
            .values_list("pk", "state", "required_signatures", "applied_at")
        ),
        list(SignOff.objects.order_by("pk").values_list("pk", "signer", "decision")),
        list(
            SignOffRule.objects.filter(in_force=True)
            .order_by("pk")
            .values_list("pk", "required_signatures")
        ),
    )


@pytest.fixture
def scene(people):
    return make_scene(people)


@pytest.mark.parametrize("who", ["ed", "rita", "ada", "otto"])
@pytest.mark.parametrize("page", ["add", "change"])
def test_no_form_of_the_admin_takes_them(scene, sign_in, who, page):
    client, before = sign_in(who), everything_that_is_signed()
    for model in admin.site._registry:
        first = model._default_manager.first()
        if page == "change" and first is None:
            continue
        arguments = [first.pk] if page == "change" else []
        address = reverse(
            f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments
        )
        assert client.post(address, FORGED).status_code < 500, address
        filled = FORGED | {
            "title": "Forged",
            "slug": "forged",
            "position": "1",
            "runbook": scene.ready.pk,
        }
        assert client.post(address, filled).status_code < 500, address
    assert everything_that_is_signed() == before


@pytest.mark.parametrize("who", ["ed", "rita", "otto", None])
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_no_route_of_the_api_takes_them(scene, sign_in, settings, who, method):
    settings.PORTAL_READ = "public"
    client, before = sign_in(who) if who else Client(), everything_that_is_signed()
    values, tried = values_for_routes(scene), 0
    for route in every_route():
        if route.is_api:
            address = route.address(values)
            answer = getattr(client, method)(
                address, data=json.dumps(FORGED), content_type="application/json"
            )
            assert answer.status_code in (401, 403, 404, 405, 415), (address, answer.status_code)
            tried += 1
    assert tried > 15
    assert everything_that_is_signed() == before


@pytest.mark.parametrize("decision", ["approve", "reject", "", "maybe"])
def test_a_decision_counts_for_whoever_is_signed_in_whatever_else_is_sent(
    runbook, people, sign_in, decision
):
    request, client = cast.ask(runbook, by=people["ed"]), sign_in("rita")
    url = f"/admin/governance/statuschangerequest/{request.pk}/"
    seen = client.get(f"{url}change/").context["form"].initial["seen"]
    forged = FORGED | {
        "user": people["rolf"].pk,
        "signer": people["rolf"].pk,
        "by": people["rolf"].pk,
    }
    values = forged | {
        "seen": seen,
        "decision": decision,
        "comment": "Read.",
        "password": cast.PASSWORD,
    }
    client.post(f"{url}decide/", values)
    assert set(SignOff.objects.values_list("signer__username", flat=True)) <= {"rita"}
    request.refresh_from_db()
    assert request.required_signatures == 2
    assert request.state != "approved"


def test_the_page_where_one_signs_takes_no_readiness(runbook, people, sign_in):
    request, client = cast.ask(runbook, by=people["ed"]), sign_in("rita")
    for address in ("decide", "withdraw", "change"):
        client.post(f"/admin/governance/statuschangerequest/{request.pk}/{address}/", FORGED)
    runbook.refresh_from_db()
    assert runbook.readiness_level == "unassessed"


def test_a_downgrade_takes_no_way_up(ready_runbook, sign_in):
    client = sign_in("rita")
    for level in ("ready", "bogus", ""):
        client.post(
            f"/admin/runbooks/runbook/{ready_runbook.pk}/downgrade/",
            FORGED | {"level": level, "reason": "Up."},
        )
    ready_runbook.refresh_from_db()
    assert (ready_runbook.readiness_level, ready_runbook.readiness_year) == ("ready", YEAR)
