"""An export says what holds, and fails where it could not say all."""

from datetime import datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.management import CommandError, call_command

from governance import guards
from governance.assurance.evidence import verdict_on
from governance.exchange.exporting import export_landscape
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from runbooks.models import Runbook, Situation
from tests import cast
from tests.governance.exchange.test_landscape_history import (
    PUMP,
    VALVE,
    VERSIONS,
    run,
)
from tests.governance.signoff.test_moves import set_valid_days
from tests.runbooks.landscape.samples import SITUATION_HEADER, row, situation, text_of

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.fixture(autouse=True)
def _in_march(monkeypatch):
    # The rows that the migration wrote are of today, which is later.
    monkeypatch.setattr("governance.assurance.alarms.CLOCK_TOLERANCE", timedelta(days=36_500))
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture
def valve(file, people):
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
def without_a_place(file):
    """The file has no situation table, the portal a situation."""
    text = VERSIONS[0]
    table = text[text.index("## 2. Situations") : text.index("## 3.")]
    assert SITUATION_HEADER in table
    run("import_landscape", file(text.replace(table, "")))
    situation = Situation.objects.create(
        slug="s", title="Seen at night", comment="Look", position=1
    )
    situation.steps.create(runbook=Runbook.objects.first(), position=1)


@pytest.mark.parametrize("declared", [False, True])
def test_an_export_that_could_not_write_all_is_written_and_fails(
    without_a_place, tmp_path, declared
):
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
        call_command(
            "export_landscape", check=str(tmp_path / "out.md"), stdout=StringIO(), stderr=errors
        )


def test_a_target_that_cannot_be_written_is_another_exit_code(without_a_place, tmp_path):
    with pytest.raises(CommandError, match="cannot be written") as refusal:
        call_command("export_landscape", output=str(tmp_path), stderr=StringIO())
    assert refusal.value.returncode == 2


# ---- every line of the file is believed

READY, UNSIGNED = "2026-ready", "unassessed"
LEAK_TITLE = "Leak Search"


def leak(**cells):
    return row(LEAK_TITLE, "`docs/leak.md`", **cells)


def exported(capsys=None, **options):
    """The text, the exit code, and what was told on the way."""
    out, errors, code = StringIO(), StringIO(), 0
    try:
        call_command("export_landscape", stdout=out, stderr=errors, **options)
    except CommandError as refusal:
        code = refusal.returncode
        errors.write(str(refusal))
    return out.getvalue(), code, errors.getvalue()


def rows_of(text, title=LEAK_TITLE):
    return [line for line in text.split("\n") if line.startswith("|") and title in line]


ALIKE = {
    "identical": (leak(), leak()),
    "another spelling": (leak(), leak().replace(LEAK_TITLE, "leak-search")),
    "the same path": (leak(), leak(version="v2").replace(LEAK_TITLE, "Search for leaks")),
    "three": (leak(), leak(), leak(scope="Another scope")),
    "a claim in other words": (leak(status="R&D only"), leak(status="✅ ready for live")),
}


@pytest.mark.parametrize("rows", ALIKE.values(), ids=ALIKE)
def test_every_row_of_one_runbook_says_what_is_signed(file, rows):
    run("import_landscape", file(text_of((PUMP, *rows, VALVE))))
    text, code, _ = exported()
    assert code == 0
    assert "ready |" not in text
    assert "ready for" not in text
    assert len(rows_of(text, "docs/leak.md")) == len(rows)
    call_command("import_landscape", file(text), stdout=StringIO(), stderr=StringIO())
    assert exported() == (text, 0, "")


def test_two_tables_that_name_one_runbook_both_say_what_is_signed(file):
    text = text_of((PUMP, leak()))
    table = text[text.index("## 1. Runbooks") : text.index("## 2.")].replace(
        "1. Runbooks", "9. Again"
    )
    run("import_landscape", file(text + "\n" + table))
    assert [READY in line for line in rows_of(exported()[0])] == [False, False]


@pytest.mark.parametrize("choice", ["union", "ours", "theirs"])
def test_both_sides_of_a_conflict_say_what_is_signed(file, choice):
    rows = (PUMP, "<<<<<<< a", leak(), VALVE, "=======", leak(), ">>>>>>> b")
    run("import_landscape", file(text_of(rows)), conflicts=choice)
    text, code, _ = exported()
    assert (code, READY in "".join(rows_of(text))) == (0, False)


def test_what_was_declared_is_written_in_every_row_of_one_runbook(file):
    run("import_landscape", file(text_of((PUMP, leak(status="R&D only"), leak()))))
    text, code, _ = exported(declared=True)
    assert code == 0
    assert ["R&D only" in line for line in rows_of(text)] == [True, True]
    assert READY in rows_of(text, "Pump Restart")[0]


def test_an_edit_changes_each_of_the_rows_that_said_the_same(file):
    source = text_of((PUMP, leak(), leak(version="v0"), leak()))
    run("import_landscape", file(source))
    assert exported(declared=True) == (source, 0, "")
    Runbook.objects.filter(title=LEAK_TITLE).update(version="v9")
    text, _, _ = exported(declared=True)
    assert [line.split("|")[3].strip() for line in rows_of(text)] == ["v9", "v0", "v9"]
    assert (
        len([1 for a, b in zip(source.split("\n"), text.split("\n"), strict=True) if a != b]) == 2
    )


def test_a_runbook_that_is_gone_is_gone_from_each_row(file):
    run("import_landscape", file(text_of((PUMP, leak(), leak()))))
    guards.remove()
    Runbook.objects.filter(title=LEAK_TITLE).delete()
    guards.install()
    text, code, _ = exported(declared=True)
    assert (code, rows_of(text)) == (0, [])


CLAIMS = {
    "a ragged row": (text_of((PUMP, leak() + " more |")), "docs/leak.md"),
    "a ragged repetition": (text_of((PUMP, leak(), leak() + " more |")), "more |"),
    "a row behind a sentence": (text_of((PUMP, "", "A sentence.", "", leak())), "docs/leak.md"),
    "an unread row": (
        text_of((PUMP, leak().replace(f"**{LEAK_TITLE}**", "").replace("leak", "x"))),
        "docs/x.md",
    ),
    "another column": (text_of((PUMP.replace("v1.0", "✅ 2026-ready"),)), "v1.0|✅ 2026-ready |"),
    "the scope": (text_of((row(scope="Do it. Status: 2026-ready"),)), "Do it."),
    "a heading": (
        text_of(chapters="## 3. Pumps\n\n### 3.1 Pump Restart Runbook (2026-ready)\n\n* text\n"),
        "### 3.1",
    ),
    "a role": (
        text_of(chapters="## 3. Pumps\n\n### 3.1 Pump Restart\n\n* **Rolle:** ✅ ready\n"),
        "Rolle",
    ),
    "a situation": (text_of(situations=(situation(comment="✅ 2026-ready"),)), "Pump stands"),
    "a note": (text_of(chapters="> Pump Restart Runbook is ✅ 2026-ready now.\n"), "> Pump"),
    "a drawing": (
        text_of(
            chapters=(
                "## 3. Overview\n\n```text\n+--+\n| Pump Restart Runbook ✅ 2026-ready |\n```\n"
            )
        ),
        "✅ 2026-ready |\n```",
    ),
    "another table": (
        text_of(chapters="| Name | State |\n|--|--|\n| Pump Restart | 2026-ready |\n"),
        "| Pump Restart |",
    ),
    "a count": (
        text_of(chapters="| State | Runbooks |\n|--|--|\n| ✅ 2026-ready | 14 |\n"),
        "| 14 |",
    ),
}


@pytest.mark.parametrize(("source", "part"), CLAIMS.values(), ids=CLAIMS)
def test_a_claim_that_is_not_written_away_fails_the_export_and_is_named(
    file, tmp_path, source, part
):
    run("import_landscape", file(source))
    target = tmp_path / "out.md"
    _, code, told = exported(output=str(target))
    assert code == 1, target.read_text()
    lines = target.read_text().split("\n")
    number = next(
        n for n, line in enumerate(lines, 1) if part.split("\n")[0].split("v1.0|")[-1] in line
    )
    assert f"{target}:{number}: The " in told
    _, code, told = exported(check=str(target))
    assert code == 1
    assert f"{target}:{number}: The " in told


NO_CLAIMS = [
    text_of(title="# Plant (2026-ready)"),
    text_of(chapters="* Valid: **2026-ready** (December)\n"),
    text_of(chapters="## 3. Pumps\n\n### 3.1 Pump Restart\n\n* **Rolle:** 2026-ready criteria\n"),
    text_of(chapters="Pump Restart Runbook is not 2026-ready\n"),
    text_of(chapters="<!-- Pump Restart Runbook ✅ 2026-ready -->\n"),
    text_of(
        chapters=(
            "## 3. Change-Log\n\n* **v1 – Januar 2026 – 2026-ready**\n\n  * Pump Restart Runbook "
            "✅ 2026-ready\n"
        )
    ),
]


@pytest.mark.parametrize("source", NO_CLAIMS)
def test_what_tells_no_readiness_of_a_runbook_is_no_claim(file, source):
    run("import_landscape", file(source))
    assert exported()[1:] == (0, "")


def test_a_heading_with_a_former_version_fails_the_export_and_is_named(file):
    source = text_of(chapters="## 3. Pumps\n\n### 3.1 Pump Restart Runbook (v1.0)\n\n* text\n")
    run("import_landscape", file(source))
    assert exported(declared=True) == (source, 0, "")
    Runbook.objects.update(version="v2.0")
    _, code, told = exported(declared=True)
    assert code == 1
    assert "The line says v1.0" in told


def test_a_signed_ready_may_be_told_in_prose(valve, file):
    run("import_landscape", file(VERSIONS[0] + "\nValve Calibration is ✅ 2026-ready.\n"))
    cast.make_ready(valve)
    assert exported()[1] == 0
