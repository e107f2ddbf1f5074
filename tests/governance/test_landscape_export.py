"""An export says what holds, and fails where it could not say all."""

from datetime import datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.management import CommandError, call_command

from governance import guards
from governance.choices import Action
from governance.go_no_go import verdict_on
from governance.landscape_export import export_landscape
from governance.models import ChangeLogEntry
from runbooks.models import Runbook, Situation
from tests import cast
from tests.governance.test_landscape_history import PUMP, VALVE, VERSIONS, file, run  # noqa: F401 - a fixture
from tests.governance.test_moves import set_valid_days
from tests.landscape.samples import SITUATION_HEADER

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.fixture(autouse=True)
def _in_march(monkeypatch):
    # The rows that the migration wrote are of today, which is later.
    monkeypatch.setattr("governance.integrity.CLOCK_TOLERANCE", timedelta(days=36_500))
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture
def valve(file, people):  # noqa: F811
    """An imported runbook with a document: it can be signed."""
    run("import_landscape", file(VERSIONS[0]))
    runbook = Runbook.objects.get(title="Valve Calibration")
    runbook.document = cast.store("docs/valve.md", "# Steps\n\n1. Turn it.\n")
    runbook.save()
    return runbook


def status(at=None):
    """The valve's status cell, and what is told about it."""
    export = export_landscape(at=at)
    (line,) = [line for line in export.text.split("\n") if line.startswith("| **Valve")]
    return line.rsplit("|", 2)[1].strip(), export.withheld


def test_a_ready_that_holds_is_written_for_its_year(valve):
    cast.make_ready(valve)
    assert status() == (f"✅ {verdict_on(valve).valid_until.year}-ready", ())


def test_a_ready_that_has_run_out_by_its_rule_is_not_written_and_it_is_told(valve, people):
    set_valid_days(people, 10)
    cast.make_ready(valve)
    assert status() == ("✅ 2026-ready", ())
    for later in (NOW.replace(month=4), NOW.replace(year=2027)):
        written, (sentence,) = status(at=later)
        assert written == "unassessed"
        assert '"Valve Calibration" was signed as ready' in sentence
        assert "expired" in sentence


def test_a_ready_whose_year_is_merely_over_says_so_by_its_year(valve, people):
    cast.make_ready(valve)
    assert status(at=NOW.replace(year=2027)) == ("✅ 2026-ready", ())


def test_a_ready_for_next_year_is_written_when_it_will_hold(valve, people):
    request = cast.ask(valve, by=people["ed"], year=2027)
    cast.approve(request, by=people["rita"])
    cast.approve(request, by=people["rolf"])
    assert status() == ("✅ 2027-ready", ())


def test_a_ready_whose_signature_is_not_what_the_ledger_tells_is_not_written(valve):
    cast.make_ready(valve)
    guards.remove()
    ChangeLogEntry.objects.filter(action=Action.REQUEST_SIGNED).update(actor="nobody")
    guards.install()
    written, (sentence,) = status()
    assert written == "unassessed"
    assert "ledger_disagrees" in sentence


def test_what_was_declared_is_written_whatever_holds(valve, people):
    set_valid_days(people, 10)
    cast.make_ready(valve)
    assert run("export_landscape", declared=True) == VERSIONS[0]


# ---- what has no place in the file


@pytest.fixture
def without_a_place(file):  # noqa: F811
    """The file has no situation table, the portal a situation."""
    text = VERSIONS[0]
    table = text[text.index("## 2. Situations") : text.index("## 3.")]
    assert SITUATION_HEADER in table
    run("import_landscape", file(text.replace(table, "")))
    situation = Situation.objects.create(slug="s", title="Seen at night", comment="Look", position=1)
    situation.steps.create(runbook=Runbook.objects.first(), position=1)


@pytest.mark.parametrize("declared", [False, True])
def test_an_export_that_could_not_write_all_is_written_and_fails(without_a_place, tmp_path, declared):
    target, errors = tmp_path / "out.md", StringIO()
    with pytest.raises(CommandError, match=r"1 thing\(s\) have no place in it") as refusal:
        call_command("export_landscape", output=str(target), declared=declared, stderr=errors)
    assert refusal.value.returncode == 1
    assert 'The situation "Seen at night" has no place in the file.' in errors.getvalue()
    assert "Pump Restart Runbook" in target.read_text()
    out = StringIO()
    with pytest.raises(CommandError) as refusal:
        call_command("export_landscape", declared=declared, stdout=out, stderr=errors)
    assert refusal.value.returncode == 1
    assert out.getvalue() == target.read_text()


def test_a_ready_that_is_withheld_is_no_failure(valve, tmp_path, people):
    set_valid_days(people, 10)
    cast.make_ready(valve)
    errors = StringIO()
    with time_machine.travel(NOW.replace(month=5), tick=True):
        call_command("export_landscape", output=str(tmp_path / "out.md"), stderr=errors)
        assert "was signed as ready" in errors.getvalue()
        call_command("export_landscape", check=str(tmp_path / "out.md"), stdout=StringIO(), stderr=errors)


def test_a_target_that_cannot_be_written_is_another_exit_code(without_a_place, tmp_path):
    with pytest.raises(CommandError, match="cannot be written") as refusal:
        call_command("export_landscape", output=str(tmp_path), stderr=StringIO())
    assert refusal.value.returncode == 2
