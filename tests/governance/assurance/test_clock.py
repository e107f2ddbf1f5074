"""Time never runs behind the ledger: a clock set back permits nothing and blocks no downgrade."""

from datetime import datetime, timedelta

import pytest
import time_machine
from django.core.management import CommandError
from django.test import Client
from django.utils import timezone

from governance import ledger
from governance.assurance.evidence import verdict_on
from governance.assurance.standings import live_ready
from governance.ledger.high_water_mark import read_mark
from governance.ledger.models import ChangeLogEntry
from governance.signoff.downgrade import downgrade
from runbooks.models import Runbook
from tests import cast
from tests.governance.ledger.test_checkpoint import run

BERLIN = timezone.get_default_timezone()


def reasons(runbook):
    return {reason.value for reason in verdict_on(Runbook.objects.get(pk=runbook.pk)).reasons}


def write_a_row(*, ahead):
    with ledger.atomic():
        record = ledger.Record(actor=ledger.SYSTEM, action="changed", subject="x")
        return ledger.append(record, at=timezone.now() + ahead)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        (timedelta(), set()),
        (timedelta(minutes=4), set()),
        (timedelta(minutes=6), {"clock_behind_ledger"}),
        (timedelta(days=800), {"clock_behind_ledger"}),
    ],
)
def test_a_newest_row_that_is_later_than_now_is_no_go(ready_runbook, ahead, expected):
    write_a_row(ahead=ahead)
    assert reasons(ready_runbook) == expected


@pytest.mark.django_db
def test_every_place_names_a_clock_that_is_behind(ready_runbook):
    write_a_row(ahead=timedelta(days=1))
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["reasons"]) == (503, ["clock_behind_ledger"])
    assert "accept_clock" in answer.json()["reason"]
    with pytest.raises(CommandError, match="The clock says"):
        run("tick")
    with pytest.raises(SystemExit):
        run("check_integrity")
    with pytest.raises(SystemExit):
        run("verdict", ready_runbook.slug)
    assert live_ready() == []


@pytest.mark.django_db
def test_a_runbook_is_taken_down_with_a_clock_that_is_behind(ready_runbook, people):
    newest = write_a_row(ahead=timedelta(days=1))
    downgrade(runbook=ready_runbook, level="shadow", reason="Wrong step.", by=people["rita"])
    assert Runbook.objects.get(pk=ready_runbook.pk).readiness_level == "shadow"
    assert ChangeLogEntry.objects.order_by("-sequence").first().recorded_at == newest.recorded_at
    assert ledger.verify().is_whole


@pytest.mark.django_db(transaction=True)
def test_a_readiness_that_was_seen_expired_is_not_go_again_when_the_clock_is_set_back(
    mark, ready_runbook
):
    year = timezone.localdate().year
    assert reasons(ready_runbook) == set()
    with time_machine.travel(datetime(year + 1, 1, 2, 12, tzinfo=BERLIN)):
        assert reasons(ready_runbook) == {"expired"}
    with time_machine.travel(datetime(year, 12, 30, 12, tzinfo=BERLIN)):
        assert reasons(ready_runbook) == {"clock_behind_ledger"}
        assert Client().get("/readyz").json()["reasons"] == ["clock_behind_ledger"]
    with time_machine.travel(datetime(year + 1, 1, 2, 13, tzinfo=BERLIN)):
        assert reasons(ready_runbook) == {"expired"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("command", ["tick", "check_integrity"])
def test_the_timer_alone_is_enough_to_notice(mark, ready_runbook, command):
    later = timezone.now() + timedelta(days=30)
    with time_machine.travel(later):
        run(command)
    assert reasons(ready_runbook) == {"clock_behind_ledger"}


@pytest.mark.django_db(transaction=True)
def test_after_a_jump_of_the_clock_a_person_goes_on(mark, ready_runbook, people):
    """An hour ahead, rows were written and a runbook was signed; then the clock is set right."""
    shadow = cast.make_runbook("Signed meanwhile")
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        cast.make_ready(shadow)
    assert reasons(ready_runbook) == {"clock_behind_ledger"}
    said = run("accept_clock", "--as", "rita", "--reason", "The time server was wrong.")
    assert (shadow.slug in said, ready_runbook.slug in said) == (True, False)
    assert Runbook.objects.get(pk=shadow.pk).readiness_level == "unassessed"
    assert reasons(ready_runbook) == set()
    assert read_mark().seen_at <= timezone.now()
    assert Client().get("/readyz").status_code == 200
    downgrade(runbook=ready_runbook, level="shadow", reason="x", by=people["rita"])
    assert ledger.verify().is_whole
    run("tick")
    row = ChangeLogEntry.objects.get(action="clock_accepted")
    assert (row.actor, row.reason) == ("rita", "The time server was wrong.")


@pytest.mark.django_db(transaction=True)
def test_another_jump_is_noticed_again(mark, ready_runbook):
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        cast.store("docs/a.md", "# A\n")
    run("accept_clock", "--as", "rita", "--reason", "The time server was wrong.")
    assert reasons(ready_runbook) == set()
    with time_machine.travel(timezone.now() + timedelta(hours=3)):
        cast.store("docs/b.md", "# B\n")
    assert reasons(ready_runbook) == {"clock_behind_ledger"}


@pytest.mark.django_db(transaction=True)
def test_a_clock_that_was_ahead_without_a_change_is_accepted_too(mark, ready_runbook):
    assert reasons(ready_runbook) == set()
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        assert reasons(ready_runbook) == set()
    assert reasons(ready_runbook) == {"clock_behind_ledger"}
    run("accept_clock", "--as", "rolf", "--reason", "The virtual machine was paused.")
    assert reasons(ready_runbook) == set()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_written", [True, False])
def test_no_accepted_clock_brings_back_what_was_seen_expired(mark, ready_runbook, is_written):
    """A row was written next year, or the time was seen alone; then the clock is set back."""
    next_year = datetime(timezone.localdate().year + 1, 1, 2, 12, tzinfo=BERLIN)
    with time_machine.travel(next_year):
        assert reasons(ready_runbook) == {"expired"}
        if is_written:
            cast.store("docs/a.md", "# A\n")
    # A row that the application's role has forged: nothing was taken down.
    with ledger.atomic():
        ledger.append(ledger.Record(ledger.SYSTEM, "clock_accepted", ledger.LEDGER_SUBJECT))
    assert reasons(ready_runbook) == {"clock_behind_ledger"}
    assert read_mark().seen_at >= next_year
    assert ready_runbook.slug in run("accept_clock", "--as", "rita", "--reason", "It was ahead.")
    assert Runbook.objects.get(pk=ready_runbook.pk).readiness_level == "unassessed"
    assert Client().get("/readyz").status_code == 200
    assert reasons(cast.make_ready(cast.make_runbook())) == set()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("who", "why"), [("ed", "risk owner"), ("nobody-here", "no active account")]
)
def test_not_everybody_accepts_a_clock(ready_runbook, who, why):
    write_a_row(ahead=timedelta(days=1))
    rows = ChangeLogEntry.objects.count()
    with pytest.raises(CommandError, match=why):
        run("accept_clock", "--as", who, "--reason", "x")
    assert ChangeLogEntry.objects.count() == rows


@pytest.mark.django_db
def test_a_clock_that_is_right_is_not_accepted(ready_runbook):
    with pytest.raises(CommandError, match="nothing to accept"):
        run("accept_clock", "--as", "rita", "--reason", "x")
