"""The transition tables: what the design promises of them, read off by walking them."""

import itertools

import pytest
from django.conf import settings

from governance.post_migrate import DEFAULT_SIGNATURES
from governance.signoff import transitions
from governance.signoff.choices import RequestState
from runbooks.choices import ReadinessLevel

LEVELS = set(ReadinessLevel.values)
# In the order of what they permit; a way up never leads to a level that permits less than R&D.
PERMITTED = {
    "retired": -1,
    "unassessed": 0,
    "rnd_only": 1,
    "safety_sandbox": 2,
    "track": 2,
    "shadow": 2,
    "ready": 3,
}
STEPPING_STONES = {transitions.SAFETY_SANDBOX, transitions.TRACK, transitions.SHADOW}


def neighbours(level, before=None):
    """Where one step leads; from retired back to ``before`` alone."""
    if level == transitions.RETIRED:
        return {before} if before else set()
    return transitions.UP[level] | transitions.DOWN[level]


def reachable(start, *, avoiding=frozenset()):
    """Every level reachable by both tables, with the level that a retired runbook had before."""
    seen, waiting = set(), [(start, None)]
    while waiting:
        level, before = waiting.pop()
        for target in neighbours(level, before) - avoiding:
            place = (target, level if target == transitions.RETIRED else None)
            if place not in seen:
                seen.add(place)
                waiting.append(place)
    return {level for level, _ in seen}


# ---- readiness


def test_the_tables_speak_of_every_level_and_of_no_other():
    for table in (transitions.UP, transitions.DOWN):
        assert set(table) == LEVELS
        assert {target for targets in table.values() for target in targets} <= LEVELS


def test_the_names_of_the_levels_are_those_of_the_catalogue():
    named = {
        transitions.UNASSESSED,
        transitions.RND_ONLY,
        transitions.SAFETY_SANDBOX,
        transitions.TRACK,
        transitions.SHADOW,
        transitions.READY,
        transitions.RETIRED,
    }
    assert named == LEVELS
    for level in ReadinessLevel:
        assert getattr(transitions, level.name) == level.value


def test_rnd_only_becomes_ready_by_no_walk_that_avoids_sandbox_track_and_shadow():
    assert transitions.READY not in reachable(transitions.RND_ONLY, avoiding=STEPPING_STONES)


@pytest.mark.parametrize("detour", [transitions.UNASSESSED, transitions.RETIRED])
def test_rnd_only_finds_no_detour(detour):
    """No way by unassessed without a stepping stone; from retired it returns to what it was."""
    reached = reachable(transitions.RND_ONLY, avoiding=STEPPING_STONES)
    assert transitions.READY not in reached
    assert transitions.UNASSESSED not in reached
    assert detour in reached or detour == transitions.UNASSESSED


def test_rnd_only_does_become_ready_by_a_stepping_stone():
    """The walk above would also be true of a table without any way to ready."""
    for stone in STEPPING_STONES:
        assert stone in transitions.UP[transitions.RND_ONLY]
        assert transitions.READY in transitions.UP[stone]


def test_nothing_leads_to_ready_but_a_request():
    assert not any(transitions.READY in targets for targets in transitions.DOWN.values())


def test_no_move_is_both_up_and_down():
    """Else one person could take what needs the quorum."""
    for level in LEVELS:
        assert not transitions.UP[level] & transitions.DOWN[level]


def test_a_way_down_never_permits_more():
    for level, targets in transitions.DOWN.items():
        for target in targets:
            assert PERMITTED[target] < PERMITTED[level] or target == transitions.RETIRED, (
                level,
                target,
            )
            assert target != level


def test_ready_can_be_taken_down_to_every_other_level_at_once():
    assert transitions.DOWN[transitions.READY] == LEVELS - {transitions.READY}


def test_everything_can_be_retired_at_once_and_be_reinstated():
    for level in LEVELS - {transitions.RETIRED}:
        assert transitions.is_down(level, transitions.RETIRED)
        assert transitions.is_up(transitions.RETIRED, level)


def test_every_signed_level_can_be_signed_anew():
    signed = LEVELS - {transitions.RETIRED, transitions.UNASSESSED}
    assert {level for level in LEVELS if level in transitions.UP[level]} == signed


@pytest.mark.parametrize(
    ("origin", "target", "move"),
    [
        (("unassessed", None), ("ready", 2026), "raise"),
        (("shadow", None), ("track", None), "raise"),
        (("ready", 2026), ("ready", 2027), "renew"),
        (("ready", 2026), ("ready", 2026), "re_sign"),
        (("shadow", None), ("shadow", None), "re_sign"),
        (("retired", None), ("ready", 2026), "reinstate"),
        (("retired", None), ("unassessed", None), "reinstate"),
        (("ready", 2026), ("shadow", None), "lower"),
        (("unassessed", None), ("retired", None), "lower"),
    ],
)
def test_the_kind_of_a_move_follows_from_its_ends(origin, target, move):
    assert transitions.move(*origin, *target) == move


@pytest.mark.parametrize(
    "table",
    [transitions.UP, transitions.DOWN, transitions.REQUEST_TRANSITIONS],
    ids=["up", "down", "request"],
)
def test_the_drawings_in_docs_are_those_of_the_tables(table):
    page = (settings.BASE_DIR / "docs" / "readiness.md").read_text(encoding="utf-8")
    assert f"```mermaid\n{transitions.diagram(table)}\n```" in page


def test_every_level_but_retired_has_a_way_to_ready():
    for level in LEVELS - {transitions.RETIRED}:
        assert transitions.READY in reachable(level)


def test_every_level_that_can_be_asked_for_has_a_default_rule():
    asked_for = {target for targets in transitions.UP.values() for target in targets}
    assert asked_for == set(DEFAULT_SIGNATURES)
    assert DEFAULT_SIGNATURES[ReadinessLevel.READY] >= 2


@pytest.mark.parametrize("unknown", ["", "bogus", "READY", None])
def test_an_unknown_level_leads_nowhere_and_is_reached_from_nowhere(unknown):
    for level in LEVELS:
        for one, other in ((unknown, level), (level, unknown)):
            assert not transitions.is_up(one, other)
            assert not transitions.is_down(one, other)


def test_the_questions_read_the_tables():
    for level, target in itertools.product(LEVELS, LEVELS):
        assert transitions.is_up(level, target) is (target in transitions.UP[level])
        assert transitions.is_down(level, target) is (target in transitions.DOWN[level])


# ---- requests


def test_the_states_of_a_request_are_those_of_the_model():
    assert set(transitions.REQUEST_TRANSITIONS) == set(RequestState.values)
    for state in RequestState:
        assert getattr(transitions, state.name) == state.value


@pytest.mark.parametrize("state", [state for state in RequestState.values if state != "open"])
def test_a_closed_request_never_moves_again(state):
    assert not any(transitions.request_may_become(state, target) for target in RequestState.values)


def test_an_open_request_becomes_each_of_the_closed_ones():
    assert transitions.REQUEST_TRANSITIONS[transitions.OPEN] == set(RequestState.values) - {
        transitions.OPEN
    }
    for state in RequestState.values:
        may = transitions.request_may_become(transitions.OPEN, state)
        assert may is (state != transitions.OPEN)


@pytest.mark.parametrize("unknown", ["", "bogus", "OPEN", None])
def test_an_unknown_state_moves_nowhere(unknown):
    for state in RequestState.values:
        assert not transitions.request_may_become(unknown, state)
        assert not transitions.request_may_become(state, unknown)
