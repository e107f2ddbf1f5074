"""An inserted row moves all later rows: plan and ledger record it once, beside real changes."""

import pytest

from governance import ledger
from governance.assurance.standings import standing_of
from governance.ledger.choices import Action
from governance.ledger.labels import labelled_changes
from governance.ledger.models import ChangeLogEntry
from runbooks.models import Runbook, Situation
from tests import cast
from tests.governance.admin.test_import_page import upload, words
from tests.governance.exchange.test_landscape_history import (
    run,
    titles,
)
from tests.runbooks.landscape.samples import row, situation, text_of

pytestmark = pytest.mark.django_db
ROWS = tuple(row(f"Pump {number}", f"`docs/pump{number}.md`") for number in range(1, 6))
CASES = (situation("Still", "Pump 1"), situation("Noise", "Pump 2", "Listen"))
NEW = row("Valve Calibration", "`docs/valve.md`")
TEXT = text_of(ROWS, CASES)
INSERTED = text_of((ROWS[0], NEW, *ROWS[1:]), (situation("Smoke", "Pump 3", "Run"), *CASES))


@pytest.fixture
def imported(file):
    run("import_landscape", file(TEXT))
    return file


def test_the_plan_tells_a_shift_in_one_line(imported):
    printed = run("import_landscape", imported(INSERTED), dry_run=True)
    assert "  4 runbooks moved by +1\n" in printed
    assert "  2 situations moved by +1\n" in printed
    assert "change runbook" not in printed
    assert "position" not in printed
    assert [line.split() for line in printed.split("\n") if line.startswith("runbooks ")] == [
        ["runbooks", "6", "1", "0", "0"]
    ]


def test_the_ledger_tells_the_new_places_in_the_row_of_the_import(imported):
    before = ChangeLogEntry.objects.count()
    run("import_landscape", imported(INSERTED))
    rows = list(ChangeLogEntry.objects.order_by("sequence")[before:])
    assert [
        (row.action, row.subject) for row in rows if row.action != Action.CATALOGUE_CHECKED
    ] == [
        (Action.CREATED, "runbook:valve-calibration"),
        (Action.CREATED, "situation:smoke"),
        (Action.LANDSCAPE_IMPORTED, "landscape:landscape.md"),
    ]
    (imported_row,) = [row for row in rows if row.action == Action.LANDSCAPE_IMPORTED]
    places = {f"runbook:pump-{number}": number for number in range(2, 6)} | {
        "situation:still": 1,
        "situation:noise": 2,
    }
    assert imported_row.changes["moved"] == {
        "before": places,
        "after": {subject: place + 1 for subject, place in places.items()},
    }
    told = next(
        change
        for change in labelled_changes(imported_row)
        if change["field"] == "moved to another position"
    )
    assert "runbook:pump-2: 3" in told["after"]
    assert ledger.verify().is_whole


def test_the_rows_stand_in_their_new_order_and_a_second_import_changes_nothing(imported):
    path = imported(INSERTED)
    run("import_landscape", path)
    assert titles() == ["Pump 1", "Valve Calibration", "Pump 2", "Pump 3", "Pump 4", "Pump 5"]
    assert list(Situation.objects.values_list("title", flat=True)) == ["Smoke", "Still", "Noise"]
    assert run("export_landscape", declared=True) == INSERTED
    assert "Nothing changed" in run("import_landscape", path)


def test_rows_that_trade_places_are_told_by_how_far_each_went(imported):
    printed = run("import_landscape", imported(text_of((*ROWS[1:], ROWS[0]), CASES)))
    assert "  4 runbooks moved by -1\n" in printed
    assert "  1 runbook moved by +4\n" in printed


def test_what_changes_beside_its_place_has_its_own_row(imported):
    changed = ROWS[4].replace("v1.0", "v2.0")
    run("import_landscape", imported(text_of((NEW, *ROWS[:4], changed), CASES)))
    entry = ChangeLogEntry.objects.get(action=Action.CHANGED, subject="runbook:pump-5")
    assert set(entry.changes) == {"version", "position"}


def test_a_shift_touches_no_signature_and_no_open_request(imported, people):
    for number in (2, 3):
        runbook = Runbook.objects.get(title=f"Pump {number}")
        runbook.document = cast.store(runbook.document_path, "# Steps\n\n1. Turn it.\n")
        runbook.save()
    cast.make_ready(Runbook.objects.get(title="Pump 2"))
    request = cast.ask(Runbook.objects.get(title="Pump 3"), by=people["ed"])
    run("import_landscape", imported(INSERTED))
    assert standing_of(Runbook.objects.get(title="Pump 2")).is_live_ready
    request.refresh_from_db()
    assert request.is_open


def test_the_page_tells_a_shift_in_one_line(imported, people, sign_in):
    shown = words(upload(sign_in("ed"), INSERTED))
    assert "4 moved by +1, otherwise unchanged" in shown
    assert "change Pump 2" not in shown
