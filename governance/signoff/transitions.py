"""The transition tables: which way a request, and which way a readiness, may go. Pure: imports no Django.

``docs/readiness.md`` draws both tables; ``diagram`` makes the drawings and a test compares them.
"""

from enum import StrEnum

OPEN, APPROVED, REJECTED, WITHDRAWN, LAPSED = "open", "approved", "rejected", "withdrawn", "lapsed"

# A closed request never opens again: ask anew.
REQUEST_TRANSITIONS: dict[str, frozenset[str]] = {
    OPEN: frozenset({APPROVED, REJECTED, WITHDRAWN, LAPSED}),
    APPROVED: frozenset(),
    REJECTED: frozenset(),
    WITHDRAWN: frozenset(),
    LAPSED: frozenset(),
}

UNASSESSED, RND_ONLY, SAFETY_SANDBOX = "unassessed", "rnd_only", "safety_sandbox"
TRACK, SHADOW, READY, RETIRED = "track", "shadow", "ready", "retired"

# Up is slow: each of these needs an approved request. A level to itself is a signature anew: on a
# changed text or metadata, or for a later year. From `retired` it goes back to what it was before,
# and nowhere else.
UP: dict[str, frozenset[str]] = {
    UNASSESSED: frozenset({RND_ONLY, SAFETY_SANDBOX, TRACK, SHADOW, READY}),
    RND_ONLY: frozenset({RND_ONLY, SAFETY_SANDBOX, TRACK, SHADOW}),
    SAFETY_SANDBOX: frozenset({SAFETY_SANDBOX, TRACK, SHADOW, READY}),
    TRACK: frozenset({SAFETY_SANDBOX, TRACK, SHADOW, READY}),
    SHADOW: frozenset({SAFETY_SANDBOX, TRACK, SHADOW, READY}),
    READY: frozenset({READY}),
    RETIRED: frozenset({UNASSESSED, RND_ONLY, SAFETY_SANDBOX, TRACK, SHADOW, READY}),
}

# Down is fast: one authorised person. `rnd_only` has no way to `unassessed`, which would be a
# detour to `ready`.
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
    """What a request does to a readiness: it follows from where it starts and where it ends."""

    RAISE = "raise"  # to a level that permits more, or is at least not a way down
    RENEW = "renew"  # ready for a later year
    RE_SIGN = "re_sign"  # the same readiness on a changed text or changed metadata
    REINSTATE = "reinstate"  # back from retired to what it was
    LOWER = "lower"  # at once, by one person


def move(from_level: str, from_year: int | None, to_level: str, to_year: int | None) -> Move:
    """The kind of a move that the tables allow; for any other the answer means nothing."""
    if is_down(from_level, to_level):
        return Move.LOWER
    if from_level == RETIRED:
        return Move.REINSTATE
    if from_level != to_level:
        return Move.RAISE
    return Move.RE_SIGN if from_year == to_year else Move.RENEW


def request_may_become(state: str, target: str) -> bool:
    """Whether a request in ``state`` may go to ``target``; an unknown state may go nowhere."""
    return target in REQUEST_TRANSITIONS.get(state, frozenset())


def is_up(level: str, target: str) -> bool:
    """Whether the move needs an approved request."""
    return target in UP.get(level, frozenset())


def is_down(level: str, target: str) -> bool:
    """Whether one authorised person may make the move at once."""
    return target in DOWN.get(level, frozenset())


def diagram(table: dict[str, frozenset[str]], *, words: str = "") -> str:
    """A table as a Mermaid state diagram; ``words`` stand on every arrow."""
    label = f": {words}" if words else ""
    arrows = [
        f"    {level} --> {target}{label}"
        for level in table
        for target in table
        if target in table[level]
    ]
    return "\n".join(["stateDiagram-v2", *arrows])
