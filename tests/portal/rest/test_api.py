"""The REST API: every route answers with the designed fields, or 404 where there is nothing."""

from urllib.parse import quote

import pytest
from rest_framework.serializers import BaseSerializer

from governance import ledger
from governance.assurance.standings import add_standings
from governance.ledger.models import ChangeLogEntry
from governance.signoff.downgrade import downgrade
from portal.rest import fields
from portal.rest.urls import router
from runbooks.models import Runbook, RunbookAlias, Situation
from runbooks.validity import Reason
from tests import cast
from tests.runbooks.asking import LISTS, V1, read, rows

pytestmark = pytest.mark.django_db


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
DESIGNED_CHANGE = {
    "sequence",
    "recorded_at",
    "actor",
    "action",
    "subject",
    "changes",
    "previous_hash",
    "hash",
}


def test_a_runbook_carries_the_fields_that_the_design_names(scene, reader):
    row = read(reader, f"{V1}runbooks/{scene.ready.slug}/")
    assert set(row) >= DESIGNED_RUNBOOK
    runbook = Runbook.objects.get(pk=scene.ready.pk)
    for name in DESIGNED_RUNBOOK - {"primary_cluster", "related_clusters", "layers"}:
        assert row[name] == getattr(runbook, name), name
    assert row["primary_cluster"] == {
        "slug": runbook.primary_cluster.slug,
        "title": str(runbook.primary_cluster),
    }
    assert [layer["slug"] for layer in row["layers"]] == ["pumps"]
    assert [cluster["slug"] for cluster in row["related_clusters"]] == ["phase-16a"]


def test_a_change_carries_the_fields_that_the_design_names_and_can_be_verified_from_outside(
    scene, reader
):
    entries = rows(reader, f"{V1}changes/?page_size=1000")
    assert set(entries[0]) >= DESIGNED_CHANGE
    previous = ledger.GENESIS
    for entry in entries:
        assert entry["previous_hash"] == previous
        previous = entry["hash"]
    again = ChangeLogEntry(
        **{**entries[-1], "recorded_at": ChangeLogEntry.objects.first().recorded_at}
    )
    assert ledger.hash_of(again) == entries[-1]["hash"]


def serialized_rows(scene):
    step = scene.situation
    return {
        fields.ReferenceSerializer: fields.reference(scene.ready),
        fields.RunbookNowSerializer: add_standings([scene.ready])[0],
        fields.DocumentSerializer: scene.ready,
        fields.ClusterSerializer: scene.cluster,
        fields.LayerSerializer: scene.layer,
        fields.SectionEntrySerializer: scene.section.entries.first(),
        fields.SectionSerializer: scene.section,
        fields.SituationSerializer: step,
        fields.CodeReferenceSerializer: scene.code_reference,
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
        value
        for value in vars(fields).values()
        if isinstance(value, type)
        and issubclass(value, BaseSerializer)
        and value.__module__ == fields.__name__
    }
    assert declared == set(serialized_rows(scene))


def test_live_ready_is_told_with_its_reasons_as_codes(scene, reader):
    ready, waiting = (
        read(reader, f"{V1}runbooks/{runbook.slug}/") for runbook in (scene.ready, scene.waiting)
    )
    assert (ready["live_ready"], ready["reasons_against_live"]) == (True, [])
    assert (waiting["live_ready"], waiting["reasons_against_live"]) == (False, ["not_ready"])
    Runbook.objects.filter(pk=scene.ready.pk).update(
        scope="Changed behind the back.", document=None
    )
    changed = read(reader, f"{V1}runbooks/{scene.ready.slug}/")
    assert changed["live_ready"] is False
    assert set(changed["reasons_against_live"]) == {
        Reason.DOCUMENT_MISSING,
        Reason.METADATA_CHANGED,
    }


def test_a_declared_readiness_is_never_given_as_the_signed_one(people, reader):
    claimed = cast.make_runbook(declared_level="ready", declared_year=2026)
    row = read(reader, f"{V1}runbooks/{claimed.slug}/")
    assert (row["readiness_level"], row["readiness_year"], row["live_ready"]) == (
        "unassessed",
        None,
        False,
    )
    assert (row["declared_level"], row["declared_year"]) == ("ready", 2026)


def test_a_change_of_readiness_is_seen_at_the_next_request(scene, reader, people):
    address = f"{V1}runbooks/{scene.ready.slug}/"
    assert read(reader, address)["live_ready"] is True
    downgrade(runbook=scene.ready, level="shadow", reason="Wrong step.", by=people["rita"])
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
    assert [row["title"] for row in read(reader, f"{V1}situations/s/")["runbooks"]] == [
        "Zulu",
        "Alpha",
        "Mike",
    ]


# ---- what is not there


def test_what_is_not_there_is_a_404_and_never_a_failure(scene, reader):
    for key in ("nowhere", "%ff", "a%0Ab", "..", "a" * 10_000, quote("ä")):
        for address in [*LISTS, f"{V1}nowhere/"]:
            assert reader.get(f"{address}{key}/").status_code == 404, (address, key)
        assert reader.get(f"{V1}runbooks/{key}/document/").status_code == 404, key


def test_a_null_byte_is_refused_wherever_it_stands_and_never_fails(scene, reader):
    """PostgreSQL stores none and fails when it is asked for one."""
    for address in LISTS:
        for wrong in (
            f"{address}%00/",
            f"{address}a%00b/",
            f"{address}?page_size=%00",
            f"{address}?%00=1",
        ):
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
