"""The whole reader: files of real size, odd bytes, arbitrary text, and linear time."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runbooks.landscape.parse.conflicts import split_lines
from runbooks.landscape.parse.reader import read_landscape
from runbooks.landscape.schema import ConflictChoice, LandscapeError, UnresolvedConflicts
from tests.runbooks.landscape.samples import (
    PUMP,
    SITUATION_HEADER,
    VALVE,
    delimiter,
    kinds,
    row,
    situation,
    text_of,
)

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures"
LANDSCAPE = (FIXTURES / "landscape.md").read_text(encoding="utf-8")
CONFLICTED = (FIXTURES / "conflicted.md").read_text(encoding="utf-8")

FULL = text_of(
    (PUMP, VALVE),
    (situation(), situation("Flood", "Valve, Pump")),
    "## 3. Pumps\n\n### 3.1 Pump Restart\n\n* **Pfad:** `docs/pump.md`\n* **Rolle:** Do:\n\n "
    " * it\n\n> Note.\n\n"
    "## 4. Overview\n\n```text\n+--+\n```\n\n## 5. Code references\n\n* `src/a.py` – The "
    "Pump-Runbook.\n\n"
    "## 6. Changelog\n\n* **v1.0 – Januar 2026**\n\n  * First\n",
)


def test_the_fixture_is_read_whole_and_without_a_notice():
    landscape = read_landscape(LANDSCAPE)
    assert landscape.title == "Peak_Trade – Runbooks Landscape (2026-ready)"
    assert len(landscape.runbooks) == 16
    assert len(landscape.situations) == 12
    assert [(section.number, len(section.entries)) for section in landscape.sections] == [
        (2, 3),
        (3, 1),
        (4, 3),
        (5, 3),
        (6, 1),
    ]
    assert len(landscape.code_references) == 6
    assert [len(release.entries) for release in landscape.releases] == [2, 4, 4]
    assert "Runbook" in landscape.overview
    assert landscape.notices == ()


def test_every_link_of_the_fixture_leads_to_a_runbook():
    landscape = read_landscape(LANDSCAPE)
    titles = {runbook.title for runbook in landscape.runbooks}
    linked = [title for found in landscape.situations for title in found.runbooks]
    placed = [entry.runbook for section in landscape.sections for entry in section.entries]
    assert len(linked) == sum(len(found.names) for found in landscape.situations)
    assert {*linked, *placed} <= titles


def test_the_short_names_of_the_fixture_are_understood():
    landscape = read_landscape(LANDSCAPE)
    by_title = {found.title: found.runbooks for found in landscape.situations}
    assert (
        by_title["Order wird blockiert (ExecutionStatus ≠ OK)"][1]
        == "Go/No-Go 2026 – Live Alerts & Escalation"
    )
    assert (
        by_title["Cross-Run-Analyse / Meta-Auswertung"][1] == "R&D-Playbook Armstrong & El Karoui"
    )
    assert [entry.runbook for entry in landscape.sections[2].entries][
        2
    ] == "Go/No-Go 2026 – Live Alerts & Escalation"
    pipeline = next(found for found in landscape.code_references if found.path == "src/execution/")
    assert pipeline.runbooks == ("ExecutionPipeline Governance & Risk Runbook",)


def test_the_conflicted_fixture_stops_and_then_reads_by_choice():
    with pytest.raises(UnresolvedConflicts) as refusal:
        read_landscape(CONFLICTED)
    assert len(refusal.value.blocks) == 2
    counted = {
        choice: (
            len(landscape.runbooks),
            len(landscape.situations),
            kinds(landscape).count("duplicate_row"),
        )
        for choice in (ConflictChoice.OURS, ConflictChoice.THEIRS, ConflictChoice.UNION)
        if (landscape := read_landscape(CONFLICTED, conflicts=choice))
    }
    assert counted == {
        ConflictChoice.OURS: (4, 3, 0),
        ConflictChoice.THEIRS: (3, 2, 0),
        ConflictChoice.UNION: (4, 3, 2),
    }


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: f"\ufeff{text}",
        lambda text: text.rstrip("\n"),
        lambda text: f"{text}\n\n\n",
        lambda text: text.replace("\n", "   \n"),
    ],
)
def test_line_ends_marks_and_missing_newlines_make_no_difference(change):
    plain, changed = read_landscape(FULL), read_landscape(change(FULL))
    assert changed.runbooks == plain.runbooks
    assert changed.situations == plain.situations
    assert changed.releases == plain.releases
    assert changed.code_references == plain.code_references
    assert [section.entries[0].runbook for section in changed.sections] == ["Pump Restart Runbook"]
    assert changed.notices == plain.notices == ()


def test_lines_are_counted_as_an_editor_counts_them():
    lines = split_lines("\ufeffa\u2028b\x0cc\r\n\nd")
    assert [(line.number, line.text) for line in lines] == [(1, "a\u2028b\x0cc"), (2, ""), (3, "d")]


@pytest.mark.parametrize(
    ("text", "lines"),
    [("", [""]), ("a", ["a"]), ("a\n", ["a"]), ("\na\r\n\r", ["", "a", ""]), ("\n", [""])],
)
def test_a_last_line_end_begins_no_line(text, lines):
    assert [line.text for line in split_lines(text)] == lines


def test_a_binary_file_is_refused_with_the_line_and_what_to_do():
    with pytest.raises(LandscapeError, match="Save it as Markdown in UTF-8") as refusal:
        read_landscape(f"# P\n\0{FULL}")
    assert refusal.value.line == 2


def test_reading_twice_gives_equal_results():
    assert read_landscape(FULL) == read_landscape(FULL)


def test_notices_stand_in_the_order_of_the_file():
    text = text_of((row(status="odd"), row("B", "`b.md`", cluster="Cluster 2–1")))
    situations = f"{SITUATION_HEADER}\n{delimiter(SITUATION_HEADER)}\n{situation('Flood', 'Boat')}"
    landscape = read_landscape(text.replace("## 1.", f"{situations}\n\n## 1.", 1))
    assert kinds(landscape) == ["unresolved_name", "unknown_level", "odd_range"]
    assert [notice.line for notice in landscape.notices] == sorted(
        notice.line for notice in landscape.notices
    )


PIECES = st.sampled_from(
    [
        *FULL.split("\n"),
        "<<<<<<< a",
        "=======",
        ">>>>>>> b",
        "||||||| c",
        "```",
        "~~~",
        "<!--",
        "-->",
        "---",
        "|",
        "| a | b |",
    ]
)
CHOICES = st.sampled_from(list(ConflictChoice))
PATIENT = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def read_or_refuse(text, choice):
    """The landscape, or None when it was refused in the one way in which it may be."""
    try:
        return read_landscape(text, conflicts=choice)
    except LandscapeError:
        return None


@PATIENT
@given(st.text(), CHOICES)
def test_arbitrary_text_never_raises_anything_but_a_landscape_error(text, choice):
    read_or_refuse(text, choice)
    read_or_refuse(f"{FULL}\n{text}", choice)


@PATIENT
@given(st.lists(st.one_of(PIECES, st.text(max_size=30)), max_size=60), CHOICES)
def test_shuffled_parts_never_raise_anything_but_a_landscape_error(pieces, choice):
    landscape = read_or_refuse("\n".join(pieces), choice)
    if landscape is None:
        return
    lines = [part.line for part in (*landscape.runbooks, *landscape.sections, *landscape.notices)]
    assert all(
        1 <= line <= len("\n".join(pieces).replace("\r", "\n").split("\n")) for line in lines
    )
    keys = [(notice.kind, notice.line, notice.subject) for notice in landscape.notices]
    assert len(keys) == len(set(keys))
    titles = [runbook.title for runbook in landscape.runbooks]
    assert len(titles) == len(set(titles))


@PATIENT
@given(
    st.lists(
        st.text(alphabet=st.characters(exclude_characters="\n\r\0"), max_size=40),
        min_size=7,
        max_size=7,
    )
)
def test_a_row_of_arbitrary_cells_is_read_or_noted_and_keeps_its_neighbours(cells):
    line = "| " + " | ".join(cells) + " |"
    landscape = read_or_refuse(text_of((PUMP, line, VALVE)), ConflictChoice.STOP)
    titles = [runbook.title for runbook in landscape.runbooks]
    assert titles[0] == "Pump Restart Runbook"
    assert len(titles) == 3 or landscape.notices or not any(cell.strip() for cell in cells)


LONG = 4_000_000
REPEATED = [
    "x",
    "|",
    "`",
    "`|",
    "#",
    " #",
    "[",
    "[a](",
    "* ",
    "> ",
    "<!--",
    "&#9",
    "=",
    " ",
    "a,",
    "(",
    "\u0301\u0323",
    "1.",
    "- ",
]
PREFIXES = ["", "# ", "### 3.1 ", "| ", "* ", "* **Pfad:** ", "* v1 - ", "```"]


@pytest.mark.parametrize("repeated", REPEATED)
def test_one_endless_line_is_read_in_reasonable_time(repeated):
    # No clock: a pattern that backtracks would need hours here, and the run would show it.
    endless = repeated * (LONG // len(repeated))
    for prefix in PREFIXES:
        chapters = "\n".join(
            f"## {title}\n{prefix}{endless}"
            for title in ("3. Pumps", "4. Code references", "5. Changelog")
        )
        assert read_or_refuse(text_of(chapters=chapters), ConflictChoice.UNION) is not None


def test_twenty_thousand_rows_are_read_in_reasonable_time():
    count = 20_000
    runbooks = tuple(
        row(f"Pump {number} Restart", f"`docs/{number}.md`") for number in range(count)
    )
    situations = tuple(
        situation(f"Case {number}", f"Pump {number}, Pump") for number in range(count)
    )
    landscape = read_landscape(text_of(runbooks, situations))
    assert len(landscape.runbooks) == len(landscape.situations) == count
    assert landscape.situations[7].runbooks == ("Pump 7 Restart",)
    assert kinds(landscape) == ["ambiguous_name"] * count
