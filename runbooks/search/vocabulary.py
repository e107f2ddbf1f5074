"""The words of the index, and which of them a word of a question means. Pure: imports no Django.

Both databases are then asked for whole words alone: prefixes, parts of compounds, endings, typing
errors and synonyms are all decided here.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import log

from rapidfuzz import process
from rapidfuzz.distance import OSA

from runbooks.search.languages import stem
from runbooks.search.text import Term

MAX_ALTERNATIVES = 16
MIN_PREFIX_LENGTH = 2
MIN_PART_LENGTH = 4  # of a compound
MIN_WITH_TYPO_LENGTH = 4
TWO_TYPOS_FROM = 8
# How much a word counts that is not the very word of the question.
AS_TYPED, OTHER_ENDING, SYNONYM, ONE_TYPO, TWO_TYPOS = 1.0, 0.9, 0.85, 0.7, 0.5


@dataclass(frozen=True, slots=True)
class Alternative:
    """A word of the index, or several in a row, that a term may mean; ``quality`` is above 0 and at most 1."""

    word: str
    quality: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """A term with all that it may mean, best first, and how much it tells: a rare word more than a common one.

    ``padded`` are the alternatives as the index holds them, each with its quality: made once,
    compared many times.
    """

    term: Term
    alternatives: tuple[Alternative, ...]
    weight: float
    padded: tuple[tuple[str, float], ...] = field(init=False)

    def __post_init__(self) -> None:
        padded = tuple((f" {each.word} ", each.quality) for each in self.alternatives)
        object.__setattr__(self, "padded", padded)


@dataclass(slots=True)
class Vocabulary:
    """The index's words with the number of entries that hold each, and the synonyms in force.

    :param synonyms: groups of words or phrases, folded, that mean the same.
    """

    counts: Mapping[str, int]
    entries: int
    synonyms: Iterable[tuple[str, ...]] = ()
    _line: str = field(init=False, default="")
    _by_length: dict[int, list[str]] = field(init=False, default_factory=lambda: defaultdict(list))
    _stems: dict[str, list[str]] = field(init=False, default_factory=lambda: defaultdict(list))
    _meanings: dict[str, set[str]] = field(init=False, default_factory=lambda: defaultdict(set))

    def __post_init__(self) -> None:
        self._line = f" {' '.join(sorted(self.counts))} "
        for word in self.counts:
            self._by_length[len(word)].append(word)
            self._stems[stem(word)].append(word)
        for group in self.synonyms:
            for phrase in group:
                self._meanings[_stemmed(phrase)].update(other for other in group if other != phrase)

    def wanted(self, terms: tuple[Term, ...]) -> tuple[Wanted, ...]:
        """Each term with what it may mean; a term that means no word of the index has no alternatives."""
        phrases = self._synonyms_of_phrases(terms)
        found = []
        for term in terms:
            ranked = self._alternatives(term)
            for word, quality in phrases.get(term.word, {}).items():
                ranked[word] = max(quality, ranked.get(word, 0))
            best = sorted(
                ranked.items(), key=lambda item: (-item[1], -self.counts.get(item[0], 0), item[0])
            )
            alternatives = tuple(
                Alternative(word, quality) for word, quality in best[:MAX_ALTERNATIVES]
            )
            found.append(Wanted(term, alternatives, self._weight(alternatives)))
        return tuple(found)

    def _weight(self, alternatives: tuple[Alternative, ...]) -> float:
        """Inverse document frequency, of the most common of the good alternatives."""
        good = [each for each in alternatives if each.quality >= ONE_TYPO] or list(alternatives)
        count = max((self.counts.get(each.word, 1) for each in good), default=0)
        return log(1 + (self.entries + 1) / (count + 0.5))

    def _alternatives(self, term: Term) -> dict[str, float]:
        word = term.word
        ranked: dict[str, float] = {}
        for exact in (word, term.joined):
            if exact in self.counts:
                ranked[exact] = AS_TYPED
        for other in self._stems.get(stem(word), ()):
            ranked.setdefault(other, OTHER_ENDING)
        for other, quality in self._extended(word):
            ranked.setdefault(other, quality)
        if not ranked:
            ranked.update(self._mistyped(word))
        for other, quality in self._contained(word):
            ranked.setdefault(other, quality)
        for other, quality in self._synonyms(word):
            ranked[other] = max(quality, ranked.get(other, 0))
        return ranked

    def _extended(self, word: str) -> Iterable[tuple[str, float]]:
        """Words that begin with this one, or hold it as a part of a compound."""
        if len(word) < MIN_PREFIX_LENGTH:
            return
        pattern = word if len(word) >= MIN_PART_LENGTH else f" {word}"
        for other in self._holding(pattern):
            if "_" in other and "_" not in word:
                continue  # the parts of an identifier are words of their own
            share = len(word) / len(other)
            if other.startswith(word):
                yield other, 0.45 + 0.4 * share
            else:
                yield other, (0.4 if other.endswith(word) else 0.3) + 0.4 * share

    def _contained(self, word: str) -> Iterable[tuple[str, float]]:
        """Words that a compound of the question begins or ends with: "alertpipeline" means "alert" and "pipeline"."""
        for length in range(MIN_PART_LENGTH, len(word) - 2):
            for part in (word[:length], word[-length:]):
                if part in self.counts and not part.isdigit():
                    yield part, 0.25 + 0.5 * length / len(word)

    def _mistyped(self, word: str) -> Iterable[tuple[str, float]]:
        """Yield words one typing error away, or two for a long word.

        An error is a character missing, added or wrong, or two neighbours exchanged.
        """
        if len(word) < MIN_WITH_TYPO_LENGTH or word.isdigit():
            return
        most = 2 if len(word) >= TWO_TYPOS_FROM else 1
        lengths = range(len(word) - most, len(word) + most + 1)
        near = [other for length in lengths for other in self._by_length.get(length, ())]
        for other, errors, _ in process.extract(
            word, near, scorer=OSA.distance, score_cutoff=most, limit=None
        ):
            yield other, ONE_TYPO if errors == 1 else TWO_TYPOS

    def _holding(self, pattern: str) -> Iterable[str]:
        """The words in which a pattern is found; a space in it stands for a word's edge. Each once, in order."""
        line, at = self._line, self._line.find(pattern)
        while at >= 0:
            start = at + 1 if pattern[0] == " " else line.rfind(" ", 0, at + 1) + 1
            end = line.find(" ", start)
            yield line[start:end]
            at = line.find(pattern, end)

    def _synonyms(self, word: str) -> Iterable[tuple[str, float]]:
        for phrase in self._meanings.get(_stemmed(word), ()):
            yield from self._spelled(phrase)

    def _spelled(self, phrase: str) -> Iterable[tuple[str, float]]:
        """A synonym as the index writes it: several words as they are, one word with any ending."""
        if " " in phrase:
            if all(word in self.counts for word in phrase.split()):
                yield phrase, SYNONYM
            return
        for word in self._stems.get(stem(phrase), ()):
            yield word, SYNONYM if word == phrase else SYNONYM * OTHER_ENDING

    def _synonyms_of_phrases(self, terms: tuple[Term, ...]) -> dict[str, dict[str, float]]:
        """What several terms in a row mean together: each of them may then be found as the synonym."""
        found: dict[str, dict[str, float]] = defaultdict(dict)
        stems = [stem(term.word) for term in terms]
        for start in range(len(stems)):
            for end in range(start + 2, min(start + 4, len(stems)) + 1):
                for phrase in self._meanings.get(" ".join(stems[start:end]), ()):
                    for term in terms[start:end]:
                        found[term.word].update(self._spelled(phrase))
        return found


def _stemmed(phrase: str) -> str:
    return " ".join(stem(word) for word in phrase.split())
