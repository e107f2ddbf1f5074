"""Five versions of one landscape: no runbook lost or doubled, every change in the ledger."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from governance import ledger
from governance.assurance.standings import standing_of
from governance.exchange.models import LandscapeSource
from governance.findings.choices import FindingKind
from governance.findings.models import Finding
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from runbooks.models import Runbook, RunbookAlias, Section, Situation
from tests import cast
from tests.runbooks.landscape.samples import RUNBOOK_HEADER, row, situation, text_of

pytestmark = pytest.mark.django_db

PUMP = row("Pump Restart Runbook", "`docs/pump.md`")
VALVE = row(
    "Valve Calibration", "`docs/valve.md`", cluster="Cluster 12 (Valves), Cluster 13 (Seals)"
)
TANK = row(
    "Tank Level Alarm", "`docs&#47;tank.md`", version="Phase 25/56", status="✅ Shadow-Mode aktiv"
)
LEAK = row(
    "Leak Notes",
    "`docs/leak.md`",
    cluster="Phase 3 / Leak Models",
    status="⚠️ R&D only (kein Live)",
)
LOG = "## {number}. Change-Log\n\n* **v1.0 – Dezember 2025**\n\n  * Erste Fassung\n"
CHAPTER = (
    "## {number}. Pumpen\n\n### {number}.1 Pump Restart\n\n"
    "* **Pfad:** `docs/pump.md`\n* **Rolle:** Erste Hilfe:\n\n  * Druck prüfen\n"
)
ABOVE = "## {number}. Alarme\n\n### {number}.1 Pump Restart (siehe oben)\n\n* Auch hier.\n"

# 1: the beginning. 2: a row in the middle, a chapter in between, the others renumbered; the log
# forgets the row. 3: a row more, by an illustrative path; nothing in the log. 4: two rows trade
# places, a path moves, a situation more. 5: a runbook gets another title, a situation another name,
# a runbook goes.
VERSIONS = (
    text_of((PUMP, VALVE), (situation(),), CHAPTER.format(number=3) + "\n" + LOG.format(number=4)),
    text_of(
        (PUMP, LEAK, VALVE),
        (situation(),),
        CHAPTER.format(number=3) + "\n" + ABOVE.format(number=4) + "\n" + LOG.format(number=5),
    ),
    text_of(
        (PUMP, LEAK, VALVE, TANK),
        (situation(),),
        CHAPTER.format(number=3) + "\n" + ABOVE.format(number=4) + "\n" + LOG.format(number=5),
    ),
    text_of(
        (PUMP, VALVE, LEAK, TANK.replace("docs&#47;tank.md", "docs/tanks/level.md")),
        (situation(), situation("Tank voll", "Tank Level, Pump")),
        ABOVE.format(number=3).replace(" (siehe oben)", "") + "\n" + CHAPTER.format(number=4),
    ),
    text_of(
        (
            PUMP,
            VALVE.replace("**Valve Calibration**", "**Ventil-Kalibrierung**"),
            TANK.replace("&#47;tank", "/tanks/level"),
        ),
        (situation(), situation("Tank läuft über", "Tank Level, Pump")),
        CHAPTER.format(number=3).replace("Pumpen", "Pumpen und Ventile"),
    ),
)


def run(command, *arguments, **options):
    out = StringIO()
    call_command(command, *arguments, stdout=out, stderr=out, **options)
    return out.getvalue()


def bring_in(file, *versions, **options):
    for version in versions:
        run("import_landscape", file(VERSIONS[version - 1]), accept_renames=True, **options)


def titles():
    return list(Runbook.objects.order_by("position").values_list("title", flat=True))


def test_the_history_loses_and_doubles_no_runbook(file):
    seen = []
    for text in VERSIONS:
        path = file(text)
        run("import_landscape", path, dry_run=True)
        run("import_landscape", path, accept_renames=True)
        assert run("export_landscape", declared=True) == text
        assert "is what the portal says" in run("export_landscape", declared=True, check=path)
        assert "Nothing changed" in run("import_landscape", path)
        seen.append(Runbook.objects.count())
    assert seen == [2, 3, 4, 4, 4]
    assert ledger.verify().is_whole


def test_a_title_that_changed_is_the_same_runbook_under_a_further_name(file, client, settings):
    settings.PORTAL_READ = "public"
    bring_in(file, 1)
    pk, slug = Runbook.objects.values_list("pk", "slug").get(title="Valve Calibration")
    bring_in(file, 2, 3, 4, 5)
    runbook = Runbook.objects.get(pk=pk)
    assert (runbook.title, runbook.slug) == ("Ventil-Kalibrierung", slug)
    assert [str(alias) for alias in runbook.aliases.all()] == ["Valve Calibration"]
    assert "Valve Calibration" in client.get(runbook.get_absolute_url()).content.decode()
    assert "Ventil-Kalibrierung" in client.get("/runbooks/?text=valve+calibration").content.decode()


def test_a_former_address_leads_to_the_runbook(file, client, settings):
    settings.PORTAL_READ = "public"
    bring_in(file, 1)
    runbook = Runbook.objects.first()
    RunbookAlias.objects.create(runbook=runbook, name="old-pump")
    response = client.get("/runbooks/old-pump/")
    assert (response.status_code, response.url) == (302, runbook.get_absolute_url())
    assert client.get("/runbooks/older-pump/").status_code == 404


def test_the_change_log_knows_what_the_files_own_log_forgot(file):
    bring_in(file, 1, 2)
    added = ChangeLogEntry.objects.get(action=Action.CREATED, subject_title="Leak Notes")
    assert added.reason == "Import of landscape.md"
    bring_in(file, 3, 4, 5)
    assert ChangeLogEntry.objects.filter(
        action=Action.CREATED, subject_title="Tank Level Alarm"
    ).exists()
    moved = ChangeLogEntry.objects.get(changes__document_path__after="docs/tanks/level.md")
    assert moved.changes["document_path"]["before"] == "docs/tank.md"
    renamed = ChangeLogEntry.objects.get(
        subject="runbook:valve-calibration", changes__has_key="aliases"
    )
    assert renamed.changes["title"] == {
        "before": "Valve Calibration",
        "after": "Ventil-Kalibrierung",
    }


def test_a_rename_that_nobody_confirmed_stops_the_import(file):
    bring_in(file, 1, 2, 3, 4)
    before = ChangeLogEntry.objects.count()
    printed = run("import_landscape", file(VERSIONS[4]), dry_run=True)
    assert (
        'waits for an answer: line 8: rename "Valve Calibration" to "Ventil-Kalibrierung"'
        in printed
    )
    with pytest.raises(CommandError, match="1 probable rename"):
        run("import_landscape", file(VERSIONS[4]))
    assert ChangeLogEntry.objects.count() == before
    assert "Valve Calibration" in titles()


def test_a_refused_rename_is_another_runbook_and_the_old_one_is_proposed_for_retirement(file):
    bring_in(file, 1, 2, 3, 4)
    printed = run("import_landscape", file(VERSIONS[4]), refuse_renames=True)
    assert "proposed for retirement: Valve Calibration" in printed
    assert {"Valve Calibration", "Ventil-Kalibrierung", "Leak Notes"} <= set(titles())
    assert Finding.objects.filter(kind=FindingKind.MISSING_ROW, resolved_at=None).count() == 2


def test_a_moved_path_waits_for_a_yes(file):
    bring_in(file, 1, 2, 3)
    with pytest.raises(CommandError, match="wait for an answer"):
        run("import_landscape", file(VERSIONS[3]))
    run("import_landscape", file(VERSIONS[3]), refuse_renames=True)
    assert Runbook.objects.get(title="Tank Level Alarm").document_path == "docs/tank.md"
    assert Finding.objects.get(kind=FindingKind.REFUSED_MOVE).subject == "docs/tanks/level.md"
    assert "Nothing changed" in run("import_landscape", file(VERSIONS[3]))
    assert "`docs/tank.md`" in run("export_landscape", declared=True)
    bring_in(file, 4)
    assert Runbook.objects.get(title="Tank Level Alarm").document_path == "docs/tanks/level.md"


def test_a_moved_path_voids_the_sign_off(file, people):
    bring_in(file, 1)
    runbook = Runbook.objects.get(title="Valve Calibration")
    runbook.document = cast.store("docs/valve.md", "# Steps\n\n1. Turn it.\n")
    runbook.save()
    cast.make_ready(runbook)
    moved = VERSIONS[0].replace("docs/valve.md", "docs/valves/one.md")
    run("import_landscape", file(moved), accept_renames=True)
    runbook = Runbook.objects.get(pk=runbook.pk)
    assert {"document_missing", "metadata_changed"} <= {
        reason.value for reason in standing_of(runbook).reasons
    }
    assert "✅ 2026-ready" not in next(
        line for line in run("export_landscape").split("\n") if "| **Valve" in line
    )


def test_two_rows_that_may_be_the_same_runbook_are_not_guessed_between(file):
    bring_in(file, 1)
    twins = (row("Valve A", "`a/valve.md`"), row("Valve B", "`b/valve.md`"))
    printed = run("import_landscape", file(text_of((PUMP, *twins))))
    assert "waits for an answer" not in printed
    assert "proposed for retirement: Valve Calibration" in printed
    assert set(titles()) == {"Pump Restart Runbook", "Valve Calibration", "Valve A", "Valve B"}


def test_a_file_that_uses_a_former_name_means_the_same_runbook(file):
    bring_in(file, 1, 2, 3, 4, 5)
    older = VERSIONS[4].replace("**Ventil-Kalibrierung**", "**Valve Calibration**")
    run("import_landscape", file(older))
    assert titles().count("Ventil-Kalibrierung") == 1
    assert "Valve Calibration" not in titles()
    assert Finding.objects.filter(kind=FindingKind.FORMER_NAME, resolved_at=None).count() == 1
    assert run("export_landscape", declared=True) == VERSIONS[4]


def test_what_left_the_file_is_removed_and_told_and_a_runbook_never_is(file):
    bring_in(file, 1, 2, 3, 4, 5)
    assert set(Situation.objects.values_list("title", flat=True)) == {
        "Pump stands still",
        "Tank läuft über",
    }
    assert list(Section.objects.values_list("number", "title")) == [(3, "Pumpen und Ventile")]
    assert ChangeLogEntry.objects.filter(action=Action.DELETED, subject="section:alarme").exists()
    assert Runbook.objects.filter(title="Leak Notes").exists()
    assert "Leak Notes" not in run("export_landscape", declared=True)


def test_a_situation_that_was_renamed_keeps_its_alert_labels(file):
    bring_in(file, 1, 2, 3, 4)
    Situation.objects.filter(title="Tank voll").update(alert_category="tank")
    bring_in(file, 5)
    assert Situation.objects.get(title="Tank läuft über").alert_category == "tank"


def test_what_an_editor_added_in_the_portal_is_not_removed_but_exported(file, people):
    bring_in(file, 1)
    situation_added = Situation.objects.create(
        slug="s", title="Seen at night", comment="Look", position=9
    )
    situation_added.steps.create(runbook=Runbook.objects.first(), position=1)
    cast.make_runbook("Made in the portal")
    run("import_landscape", file(VERSIONS[0] + "\n"))
    assert Situation.objects.filter(title="Seen at night").exists()
    exported = run("export_landscape", declared=True)
    assert "| **Seen at night** |" in exported
    assert "| **Made in the portal** |" in exported


def test_the_plan_that_was_shown_is_the_plan_that_is_applied(file):
    bring_in(file, 1)
    path = file(VERSIONS[1])
    shown = run("import_landscape", path, dry_run=True).split("  plan ")[1].split()[0]
    with pytest.raises(CommandError, match="changed after the plan was shown"):
        run("import_landscape", path, plan="0" * 64)
    Runbook.objects.filter(title="Valve Calibration").update(scope="Changed meanwhile")
    with pytest.raises(CommandError, match="changed after the plan was shown"):
        run("import_landscape", path, plan=shown)
    shown = run("import_landscape", path, dry_run=True).split("  plan ")[1].split()[0]
    run("import_landscape", path, plan=shown)
    entry = ChangeLogEntry.objects.filter(action=Action.LANDSCAPE_IMPORTED).first()
    assert entry.changes["plan"]["after"] == shown


def test_the_imported_text_is_kept_as_it_came(file):
    text = VERSIONS[0].replace("\n", "\r\n")
    run("import_landscape", file(text))
    source = LandscapeSource.objects.get()
    assert source.text == text
    assert source.hash_matches
    entry = ChangeLogEntry.objects.get(action=Action.LANDSCAPE_IMPORTED)
    assert entry.changes["source_sha256"]["after"] == source.sha256
    assert run("export_landscape", declared=True) == text


def test_each_conflict_has_a_choice_of_its_own_and_the_settled_text_is_kept(file):
    lines = VERSIONS[0].split("\n")
    at = lines.index(VALVE)
    lines[at : at + 1] = ["<<<<<<< mine", VALVE, "=======", TANK, ">>>>>>> yours"]
    still = next(place for place, line in enumerate(lines) if "Pump stands still" in line)
    lines[still : still + 1] = ["<<<<<<< mine", "=======", lines[still], ">>>>>>> yours"]
    path = file("\n".join(lines))
    first, second = at + 1, still + 1
    with pytest.raises(CommandError, match="1 unresolved"):
        run("import_landscape", path, conflict=[(first, "ours")])
    with pytest.raises(CommandError, match="no merge conflict begins here"):
        run("import_landscape", path, conflicts="ours", conflict=[(2, "ours")])
    run("import_landscape", path, conflict=[(first, "ours"), (second, "theirs")])
    assert titles() == ["Pump Restart Runbook", "Valve Calibration"]
    assert run("export_landscape", declared=True) == VERSIONS[0]


def test_a_gate_says_what_differs_and_fails(file, tmp_path, people):
    bring_in(file, 1)
    path = file(VERSIONS[0])
    runbook = Runbook.objects.get(title="Valve Calibration")
    runbook.version = "v2.0"
    runbook.save()
    out = StringIO()
    with pytest.raises(CommandError, match="is not what the portal says") as refusal:
        call_command("export_landscape", declared=True, check=path, stdout=out)
    assert refusal.value.returncode == 1
    shown = [
        line
        for line in out.getvalue().split("\n")
        if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ]
    assert len([line for line in shown if line]) == 2
    with pytest.raises(CommandError, match="cannot be read") as unreadable:
        call_command("export_landscape", check=str(tmp_path / "none.md"))
    assert unreadable.value.returncode == 2
    run("export_landscape", declared=True, output=path)
    assert "is what the portal says" in run("export_landscape", declared=True, check=path)


def test_without_declared_the_status_is_the_signed_one_and_nothing_else_changes(file, people):
    bring_in(file, 1)
    lines = [line for line in run("export_landscape").split("\n") if line.startswith("| **")]
    assert [line.rsplit("|", 2)[1].strip() for line in lines[:2]] == ["unassessed", "unassessed"]
    restored = run("export_landscape").replace("| unassessed    |", "| ✅ 2026-ready |")
    assert restored == VERSIONS[0]


def test_a_signature_is_one_status_cell_and_an_edit_that_voids_it_takes_it_back(file, people):
    bring_in(file, 1)
    unsigned = run("export_landscape")
    runbook = Runbook.objects.get(title="Valve Calibration")
    runbook.document = cast.store("docs/valve.md", "# Steps\n\n1. Turn it.\n")
    runbook.save()
    runbook = cast.make_ready(runbook)
    lines = [
        line for line in run("export_landscape").split("\n") if line not in unsigned.split("\n")
    ]
    assert [line.rsplit("|", 2)[1].strip() for line in lines] == [
        f"✅ {runbook.readiness_year}-ready"
    ]
    runbook.version = "v2.0"
    runbook.save()
    told, line = [
        line for line in run("export_landscape").split("\n") if line not in unsigned.split("\n")
    ]
    assert "was signed as ready, but that sign-off is not valid (metadata_changed)" in told
    assert "| v2.0 |" in line
    assert line.rsplit("|", 2)[1].strip() == "unassessed"


def test_a_line_break_in_a_scope_survives_export_and_import_with_its_signature(file, people):
    bring_in(file, 1)
    runbook = Runbook.objects.get(title="Valve Calibration")
    runbook.document = cast.store("docs/valve.md", "# Steps\n\n1. Turn it.\n")
    runbook.scope = "Calibrate a valve:\n- slowly | twice\n- `then` again"
    runbook.save()
    runbook = cast.make_ready(runbook)
    path = file(run("export_landscape", declared=True))
    assert "Calibrate a valve:<br>- slowly \\| twice<br>" in run("export_landscape", declared=True)
    run("import_landscape", path)
    runbook.refresh_from_db()
    assert runbook.scope == "Calibrate a valve:\n- slowly | twice\n- `then` again"
    assert not standing_of(runbook).reasons
    assert "is what the portal says" in run("export_landscape", declared=True, check=path)


def test_no_runbook_is_proposed_for_retirement_without_a_word_because_a_text_parts_its_row(file):
    bring_in(file, 1)
    parted = VERSIONS[0].replace(VALVE, f"### More\n\n{VALVE}")
    plan = run("import_landscape", file(parted), dry_run=True)
    assert "A text parts this row from its table" in plan
    run("import_landscape", file(parted))
    found = set(Finding.objects.filter(resolved_at__isnull=True).values_list("kind", flat=True))
    assert {FindingKind.RAGGED_ROW, FindingKind.MISSING_ROW} <= found


def test_a_column_more_is_no_obstacle(file):
    wide = (
        VERSIONS[0]
        .replace(RUNBOOK_HEADER, RUNBOOK_HEADER + " Remark |")
        .replace(PUMP, PUMP + " seen |")
    )
    run("import_landscape", file(wide))
    assert run("export_landscape", declared=True) == wide


def test_more_than_a_thousand_situations_with_runbooks_of_their_own_come_in(file):
    count = 1_100
    rows = tuple(row(f"Pump {number} Restart", f"`docs/{number}.md`") for number in range(count))
    cases = tuple(situation(f"Case {number}", f"Pump {number} Restart") for number in range(count))
    run("import_landscape", file(text_of(rows, cases)))
    assert Situation.objects.filter(steps__isnull=False).count() == count
    assert "Nothing changed" in run("import_landscape", file(text_of(rows, cases)))


def test_the_number_of_queries_of_an_import_grows_by_less_than_four_for_a_row(
    file, django_assert_max_num_queries
):
    def text(count):
        return text_of(
            tuple(row(f"Pump {number} Restart", f"`docs/{number}.md`") for number in range(count))
        )

    run("import_landscape", file(text(5)))
    # In parts of 50 objects, so that nobody waits long for the lock: each part asks anew.
    with django_assert_max_num_queries(100 + 4 * 200):
        run("import_landscape", file(text(205)))
