"""The words of the index, and which of them a word of a question may mean. Pure: imports no Django.

Prefixes, parts of compounds, endings, typing errors and synonyms are resolved here, so that both
databases are asked for whole words only.
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
# Quality of an alternative: 1 for the word itself, less for another one.
AS_TYPED, OTHER_ENDING, SYNONYM, ONE_TYPO, TWO_TYPOS = 1.0, 0.9, 0.85, 0.7, 0.5


@dataclass(frozen=True, slots=True)
class Alternative:
    """A word or phrase of the index that a term may mean; ``quality`` is above 0 and at most 1."""

    word: str
    quality: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """A term with its alternatives, best first, and its weight: a rare word has a higher one.

    ``padded`` are the alternatives between spaces, each with its quality. They are computed once
    and compared many times.
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
    """The words of the index with the number of entries that contain each, and the synonyms.

    :param counts: the number of entries by word.
    :param entries: the number of all entries.
    :param synonyms: groups of folded words or phrases with the same meaning.
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
        """Return each term with its alternatives. An unknown term has none."""
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
        """Return the inverse document frequency of the most common good alternative."""
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
        """Yield words that begin with this one or have it as part of a compound."""
        if len(word) < MIN_PREFIX_LENGTH:
            return
        pattern = word if len(word) >= MIN_PART_LENGTH else f" {word}"
        for other in self._holding(pattern):
            if "_" in other and "_" not in word:
                continue  # the parts of an identifier are indexed as words
            share = len(word) / len(other)
            if other.startswith(word):
                yield other, 0.45 + 0.4 * share
            else:
                yield other, (0.4 if other.endswith(word) else 0.3) + 0.4 * share

    def _contained(self, word: str) -> Iterable[tuple[str, float]]:
        """Yield words that a compound of the question begins or ends with.

        "alertpipeline" means "alert" and "pipeline".
        """
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
        """Yield the words that contain a pattern, each once, in order.

        A space in the pattern matches the edge of a word.
        """
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
        """Yield a synonym's forms in the index: a phrase as it is, a word with any ending."""
        if " " in phrase:
            if all(word in self.counts for word in phrase.split()):
                yield phrase, SYNONYM
            return
        for word in self._stems.get(stem(phrase), ()):
            yield word, SYNONYM if word == phrase else SYNONYM * OTHER_ENDING

    def _synonyms_of_phrases(self, terms: tuple[Term, ...]) -> dict[str, dict[str, float]]:
        """Return the synonyms of phrases in the question by word of the phrase.

        Each word of the phrase may then be found as the synonym.
        """
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
