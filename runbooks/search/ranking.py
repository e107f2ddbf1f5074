"""How well an entry answers a question. Pure: imports no Django, so that both databases sort alike.

Exact title, then exact situation, then how much of the question is found where: title, situation,
heading, body. Among hits that are about equally good a live-ready runbook stands first; no hit is
hidden for not being so.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from runbooks.search.places import Places
from runbooks.search.vocabulary import Wanted

# How much a word counts by where it stands.
FIELD_WEIGHTS: Mapping[str, float] = {
    "title": 3.0,
    "names": 2.6,
    "later_names": 1.3,
    "headings": 1.2,
    "facts": 1.0,
}
BODY_WEIGHT = 0.5
# A word that stands in a second place as well confirms the first.
CONFIRMED = 0.2
PASSAGE_WEIGHT, PASSAGE_HEADING = 0.9, 0.8
# A whole question in one title or situation name.
ALL_IN_TITLE, ALL_IN_NAMES = 0.5, 0.35
LIVE_READY = 1.1
# Below this share of the question an entry is no hit.
MIN_FOUND = 0.4
EXACT_TITLE, EXACT_NAME, OTHER = 0, 1, 2

Padded = Sequence[tuple[str, float]]  # words with spaces around them, each with its quality


@dataclass(frozen=True, slots=True)
class EntryWords:
    """The folded words of an entry by column; ``exact_titles`` and ``exact_names`` are whole names, one a line."""

    key: int
    columns: Mapping[str, str]
    exact_titles: str
    exact_names: str


@dataclass(frozen=True, slots=True)
class Score:
    """Where an entry belongs: a lower tier first, then higher points.

    ``passage`` is the position of the best one, if any. ``unsigned``: a word of the question stands in
    the newer text alone.
    """

    tier: int
    points: float
    found: float
    passage: int | None = None
    unsigned: bool = False

    def place(self, *, live_ready: bool) -> tuple[int, float]:
        """What to sort by, smallest first."""
        return self.tier, -self.points * (LIVE_READY if live_ready else 1)


class InColumns(NamedTuple):
    """How well an entry's own columns answer: of each term its value and best quality, and all terms in one name."""

    terms: Sequence[tuple[float, float]]
    title: float
    names: float


def in_columns(entry: EntryWords, wanted: Sequence[Wanted]) -> InColumns:
    """Return how well the columns answer; whatever the places say, this stays.

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
    """Return how well an entry answers.

    :param wanted: terms that all have alternatives.
    :param question: the question as ``runbooks.search.text.comparable`` makes it.
    :param columns: what ``in_columns`` says of the entry.
    :param places: where the words of its document stand; None where that was not asked.
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
    """Of each term the alternatives that any of the texts holds at all: few of many, asked once for all texts."""
    whole = "".join(texts)
    return [[(word, quality) for word, quality in each.padded if word in whole] for each in wanted]


def _quality(text: str, padded: Iterable[tuple[str, float]]) -> float:
    """Of the best alternative that a text holds; 0 where it holds none."""
    for word, quality in padded:  # best first
        if word in text:
            return quality
    return 0.0


def _in_fields(entry: EntryWords, padded: Padded) -> tuple[float, float]:
    """The value of a term in the entry's own fields, and the best quality in which it stands there."""
    best_value = best_quality = total = 0.0
    for name, weight in FIELD_WEIGHTS.items():
        quality = _quality(entry.columns[name], padded) if padded else 0.0
        if quality:
            total += weight * quality
            best_value = max(best_value, weight * quality)
            best_quality = max(best_quality, quality)
    return best_value + CONFIRMED * (total - best_value), best_quality


def _all_in(text: str, wanted: Iterable[Padded]) -> float:
    """How surely every term stands in a text: the least quality, 0 where one is missing."""
    return min((_quality(text, padded) for padded in wanted), default=0.0)


def _best_passage(
    places: Places | None, wanted: Sequence[Wanted]
) -> tuple[int | None, float, dict[str, float]]:
    """The position of the passage that answers best, its points, and the quality in which each term stands in any.

    What only the newer text has is no passage that could be led to.
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
    """The best quality in which a term stands in the text, and in the heading, of each passage that holds it."""
    in_text: dict[str, float] = {}
    in_heading: dict[str, float] = {}
    for other in wanted.alternatives:  # best first
        text, heading = places.of(other.word)
        for position in text:
            in_text.setdefault(position, other.quality)
        for position in heading:
            in_heading.setdefault(position, other.quality)
    return in_text, in_heading
