"""What stands against live use beside a runbook's own row: the portal is in doubt, or the signatures do not bear it out.

The catalogue cannot know: whoever governs it registers the questions. In a request each is asked
once at most, for all of the rows that were read together, and no answer is kept from one request to
the next.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from runbooks.validity import Reason

Reasons = tuple[Reason, ...]
# Why nothing may be used live now.
PortalQuestion = Callable[[], Reasons]
# Why these runbooks, which claim to be ready, may not be; by their primary keys.
RowsQuestion = Callable[[Sequence[Any]], Mapping[int, Reasons]]


@dataclass(slots=True)
class _Registered:
    portal: PortalQuestion = tuple
    rows: RowsQuestion = lambda runbooks: {runbook.pk: () for runbook in runbooks}


@dataclass(slots=True)
class _Answers:
    """What was answered in this request."""

    portal: Reasons | None = None
    rows: dict[tuple[Any, ...], Reasons] = field(default_factory=dict)


_registered = _Registered()
_answers: ContextVar[_Answers | None] = ContextVar("answers", default=None)


def register(*, portal: PortalQuestion, rows: RowsQuestion) -> None:
    """Ask these from now on, in the place of what was asked before."""
    _registered.portal, _registered.rows = portal, rows


def doubts() -> Reasons:
    """Why nothing may be used live now; empty when all is well."""
    answers = _answers.get()
    if answers is None:
        return _registered.portal()
    if answers.portal is None:
        answers.portal = _registered.portal()
    return answers.portal


def doubts_about(runbook: Any) -> Reasons:
    """Why a runbook that claims to be ready may not be used live, the portal's own doubts among it; empty when it may.

    The rows that were read in the same query are asked about together.
    """
    answers = _answers.get()
    if answers is None:
        return _registered.rows([runbook])[runbook.pk]
    if _as_read(runbook) not in answers.rows:
        together = {_as_read(each): each for each in (*runbook.read_together(), runbook)}
        unknown = {key: each for key, each in together.items() if key not in answers.rows}
        found = _registered.rows(list(unknown.values()))
        answers.rows |= {key: found[each.pk] for key, each in unknown.items()}
    return answers.rows[_as_read(runbook)]


def note_doubts(runbooks: Sequence[Any], found: Mapping[int, Reasons]) -> None:
    """What was found out about these rows in this request already, and more thoroughly: it need not be asked again."""
    answers = _answers.get()
    if answers is not None:
        answers.rows |= {_as_read(runbook): found[runbook.pk] for runbook in runbooks}


def _as_read(runbook: Any) -> tuple[Any, ...]:
    """A row and what is signed of it: read anew after a change, it is asked about anew."""
    return (
        *(runbook.pk, runbook.readiness_level, runbook.readiness_year, runbook.signed_at),
        *(runbook.signed_document_sha256, runbook.signed_metadata_sha256, runbook.document_id),
        *(runbook.signed_from_year, runbook.signed_until, runbook.signed_solo),
        runbook.signed_dependence,
    )


@contextmanager
def ask_once() -> Iterator[None]:
    """Inside, each question is asked at the first need, and the answer holds to the end: for one request, or one list."""
    if _answers.get() is not None:
        yield
        return
    token = _answers.set(_Answers())
    try:
        yield
    finally:
        _answers.reset(token)
