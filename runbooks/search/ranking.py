"""Ranking of entries. Pure: imports no Django, so that both databases sort in the same way.

An exact title comes first, then an exact situation, then the share of the question that is found
and where: title, situation, heading, body. Among nearly equal hits, a live-ready runbook comes
first. No hit is hidden because it is not live-ready.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from runbooks.search.places import Places
from runbooks.search.vocabulary import Wanted

# Weight of a word by the column in which it is found.
FIELD_WEIGHTS: Mapping[str, float] = {
    "title": 3.0,
    "names": 2.6,
    "later_names": 1.3,
    "headings": 1.2,
    "facts": 1.0,
}
BODY_WEIGHT = 0.5
# Factor for a word that is found in further columns.
CONFIRMED = 0.2
PASSAGE_WEIGHT, PASSAGE_HEADING = 0.9, 0.8
# Bonus for a whole question in one title or situation name.
ALL_IN_TITLE, ALL_IN_NAMES = 0.5, 0.35
LIVE_READY = 1.1
# An entry with a smaller share of the question is not a hit.
MIN_FOUND = 0.4
EXACT_TITLE, EXACT_NAME, OTHER = 0, 1, 2

Padded = Sequence[tuple[str, float]]  # words between spaces, each with its quality


@dataclass(frozen=True, slots=True)
class EntryWords:
    """The folded words of an entry by column.

    ``exact_titles`` and ``exact_names`` are whole names, one per line.
    """

    key: int
    columns: Mapping[str, str]
    exact_titles: str
    exact_names: str


@dataclass(frozen=True, slots=True)
class Score:
    """The rank of an entry: a lower tier first, then more points.

    ``passage`` is the position of the best one, if any. ``unsigned`` is true if a word of the
    question is only in the newer, unsigned text.
    """

    tier: int
    points: float
    found: float
    passage: int | None = None
    unsigned: bool = False

    def place(self, *, live_ready: bool) -> tuple[int, float]:
        """Return the sort key, smallest first."""
        return self.tier, -self.points * (LIVE_READY if live_ready else 1)


class InColumns(NamedTuple):
    """How well the columns of an entry match.

    ``terms`` has the value and the best quality of each term. ``title`` and ``names`` are the
    smallest quality of the terms in that column; 0 if one is missing.
    """

    terms: Sequence[tuple[float, float]]
    title: float
    names: float


def in_columns(entry: EntryWords, wanted: Sequence[Wanted]) -> InColumns:
    """Return how well the columns match. The result does not depend on the places.

    :param wanted: terms that all have alternatives.
    """
    held = _held(entry.columns.values(), wanted)
    return InColumns(
        [_in_fields(entry, each) for each in held],
        _all_in(entry.columns["title"], held),
        _all_in(entry.columns["names"], held),
    )


def score(
    entry: EntryWords,
    wanted: Sequence[Wanted],
    *,
    question: str,
    columns: InColumns,
    places: Places | None = None,
) -> Score:
    """Return how well an entry matches a question.

    :param wanted: terms that all have alternatives.
    :param question: the question in the form of ``runbooks.search.text.comparable``.
    :param columns: the result of ``in_columns`` for the entry.
    :param places: the places of its document's words; None if they were not loaded.
    """
    whole = sum(each.weight for each in wanted) or 1.0
    best, points, found = _best_passage(places, wanted)
    total = PASSAGE_WEIGHT * points
    covered, unsigned = 0.0, False
    for each, (value, quality) in zip(wanted, columns.terms, strict=True):
        in_passage = found.get(each.term.word, 0.0)
        if not value and not in_passage and places:
            in_passage = _quality(places.newer, each.padded)
            unsigned = unsigned or in_passage > 0
        total += each.weight * (value or BODY_WEIGHT * in_passage)
        covered += each.weight * max(quality, in_passage)
    total += whole * (ALL_IN_TITLE * columns.title + ALL_IN_NAMES * columns.names)
    share = covered / whole
    return Score(_tier(entry, question), total / whole * (0.5 + 0.5 * share), share, best, unsigned)


def _tier(entry: EntryWords, question: str) -> int:
    if question and question in entry.exact_titles.split("\n"):
        return EXACT_TITLE
    if question and question in entry.exact_names.split("\n"):
        return EXACT_NAME
    return OTHER


def _held(texts: Iterable[str], wanted: Iterable[Wanted]) -> list[Padded]:
    """Return for each term the alternatives that the texts contain, to test only these later."""
    whole = "".join(texts)
    return [[(word, quality) for word, quality in each.padded if word in whole] for each in wanted]


def _quality(text: str, padded: Iterable[tuple[str, float]]) -> float:
    """Return the quality of the best alternative that a text contains; 0 if it contains none."""
    for word, quality in padded:  # best first
        if word in text:
            return quality
    return 0.0


def _in_fields(entry: EntryWords, padded: Padded) -> tuple[float, float]:
    """Return the value of a term in the entry's columns, and its best quality there."""
    best_value = best_quality = total = 0.0
    for name, weight in FIELD_WEIGHTS.items():
        quality = _quality(entry.columns[name], padded) if padded else 0.0
        if quality:
            total += weight * quality
            best_value = max(best_value, weight * quality)
            best_quality = max(best_quality, quality)
    return best_value + CONFIRMED * (total - best_value), best_quality


def _all_in(text: str, wanted: Iterable[Padded]) -> float:
    """Return the smallest quality of the terms in a text; 0 if one is missing."""
    return min((_quality(text, padded) for padded in wanted), default=0.0)


def _best_passage(
    places: Places | None, wanted: Sequence[Wanted]
) -> tuple[int | None, float, dict[str, float]]:
    """Return the best passage, its points, and the best quality of each term in any passage.

    The passage is a position, or None if there is none. Words that only the newer text has are in
    no passage.
    """
    points: dict[str, float] = defaultdict(float)
    found: dict[str, float] = {}
    if places is None:
        return None, 0.0, found
    for each in wanted:
        in_text, in_heading = _in_passages(places, each)
        for position in {**in_text, **in_heading}:
            heading = PASSAGE_HEADING * in_heading.get(position, 0.0)
            points[position] += each.weight * (in_text.get(position, 0.0) + heading)
        found[each.term.word] = max((*in_text.values(), *in_heading.values()), default=0.0)
    if not points:
        return None, 0.0, found
    best = min(points, key=lambda position: (-points[position], int(position)))
    return int(best), points[best], found


def _in_passages(places: Places, wanted: Wanted) -> tuple[dict[str, float], dict[str, float]]:
    """Return the best quality of a term in the text and in the heading of each passage with it."""
    in_text: dict[str, float] = {}
    in_heading: dict[str, float] = {}
    for other in wanted.alternatives:  # best first
        text, heading = places.of(other.word)
        for position in text:
            in_text.setdefault(position, other.quality)
        for position in heading:
            in_heading.setdefault(position, other.quality)
    return in_text, in_heading
