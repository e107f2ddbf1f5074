"""Findings on the page, in the file and over REST: the same filters, the same rows."""

import csv
from io import StringIO

import pytest
from django.utils import timezone

from governance.findings.choices import FindingKind
from governance.findings.models import Finding
from tests import cast

pytestmark = pytest.mark.django_db
PAGE, API = "/reports/findings/", "/api/v1/findings/"


@pytest.fixture
def findings(people):
    """Four findings, of which one is resolved."""
    runbook = cast.make_runbook("Pump", slug="pump")
    moment = timezone.now()
    made = (
        (FindingKind.DEAD_LINK, "warning", "none.md", "docs/pump.md", runbook, None),
        (FindingKind.MISSING_DOCUMENT, "error", "docs/valve.md", "landscape.md", None, None),
        (FindingKind.NO_OWNER, "warning", "=Pump", "", runbook, None),
        (FindingKind.STUB, "error", "Old", "docs/old.md", None, moment),
    )
    return [
        Finding.objects.create(
            kind=kind,
            severity=severity,
            subject=subject,
            message="Look.",
            file=file,
            runbook=runbook,
            line=3,
            first_seen=moment,
            resolved_at=resolved,
        )
        for kind, severity, subject, file, runbook, resolved in made
    ]


QUERIES = {
    "": {"none.md", "docs/valve.md", "=Pump"},
    "resolved=false": {"none.md", "docs/valve.md", "=Pump"},
    "resolved=true": {"Old"},
    "resolved=": {"none.md", "docs/valve.md", "=Pump", "Old"},
    "kind=dead_link": {"none.md"},
    "kind=dead_link&kind=missing_document": {"none.md", "docs/valve.md"},
    "severity=error": {"docs/valve.md"},
    "severity=error&resolved=": {"docs/valve.md", "Old"},
    "runbook=pump": {"none.md", "=Pump"},
    "file=docs/pump.md": {"none.md"},
    "text=valve": {"docs/valve.md"},
    "text=look+none": {"none.md"},
    "text=nowhere": set(),
}


@pytest.mark.parametrize("query", QUERIES)
def test_page_file_and_api_give_the_same_rows(findings, reader, query):
    page = reader.get(f"{PAGE}?{query}")
    assert {finding.subject for finding in page.context["findings"]} == QUERIES[query]
    api = reader.get(f"{API}?{query}" if "resolved" in query else f"{API}?{query}&resolved=false")
    assert {row["subject"] for row in api.json()["results"]} == QUERIES[query]
    rows = list(
        csv.DictReader(
            StringIO(reader.get(f"{PAGE}?{query}&format=csv").content.decode("utf-8-sig"))
        )
    )
    assert {row["subject"].lstrip("'") for row in rows} == QUERIES[query]


def test_every_filter_is_tried_above():
    from governance.findings.filters import FindingFilterSet

    assert {
        part.partition("=")[0] for query in QUERIES for part in query.split("&") if part
    } == set(FindingFilterSet.base_filters)


def test_the_file_has_kind_severity_place_runbook_and_times(findings, reader):
    response = reader.get(f"{PAGE}?kind=dead_link&format=csv")
    assert response.headers["Content-Type"].startswith("text/csv")
    row = next(csv.DictReader(StringIO(response.content.decode("utf-8-sig"))))
    assert (row["kind"], row["severity"], row["file"], row["line"], row["runbook"]) == (
        "dead_link", "warning", "docs/pump.md", "3", "pump",
    )  # fmt: skip
    assert row["first_seen"]
    assert row["resolved_at"] == ""


def test_a_subject_that_a_spreadsheet_would_compute_is_text(findings, reader):
    assert "'=Pump" in reader.get(f"{PAGE}?format=csv").content.decode()


def test_the_file_of_a_filtered_page_is_one_click_away(findings, reader):
    content = reader.get(f"{PAGE}?kind=dead_link").content.decode()
    assert "?kind=dead_link&amp;format=csv" in content


@pytest.mark.parametrize(
    "query", ["kind=bogus", "severity=bogus", "resolved=1", "runbook=bogus", f"text={'x' * 201}"]
)
def test_a_filter_that_makes_no_sense_is_told_and_shows_nothing(findings, reader, query):
    for suffix in ("", "&format=csv"):
        response = reader.get(f"{PAGE}?{query}{suffix}")
        assert response.status_code == 200
        assert not response.context["findings"]
        assert "nothing is shown" in response.content.decode()
    assert reader.get(f"{API}?{query}").status_code == 400


@pytest.mark.parametrize("query", ["page=0", "page=x", "page=99", "resolved=true&page=1"])
def test_a_page_that_is_not_there_never_fails(findings, reader, query):
    assert reader.get(f"{PAGE}?{query}").status_code in (200, 404)


@pytest.mark.parametrize(
    ("query", "is_open"),
    [
        ("", False),
        ("severity=error", False),
        ("text=x", False),
        ("resolved=false", False),
        ("resolved=", True),
        ("resolved=true", True),
        ("kind=stub", True),
        ("kind=nonsense", True),
    ],
)
def test_the_folded_filters_stand_open_where_one_of_them_is_used(findings, reader, query, is_open):
    assert (
        '<details class="fold" open>' in reader.get(f"{PAGE}?{query}").content.decode()
    ) is is_open
