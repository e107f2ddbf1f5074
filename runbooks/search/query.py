"""Answers to questions: the index finds, and the live rows decide the order and the standings."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from django.db import DatabaseError, connection
from django.db.models import Prefetch, QuerySet, prefetch_related_objects

from runbooks.choices import ReadinessLevel
from runbooks.models import Runbook, RunbookAlias, Situation, SituationRunbook
from runbooks.search.databases import dialect_of
from runbooks.search.hits import Found, RunbookHit, hits_of
from runbooks.search.ranking import OTHER, Score
from runbooks.search.retrieval import MAX_CANDIDATES, Inquiry, vocabulary
from runbooks.search.text import Term, comparable, folded, terms_of
from runbooks.search.vocabulary import Wanted
from runbooks.validity import Standing

logger = logging.getLogger(__name__)
# By the runbook's key: its score, and the key of the text in which it was found.
Scores = Mapping[int, tuple[Score, int | None]]
Named = Iterable[tuple[int, str]]  # a key, and a title or name


class Standings(Protocol):
    """A callable that returns the standing of each runbook by its primary key."""

    def __call__(  # noqa: D102
        self, rows: Iterable[Runbook], *, at: datetime | None = None
    ) -> Mapping[int, Standing]: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a question, best first.

    ``situations`` has at most the requested number of situations, with their runbooks. ``unknown``
    are words of the question, as typed, that the index lacks. ``more`` is true if more entries were
    found than are compared at once. ``by_title`` is true if the index could not be read and only
    titles and names were searched.
    """

    question: str
    runbooks: Sequence[Found] = ()
    situation_pks: Sequence[int] = ()
    situations: Sequence[Situation] = ()
    unknown: Sequence[str] = ()
    words: frozenset[str] = frozenset()
    more: bool = False
    by_title: bool = False

    def hits(self, found: Iterable[Found]) -> list[RunbookHit]:
        """Return some of the runbooks as they are shown."""
        return hits_of(found, self.words)


@dataclass(frozen=True, slots=True)
class Asked:
    """Conditions of a search besides its words.

    ``standings`` returns which runbooks are live-ready at the moment ``at`` (aware; None for now).
    ``only`` are the keys of the runbooks that may be found, which excludes situations; None for
    all. ``situations`` is the maximum number of situations to load with their runbooks.
    """

    standings: Standings
    only: list[int] | None = None
    at: datetime | None = None
    situations: int = 0


def answer(
    question: str,
    *,
    standings: Standings,
    among: QuerySet[Runbook] | None = None,
    at: datetime | None = None,
    situations: int = 0,
) -> Answer:
    """Return the answer to a question, best first.

    If the index cannot be read, only titles and names are searched.

    :param standings: returns the standings of many runbooks at once; it takes ``at``.
    :param among: find only these runbooks, and no situations; by default all of both.
    :param at: the moment for which a runbook is live-ready or not (aware; now by default).
    :param situations: the maximum number of situations to load with their runbooks.
    """
    asked = Asked(
        standings,
        None if among is None else list(among.values_list("pk", flat=True)),
        at,
        situations,
    )
    try:
        known = vocabulary()
        if known is not None:
            return _from_index(question, known.wanted(terms_of(question)), asked)
        logger.error("The search index was never built. Run 'manage.py rebuild_search'.")
    except DatabaseError:
        logger.exception("The search index cannot be read. Run 'manage.py rebuild_search'.")
    return _by_title(question, asked)


def _from_index(question: str, wanted: Sequence[Wanted], asked: Asked) -> Answer:
    found = Answer(
        question, unknown=[each.term.written for each in wanted if not each.alternatives]
    )
    meant = [each for each in wanted if each.alternatives]
    if not meant:
        return found
    inquiry = Inquiry(comparable(question), meant, asked.only)
    scores = inquiry.scores()
    found = replace(
        found,
        situation_pks=_situations_in_order(
            {each.situation: score for each, score in scores if each.situation}
        ),
        words=frozenset(
            word for each in meant for other in each.alternatives for word in other.word.split()
        ),
        more=inquiry.more,
    )
    return _with_live_rows(
        found,
        {each.runbook: (score, each.document) for each, score in scores if each.runbook},
        asked,
    )


def _by_title(question: str, asked: Asked) -> Answer:
    allowed = None if asked.only is None else set(asked.only)
    runbooks = [pk for pk in _runbooks_by_title(question) if allowed is None or pk in allowed]
    found = Answer(
        question,
        situation_pks=_situations_by_title(question) if allowed is None else (),
        words=frozenset(term.word for term in terms_of(question)),
        more=len(runbooks) > MAX_CANDIDATES,
        by_title=True,
    )
    scores = {
        pk: (Score(OTHER, 1 / place, 1.0), None)
        for place, pk in enumerate(runbooks[:MAX_CANDIDATES], start=1)
    }
    return _with_live_rows(found, scores, asked)


def holding(queryset: Any, text: str) -> Any:
    """Return the runbooks of a queryset in which the search finds every word, unsorted.

    If the text has no word, or one that the index lacks, or if the index cannot be read, the text
    is searched for as it is.
    """
    try:
        known = vocabulary()
        wanted = known.wanted(terms_of(text)) if known else ()
        if not wanted or not all(each.alternatives for each in wanted):
            return queryset.matching(text)
        dialect = dialect_of(connection)
        query, parameters = dialect.holding(
            [[each.word for each in term.alternatives] for term in wanted]
        )
        found = [pk for (pk,) in dialect.rows(connection, query, parameters)]
    except DatabaseError:
        logger.exception("The search index cannot be read. Run 'manage.py rebuild_search'.")
        return queryset.matching(text)
    return queryset.filter(pk__in=found)


def _with_live_rows(found: Answer, scores: Scores, asked: Asked) -> Answer:
    """Return the answer with its runbooks and situations, all from live rows.

    Layers and clusters are loaded for all rows at once. All statements about a runbook that was
    found come from the same row.
    """
    situations = _situations(found.situation_pks[: asked.situations])
    rows = list(Runbook.objects.with_document().filter(pk__in=scores).order_by())
    shown = [*rows, *(step.runbook for situation in situations for step in situation.steps.all())]
    # The scope of a signature is needed to determine a standing.
    claiming = [row for row in shown if row.readiness_level == ReadinessLevel.READY]
    prefetch_related_objects(claiming, "primary_cluster", "layers", "related_clusters")
    found_out = asked.standings(shown, at=asked.at)
    for row in shown:
        row.standing = found_out[row.pk]
    return replace(found, situations=situations, runbooks=_in_order(rows, scores))


def _situations(pks: Sequence[int]) -> list[Situation]:
    """Return situations in this order, with their steps in order and the runbooks' live rows."""
    texts = [f"runbook__document__{name}" for name in ("text", "html", "contents")]
    runbooks = SituationRunbook.objects.select_related("runbook__document")
    steps = Prefetch("steps", runbooks.defer(*texts).order_by("position", "pk"))
    rows = Situation.objects.prefetch_related(steps).in_bulk(list(pks)) if pks else {}
    return [rows[pk] for pk in pks if pk in rows]


def _in_order(rows: list[Runbook], scores: Scores) -> list[Found]:
    """Return the runbooks sorted by tier, points and position in the landscape."""
    rows.sort(
        key=lambda row: (
            *scores[row.pk][0].place(live_ready=row.standing.is_live_ready),
            row.position,
            row.pk,
        )
    )
    return [_found(row, *scores[row.pk]) for row in rows]


def _found(runbook: Runbook, score: Score, document: int | None) -> Found:
    return Found(runbook, runbook.standing, score.passage, document, score.unsigned)


def _situations_in_order(scores: dict[int, Score]) -> list[int]:
    return sorted(scores, key=lambda pk: (*scores[pk].place(live_ready=False), pk))


def _runbooks_by_title(question: str) -> list[int]:
    """Return the keys of runbooks whose names have words that begin with a word of the question.

    Titles and further names are searched. Those that match the most words come first.
    """
    titles = Runbook.objects.values_list("pk", "title")
    names = RunbookAlias.objects.values_list("runbook", "name")
    return _by_words(terms_of(question), [*titles, *names])


def _situations_by_title(question: str) -> list[int]:
    """Return the keys of situations whose title has words that begin with a word of the question.

    Those that match the most words come first.
    """
    return _by_words(terms_of(question), Situation.objects.values_list("pk", "title"))


def _by_words(terms: Iterable[Term], named: Named) -> list[int]:
    found: dict[int, set[str]] = defaultdict(set)
    for pk, name in named:
        text = folded(name)
        found[pk].update(term.word for term in terms if f" {term.word}" in text)
    # Those that match equally many words stay in the order of the landscape.
    return sorted((pk for pk, words in found.items() if words), key=lambda pk: -len(found[pk]))
