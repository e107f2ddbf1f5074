"""How well an entry answers a question. Pure: imports no Django, so that both databases sort alike.

Exact title, then exact situation, then how much of the question is found where: title, situation, heading, body.
Among hits that are about equally good a live-ready runbook stands first; no hit is hidden for not being so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
LEAST_FOUND = 0.4
EXACT_TITLE, EXACT_NAME, OTHER = 0, 1, 2


@dataclass(frozen=True, slots=True)
class PassageWords:
    """The folded words of a passage, and its key."""

    key: int
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class EntryWords:
    """The folded words of an entry by column; ``exact_titles`` and ``exact_names`` are whole names, one a line."""

    key: int
    columns: Mapping[str, str]
    exact_titles: str
    exact_names: str
    passages: Sequence[PassageWords] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """Where an entry belongs: a lower tier first, then higher points. ``passage`` is the key of the best one, if any."""

    tier: int
    points: float
    found: float
    passage: int | None = None

    def place(self, *, live_ready: bool) -> tuple[int, float]:
        """What to sort by, smallest first."""
        return self.tier, -self.points * (LIVE_READY if live_ready else 1)


def score(entry: EntryWords, wanted: Sequence[Wanted], *, question: str) -> Score:
    """How well an entry answers.

    :param question: the question as ``runbooks.search.text.comparable`` makes it.
    """
    meant = [each for each in wanted if each.alternatives]
    whole = sum(each.weight for each in meant) or 1.0
    best, points, found = _best_passage(entry, meant)
    fields = [_in_fields(entry, each) for each in meant]
    total = PASSAGE_WEIGHT * points
    covered = 0.0
    for each, (value, quality) in zip(meant, fields, strict=True):
        in_passage = found.get(each.term.word, 0.0)
        total += each.weight * (value or BODY_WEIGHT * in_passage)
        covered += each.weight * max(quality, in_passage)
    total += whole * (ALL_IN_TITLE * _all_in(entry.columns["title"], meant))
    total += whole * (ALL_IN_NAMES * _all_in(entry.columns["names"], meant))
    share = covered / whole
    return Score(_tier(entry, question), total / whole * (0.5 + 0.5 * share), share, best)


def _tier(entry: EntryWords, question: str) -> int:
    if question and question in entry.exact_titles.split("\n"):
        return EXACT_TITLE
    if question and question in entry.exact_names.split("\n"):
        return EXACT_NAME
    return OTHER


def _quality(text: str, wanted: Wanted) -> float:
    """Of the best alternative that a text holds; 0 where it holds none."""
    for each in wanted.alternatives:  # best first
        if f" {each.word} " in text:
            return each.quality
    return 0.0


def _in_fields(entry: EntryWords, wanted: Wanted) -> tuple[float, float]:
    """The value of a term in the entry's own fields, and the best quality in which it stands there."""
    qualities = {name: _quality(entry.columns[name], wanted) for name in FIELD_WEIGHTS}
    values = sorted((FIELD_WEIGHTS[name] * quality for name, quality in qualities.items()), reverse=True)
    return values[0] + CONFIRMED * sum(values[1:]), max(qualities.values())


def _all_in(text: str, wanted: Sequence[Wanted]) -> float:
    """How surely every term stands in a text: the least quality, 0 where one is missing."""
    return min((_quality(text, each) for each in wanted), default=0.0)


def _best_passage(entry: EntryWords, wanted: Sequence[Wanted]) -> tuple[int | None, float, dict[str, float]]:
    """The passage that answers best, its points, and the quality in which each term stands in any passage."""
    best, most = None, 0.0
    found: dict[str, float] = {}
    for passage in entry.passages:
        points = 0.0
        for each in wanted:
            in_text, in_heading = _quality(passage.text, each), _quality(passage.heading, each)
            better = max(in_text, in_heading)
            if better:
                found[each.term.word] = max(better, found.get(each.term.word, 0.0))
                points += each.weight * (in_text + PASSAGE_HEADING * in_heading)
        if points > most:
            best, most = passage.key, points
    return best, most, found
