"""The lists of the REST API: filters, paging, the change feed, and what a list costs."""

from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.editing.audited_edit import audited_edit, delete
from governance.findings.models import Finding
from governance.ledger.models import ChangeLogEntry
from portal.rest.urls import router
from runbooks.models import Cluster, CodeReference, Layer, Runbook, Section, Situation
from tests import cast
from tests.runbooks.asking import LISTS, V1, read, rows
from tests.runbooks.scene import add_finding, fill

pytestmark = pytest.mark.django_db


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
        assert all(
            name in known
            for name in ("readiness", "layer", "cluster", "section", "situation", "text", "year")
        )
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


def test_a_nonsense_page_size_of_a_list_never_fails_and_never_unlocks_more(
    scene, reader, monkeypatch
):
    from portal.rest.pagination import PagePagination

    monkeypatch.setattr(PagePagination, "max_page_size", 1)
    monkeypatch.setattr(PagePagination, "page_size", 1)
    for size in ("0", "-1", "abc", "9" * 5000):
        response = reader.get(f"{V1}runbooks/?page_size={size}")
        assert response.status_code in (200, 400), size
        assert len(response.json().get("results", [])) <= 1, size


@pytest.mark.parametrize(
    ("query", "number"), [("resolved=true", 1), ("resolved=false", 2), ("", 3), ("resolved=", 3)]
)
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
    assert [row["runbook"] for row in rows(reader, f"{V1}sign-off-requests/?state=open")] == [
        scene.waiting.slug
    ]
    assert [
        row["state"] for row in rows(reader, f"{V1}sign-off-requests/?runbook={scene.ready.slug}")
    ] == ["approved"]
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
    with audited_edit(scene.ready, by=people["ed"]):
        scene.ready.owner = "Night desk"
        scene.ready.save()
    rest = rows(reader, f"{V1}changes/?after={first['last']}&page_size=1000")
    sequences = [row["sequence"] for row in first["results"] + rest]
    assert sequences == list(range(1, ChangeLogEntry.objects.count() + 1))


def test_a_deletion_is_told(scene, reader, people):
    last = ChangeLogEntry.objects.count()
    code = CodeReference.objects.create(path="src/gone.py")
    delete(code, by=people["ed"])
    assert [
        (row["action"], row["subject"]) for row in rows(reader, f"{V1}changes/?after={last}")
    ] == [("deleted", "codereference:src/gone.py")]


def test_the_feed_is_narrowed_by_action_and_subject(scene, reader):
    moved = rows(reader, f"{V1}changes/?action=readiness_changed")
    assert [row["subject"] for row in moved] == [f"runbook:{scene.ready.slug}"]
    assert rows(reader, f"{V1}changes/?subject=runbook:nowhere") == []


@pytest.mark.parametrize("name", ["after", "page_size"])
def test_a_nonsense_place_in_the_feed_is_refused_with_its_bounds(reader, name):
    odd = (
        "abc",
        "-1",
        "1.5",
        "1e3",
        "%ff",
        "+1",
        "9" * 20,
        "9" * 5000,
        quote("٨"),
        "0x10",
        "null",
        "true",
    )
    for value in odd:
        assert (
            "is a whole number from" in read(reader, f"{V1}changes/?{name}={value}", 400)[name]
        ), value


@pytest.mark.parametrize(("size", "status"), [("0", 400), ("1", 200), ("1000", 200), ("1001", 400)])
def test_the_page_size_of_the_feed_has_bounds(scene, reader, size, status):
    response = reader.get(f"{V1}changes/?page_size={size}")
    assert response.status_code == status
    if size == "1":
        assert len(response.json()["results"]) == 1


def test_beyond_the_end_of_the_feed_there_is_nothing_and_no_failure(scene, reader):
    largest = 2**63 - 1
    assert read(reader, f"{V1}changes/?after={largest}") == {
        "next": None,
        "last": largest,
        "results": [],
    }


def test_an_unknown_action_is_refused(scene, reader):
    assert "action" in read(reader, f"{V1}changes/?action=bogus", 400)


# ---- cost: pinned, and the same for three rows and for thirty


QUERIES = {
    "runbooks": 4,
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
    assert not [
        query for query in queries.captured_queries if '"runbooks_document"."text"' in query["sql"]
    ]


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
