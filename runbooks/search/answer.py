"""An answer to a question: the index says what is found, the live rows say what it is worth."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from runbooks.choices import ReadinessLevel
from runbooks.models import Runbook, SearchEntry, SearchPassage, SearchStamp, SearchWord, Situation
from runbooks.models.search import synonym_groups
from runbooks.search import ranking
from runbooks.search.databases import dialect_of
from runbooks.search.ranking import EntryWords, PassageWords, Score
from runbooks.search.snippets import Part, marked, snippet
from runbooks.search.text import comparable, terms_of
from runbooks.search.vocabulary import Vocabulary, Wanted

MOST_CANDIDATES = 40
# So many are compared by their sections as well; fetching the words of all would cost more than it finds.
MOST_READ = 20
# Entries that hold every word: with so many there is no need to look at those that hold some.
ENOUGH = 10
# A word that tells less than this share of the most telling one finds nothing by itself.
TELLING = 0.35
WORD_COLUMNS = tuple(ranking.FIELD_WEIGHTS)
COLUMNS = ("id", "runbook_id", "situation_id", "exact_titles", "exact_names", *WORD_COLUMNS)

_vocabularies: dict[str, Vocabulary] = {}


@dataclass(frozen=True, slots=True)
class Found:
    """A runbook that was found: its key, where it stands now, and the section that answers best, if any."""

    pk: int
    level: str
    live_ready: bool
    passage: int | None


@dataclass(frozen=True, slots=True)
class RunbookHit:
    """A runbook as it is shown among the hits, with the section it is found in."""

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

    def heading_parts(self) -> list[Part]:
        """The section's heading, with what was sought marked."""
        return marked(self.heading, self.words)

    def snippet_parts(self) -> list[Part]:
        """A piece of the section's text."""
        return snippet(self.passage_text, self.words)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question brings, best first. ``unknown`` are its words, as typed, that stand nowhere.

    ``more`` says that there were more entries than are compared at once.
    """

    question: str
    runbooks: Sequence[Found] = ()
    situation_pks: Sequence[int] = ()
    unknown: Sequence[str] = ()
    words: frozenset[str] = frozenset()
    more: bool = False

    def hits(self, found: Iterable[Found]) -> list[RunbookHit]:
        """Some of the runbooks as they are shown, from the live rows."""
        wanted = list(found)
        rows = _shown(wanted)
        sections = SearchPassage.objects.filter(pk__in=[each.passage for each in wanted if each.passage])
        passages = {pk: rest for pk, *rest in sections.values_list("pk", "heading", "anchor", "text")}
        hits = []
        for each in wanted:
            row = rows.get(each.pk)
            if row is None:
                continue  # deleted a moment ago
            heading, anchor, text = passages.get(each.passage or 0, ("", "", ""))
            if row.text_changed:
                heading, anchor, text = "", "", ""  # its page shows the signed text, and this is of another
            # Asked again of the very row that is shown: nothing may stand between it and its mark.
            ready = each.live_ready and not row.reasons_against_live()
            hits.append(RunbookHit(row, ready, heading, anchor, text or row.scope, self.words))
        return hits

    def situations(self, most: int) -> list[Situation]:
        """The first so many situations, with their runbooks."""
        rows = Situation.objects.with_steps().in_bulk(list(self.situation_pks[:most]))
        return [rows[pk] for pk in self.situation_pks[:most] if pk in rows]


def _shown(found: Sequence[Found]) -> dict[int, Runbook]:
    """The live rows; with layers and clusters where a signature covers them, which is where they cost something."""
    rows = Runbook.objects.with_document().in_bulk([each.pk for each in found])
    claiming = [pk for pk, row in rows.items() if row.readiness_level == ReadinessLevel.READY]
    if claiming:
        rows.update(Runbook.objects.with_catalogue().in_bulk(claiming))
    return rows


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
        if stamp:  # without one nobody would tell when it is old
            _vocabularies[stamp] = known
    return known


def answer(question: str, *, among: QuerySet[Runbook] | None = None, at: datetime | None = None) -> Answer:
    """What a question brings, best first.

    :param among: only these runbooks, and no situations; all of both by default.
    :param at: the moment for which a runbook is live-ready or not (aware; now by default).
    """
    wanted = vocabulary().wanted(terms_of(question))
    unknown = [each.term.written for each in wanted if not each.alternatives]
    meant = [each for each in wanted if each.alternatives]
    if not meant:
        return Answer(question, unknown=unknown)
    search = _Search(comparable(question), meant, None if among is None else list(among.values_list("pk", flat=True)))
    scores = search.scores()
    return Answer(
        question,
        runbooks=_in_order({each.runbook: score for each, score in scores if each.runbook}, at),
        situation_pks=_situations_in_order({each.situation: score for each, score in scores if each.situation}),
        unknown=unknown,
        words=frozenset(word for each in meant for other in each.alternatives for word in other.word.split()),
        more=search.more,
    )


def holding(queryset: Any, text: str) -> Any:
    """A queryset of runbooks narrowed to those in which every word is found, as the search finds it; not sorted.

    Where the text has no word, or one that the index lacks, its signs are looked for as they are.
    """
    wanted = vocabulary().wanted(terms_of(text))
    if not wanted or not all(each.alternatives for each in wanted):
        return queryset.matching(text)
    dialect = dialect_of(connection)
    query, parameters = dialect.holding([[each.word for each in term.alternatives] for term in wanted])
    entries = [pk for (pk,) in dialect.rows(connection, query, parameters)]
    return queryset.filter(search_entry__in=entries)


def _in_order(scores: dict[int, Score], at: datetime | None) -> list[Found]:
    """The runbooks by tier and points, from their live rows."""
    rows = list(Runbook.objects.filter(pk__in=scores).order_by().values_list("pk", "readiness_level", "position"))
    claiming = [pk for pk, level, _ in rows if level == ReadinessLevel.READY]
    candidates: Any = Runbook.objects.with_catalogue().filter(pk__in=claiming) if claiming else ()
    live = {row.pk for row in candidates if not row.reasons_against_live(at=at)}
    rows.sort(key=lambda row: (*scores[row[0]].place(live_ready=row[0] in live), row[2], row[0]))
    return [Found(pk, level, pk in live, scores[pk].passage) for pk, level, _ in rows]


def _situations_in_order(scores: dict[int, Score]) -> list[int]:
    return sorted(scores, key=lambda pk: (*scores[pk].place(live_ready=False), pk))


@dataclass(frozen=True, slots=True)
class _Candidate:
    entry: int
    runbook: int | None
    situation: int | None
    exact_titles: str
    exact_names: str
    columns: dict[str, str]

    def words(self, passages: Sequence[PassageWords] = ()) -> EntryWords:
        return EntryWords(self.entry, self.columns, self.exact_titles, self.exact_names, passages)


def _candidate(
    entry: int, runbook: int | None, situation: int | None, titles: str, names: str, *words: str
) -> _Candidate:
    """From a row of ``COLUMNS``."""
    return _Candidate(entry, runbook, situation, titles, names, dict(zip(WORD_COLUMNS, words, strict=True)))


@dataclass
class _Search:
    """One question on its way through the index. ``only`` are the runbooks that may be found; None for all."""

    question: str
    wanted: Sequence[Wanted]
    only: list[int] | None
    more: bool = field(init=False, default=False)

    def scores(self) -> list[tuple[_Candidate, Score]]:
        """Every hit with its score: all by their own words, the best of them by their sections as well."""
        candidates = self._candidates()
        first = {each.entry: self._score(each) for each in candidates}
        likely = sorted(candidates, key=lambda each: (*first[each.entry].place(live_ready=False), each.entry))[
            :MOST_READ
        ]
        passages = self._passages([each.entry for each in likely if each.runbook])
        for each in likely:
            first[each.entry] = self._score(each, passages[each.entry])
        return [(each, first[each.entry]) for each in candidates if first[each.entry].found >= ranking.LEAST_FOUND]

    def _score(self, candidate: _Candidate, passages: Sequence[PassageWords] = ()) -> Score:
        return ranking.score(candidate.words(passages), self.wanted, question=self.question)

    def _candidates(self) -> list[_Candidate]:
        """The likeliest entries: those that hold every word, then those that hold some."""
        found = self._matching(self.wanted, every=True)
        if len(self.wanted) > 1 and len(found) < ENOUGH:
            # What holds nothing but words that say little is no hit in the end.
            most = max(term.weight for term in self.wanted)
            telling = [term for term in self.wanted if term.weight >= TELLING * most]
            found = {**found, **self._matching(telling, every=False)}
        self.more = len(found) >= MOST_CANDIDATES
        return list(found.values())[:MOST_CANDIDATES]

    def _matching(self, terms: Sequence[Wanted], *, every: bool) -> dict[int, _Candidate]:
        groups = [[each.word for each in term.alternatives] for term in terms]
        dialect = dialect_of(connection)
        query, parameters = dialect.matching(
            groups, columns=COLUMNS, every=every, only=self.only, limit=MOST_CANDIDATES
        )
        rows = dialect.rows(connection, query, parameters)
        return {row[0]: _candidate(*row) for row in rows}

    def _passages(self, entries: Iterable[int]) -> dict[int, list[PassageWords]]:
        found: dict[int, list[PassageWords]] = defaultdict(list)
        rows = SearchPassage.objects.filter(entry__in=list(entries)).order_by()  # sorting them costs more than it tells
        for pk, entry, heading, text in sorted(rows.values_list("pk", "entry", "folded_heading", "folded")):
            found[entry].append(PassageWords(pk, heading, text))
        return found
