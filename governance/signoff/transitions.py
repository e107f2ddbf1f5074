"""The transition tables of requests and of readiness levels. Pure: imports no Django.

``docs/readiness.md`` draws both tables; ``diagram`` generates the drawings and a test compares
them.
"""

from enum import StrEnum

OPEN, APPROVED, REJECTED, WITHDRAWN, LAPSED = "open", "approved", "rejected", "withdrawn", "lapsed"

# A closed request never opens again; a new request is needed.
REQUEST_TRANSITIONS: dict[str, frozenset[str]] = {
    OPEN: frozenset({APPROVED, REJECTED, WITHDRAWN, LAPSED}),
    APPROVED: frozenset(),
    REJECTED: frozenset(),
    WITHDRAWN: frozenset(),
    LAPSED: frozenset(),
}

UNASSESSED, RND_ONLY, SAFETY_SANDBOX = "unassessed", "rnd_only", "safety_sandbox"
TRACK, SHADOW, READY, RETIRED = "track", "shadow", "ready", "retired"

# Upwards: each transition needs an approved request. From a level to itself is a new signature, on
# changed text or metadata, or for a later year. From `retired`, a runbook can only return to its
# previous level.
UP: dict[str, frozenset[str]] = {
    UNASSESSED: frozenset({RND_ONLY, SAFETY_SANDBOX, TRACK, SHADOW, READY}),
    RND_ONLY: frozenset({RND_ONLY, SAFETY_SANDBOX, TRACK, SHADOW}),
    SAFETY_SANDBOX: frozenset({SAFETY_SANDBOX, TRACK, SHADOW, READY}),
    TRACK: frozenset({SAFETY_SANDBOX, TRACK, SHADOW, READY}),
    SHADOW: frozenset({SAFETY_SANDBOX, TRACK, SHADOW, READY}),
    READY: frozenset({READY}),
    RETIRED: frozenset({UNASSESSED, RND_ONLY, SAFETY_SANDBOX, TRACK, SHADOW, READY}),
}

# Downwards: one authorised person. `rnd_only` has no transition to `unassessed`, which would permit
# a detour to `ready`.
DOWN: dict[str, frozenset[str]] = {
    UNASSESSED: frozenset({RETIRED}),
    RND_ONLY: frozenset({RETIRED}),
    SAFETY_SANDBOX: frozenset({UNASSESSED, RND_ONLY, RETIRED}),
    TRACK: frozenset({UNASSESSED, RND_ONLY, RETIRED}),
    SHADOW: frozenset({UNASSESSED, RND_ONLY, RETIRED}),
    READY: frozenset({UNASSESSED, RND_ONLY, SAFETY_SANDBOX, TRACK, SHADOW, RETIRED}),
    RETIRED: frozenset(),
}


class Move(StrEnum):
    """The kind of change that a request makes, derived from its start and target."""

    RAISE = "raise"  # to a level that permits more, or is at least not a downgrade
    RENEW = "renew"  # ready for a later year
    RE_SIGN = "re_sign"  # the same readiness on changed text or metadata
    REINSTATE = "reinstate"  # from retired to the previous level
    LOWER = "lower"  # effective at once, by one person


def move(from_level: str, from_year: int | None, to_level: str, to_year: int | None) -> Move:
    """Return the kind of an allowed move. The result is meaningless for any other move."""
    if is_down(from_level, to_level):
        return Move.LOWER
    if from_level == RETIRED:
        return Move.REINSTATE
    if from_level != to_level:
        return Move.RAISE
    return Move.RE_SIGN if from_year == to_year else Move.RENEW


def request_may_become(state: str, target: str) -> bool:
    """Return whether a request in ``state`` may become ``target``; False for an unknown state."""
    return target in REQUEST_TRANSITIONS.get(state, frozenset())


def is_up(level: str, target: str) -> bool:
    """Return whether the move needs an approved request."""
    return target in UP.get(level, frozenset())


def is_down(level: str, target: str) -> bool:
    """Return whether one authorised person may make the move at once."""
    return target in DOWN.get(level, frozenset())


def diagram(table: dict[str, frozenset[str]]) -> str:
    """Return a table as a Mermaid state diagram."""
    arrows = [
        f"    {level} --> {target}" for level in table for target in table if target in table[level]
    ]
    return "\n".join(["stateDiagram-v2", *arrows])
