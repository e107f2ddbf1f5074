"""Additions made in the portal are not lost silently when the file drops their object."""

import pytest
from django.core.management import CommandError
from django.test import Client

from governance.findings.choices import FindingKind
from governance.findings.models import Finding
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from runbooks.models import Cluster, CodeReference, Layer, Runbook, Section, Situation
from tests.governance.admin.test_import_page import URL, choices, hidden, upload, words
from tests.governance.exchange.test_landscape_history import (
    CHAPTER,
    PUMP,
    TANK,
    VALVE,
    run,
)
from tests.runbooks.landscape.samples import SITUATION_HEADER, row, situation, text_of

pytestmark = pytest.mark.django_db

ROWS = (PUMP, VALVE, TANK)
CODE = (
    "## 4. Code-Referenzen\n\n* `src/pump.py` – drives the pump\n* `src/valve.py` – turns the "
    "valve\n"
)
STILL, FULL, NOISE = (
    situation(),
    situation("Tank is full", "Tank Level Alarm, Pump", "Close the inlet first"),
    situation("Noise in the pipe", "Valve Calibration", "Listen"),
)
TEXT = text_of(ROWS, (STILL, FULL, NOISE), CHAPTER.format(number=3) + "\n" + CODE)


@pytest.fixture
def labelled(file):
    """The imported file; tank alarms lead to "Tank is full", others to "Pump stands still"."""
    run("import_landscape", file(TEXT))
    Situation.objects.filter(title="Tank is full").update(
        alert_category="tank", alert_severity="high"
    )
    Situation.objects.filter(title="Pump stands still").update(alert_default=True)
    return file


def titles():
    return set(Situation.objects.values_list("title", flat=True))


def resolved(settings, query=""):
    settings.PORTAL_READ = "public"
    answer = Client().get(f"/api/v1/resolve/{query}").json()
    return answer["matched_by"], [found["title"] for found in answer["situations"]]


# ---- renamed


@pytest.mark.parametrize(
    "renamed",
    [
        situation("Basin overflows", "Tank Level Alarm, Pump", "Close the inlet now"),
        situation(
            "Basin overflows", "Tank Level Alarm, Pump, Valve Calibration", "Close the inlet first"
        ),
        situation("The tank is full", "Tank Level Alarm", "Call somebody"),
    ],
    ids=["title and a word of the comment", "title and a runbook more", "nearly everything"],
)
def test_a_situation_that_was_probably_renamed_waits_for_a_yes_and_keeps_its_labels(
    labelled, renamed
):
    path = labelled(TEXT.replace(FULL, renamed))
    title = renamed.split("**")[1]
    before = ChangeLogEntry.objects.count()
    printed = run("import_landscape", path, dry_run=True)
    assert f'rename situation "Tank is full" to "{title}"' in printed
    with pytest.raises(CommandError, match="1 probable rename"):
        run("import_landscape", path)
    assert ChangeLogEntry.objects.count() == before
    run("import_landscape", path, accept_renames=True)
    assert Situation.objects.get(title=title).alert_category == "tank"
    assert "Tank is full" not in titles()
    assert "Nothing changed" in run("import_landscape", path)


def test_a_situation_that_moved_up_by_a_new_row_is_still_the_same_one(labelled):
    new = situation("Smoke", "Pump Restart Runbook", "Leave the hall")
    renamed = situation("Basin is full", "Tank Level Alarm, Pump", "Close the inlet")
    run("import_landscape", labelled(TEXT.replace(FULL, f"{new}\n{renamed}")), accept_renames=True)
    assert Situation.objects.get(title="Basin is full").alert_category == "tank"
    assert Situation.objects.get(title="Smoke").alert_category == ""


def test_another_situation_about_the_same_runbook_is_no_rename(labelled):
    other = situation("Smoke", "Valve Calibration", "Leave the hall")
    without = TEXT.replace(f"{STILL}\n{FULL}\n{NOISE}", f"{other}\n{STILL}\n{FULL}")
    assert "rename situation" not in run("import_landscape", labelled(without), dry_run=True)


def test_a_denied_rename_is_a_new_situation_and_the_old_one_goes_with_a_second_yes_alone(labelled):
    path = labelled(
        TEXT.replace(
            FULL, situation("Basin overflows", "Tank Level Alarm, Pump", "Close the inlet now")
        )
    )
    with pytest.raises(CommandError, match="1 removal"):
        run("import_landscape", path, refuse_renames=True)
    run("import_landscape", path, refuse_renames=True, refuse_removals=True)
    assert {"Tank is full", "Basin overflows"} <= titles()
    assert Situation.objects.get(title="Tank is full").alert_category == "tank"


def test_a_situation_under_another_title_is_certain_by_its_comment_and_asked_about_without(
    labelled,
):
    other = FULL.replace("Tank is full", "Basin overflows")
    run("import_landscape", labelled(TEXT.replace(FULL, other)))
    assert Situation.objects.get(title="Basin overflows").alert_category == "tank"
    bare = other.replace("Close the inlet first", "")
    run("import_landscape", labelled(TEXT.replace(FULL, bare)))
    with pytest.raises(CommandError, match="1 probable rename"):
        run(
            "import_landscape",
            labelled(TEXT.replace(FULL, bare.replace("Basin overflows", "Smoke"))),
        )


# ---- removed


def test_a_situation_with_labels_is_removed_with_a_yes_alone_and_the_plan_shows_them(labelled):
    path = labelled(TEXT.replace(f"{FULL}\n", ""))
    printed = run("import_landscape", path, dry_run=True)
    assert 'waits for an answer: remove situation "Tank is full"' in printed
    assert "alert_category: tank; alert_severity: high" in printed
    for answers in ({}, {"accept_renames": True}, {"refuse_renames": True}):
        with pytest.raises(CommandError, match="1 removal"):
            run("import_landscape", path, **answers)
    run("import_landscape", path, accept_removals=True)
    assert titles() == {"Pump stands still", "Noise in the pipe"}
    gone = ChangeLogEntry.objects.get(action=Action.DELETED)
    assert gone.changes["alert_category"] == {"before": "tank", "after": None}


def test_the_situation_that_answers_other_alerts_is_removed_with_a_yes_alone(labelled, settings):
    path = labelled(TEXT.replace(f"{STILL}\n", ""))
    assert "alert_default: yes" in run("import_landscape", path, dry_run=True)
    with pytest.raises(CommandError, match="1 removal"):
        run("import_landscape", path)
    assert resolved(settings, "?category=unheard") == ("default", ["Pump stands still"])


def test_a_situation_with_headings_to_read_or_an_edit_is_removed_with_a_yes_alone(labelled):
    step = Situation.objects.get(title="Noise in the pipe").steps.get()
    step.headings = "Steps\nAfterwards"
    step.save()
    path = labelled(TEXT.replace(f"{NOISE}\n", ""))
    assert "headings: Valve Calibration: Steps, Afterwards" in run(
        "import_landscape", path, dry_run=True
    )
    step.headings = ""
    step.save()
    Situation.objects.filter(title="Noise in the pipe").update(comment="Listen at night")
    assert "comment: Listen at night" in run("import_landscape", path, dry_run=True)


def test_a_situation_that_is_as_the_file_gave_it_is_removed_unasked(labelled):
    run("import_landscape", labelled(TEXT.replace(f"{NOISE}\n", "")))
    assert titles() == {"Pump stands still", "Tank is full"}


def test_a_refused_removal_stays_in_the_portal_and_is_not_asked_about_again(labelled):
    path = labelled(TEXT.replace(f"{FULL}\n", ""))
    run("import_landscape", path, refuse_removals=True)
    assert "Tank is full" in titles()
    assert "Nothing changed" in run("import_landscape", path)
    assert "| **Tank is full** |" in run("export_landscape", declared=True)


def test_a_rename_of_a_runbook_is_no_edit_of_the_situation_that_goes(labelled):
    text = TEXT.replace("**Valve Calibration**", "**Ventile**").replace(f"{NOISE}\n", "")
    run("import_landscape", labelled(text), accept_renames=True)
    assert "Noise in the pipe" not in titles()


def test_a_runbook_that_leaves_a_situation_takes_its_headings_along_and_the_plan_says_so(labelled):
    step = Situation.objects.get(title="Tank is full").steps.get(
        runbook__title="Pump Restart Runbook"
    )
    step.headings = "Steps"
    step.save()
    path = labelled(TEXT.replace("Tank Level Alarm, Pump", "Tank Level Alarm"))
    printed = run("import_landscape", path)
    assert "lost with the situation Tank is full: headings: Pump Restart Runbook: Steps" in printed


def test_a_chapter_or_code_reference_that_was_edited_in_the_portal_is_removed_with_a_yes_alone(
    labelled,
):
    more = TEXT + "\n## 5. Alarme\n\n### 5.1 Tank Level Alarm\n\n* **Rolle:** Laut\n"
    run("import_landscape", labelled(more))
    Section.objects.filter(title="Alarme").update(note="Mind the dog")
    CodeReference.objects.get(path="src/valve.py").runbooks.add(
        Runbook.objects.get(title="Valve Calibration")
    )
    fewer = TEXT.replace("* `src/valve.py` – turns the valve\n", "")
    printed = run("import_landscape", labelled(fewer), dry_run=True)
    assert (
        'remove section "Alarme", and what people added in the portal: note: Mind the dog'
        in printed
    )
    assert (
        'remove code reference "src/valve.py", and what people added in the portal: runbooks: Valve'
        in printed
    )
    with pytest.raises(CommandError, match="2 removal"):
        run("import_landscape", labelled(fewer))


def test_clusters_and_layers_that_no_row_names_any_more_stay(labelled):
    counts = (Cluster.objects.count(), Layer.objects.count())
    other = row("Pump Restart Runbook", "`docs/pump.md`", cluster="Phase 9", layer="**Shifts**")
    run(
        "import_landscape",
        labelled(text_of((other,), (STILL,))),
        accept_renames=True,
        accept_removals=True,
    )
    assert (Cluster.objects.count(), Layer.objects.count()) == (counts[0] + 1, counts[1] + 1)


# ---- not read


BROKEN = {
    "a header that lost its word": TEXT.replace(
        SITUATION_HEADER, SITUATION_HEADER.replace("Situation ", "Situationen ")
    ),
    "a row that lost a cell": TEXT.replace(FULL, "| **Tank is full** |"),
    "a row that lost its title": TEXT.replace(NOISE, NOISE.replace("**Noise in the pipe**", "")),
    "a block without an end": TEXT.replace("## 2. Situations", "```\n\n## 2. Situations"),
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_file_that_was_not_read_whole_removes_no_situation_and_a_finding_says_so(
    labelled, settings, text
):
    path = labelled(text)
    run("import_landscape", path)
    assert titles() == {"Pump stands still", "Tank is full", "Noise in the pipe"}
    assert resolved(settings, "?category=unheard") == ("default", ["Pump stands still"])
    (finding, *_) = Finding.objects.filter(kind=FindingKind.OTHER, subject__in=titles())
    assert "This situation was in an earlier file" in finding.message
    assert "Nothing changed" in run("import_landscape", path)
    run("import_landscape", labelled(TEXT))
    finding.refresh_from_db()
    assert finding.resolved_at


def test_what_was_held_is_asked_about_when_the_mended_file_still_does_not_name_it(labelled):
    run("import_landscape", labelled(BROKEN["a header that lost its word"]))
    mended = labelled(TEXT.replace(f"{FULL}\n", ""))
    with pytest.raises(CommandError, match="1 removal"):
        run("import_landscape", mended)
    run("import_landscape", mended, accept_removals=True)
    assert titles() == {"Pump stands still", "Noise in the pipe"}


def test_a_file_without_its_chapters_or_code_references_removes_none(labelled):
    run("import_landscape", labelled(text_of(ROWS, (STILL, FULL, NOISE))))
    assert Section.objects.count() == 1
    assert CodeReference.objects.count() == 2
    subjects = set(Finding.objects.filter(resolved_at=None).values_list("subject", flat=True))
    assert {"Pumpen", "src/pump.py", "src/valve.py"} <= subjects


def test_an_export_says_that_what_was_held_has_no_place_in_the_file(labelled):
    run("import_landscape", labelled(BROKEN["a header that lost its word"]))
    with pytest.raises(CommandError) as refusal:
        run(
            "export_landscape", declared=True, check=labelled(BROKEN["a header that lost its word"])
        )
    assert refusal.value.returncode == 1


# ---- the page


@pytest.mark.parametrize(("answer", "stays"), [("yes", False), ("no", True)])
def test_a_removal_is_confirmed_or_denied_on_the_page(labelled, people, sign_in, answer, stays):
    client = sign_in("ed")
    shown = upload(client, TEXT.replace(f"{FULL}\n", ""))
    assert "“Tank is full” (situation) is no longer in the file" in words(shown)
    assert "alert category tank" in words(shown)
    refused = client.post(URL, {**hidden(shown), "apply": "1"})
    assert refused.status_code == 409
    (name,) = choices(shown)
    again = client.post(URL, {**hidden(shown), name: answer, "show": "1"})
    client.post(URL, {**hidden(again), name: answer, "apply": "1"})
    assert ("Tank is full" in titles()) is stays


def test_labels_that_were_added_since_the_plan_was_shown_are_another_plan(
    labelled, people, sign_in
):
    client = sign_in("ed")
    shown = upload(client, TEXT.replace(f"{FULL}\n", ""))
    (name,) = choices(shown)
    again = client.post(URL, {**hidden(shown), name: "yes", "show": "1"})
    Situation.objects.filter(title="Tank is full").update(alert_source="level sensor")
    refused = client.post(URL, {**hidden(again), name: "yes", "apply": "1"})
    assert refused.status_code == 409
    assert "level sensor" in words(refused)
    assert "Tank is full" in titles()
