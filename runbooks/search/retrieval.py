"""Entries that the index finds for a question, each with its score.

This module does not use the readiness of a runbook. All of its functions raise
``django.db.DatabaseError`` if the index cannot be read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import connection

from runbooks.models import SearchEntry, SearchPlaces, SearchStamp, SearchWord
from runbooks.models.search import synonym_groups
from runbooks.search import ranking
from runbooks.search.databases import dialect_of
from runbooks.search.places import Places
from runbooks.search.ranking import EntryWords, InColumns, Score
from runbooks.search.vocabulary import Vocabulary, Wanted

MAX_CANDIDATES = 40
# At most this number is also compared by sections. Loading the words of all would cost more than
# it finds.
MAX_READ = 20
# If this number of entries contains every word, entries that contain some are not searched.
ENOUGH = 10
# A word with less than this share of the highest weight finds nothing by itself.
TELLING = 0.35
WORD_COLUMNS = tuple(ranking.FIELD_WEIGHTS)
COLUMNS = (
    "id",
    "runbook_id",
    "situation_id",
    "document_id",
    "exact_titles",
    "exact_names",
    *WORD_COLUMNS,
)

_vocabularies: dict[str, Vocabulary] = {}


def vocabulary() -> Vocabulary | None:
    """Return the present words of the index, or None if it was never built.

    They are cached by the index's stamp, which is read at every call.
    """
    # Called at every key press, so it does not use the ORM, which would take most of the time.
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT value FROM {SearchStamp._meta.db_table} WHERE id = 1")
        row = cursor.fetchone()
    if row is None:
        return None
    (stamp,) = row
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


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry of a runbook or a situation that contains words of the question.

    ``entry``, ``runbook`` and ``situation`` are primary keys. ``document`` is the key of the text
    that its sections belong to.
    """

    entry: int
    runbook: int | None
    situation: int | None
    document: int | None
    exact_titles: str
    exact_names: str
    columns: dict[str, str]

    def words(self) -> EntryWords:
        """Return the words that are scored."""
        return EntryWords(self.entry, self.columns, self.exact_titles, self.exact_names)


def _candidate(row: tuple[Any, ...]) -> Candidate:
    """Return the candidate from a row of ``COLUMNS``."""
    entry, runbook, situation, document, titles, names, *words = row
    return Candidate(
        entry,
        runbook,
        situation,
        document,
        titles,
        names,
        dict(zip(WORD_COLUMNS, words, strict=True)),
    )


@dataclass
class Inquiry:
    """A question in the index. ``only`` are the runbooks that may be found; None for all.

    ``more`` is set by ``scores``: whether more entries were found than are compared at once.
    """

    question: str
    wanted: Sequence[Wanted]
    only: list[int] | None
    more: bool = field(init=False, default=False)

    def scores(self) -> list[tuple[Candidate, Score]]:
        """Return every hit with its score.

        All are scored by their own words, and the best of them by their sections too. The passage
        of a score is its primary key.
        """
        candidates = self._candidates()
        columns = {each.entry: ranking.in_columns(each.words(), self.wanted) for each in candidates}
        first = {each.entry: self._score(each, columns[each.entry]) for each in candidates}
        likely = sorted(
            candidates, key=lambda each: (*first[each.entry].place(live_ready=False), each.entry)
        )
        places = _places([each.runbook for each in likely[:MAX_READ] if each.runbook])
        for each in likely[:MAX_READ]:
            if each.runbook in places:
                where, keys = places[each.runbook]
                score = self._score(each, columns[each.entry], where)
                key = None if score.passage is None else keys[score.passage]
                first[each.entry] = replace(score, passage=key)
        return [
            (each, first[each.entry])
            for each in candidates
            if first[each.entry].found >= ranking.MIN_FOUND
        ]

    def _score(
        self, candidate: Candidate, columns: InColumns, places: Places | None = None
    ) -> Score:
        return ranking.score(
            candidate.words(), self.wanted, question=self.question, columns=columns, places=places
        )

    def _candidates(self) -> list[Candidate]:
        """Return the best entries: first those with every word, then those with some."""
        found = self._matching(self.wanted, every=True)
        if len(self.wanted) > 1 and len(found) < ENOUGH:
            # An entry that only contains words of little weight would not be a hit in the end.
            most = max(term.weight for term in self.wanted)
            telling = [term for term in self.wanted if term.weight >= TELLING * most]
            found = {**found, **self._matching(telling, every=False)}
        self.more = len(found) >= MAX_CANDIDATES
        return list(found.values())[:MAX_CANDIDATES]

    def _matching(self, terms: Sequence[Wanted], *, every: bool) -> dict[int, Candidate]:
        groups = [[each.word for each in term.alternatives] for term in terms]
        dialect = dialect_of(connection)
        query, parameters = dialect.matching(
            groups, columns=COLUMNS, every=every, only=self.only, limit=MAX_CANDIDATES
        )
        rows = dialect.rows(connection, query, parameters)
        return {row[0]: _candidate(row) for row in rows}


def _places(runbooks: Sequence[int]) -> dict[int, tuple[Places, list[int]]]:
    """Return the places of each runbook's words, and the keys of its passages in order.

    They are looked up by runbook and not by entry, because the entries have other keys if the
    tables were just created again. One query loads both, so that positions and keys belong to the
    same text.
    """
    with connection.cursor() as cursor:
        # Called at every key press, so it does not use the ORM.
        several = ", ".join(["%s"] * len(runbooks)) or "NULL"
        cursor.execute(
            f"SELECT runbook_id, words, newer, ({dialect_of(connection).PASSAGES})"
            f" FROM {SearchEntry._meta.db_table} entry"
            f" JOIN {SearchPlaces._meta.db_table} places ON places.entry_id = entry.id"
            f" WHERE runbook_id IN ({several})",
            runbooks,
        )
        return {
            runbook: (Places(words, newer), [int(key) for key in (keys or "").split(",") if key])
            for runbook, words, newer, keys in cursor.fetchall()
        }
