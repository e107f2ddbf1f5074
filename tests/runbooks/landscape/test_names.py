"""Short names: each means one title or none, and nothing is guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbooks.landscape.parse.names import CANDIDATE_LIMIT, NameIndex, Resolution, name_tokens

TITLES = (
    "ExecutionPipeline Governance & Risk Runbook",
    "Incident Runbook Integration",
    "Go/No-Go 2026 – Live Alerts & Escalation",
    "R&D-Runbook Alpha & Beta",
    "R&D-Playbook Alpha & Beta",
    "Alpha × Beta Cross-Run Findings",
    "Finish C (Pointer) — Broker Adapter + Live\u2011Ops",
    "Pumps, Valves and Tanks",
)
INDEX = NameIndex(TITLES)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("Incident Runbook Integration", TITLES[1]),
        ("incident  RUNBOOK integration", TITLES[1]),
        ("Incident Runbook Integration (siehe oben)", TITLES[1]),
        ("Incident Runbook Integration (see above)", TITLES[1]),
        ("ExecutionPipeline Governance & Risk Runbook (v1.1)", TITLES[0]),
        ("Go/No-Go 2026", TITLES[2]),
        ("Go/No-Go", TITLES[2]),
        ("Go/No-Go (siehe oben)", TITLES[2]),
        ("Go/No\u2011Go 2026 — Live Alerts & Escalation", TITLES[2]),
        ("R&D-Playbook", TITLES[4]),
        ("ExecutionPipeline-Runbook", TITLES[0]),
        ("Cross-Run Findings", TITLES[5]),
        ("Cross\u00adRun Findings", None),
        ("Find\u00adings", TITLES[5]),
        ("Finish C (Pointer)", TITLES[6]),
        ("Live-Ops", TITLES[6]),
        ("Ｉｎｃｉｄｅｎｔ", TITLES[1]),
    ],
)
def test_a_name_means_the_title_that_holds_its_words_in_order(name, title):
    assert INDEX.resolve(name).title == title


@pytest.mark.parametrize(
    "name", ["", "(siehe oben)", "Escalation Live", "Pump", "Go/No-Go 2027", "Tank Runbook", "—"]
)
def test_a_name_that_fits_no_title_is_not_resolved(name):
    assert INDEX.resolve(name) == Resolution(None, ())


@pytest.mark.parametrize(
    ("name", "candidates"),
    [("Alpha & Beta", (TITLES[3], TITLES[4], TITLES[5])), ("R&D", TITLES[3:5]), ("R&D-Notes", ())],
)
def test_a_name_that_fits_several_titles_resolves_to_none_and_names_them(name, candidates):
    assert INDEX.resolve(name) == Resolution(None, candidates)


def test_a_whole_title_wins_over_longer_titles_that_hold_it():
    index = NameIndex(["Pump Restart", "Pump Restart Drill"])
    assert index.resolve("pump restart").title == "Pump Restart"


def test_titles_that_differ_in_a_remark_alone_are_told_apart_by_it():
    index = NameIndex(["Pump (v1.0)", "Pump (v2.0)"])
    assert index.resolve("Pump (v2.0)").title == "Pump (v2.0)"
    assert index.resolve("Pump").title is None


def test_words_that_stand_in_pairs_only_are_no_run():
    assert NameIndex(["Cold Start, Warm Start Now"]).resolve("Cold Start Now").title is None


def test_an_alias_wins_over_a_run_of_words_but_not_over_a_whole_title():
    index = NameIndex(
        ["Pump Restart", "Pump Drill", "Boiler"], {"Pump": "Boiler", "pump drill": "Boiler"}
    )
    assert index.resolve("Pump").title == "Boiler"
    assert index.resolve("Pump Drill").title == "Pump Drill"
    assert index.resolve("Pump-Runbook").title == "Boiler"


def test_an_alias_for_an_unknown_title_is_passed_over():
    assert NameIndex(["Boiler"], {"Kettle": "Teapot"}).resolve("Kettle") == Resolution(None, ())


def test_the_word_runbook_alone_means_nothing_in_particular():
    assert INDEX.resolve("Runbook").title is None


def test_candidates_are_counted_out_at_a_limit():
    index = NameIndex(f"Pump {number}" for number in range(100))
    assert len(index.resolve("Pump").candidates) == CANDIDATE_LIMIT


def test_a_title_beyond_any_length_is_compared_as_it_stands():
    endless = "Pump " * 1_000
    index = NameIndex([endless, "Pump Restart"])
    assert index.resolve(endless).title == endless
    assert index.resolve("Pump").title == "Pump Restart"


def test_titles_of_signs_alone_stay_apart():
    assert NameIndex(["★", "☆"]).resolve("★").title == "★"


@given(st.text(), st.lists(st.text(), max_size=5))
def test_a_resolved_title_is_always_one_of_the_titles(name, titles):
    resolution = NameIndex(titles).resolve(name)
    assert resolution.title is None or resolution.candidates == (resolution.title,)
    assert set(resolution.candidates) <= set(titles)


@given(st.text(max_size=1_200))
def test_every_title_resolves_to_itself(title):
    assert NameIndex([title, "Pump Restart and more"]).resolve(title).title in (
        title,
        "Pump Restart and more",
    )
    assert NameIndex([title]).resolve(title).title == title
    assert len(name_tokens(title)) >= 1
