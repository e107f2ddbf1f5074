"""An answer to a question: the index says what is found, the live rows say what it is worth."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from runbooks.models import Runbook, SearchEntry, SearchPassage, SearchStamp, SearchWord, Situation
from runbooks.models.search import synonym_groups
from runbooks.search import ranking
from runbooks.search.databases import dialect_of
from runbooks.search.ranking import EntryWords, PassageWords, Score
from runbooks.search.snippets import Part, marked, snippet
from runbooks.search.text import comparable, terms_of
from runbooks.search.vocabulary import Vocabulary, Wanted

MOST_CANDIDATES = 60
# So many are compared by their passages as well; fetching the words of all would cost more than it finds.
MOST_READ = 30
# Entries that hold every word: with so many there is no need to look at those that hold some.
ENOUGH = 10

_vocabularies: dict[str, Vocabulary] = {}


@dataclass(frozen=True, slots=True)
class RunbookHit:
    """A runbook as an answer, with the section it is found in."""

    runbook: Runbook
    live_ready: bool
    heading: str
    anchor: str
    passage_text: str
    words: frozenset[str]

    @property
    def address(self) -> str:
        """The runbook's page, at the section."""
        page = self.runbook.get_absolute_url()
        return f"{page}#{self.anchor}" if self.anchor else page

    def title_parts(self) -> list[Part]:
        """The title, with what was sought marked."""
        return marked(self.runbook.title, self.words)

    def heading_parts(self) -> list[Part]:
        """The section's heading, likewise."""
        return marked(self.heading, self.words)

    def snippet_parts(self) -> list[Part]:
        """A piece of the section's text."""
        return snippet(self.passage_text, self.words)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question brings. ``unknown`` are its words, as typed, that stand nowhere."""

    question: str
    runbooks: Sequence[RunbookHit] = ()
    situations: Sequence[Situation] = ()
    unknown: Sequence[str] = ()
    # Whether more entries matched than were compared.
    more: bool = False


def vocabulary() -> Vocabulary:
    """The words of the index as they are now. Kept by the index's stamp, which is read anew every time."""
    stamp = SearchStamp.objects.filter(pk=1).values_list("value", flat=True).first() or ""
    known = _vocabularies.get(stamp)
    if known is None:
        known = Vocabulary(
            counts=dict(SearchWord.objects.values_list("word", "count")),
            entries=SearchEntry.objects.count(),
            synonyms=synonym_groups(),
        )
        _vocabularies.clear()
        _vocabularies[stamp] = known
    return known


def answer(
    question: str, *, among: QuerySet[Runbook] | None = None, at: datetime | None = None
) -> Answer:
    """What a question brings, best first.

    :param among: only these runbooks, and no situations; all of both by default.
    :param at: the moment for which a runbook is live-ready or not (aware; now by default).
    """
    terms = terms_of(question)
    wanted = vocabulary().wanted(terms)
    unknown = [each.term.written for each in wanted if not each.alternatives]
    if not any(each.alternatives for each in wanted):
        return Answer(question, unknown=unknown)
    search = _Search(question, wanted, among, at)
    return Answer(question, search.runbooks(), search.situations(), unknown, search.more)


@dataclass
class _Search:
    """One question on its way through index and live rows."""

    question: str
    wanted: Sequence[Wanted]
    among: QuerySet[Runbook] | None
    at: datetime | None
    more: bool = field(init=False, default=False)

    @cached_property
    def candidates(self) -> list[int]:
        """Ids of entries, the likeliest first: those that hold every word, then those that hold some."""
        groups = [[each.word for each in term.alternatives] for term in self.wanted if term.alternatives]
        only = None if self.among is None else list(self.among.values_list("pk", flat=True))
        found = self._matching(groups, True, only)
        if len(groups) > 1 and len(found) < ENOUGH:
            found = list(dict.fromkeys([*found, *self._matching(groups, False, only)]))
        self.more = len(found) >= MOST_CANDIDATES
        return found[:MOST_CANDIDATES]

    def _matching(self, groups: list[list[str]], every: bool, only: list[int] | None) -> list[int]:
        query, parameters = dialect_of(connection).matching(groups, every=every, only=only, limit=MOST_CANDIDATES)
        with connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return [pk for (pk,) in cursor.fetchall()]

    @cached_property
    def entries(self) -> dict[int, SearchEntry]:
        """The candidates without their bodies."""
        return SearchEntry.objects.defer("body").in_bulk(self.candidates)

    @cached_property
    def scores(self) -> dict[int, Score]:
        """The score of every candidate that is a hit, by the entry's id."""
        question = comparable(self.question)
        first = {pk: ranking.score(self._words(pk), self.wanted, question=question) for pk in self.entries}
        read = sorted(first, key=lambda pk: (*first[pk].place(live_ready=False), pk))[:MOST_READ]
        passages = self._passages(read)
        for pk in read:
            first[pk] = ranking.score(self._words(pk, passages[pk]), self.wanted, question=question)
        return {pk: score for pk, score in first.items() if score.found >= ranking.LEAST_FOUND}

    def _words(self, pk: int, passages: Sequence[PassageWords] = ()) -> EntryWords:
        entry = self.entries[pk]
        columns = {name: getattr(entry, name) for name in ranking.FIELD_WEIGHTS}
        return EntryWords(pk, columns, entry.exact_titles, entry.exact_names, passages)

    def _passages(self, pks: Iterable[int]) -> dict[int, list[PassageWords]]:
        found: dict[int, list[PassageWords]] = defaultdict(list)
        rows = SearchPassage.objects.filter(entry__in=pks).order_by("entry", "position")
        for pk, entry, heading, text in rows.values_list("pk", "entry", "folded_heading", "folded"):
            found[entry].append(PassageWords(pk, heading, text))
        return found

    def runbooks(self) -> list[RunbookHit]:
        """The runbooks among the hits, in order, from the live rows."""
        scores = {self.entries[pk].runbook_id: score for pk, score in self.scores.items()}
        scores.pop(None, None)
        rows: Any = Runbook.objects.with_catalogue().filter(pk__in=scores)
        shown = [(row, not row.reasons_against_live(at=self.at)) for row in rows]
        shown.sort(key=lambda pair: (*scores[pair[0].pk].place(live_ready=pair[1]), pair[0].position, pair[0].pk))
        passages = SearchPassage.objects.defer("folded", "folded_heading").in_bulk(
            [score.passage for score in scores.values() if score.passage]
        )
        words = self._sought()
        return [self._hit(row, ready, passages.get(scores[row.pk].passage), words) for row, ready in shown]

    def _hit(self, row: Runbook, ready: bool, passage: SearchPassage | None, words: frozenset[str]) -> RunbookHit:
        if passage is None:
            return RunbookHit(row, ready, "", "", row.scope, words)
        return RunbookHit(row, ready, passage.heading, passage.anchor, passage.text or row.scope, words)

    def _sought(self) -> frozenset[str]:
        """Every word to be marked."""
        return frozenset(word for each in self.wanted for other in each.alternatives for word in other.word.split())

    def situations(self) -> list[Situation]:
        """The situations among the hits, in order."""
        if self.among is not None:
            return []
        scores = {self.entries[pk].situation_id: score for pk, score in self.scores.items()}
        scores.pop(None, None)
        rows = Situation.objects.with_steps().filter(pk__in=scores)
        return sorted(rows, key=lambda row: (*scores[row.pk].place(live_ready=False), row.position, row.pk))
