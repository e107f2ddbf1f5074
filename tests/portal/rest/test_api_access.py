"""The REST API only reads, for whom it may, and says so in its schema."""

import base64
import json
import re
from io import StringIO

import pytest
import yaml
from django.core.management import call_command
from django.test import Client

from portal.rest.urls import router
from runbooks.choices import ReadinessLevel
from tests.portal.addresses import every_route
from tests.runbooks.asking import LISTS, V1, read
from tests.runbooks.scene import basic, state_of_everything

pytestmark = pytest.mark.django_db


# ---- nothing is written


FORGED = {
    "slug": "forged",
    "title": "Forged",
    "readiness_level": "ready",
    "readiness_year": 2026,
    "signed_document_sha256": "0" * 64,
    "state": "approved",
    "sequence": 1,
    "actor": "nobody",
    "live_ready": True,
}


@pytest.mark.parametrize("who", [None, "otto", "rita", "sue"])
def test_no_address_of_the_api_writes_whoever_asks(every_address, sign_in, settings, who):
    settings.PORTAL_READ = "public"
    client = sign_in(who) if who else Client()
    before = state_of_everything()
    for address in every_address:
        for method in ("post", "put", "patch", "delete"):
            response = getattr(client, method)(
                address, data=json.dumps(FORGED), content_type="application/json"
            )
            assert response.status_code in (403, 405), (method, address)
        forged = client.post(
            address,
            data=json.dumps(FORGED),
            content_type="application/json",
            headers={"x-http-method-override": "PUT"},
        )
        assert forged.status_code in (403, 405), address
    assert state_of_everything() == before


def test_every_route_of_the_api_is_tried_above(every_address, reader):
    from django.urls import resolve

    tried = {resolve(address).view_name for address in every_address}
    assert tried == {route.name for route in every_route() if route.is_api}


BROKEN = {
    "half": b"{",
    "a deep list": b"[" * 100_000,
    "a deep object": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "a null byte": b"\x00",
    "no number": b'{"year": NaN}',
    "a huge number": b"1" * 100_000,
    "nothing": b"",
    "no UTF-8": b"\xff\xfe",
}
KINDS = (
    "application/json",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("who", [None, "rita"])
def test_a_broken_body_is_refused_and_never_fails(runbook, sign_in, settings, who, method):
    settings.PORTAL_READ = "public"
    client = sign_in(who) if who else Client()
    for what, body in BROKEN.items():
        for kind in KINDS:
            response = client.generic(
                method, f"{V1}runbooks/{runbook.slug}/", body, content_type=kind
            )
            assert response.status_code in (400, 403, 405, 415), (what, kind)


def test_asking_what_is_possible_names_reading_alone(every_address, reader):
    for address in every_address:
        response = reader.options(address)
        assert response.status_code == 200
        assert set(response["Allow"].split(", ")) <= {"GET", "HEAD", "OPTIONS"}, address
        assert b'"actions"' not in response.content, address


# ---- who may read


def test_where_one_must_sign_in_nothing_is_told_to_a_stranger(every_address, settings):
    settings.PORTAL_READ = "login"
    for address in every_address:
        response = Client().get(address)
        assert response.status_code in (401, 403), address
        told = re.sub(
            rb'"runbook": ?"[^"]*"', b"", response.content
        )  # a verdict repeats the slug that was asked for
        assert b"pump" not in told.lower()


def test_where_one_must_sign_in_whoever_has_may_read(every_address, settings, sign_in):
    settings.PORTAL_READ = "login"
    client = sign_in("otto")
    for address in every_address:
        assert client.get(address).status_code == 200, address


def test_where_everybody_may_read_a_stranger_may(every_address, reader):
    for address in every_address:
        assert reader.get(address).status_code == 200, address


def test_a_machine_signs_in_with_a_name_and_a_password(scene, settings):
    settings.PORTAL_READ = "login"
    assert Client(headers=basic("otto")).get(f"{V1}runbooks/").status_code == 200


WRONG = [
    basic("otto", "wrong")["authorization"],
    basic("nobody")["authorization"],
    basic("\x00", "\x00")["authorization"],
    basic("otto\x00")["authorization"],
    "Basic",
    "Basic !!!",
    "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
    "Basic " + base64.b64encode(b"nocolon").decode(),
    "Basic a b c",
]


@pytest.mark.parametrize("mode", ["login", "public"])
def test_wrong_credentials_are_refused_and_never_fail(people, settings, mode):
    settings.PORTAL_READ = mode
    for header in WRONG:
        status = Client(headers={"authorization": header}).get(f"{V1}runbooks/").status_code
        assert status in (401, 403), header


def test_an_account_that_is_not_active_reads_nothing(scene, settings, people):
    settings.PORTAL_READ = "login"
    people["otto"].is_active = False
    people["otto"].save()
    assert Client(headers=basic("otto")).get(f"{V1}runbooks/").status_code in (401, 403)


# ---- the schema


@pytest.fixture
def schema(db):
    """The OpenAPI schema as a client reads it; warnings and errors in creating it fail the test."""
    output = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=output)
    return yaml.safe_load(output.getvalue())


def test_the_schema_is_valid_and_lists_every_route(schema, every_address):
    """Each list, each row and the routes below: paths are equal, whatever a parameter is called."""
    from django.urls import get_resolver

    templates = {
        re.sub(r"%\(\w+\)s", "{}", f"/{template}")
        for name in api_names()
        for possibilities, *_ in get_resolver().reverse_dict.getlist(name)
        for template, parameters in possibilities
        if "format" not in parameters and template.endswith("/")
    }
    assert {re.sub(r"{\w+}", "{}", path) for path in schema["paths"]} == templates


def api_names():
    return {route.name for route in every_route() if route.is_api} - {"api-root", "schema"}


def test_the_schema_knows_reading_alone(schema):
    assert {method for operations in schema["paths"].values() for method in operations} == {"get"}


def test_the_schema_names_every_filter(schema):
    from runbooks.filters import RunbookFilterSet

    parameters = {
        parameter["name"] for parameter in schema["paths"]["/api/v1/runbooks/"]["get"]["parameters"]
    }
    assert parameters >= {*RunbookFilterSet.base_filters, "page", "page_size"}
    feed = {
        parameter["name"] for parameter in schema["paths"]["/api/v1/changes/"]["get"]["parameters"]
    }
    assert feed >= {"after", "page_size", "action", "subject"}


def test_the_schema_names_every_readiness_level(schema):
    assert schema["components"]["schemas"]["ReadinessLevelEnum"]["enum"] == ReadinessLevel.values


def test_an_answer_holds_what_the_schema_says(schema, scene, reader):
    for prefix, _, _ in router.registry:
        operation = schema["paths"][f"{V1}{prefix}/"]["get"]
        answer = read(reader, f"{V1}{prefix}/")
        declared = resolved(
            schema, operation["responses"]["200"]["content"]["application/json"]["schema"]
        )
        assert set(answer) <= set(declared["properties"]), prefix
        assert set(declared["required"]) <= set(answer), prefix
        row = resolved(schema, declared["properties"]["results"]["items"])
        for one in answer["results"]:
            assert set(one) == set(row["properties"]), prefix


def resolved(schema, part):
    return (
        schema["components"]["schemas"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part
    )


def test_the_documentation_page_names_every_route(reader):
    content = reader.get("/api/docs/").content.decode()
    for address in LISTS:
        assert f"GET {address}" in content
