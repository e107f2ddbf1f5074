"""The transition tables: which way a request, and which way a readiness, may go. Pure: imports no Django."""

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

# Up is slow: each of these needs an approved request.
UP: dict[str, frozenset[str]] = {
    UNASSESSED: frozenset({RND_ONLY, SAFETY_SANDBOX, TRACK, SHADOW, READY}),
    RND_ONLY: frozenset({SAFETY_SANDBOX, TRACK, SHADOW}),
    SAFETY_SANDBOX: frozenset({TRACK, SHADOW, READY}),
    TRACK: frozenset({SAFETY_SANDBOX, SHADOW, READY}),
    SHADOW: frozenset({SAFETY_SANDBOX, TRACK, READY}),
    READY: frozenset({READY}),  # renewal for another year, or after an editorial change
    RETIRED: frozenset(),
}

# Down is fast: one authorised person. `rnd_only` has no way to `unassessed`, which would be a detour to `ready`.
DOWN: dict[str, frozenset[str]] = {
    UNASSESSED: frozenset({RETIRED}),
    RND_ONLY: frozenset({RETIRED}),
    SAFETY_SANDBOX: frozenset({UNASSESSED, RND_ONLY, RETIRED}),
    TRACK: frozenset({UNASSESSED, RND_ONLY, RETIRED}),
    SHADOW: frozenset({UNASSESSED, RND_ONLY, RETIRED}),
    READY: frozenset({UNASSESSED, RND_ONLY, SAFETY_SANDBOX, TRACK, SHADOW, RETIRED}),
    RETIRED: frozenset(),
}


def request_may_become(state: str, target: str) -> bool:
    """Whether a request in ``state`` may go to ``target``; an unknown state may go nowhere."""
    return target in REQUEST_TRANSITIONS.get(state, frozenset())


def is_up(level: str, target: str) -> bool:
    """Whether the move needs an approved request."""
    return target in UP.get(level, frozenset())


def is_down(level: str, target: str) -> bool:
    """Whether one authorised person may make the move at once."""
    return target in DOWN.get(level, frozenset())
