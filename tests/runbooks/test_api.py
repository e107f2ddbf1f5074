"""The REST API: what it says, that it only reads, and that a careful consumer misses nothing."""

import base64
import json
import re
from io import StringIO
from urllib.parse import quote

import pytest
import yaml
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.serializers import BaseSerializer

from governance import actions, ledger
from governance.models import ChangeLogEntry, Finding
from portal.api import router
from runbooks.api import serializers
from runbooks.choices import ReadinessLevel
from runbooks.models import Cluster, CodeReference, Layer, Runbook, RunbookAlias, Section, Situation
from runbooks.standing import Reason
from tests import cast
from tests.portal.addresses import every_route
from tests.runbooks.scene import add_finding, basic, fill, state_of_everything

pytestmark = pytest.mark.django_db

V1 = "/api/v1/"
LISTS = [f"{V1}{prefix}/" for prefix, _, _ in router.registry]


def read(client, address, status=200):
    response = client.get(address)
    assert response.status_code == status, (address, response.content[:300])
    return response.json()


def rows(client, address):
    return read(client, address)["results"]


@pytest.fixture
def details(scene):
    """The address of one row of every list, by the prefix of its route."""
    return {
        "runbooks": f"{V1}runbooks/{scene.ready.slug}/",
        "clusters": f"{V1}clusters/{scene.cluster.slug}/",
        "layers": f"{V1}layers/{scene.layer.slug}/",
        "sections": f"{V1}sections/{scene.section.slug}/",
        "situations": f"{V1}situations/{scene.situation.slug}/",
        "code-references": f"{V1}code-references/{scene.code_reference.pk}/",
        "changes": f"{V1}changes/1/",
        "sign-off-requests": f"{V1}sign-off-requests/{scene.request.pk}/",
        "findings": f"{V1}findings/{scene.finding.pk}/",
    }


@pytest.fixture
def every_address(details, scene):
    """Every address of the API that a row can be read at."""
    return [
        V1,
        "/api/schema/",
        *LISTS,
        *details.values(),
        f"{V1}runbooks/{scene.ready.slug}/document/",
        f"{V1}runbooks/{scene.ready.slug}/verdict/",
        f"{V1}resolve/",
    ]


# ---- every route answers


def test_every_list_and_every_row_answers(scene, details, reader):
    assert set(details) == {prefix for prefix, _, _ in router.registry}
    for prefix, address in details.items():
        listed = rows(reader, f"{V1}{prefix}/")
        row = read(reader, address)
        assert row in listed, prefix


def test_the_root_names_every_list(reader):
    assert set(read(reader, V1).values()) == {f"http://testserver{address}" for address in LISTS}


def test_the_lists_are_those_of_the_design():
    built = {prefix for prefix, _, _ in router.registry}
    assert {
        "runbooks",
        "clusters",
        "layers",
        "sections",
        "situations",
        "code-references",
        "sign-off-requests",
        "changes",
        "findings",
    } <= built


def test_a_document_is_read_below_its_runbook(scene, reader):
    document = read(reader, f"{V1}runbooks/{scene.ready.slug}/document/")
    assert document["text"] == scene.ready.document.text
    assert document["sha256"] == cast.sha256(document["text"])
    assert document["path"] == scene.ready.document_path
    assert (document["is_signed"], document["is_current"]) == (True, True)


def test_the_signed_text_is_read_first_and_says_that_a_newer_one_stands_there(scene, reader):
    signed = scene.ready.document
    newer = cast.store(signed.path, "# Another text\n\nNobody has signed this.\n")
    scene.ready.document = newer
    scene.ready.save()
    document = read(reader, f"{V1}runbooks/{scene.ready.slug}/document/")
    assert (document["sha256"], document["text"]) == (signed.sha256, signed.text)
    assert (document["is_signed"], document["is_current"]) == (True, False)
    assert document["current_sha256"] == newer.sha256


def test_a_text_that_nobody_signed_says_so(people, reader):
    draft = cast.make_runbook()
    document = read(reader, f"{V1}runbooks/{draft.slug}/document/")
    assert (document["is_signed"], document["is_current"]) == (False, True)


@pytest.mark.parametrize("below", ["", "document/"])
def test_a_former_name_is_answered_with_the_present_one(people, reader, below):
    runbook = cast.make_runbook()
    RunbookAlias.objects.create(runbook=runbook, name="once-called-this")
    answer = read(reader, f"{V1}runbooks/once-called-this/{below}", 404)
    assert runbook.slug in answer["detail"]


def test_a_runbook_without_a_document_has_none_to_read(people, reader):
    bare = cast.make_runbook(text=None)
    read(reader, f"{V1}runbooks/{bare.slug}/document/", 404)
    assert read(reader, f"{V1}runbooks/{bare.slug}/")["document_sha256"] is None


# ---- the fields


DESIGNED_RUNBOOK = {
    "slug",
    "title",
    "document_path",
    "version",
    "scope",
    "primary_cluster",
    "related_clusters",
    "layers",
    "readiness_level",
    "readiness_year",
    "declared_level",
    "declared_year",
}
DESIGNED_CHANGE = {"sequence", "recorded_at", "actor", "action", "subject", "changes", "previous_hash", "hash"}


def test_a_runbook_carries_the_fields_that_the_design_names(scene, reader):
    row = read(reader, f"{V1}runbooks/{scene.ready.slug}/")
    assert set(row) >= DESIGNED_RUNBOOK
    runbook = Runbook.objects.get(pk=scene.ready.pk)
    for name in DESIGNED_RUNBOOK - {"primary_cluster", "related_clusters", "layers"}:
        assert row[name] == getattr(runbook, name), name
    assert row["primary_cluster"] == {"slug": runbook.primary_cluster.slug, "title": str(runbook.primary_cluster)}
    assert [layer["slug"] for layer in row["layers"]] == ["pumps"]
    assert [cluster["slug"] for cluster in row["related_clusters"]] == ["phase-16a"]


def test_a_change_carries_the_fields_that_the_design_names_and_can_be_verified_from_outside(scene, reader):
    entries = rows(reader, f"{V1}changes/?page_size=1000")
    assert set(entries[0]) >= DESIGNED_CHANGE
    previous = ledger.GENESIS
    for entry in entries:
        assert entry["previous_hash"] == previous
        previous = entry["hash"]
    again = ChangeLogEntry(**{**entries[-1], "recorded_at": ChangeLogEntry.objects.first().recorded_at})
    assert ledger.hash_of(again) == entries[-1]["hash"]


def serialized_rows(scene):
    step = scene.situation
    return {
        serializers.ReferenceSerializer: serializers.reference(scene.ready),
        serializers.RunbookSerializer: scene.ready,
        serializers.DocumentSerializer: scene.ready,
        serializers.ClusterSerializer: scene.cluster,
        serializers.LayerSerializer: scene.layer,
        serializers.SectionEntrySerializer: scene.section.entries.first(),
        serializers.SectionSerializer: scene.section,
        serializers.SituationSerializer: step,
        serializers.CodeReferenceSerializer: scene.code_reference,
    }


def test_rows_that_are_made_by_hand_have_exactly_the_declared_fields(scene):
    for serializer, row in serialized_rows(scene).items():
        assert_as_declared(serializer(), serializer(row).data)


def assert_as_declared(declared, data):
    assert list(data) == list(declared.fields), type(declared).__name__
    for name, field in declared.fields.items():
        inner = getattr(field, "child", field)
        values = data[name] if hasattr(field, "child") else [data[name]]
        for value in values:
            if isinstance(inner, BaseSerializer) and value is not None:
                assert_as_declared(inner, value)
            elif value is None:
                assert field.allow_null, name


def test_every_serializer_of_the_catalogue_is_held_to_its_declaration(scene):
    declared = {
        value for value in vars(serializers).values()
        if isinstance(value, type) and issubclass(value, BaseSerializer) and value.__module__ == serializers.__name__
    }  # fmt: skip
    assert declared == set(serialized_rows(scene))


def test_live_ready_is_told_with_its_reasons_as_codes(scene, reader):
    ready, waiting = (read(reader, f"{V1}runbooks/{runbook.slug}/") for runbook in (scene.ready, scene.waiting))
    assert (ready["live_ready"], ready["reasons_against_live"]) == (True, [])
    assert (waiting["live_ready"], waiting["reasons_against_live"]) == (False, ["not_ready"])
    Runbook.objects.filter(pk=scene.ready.pk).update(scope="Changed behind the back.", document=None)
    changed = read(reader, f"{V1}runbooks/{scene.ready.slug}/")
    assert changed["live_ready"] is False
    assert set(changed["reasons_against_live"]) == {Reason.DOCUMENT_MISSING, Reason.METADATA_CHANGED}


def test_a_declared_readiness_is_never_given_as_the_signed_one(people, reader):
    claimed = cast.make_runbook(declared_level="ready", declared_year=2026)
    row = read(reader, f"{V1}runbooks/{claimed.slug}/")
    assert (row["readiness_level"], row["readiness_year"], row["live_ready"]) == ("unassessed", None, False)
    assert (row["declared_level"], row["declared_year"]) == ("ready", 2026)


def test_a_change_of_readiness_is_seen_at_the_next_request(scene, reader, people):
    address = f"{V1}runbooks/{scene.ready.slug}/"
    assert read(reader, address)["live_ready"] is True
    actions.downgrade(runbook=scene.ready, level="shadow", reason="Wrong step.", by=people["rita"])
    row = read(reader, address)
    assert (row["live_ready"], row["readiness_level"]) == (False, "shadow")
    assert row in rows(reader, f"{V1}runbooks/")


def test_no_answer_may_be_kept_by_a_cache_in_between(every_address, reader):
    for address in every_address:
        kept = reader.get(address).headers.get("Cache-Control", "")
        assert "public" not in kept
        assert "max-age" not in kept or "max-age=0" in kept


def test_a_situation_gives_its_runbooks_in_order(people, reader):
    from runbooks.models import SituationRunbook

    situation = Situation.objects.create(slug="s", title="S")
    runbooks = [cast.make_runbook(title) for title in ("Zulu", "Alpha", "Mike")]
    for position, runbook in enumerate(runbooks, start=1):
        SituationRunbook.objects.create(situation=situation, runbook=runbook, position=position)
    assert [row["title"] for row in read(reader, f"{V1}situations/s/")["runbooks"]] == ["Zulu", "Alpha", "Mike"]


# ---- filters and paging


FILTERS = [
    "",
    "readiness=ready",
    "readiness=unassessed&readiness=ready",
    "readiness=shadow",
    "year=2099",
    "declared=ready",
    "layer=pumps",
    "cluster=16",
    "cluster=16A",
    "cluster=999",
    "text=waiting",
    "text=nowhere",
    "readiness=bogus",
    "readiness=",
    "year=abc",
    "year=99999999999",
    "layer=bogus",
    "cluster=abc",
    "section=a%0Ab",
    "situation=%ff",
    f"text={'x' * 201}",
]


def test_a_filter_means_the_same_in_the_api_as_on_the_page(scene, reader):
    of_the_scene = (f"section={scene.section.slug}", f"situation={scene.situation.slug}")
    for query in (*FILTERS, *of_the_scene):
        page = reader.get(f"/runbooks/?{query}")
        answer = reader.get(f"{V1}runbooks/?{query}")
        errors = page.context["filter"].form.errors
        assert answer.status_code == (400 if errors else 200), query
        if errors:
            assert set(answer.json()) == set(errors), query
        else:
            slugs = [row["slug"] for row in answer.json()["results"]]
            assert slugs == [row.slug for row in page.context["runbooks"]], query


@pytest.mark.parametrize("address", LISTS)
def test_an_unknown_parameter_is_refused_and_the_known_ones_named(reader, address):
    known = read(reader, f"{address}?redinesss=ready", 400)["redinesss"]
    assert known.startswith("Unknown parameter. Known: ")
    assert "page_size" in known
    if "runbooks" in address:
        assert all(name in known for name in ("readiness", "layer", "cluster", "section", "situation", "text", "year"))
    if "changes" in address:
        assert "after" in known


def test_a_filter_of_the_pages_alone_is_unknown_to_the_feed(reader):
    assert "page" in read(reader, f"{V1}changes/?page=2", 400)


def test_a_list_is_paged_and_the_pages_are_the_whole(people, reader):
    for _ in range(5):
        cast.make_runbook()
    collected, address = [], f"{V1}runbooks/?page_size=2"
    while address:
        answer = read(reader, address)
        assert answer["count"] == 5
        collected += [row["slug"] for row in answer["results"]]
        address = answer["next"]
    assert collected == list(Runbook.objects.values_list("slug", flat=True))


def test_a_page_that_is_not_there_is_told_and_never_fails(scene, reader):
    for page in ("0", "-1", "abc", "99", "9" * 5000):
        assert "detail" in read(reader, f"{V1}runbooks/?page={page}", 404)


def test_a_nonsense_page_size_of_a_list_never_fails_and_never_unlocks_more(scene, reader, monkeypatch):
    from portal.rest import PagePagination

    monkeypatch.setattr(PagePagination, "max_page_size", 1)
    monkeypatch.setattr(PagePagination, "page_size", 1)
    for size in ("0", "-1", "abc", "9" * 5000):
        response = reader.get(f"{V1}runbooks/?page_size={size}")
        assert response.status_code in (200, 400), size
        assert len(response.json().get("results", [])) <= 1, size


@pytest.mark.parametrize(("query", "number"), [("resolved=true", 1), ("resolved=false", 2), ("", 3), ("resolved=", 3)])
def test_findings_are_open_or_resolved(scene, reader, query, number):
    from django.utils import timezone

    add_finding(scene.ready)
    Finding.objects.filter(pk=add_finding(scene.ready).pk).update(resolved_at=timezone.now())
    assert len(rows(reader, f"{V1}findings/?{query}")) == number


@pytest.mark.parametrize("word", ["yes", "1", "abc", "%20true", "True"])
def test_a_word_that_is_neither_true_nor_false_does_not_mean_everything(scene, reader, word):
    assert "resolved" in read(reader, f"{V1}findings/?resolved={word}", 400)


@pytest.mark.parametrize(
    ("query", "names"),
    [("state=bogus", "state"), ("state=OPEN", "state"), (f"runbook={'x' * 101}", "runbook")],
)
def test_a_nonsense_filter_of_requests_is_refused(scene, reader, query, names):
    assert names in read(reader, f"{V1}sign-off-requests/?{query}", 400)


def test_requests_are_found_by_state_and_runbook(scene, reader):
    assert [row["runbook"] for row in rows(reader, f"{V1}sign-off-requests/?state=open")] == [scene.waiting.slug]
    assert [row["state"] for row in rows(reader, f"{V1}sign-off-requests/?runbook={scene.ready.slug}")] == ["approved"]
    assert rows(reader, f"{V1}sign-off-requests/?runbook=nowhere") == []


# ---- the change feed


def follow(client):
    """All rows as a consumer reads them: by ``last``, until there is nothing new."""
    collected, after = [], 0
    while True:
        answer = read(client, f"{V1}changes/?after={after}&page_size=3")
        collected += answer["results"]
        if not answer["results"]:
            assert (answer["last"], answer["next"]) == (after, None)
            return collected
        assert answer["next"] is None or len(answer["results"]) == 3
        after = answer["last"]


def test_the_feed_is_complete_and_in_order(scene, reader):
    sequences = [row["sequence"] for row in follow(reader)]
    assert sequences == list(range(1, ChangeLogEntry.objects.count() + 1))


def test_next_leads_through_the_whole_feed_and_keeps_the_filters(scene, reader):
    subject = f"runbook:{scene.ready.slug}"
    collected, address = [], f"{V1}changes/?page_size=1&subject={subject}"
    while address:
        answer = read(reader, address)
        collected += answer["results"]
        address = answer["next"]
    expected = ChangeLogEntry.objects.filter(subject=subject).order_by("sequence")
    assert [row["sequence"] for row in collected] == [entry.sequence for entry in expected]
    assert len(collected) > 1


def test_what_is_added_while_one_reads_is_neither_skipped_nor_doubled(scene, reader, people):
    first = read(reader, f"{V1}changes/?page_size=5")
    with actions.governed_edit(scene.ready, by=people["ed"]):
        scene.ready.owner = "Night desk"
        scene.ready.save()
    rest = rows(reader, f"{V1}changes/?after={first['last']}&page_size=1000")
    sequences = [row["sequence"] for row in first["results"] + rest]
    assert sequences == list(range(1, ChangeLogEntry.objects.count() + 1))


def test_a_deletion_is_told(scene, reader, people):
    last = ChangeLogEntry.objects.count()
    code = CodeReference.objects.create(path="src/gone.py")
    actions.delete(code, by=people["ed"])
    assert [(row["action"], row["subject"]) for row in rows(reader, f"{V1}changes/?after={last}")] == [
        ("deleted", "codereference:src/gone.py")
    ]


def test_the_feed_is_narrowed_by_action_and_subject(scene, reader):
    moved = rows(reader, f"{V1}changes/?action=readiness_changed")
    assert [row["subject"] for row in moved] == [f"runbook:{scene.ready.slug}"]
    assert rows(reader, f"{V1}changes/?subject=runbook:nowhere") == []


@pytest.mark.parametrize("name", ["after", "page_size"])
def test_a_nonsense_place_in_the_feed_is_refused_with_its_bounds(reader, name):
    odd = ("abc", "-1", "1.5", "1e3", "%ff", "+1", "9" * 20, "9" * 5000, quote("٨"), "0x10", "null", "true")
    for value in odd:
        assert "is a whole number from" in read(reader, f"{V1}changes/?{name}={value}", 400)[name], value


@pytest.mark.parametrize(("size", "status"), [("0", 400), ("1", 200), ("1000", 200), ("1001", 400)])
def test_the_page_size_of_the_feed_has_bounds(scene, reader, size, status):
    response = reader.get(f"{V1}changes/?page_size={size}")
    assert response.status_code == status
    if size == "1":
        assert len(response.json()["results"]) == 1


def test_beyond_the_end_of_the_feed_there_is_nothing_and_no_failure(scene, reader):
    largest = 2**63 - 1
    assert read(reader, f"{V1}changes/?after={largest}") == {"next": None, "last": largest, "results": []}


def test_an_unknown_action_is_refused(scene, reader):
    assert "action" in read(reader, f"{V1}changes/?action=bogus", 400)


# ---- what is not there


def test_what_is_not_there_is_a_404_and_never_a_failure(scene, reader):
    for key in ("nowhere", "%ff", "a%0Ab", "..", "a" * 10_000, quote("ä")):
        for address in [*LISTS, f"{V1}nowhere/"]:
            assert reader.get(f"{address}{key}/").status_code == 404, (address, key)
        assert reader.get(f"{V1}runbooks/{key}/document/").status_code == 404, key


def test_a_null_byte_is_refused_wherever_it_stands_and_never_fails(scene, reader):
    """PostgreSQL stores none and fails when it is asked for one."""
    for address in LISTS:
        for wrong in (f"{address}%00/", f"{address}a%00b/", f"{address}?page_size=%00", f"{address}?%00=1"):
            assert reader.get(wrong).status_code in (400, 404), wrong
    for wrong in (
        "changes/?subject=%00",
        "sign-off-requests/?runbook=%00",
        "findings/?kind=%00",
        "runbooks/?layer=%00",
    ):
        assert reader.get(f"{V1}{wrong}").status_code == 400, wrong
    assert reader.get(f"{V1}runbooks/%00/document/").status_code in (400, 404)


@pytest.mark.parametrize("prefix", ["changes", "findings", "sign-off-requests", "code-references"])
def test_a_number_that_is_not_there_is_a_404(scene, reader, prefix):
    for number in ("0", "-1", "999999", "9" * 18, "9" * 19, "9" * 5000):
        assert reader.get(f"{V1}{prefix}/{number}/").status_code == 404, number


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
            response = getattr(client, method)(address, data=json.dumps(FORGED), content_type="application/json")
            assert response.status_code in (403, 405), (method, address)
        forged = client.post(
            address, data=json.dumps(FORGED), content_type="application/json", headers={"x-http-method-override": "PUT"}
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
KINDS = ("application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("who", [None, "rita"])
def test_a_broken_body_is_refused_and_never_fails(runbook, sign_in, settings, who, method):
    settings.PORTAL_READ = "public"
    client = sign_in(who) if who else Client()
    for what, body in BROKEN.items():
        for kind in KINDS:
            response = client.generic(method, f"{V1}runbooks/{runbook.slug}/", body, content_type=kind)
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
        assert b"pump" not in response.content.lower()


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
    """The OpenAPI schema as a consumer reads it; a warning or an error while it is made fails the test."""
    output = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=output)
    return yaml.safe_load(output.getvalue())


def test_the_schema_is_valid_and_lists_every_route(schema, every_address):
    """Each list, each row and what is below it: the addresses are equal, whatever a parameter is called."""
    from django.urls import get_resolver

    templates = {
        re.sub(r"%\(\w+\)s", "{}", f"/{template}")
        for name in api_names()
        for possibilities, *_ in get_resolver().reverse_dict.getlist(name)
        for template, parameters in possibilities
        if "format" not in parameters
    }
    assert {re.sub(r"{\w+}", "{}", path) for path in schema["paths"]} == templates


def api_names():
    return {route.name for route in every_route() if route.is_api} - {"api-root", "schema"}


def test_the_schema_knows_reading_alone(schema):
    assert {method for operations in schema["paths"].values() for method in operations} == {"get"}


def test_the_schema_names_every_filter(schema):
    from runbooks.filters import RunbookFilterSet

    parameters = {parameter["name"] for parameter in schema["paths"]["/api/v1/runbooks/"]["get"]["parameters"]}
    assert parameters >= {*RunbookFilterSet.base_filters, "page", "page_size"}
    feed = {parameter["name"] for parameter in schema["paths"]["/api/v1/changes/"]["get"]["parameters"]}
    assert feed >= {"after", "page_size", "action", "subject"}


def test_the_schema_names_every_readiness_level(schema):
    assert schema["components"]["schemas"]["ReadinessLevelEnum"]["enum"] == ReadinessLevel.values


def test_an_answer_holds_what_the_schema_says(schema, scene, reader):
    for prefix, _, _ in router.registry:
        operation = schema["paths"][f"{V1}{prefix}/"]["get"]
        answer = read(reader, f"{V1}{prefix}/")
        declared = resolved(schema, operation["responses"]["200"]["content"]["application/json"]["schema"])
        assert set(answer) <= set(declared["properties"]), prefix
        assert set(declared["required"]) <= set(answer), prefix
        row = resolved(schema, declared["properties"]["results"]["items"])
        for one in answer["results"]:
            assert set(one) == set(row["properties"]), prefix


def resolved(schema, part):
    return schema["components"]["schemas"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part


def test_the_documentation_page_names_every_route(reader):
    content = reader.get("/api/docs/").content.decode()
    for address in LISTS:
        assert f"GET {address}" in content


# ---- cost: pinned, and the same for three rows and for thirty


QUERIES = {
    "runbooks": 6,
    "clusters": 2,
    "layers": 2,
    "sections": 3,
    "situations": 4,
    "code-references": 3,
    "changes": 1,
    "sign-off-requests": 4,
    "findings": 2,
}


def test_the_number_of_queries_of_a_list_does_not_grow_with_its_rows(scene, reader, people):
    def counted():
        numbers = {}
        for prefix in QUERIES:
            with CaptureQueriesContext(connection) as queries:
                rows(reader, f"{V1}{prefix}/?page_size=1000")
            numbers[prefix] = len(queries)
        return numbers

    fill(3, people)
    few = counted()
    fill(27, people)
    assert counted() == few == QUERIES


def test_every_list_is_pinned_above():
    assert set(QUERIES) == {prefix for prefix, _, _ in router.registry}


def test_a_list_carries_no_document_text(scene, reader):
    with CaptureQueriesContext(connection) as queries:
        rows(reader, f"{V1}runbooks/")
    assert not [query for query in queries.captured_queries if '"runbooks_document"."text"' in query["sql"]]


def test_an_empty_portal_has_empty_lists(db, reader):
    for model in (Runbook, Cluster, Layer, Section, Situation, CodeReference):
        assert not model.objects.exists()
    for prefix in QUERIES:
        if prefix != "changes":
            assert rows(reader, f"{V1}{prefix}/") == []


@pytest.mark.parametrize("number", ["%25", "%25s", "%25(value)s", "x%"])
def test_a_per_cent_sign_in_a_filter_is_a_wrong_value_and_no_crash(scene, reader, number):
    assert reader.get(f"{V1}runbooks/?cluster={number}").status_code == 400


@pytest.mark.parametrize("query", ["as_off=2020-01-01", "year=2020", "page=2"])
def test_one_row_takes_no_parameter_that_it_does_not_know(scene, reader, query):
    for address in (f"{V1}runbooks/{scene.ready.slug}/", f"{V1}situations/{scene.situation.slug}/"):
        assert reader.get(f"{address}?{query}").status_code == 400
