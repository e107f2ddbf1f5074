"""The state at another time: computed from the ledger, labelled, and never a permission for now."""

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from governance import guards, ledger
from governance.assurance.as_of import AsOfError, moment_of, runbooks_as_of
from governance.assurance.integrity_incidents import note_ledger_state
from governance.editing.audited_edit import audited_edit
from governance.ledger.models import ChangeLogEntry
from governance.signoff.downgrade import downgrade
from runbooks.models import Runbook, RunbookAlias
from runbooks.validity import Reason
from tests import cast
from tests.runbooks.asking import Page

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 5, 20, 10, 0, tzinfo=UTC)
SIGNED = "# Signed steps\n\n1. Close the old valve.\n"


def then(runbook, moment):
    rows = runbooks_as_of([Runbook.objects.get(pk=runbook.pk)], moment)
    return rows[0] if rows else None


def stamp(moment):
    return moment.isoformat().replace("+00:00", "Z")


@pytest.fixture
def told(people):
    """A runbook with a past: unassessed, signed ready, text changed, downgraded.

    ``at`` has a time of each state.
    """
    runbook = cast.make_runbook("Pump", text=SIGNED)
    runbook.at = {"unassessed": timezone.now()}
    cast.make_ready(runbook)
    runbook.at["ready"] = timezone.now()
    newer = cast.store(runbook.document_path, "# Newer steps\n")
    edit(runbook, people, document=newer)
    runbook.at["changed"] = timezone.now()
    downgrade(runbook=runbook, level="shadow", reason="Wrong step.", by=people["rita"])
    runbook.at["taken down"] = timezone.now()
    return runbook


def edit(runbook, people, **fields):
    stored = Runbook.objects.get(pk=runbook.pk)
    with audited_edit(stored, by=people["ed"]):
        for name, value in fields.items():
            setattr(stored, name, value)
        stored.save()


# ---- which moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31", datetime(2026, 1, 31, 23, 59, 59, 999999, tzinfo=ZoneInfo("Europe/Berlin"))),
        ("2026-01-31T09:30", datetime(2026, 1, 31, 9, 30, tzinfo=ZoneInfo("Europe/Berlin"))),
        ("2026-01-31 09:30:15", datetime(2026, 1, 31, 9, 30, 15, tzinfo=ZoneInfo("Europe/Berlin"))),
        ("2026-01-31T09:30:00Z", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        ("2026-01-31T09:30:00+02:00", datetime(2026, 1, 31, 7, 30, tzinfo=UTC)),
        ("2026-01-31T09:30:00 02:00", datetime(2026, 1, 31, 7, 30, tzinfo=UTC)),
        (
            " 2026-01-31 ",
            datetime(2026, 1, 31, 23, 59, 59, 999999, tzinfo=ZoneInfo("Europe/Berlin")),
        ),
        ("2026-05-20", NOW),
    ],
)
def test_a_day_means_its_end_and_a_time_itself(text, moment):
    assert moment_of(text, now=NOW) == moment


NONSENSE = [
    "", "yesterday", "2026", "2026-13-01", "2026-02-30", "31.01.2026", "2026-01-31T25:00",
    "0000-00-00", "0001-01-01", "9999-12-31", "1999-12-31", "2026-01-31T09:30:00+99:99",
    "x" * 10_000, "２０２６-01-31x", "2026-01-31; DROP", "-1", "1e9",
]  # fmt: skip


@pytest.mark.parametrize("text", NONSENSE)
def test_nonsense_is_told(text):
    with pytest.raises(AsOfError):
        moment_of(text, now=NOW)


@pytest.mark.parametrize("text", ["2026-05-21", "2026-05-20T10:00:01Z", "2027-01-01"])
def test_the_future_is_not_told(text):
    with pytest.raises(AsOfError, match="future"):
        moment_of(text, now=NOW)


# ---- what is folded


@pytest.mark.parametrize(
    ("moment", "level", "go", "reasons"),
    [
        ("unassessed", "unassessed", False, (Reason.NOT_READY,)),
        ("ready", "ready", True, ()),
        ("changed", "ready", False, (Reason.DOCUMENT_CHANGED,)),
        ("taken down", "shadow", False, (Reason.NOT_READY,)),
    ],
)
def test_what_was_signed_and_whether_it_held(told, moment, level, go, reasons):
    found = then(told, told.at[moment])
    assert (found.signed.level, found.verdict.go, found.verdict.reasons) == (level, go, reasons)


def test_before_anything_was_written_nothing_was_signed(told):
    found = then(told, datetime(2020, 1, 1, tzinfo=UTC))
    assert (found.signed.level, found.verdict.go) == ("unassessed", False)


def test_metadata_that_changed_later_does_not_count_against_then_and_against_afterwards(
    told, people
):
    edit(told, people, scope="Other.", title="Renamed pump")
    found = then(told, told.at["ready"])
    assert found.verdict.go
    assert found.described.metadata["title"] == "Pump"


def test_metadata_that_had_changed_by_then_counts(runbook, people):
    cast.make_ready(runbook)
    edit(runbook, people, scope="Other.")
    moment = timezone.now()
    edit(runbook, people, scope="Restart a pump without flooding the cellar.")
    assert then(runbook, moment).verdict.reasons == (Reason.METADATA_CHANGED,)
    assert then(runbook, timezone.now()).verdict.go


def test_a_layer_and_a_cluster_that_were_renamed_later_bear_their_old_names_then(told, people):
    for thing in (told.layers.get(), told.primary_cluster):
        with audited_edit(thing, by=people["ed"]):
            thing.title = f"Renamed {thing.title}"
            thing.save()
    assert then(told, told.at["ready"]).verdict.go


def test_a_year_that_was_over_by_then_had_run_out(ready_runbook):
    year = ready_runbook.readiness_year
    for moment, go in (
        (datetime(year, 12, 31, 22, 59, tzinfo=UTC), True),
        (datetime(year, 12, 31, 23, 1, tzinfo=UTC), False),
    ):
        assert then(ready_runbook, moment).verdict.go is go


def test_a_runbook_that_was_made_later_was_not_there(people):
    moment = timezone.now()
    runbook = Runbook(slug="late", title="Late")
    with audited_edit(runbook, by=people["ed"]):
        runbook.save()
    assert then(runbook, moment) is None
    assert then(runbook, timezone.now()) is not None


def test_a_row_that_was_altered_is_no_proof(told):
    guards.remove()
    row = ChangeLogEntry.objects.filter(action="readiness_changed").order_by("sequence").first()
    ChangeLogEntry.objects.filter(pk=row.pk).update(reason="Forged.")
    assert Reason.LEDGER_DISAGREES in then(told, told.at["ready"]).verdict.reasons


def test_a_ledger_that_is_known_to_be_broken_proves_nothing(told):
    note_ledger_state(problem="Row 3 is not itself.")
    assert Reason.LEDGER_BROKEN in then(told, told.at["ready"]).verdict.reasons


def test_it_agrees_with_the_verdict_of_now_when_it_is_asked_for_now(told, ready_runbook):
    from governance.assurance.evidence import verdict_on

    for runbook in Runbook.objects.with_catalogue():
        now = verdict_on(runbook)
        found = then(runbook, timezone.now())
        assert (found.verdict.go, found.verdict.reasons) == (now.go, now.reasons)


def test_the_number_of_queries_does_not_grow_with_the_runbooks(
    told, people, django_assert_num_queries
):
    for number in (1, 6):
        while Runbook.objects.count() < number:
            cast.make_runbook()
        runbooks = list(Runbook.objects.with_catalogue())
        with django_assert_num_queries(7):
            runbooks_as_of([*runbooks, *runbooks], timezone.now())


# ---- pages


PAGES = ("/runbooks/", "/runbooks/{slug}/", "/reports/readiness/")


@pytest.mark.parametrize("address", PAGES)
def test_a_page_of_another_day_says_so_first_and_shows_no_green(told, reader, address):
    response = reader.get(address.format(slug=told.slug), {"as_of": stamp(told.at["ready"])})
    content = response.content.decode()
    shown = Page(response)
    assert response.status_code == 200
    assert shown.banners == ["is-stop"]
    assert "not now" in shown.words
    assert "It permits nothing now" in shown.words
    assert "was live-ready then" in shown.words
    assert "is-live" not in content
    assert "is-go" not in content
    assert "Signed for live use until" not in content


def test_the_page_of_a_runbook_shows_the_text_that_was_signed_then(told, reader):
    address = told.get_absolute_url()
    assert (
        "Close the old valve"
        in reader.get(address, {"as_of": stamp(told.at["ready"])}).content.decode()
    )
    assert (
        "No text was signed then"
        in reader.get(address, {"as_of": stamp(told.at["unassessed"])}).content.decode()
    )


def test_the_list_is_filtered_by_what_was_signed_then(told, reader):
    cast.make_runbook("Other")
    for query, moment, titles in (
        ({"readiness": "ready"}, "ready", ["Pump"]),
        ({"readiness": "ready"}, "taken down", []),
        ({"readiness": "shadow"}, "ready", []),
        ({"year": str(timezone.localdate().year)}, "ready", ["Pump"]),
        ({"text": "other"}, "ready", ["Other"]),
    ):
        response = reader.get("/runbooks/", {**query, "as_of": stamp(told.at[moment])})
        assert [row.runbook.title for row in response.context["page"]] == titles, (query, moment)


def test_the_report_is_a_file_whose_columns_are_not_those_of_now(told, reader):
    response = reader.get(
        "/reports/readiness/", {"as_of": stamp(told.at["ready"]), "format": "csv"}
    )
    row = next(csv.DictReader(StringIO(response.content.decode("utf-8-sig"))))
    assert (row["verdict_then"], row["level_then"]) == ("go", "ready")
    assert "verdict" not in row
    assert row["as_of"]


@pytest.mark.parametrize("address", PAGES)
@pytest.mark.parametrize("text", [*NONSENSE, "2099-01-01"])
def test_a_nonsense_date_is_400_with_what_to_write(told, reader, address, text):
    response = reader.get(address.format(slug=told.slug), {"as_of": text})
    assert response.status_code == 400
    assert "Enter" in response.content.decode()


@pytest.mark.parametrize(
    "address", ["/", "/situations/", "/landscape/", "/changes/", "/reports/findings/", "/search/"]
)
def test_a_page_that_cannot_tell_does_not_show_now_instead(told, reader, address):
    response = reader.get(address, {"as_of": "2026-01-01"})
    assert response.status_code == 400
    assert "cannot be shown as of another day" in response.content.decode()


def test_a_runbook_that_is_not_there_or_was_not_there_then_is_a_404(told, people, reader):
    assert reader.get("/runbooks/nowhere/", {"as_of": stamp(told.at["ready"])}).status_code == 404
    late = Runbook(slug="late", title="Late")
    with audited_edit(late, by=people["ed"]):
        late.save()
    assert reader.get("/runbooks/late/", {"as_of": stamp(told.at["ready"])}).status_code == 404
    assert (
        reader.get("/api/v1/runbooks/late/", {"as_of": stamp(told.at["ready"])}).status_code == 404
    )


def test_the_past_is_shut_to_whoever_may_not_read(told, client):
    assert client.get("/runbooks/", {"as_of": "2026-01-01"}).status_code == 302
    assert client.get("/api/v1/runbooks/", {"as_of": "2026-01-01"}).status_code in (401, 403)


# ---- REST


def test_the_verdict_of_another_moment_is_no_go_and_tells_beside_it_what_it_was(told, reader):
    address = f"/api/v1/runbooks/{told.slug}/verdict/"
    answer = reader.get(address, {"as_of": stamp(told.at["ready"])}).json()
    assert (answer["verdict"], answer["reasons"]) == ("no-go", ["not_now"])
    assert (answer["verdict_then"], answer["reasons_then"]) == ("go", [])
    assert answer["as_of"]
    changed = reader.get(address, {"as_of": stamp(told.at["changed"])}).json()
    assert (changed["verdict_then"], changed["reasons_then"]) == ("no-go", ["document_changed"])
    now = reader.get(address).json()
    assert (now["as_of"], now["verdict_then"], now["reasons_then"]) == (None, None, None)


def test_a_go_of_now_is_never_given_for_another_moment(ready_runbook, reader):
    address = f"/api/v1/runbooks/{ready_runbook.slug}/verdict/"
    assert reader.get(address).json()["verdict"] == "go"
    assert (
        reader.get(address, {"as_of": stamp(timezone.now() - timedelta(microseconds=1))}).json()[
            "verdict"
        ]
        == "no-go"
    )
    row = reader.get(
        f"/api/v1/runbooks/{ready_runbook.slug}/", {"as_of": stamp(timezone.now())}
    ).json()
    assert (row["live_ready"], row["reasons_against_live"]) == (False, ["not_now"])


def test_the_rows_are_those_of_then_in_the_shape_of_now(told, reader):
    moment = stamp(told.at["ready"])
    row = reader.get(f"/api/v1/runbooks/{told.slug}/", {"as_of": moment}).json()
    listed = reader.get("/api/v1/runbooks/", {"as_of": moment}).json()["results"]
    now = reader.get(f"/api/v1/runbooks/{told.slug}/").json()
    assert listed == [row]
    assert set(row) == set(now)
    assert (row["readiness_level"], row["live_ready_then"], row["live_ready"]) == (
        "ready",
        True,
        False,
    )
    assert row["document_sha256"] == row["signed_document_sha256"] == cast.sha256(SIGNED)
    assert (now["readiness_level"], now["as_of"]) == ("shadow", None)


def test_the_list_over_rest_is_filtered_and_paged(told, reader):
    for _ in range(3):
        cast.make_runbook()
    query = {"as_of": stamp(told.at["ready"]), "page_size": 2}
    answer = reader.get("/api/v1/runbooks/", query).json()
    assert (answer["count"], len(answer["results"])) == (4, 2)
    assert reader.get("/api/v1/runbooks/", {**query, "readiness": "ready"}).json()["count"] == 1
    assert reader.get("/api/v1/runbooks/", {**query, "readiness": "bogus"}).status_code == 400
    assert reader.get("/api/v1/runbooks/", {**query, "bogus": "x"}).status_code == 400


@pytest.mark.parametrize("text", [*NONSENSE, "2099-01-01"])
def test_a_nonsense_date_is_an_error_of_its_field(told, reader, text):
    for address in ("/api/v1/runbooks/", f"/api/v1/runbooks/{told.slug}/"):
        response = reader.get(address, {"as_of": text})
        assert response.status_code == 400
        assert set(response.json()) == {"as_of"}
    response = reader.get(f"/api/v1/runbooks/{told.slug}/verdict/", {"as_of": text})
    assert (response.status_code, response.json()["verdict"]) == (400, "no-go")
    assert response.json()["detail"].startswith("as_of: ")


def test_what_cannot_be_told_of_then_is_refused(told, reader):
    moment = stamp(told.at["ready"])
    assert (
        reader.get(f"/api/v1/runbooks/{told.slug}/document/", {"as_of": moment}).status_code == 400
    )
    assert reader.get("/api/v1/clusters/", {"as_of": moment}).status_code == 400
    assert (
        reader.get(
            f"/api/v1/runbooks/{told.slug}/verdict/", {"as_of": moment, "year": 2026}
        ).status_code
        == 400
    )
    assert reader.get("/api/v1/runbooks/nowhere/verdict/", {"as_of": moment}).status_code == 404


def test_looking_at_the_past_writes_nothing(told, reader):
    rows = ChangeLogEntry.objects.count()
    for address in PAGES:
        reader.get(address.format(slug=told.slug), {"as_of": stamp(told.at["ready"])})
    assert ChangeLogEntry.objects.count() == rows
    assert ledger.verify().is_whole


def test_a_former_address_leads_on_with_its_moment(told, reader):
    RunbookAlias.objects.create(
        runbook=Runbook.objects.get(slug=told.slug), name="once-called-this"
    )
    query = {"as_of": stamp(told.at["ready"])}
    response = reader.get("/runbooks/once-called-this/", query, follow=True)
    assert response.redirect_chain == [(f"/runbooks/{told.slug}/?{urlencode(query)}", 302)]
    assert response.status_code == 200
    assert reader.get("/runbooks/never-called-this/", query).status_code == 404
