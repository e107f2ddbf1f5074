"""Runbooks and situations: duplicates are kept once with a notice, situations keep their order."""

import pytest

from runbooks.landscape.parse.reader import read_landscape
from tests.runbooks.landscape.samples import (
    PUMP,
    STILL,
    VALVE,
    kinds,
    line_of,
    read,
    row,
    situation,
    text_of,
)

TANK = row("Tank Alarm Runbook", "`docs/tank.md`")


def test_a_runbook_carries_what_its_row_says():
    (runbook,) = read(row(version="v1.1 (Dec 2025)", layer="**Operations, On-Call**")).runbooks
    assert (runbook.title, runbook.document_path, runbook.version) == (
        "Pump Restart Runbook",
        "docs/pump.md",
        "v1.1 (Dec 2025)",
    )
    assert runbook.layers == ("Operations", "On-Call")
    assert runbook.line == line_of(text_of(), "Pump Restart")


@pytest.mark.parametrize(
    "repeat",
    [
        VALVE,
        row("Valve – calibration", "`docs/other.md`"),
        row("Something Else", "`docs/valve.md`"),
        row("VALVE CALIBRATION", ""),
    ],
)
def test_of_rows_with_the_same_title_or_path_the_first_is_kept(repeat):
    text = text_of((PUMP, VALVE, TANK, repeat))
    landscape = read_landscape(text)
    assert [runbook.title for runbook in landscape.runbooks][1:] == [
        "Valve Calibration",
        "Tank Alarm Runbook",
    ]
    (notice,) = landscape.notices
    assert notice.kind == "duplicate_row"
    assert notice.line == line_of(text, "Tank Alarm") + 1
    assert f"line {line_of(text, 'Valve')}" in notice.message


def test_a_duplicate_names_the_fields_that_differ():
    same, other = (
        read(VALVE, VALVE),
        read(VALVE, row("Valve Calibration", "`docs/valve.md`", version="v2", status="retired")),
    )
    assert "say the same" in next(n.message for n in same.notices if n.kind == "duplicate_row")
    assert "differ in: version, status." in next(
        n.message for n in other.notices if n.kind == "duplicate_row"
    )


def test_nothing_else_is_noted_about_a_row_that_is_left_out():
    assert kinds(read(PUMP, row(status="nonsense", cluster="Cluster 9–1"))) == ["duplicate_row"]


def test_rows_without_a_path_are_no_duplicates_of_each_other():
    landscape = read(PUMP, row("Valve", ""), row("Tank", ""))
    assert len(landscape.runbooks) == 3
    assert kinds(landscape) == ["missing_path", "missing_path"]


def test_titles_that_differ_in_their_version_are_two_runbooks():
    landscape = read(PUMP, row("Valve (v1)", "`docs/a.md`"), row("Valve (v2)", "`docs/b.md`"))
    assert len(landscape.runbooks) == 3


def situation_of(names, *runbooks):
    return read(*(runbooks or (PUMP, VALVE, TANK)), situations=(situation(names=names),))


def test_a_situation_leads_to_its_runbooks_in_the_order_of_the_cell():
    landscape = situation_of("Tank Alarm, Valve Calibration, Pump Restart Runbook")
    assert landscape.situations[0].runbooks == (
        "Tank Alarm Runbook",
        "Valve Calibration",
        "Pump Restart Runbook",
    )
    assert landscape.situations[0].names == (
        "Tank Alarm",
        "Valve Calibration",
        "Pump Restart Runbook",
    )
    assert landscape.notices == ()


def test_a_runbook_that_is_named_twice_is_linked_once():
    landscape = situation_of("Tank Alarm, **tank alarm**, Tank Alarm Runbook, Valve Calibration")
    assert landscape.situations[0].runbooks == ("Tank Alarm Runbook", "Valve Calibration")
    assert landscape.situations[0].names == (
        "Tank Alarm",
        "Tank Alarm Runbook",
        "Valve Calibration",
    )


def test_names_may_be_bold_or_links():
    landscape = situation_of("**Tank Alarm**, [Valve Calibration](docs/valve.md)")
    assert landscape.situations[0].runbooks == ("Tank Alarm Runbook", "Valve Calibration")


def test_a_comma_in_a_title_or_in_parentheses_parts_no_names():
    titles = ("Pumps, Valves and Tanks", "Pumps, Valves and Tanks, Revised", "Desk (day, night)")
    runbooks = tuple(row(title, f"`docs/{number}.md`") for number, title in enumerate(titles))
    assert situation_of(titles[0], *runbooks).situations[0].runbooks == (titles[0],)
    assert situation_of(", ".join(titles), *runbooks).situations[0].runbooks == titles
    assert situation_of(f"{titles[2]}, {titles[1]}", *runbooks).situations[0].runbooks == (
        titles[2],
        titles[1],
    )


def test_a_name_that_fits_two_runbooks_is_not_linked_and_both_are_named():
    landscape = situation_of(
        "Valve, Tank Alarm", PUMP, VALVE, TANK, row("Valve Inspection", "`docs/inspect.md`")
    )
    assert landscape.situations[0].runbooks == ("Tank Alarm Runbook",)
    (notice,) = landscape.notices
    assert (notice.kind, notice.subject) == ("ambiguous_name", "Valve")
    assert "Valve Calibration; Valve Inspection" in notice.message


def test_a_name_that_fits_no_runbook_is_noted_with_its_line():
    text = text_of((PUMP,), (STILL, situation("Flood", "Boat Runbook, Pump Restart")))
    landscape = read_landscape(text)
    assert landscape.situations[1].runbooks == ("Pump Restart Runbook",)
    (notice,) = landscape.notices
    assert (notice.kind, notice.subject, notice.line) == (
        "unresolved_name",
        "Boat Runbook",
        line_of(text, "Flood"),
    )


@pytest.mark.parametrize("names", ["", "–", " - "])
def test_a_situation_that_leads_nowhere_is_kept_and_noted(names):
    landscape = situation_of(names)
    assert landscape.situations[0].runbooks == landscape.situations[0].names == ()
    assert [(notice.kind, notice.subject) for notice in landscape.notices] == [
        ("unresolved_name", "Pump stands still")
    ]


def test_of_two_equal_situations_the_first_is_kept():
    text = text_of((PUMP, VALVE), (STILL, situation("PUMP stands still", "Valve Calibration")))
    landscape = read_landscape(text)
    assert [found.runbooks for found in landscape.situations] == [("Pump Restart Runbook",)]
    (notice,) = landscape.notices
    assert notice.kind == "duplicate_situation"
    assert f"line {line_of(text, 'Pump stands still')}" in notice.message
    assert "title, runbooks" in notice.message


def test_no_two_notices_have_kind_line_and_subject_in_common():
    landscape = read(
        PUMP,
        row("Odd", "`docs/odd.md`", cluster="Cluster 9–1, Cluster 8–2"),
        situations=(situation(names="X, x!"),),
    )
    keys = [(notice.kind, notice.line, notice.subject) for notice in landscape.notices]
    assert len(keys) == len(set(keys))
    assert "9–1" in landscape.notices[0].message
    assert "8–2" in landscape.notices[0].message
