"""Whether the portal itself is in doubt, so that nothing may be used live, whatever a runbook's row says.

The catalogue cannot know: whoever governs it registers the question. It is asked once in a request at most, and never
kept from one request to the next.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

from runbooks.standing import Reason

Question = Callable[[], tuple[Reason, ...]]

_question: list[Question] = []
_asked_once: ContextVar[Question | None] = ContextVar("asked_once", default=None)


def register(question: Question) -> None:
    """Ask this from now on, in the place of what was asked before."""
    _question[:] = [question]


def doubts() -> tuple[Reason, ...]:
    """Why nothing may be used live now; empty when all is well."""
    asked = _asked_once.get() or (_question[0] if _question else tuple)
    return asked()


@contextmanager
def ask_once() -> Iterator[None]:
    """Inside, the question is asked at the first need, and the answer holds to the end: for one request, or one list."""
    if _asked_once.get() is not None:
        yield
        return
    token = _asked_once.set(cache(_question[0]) if _question else None)
    try:
        yield
    finally:
        _asked_once.reset(token)
