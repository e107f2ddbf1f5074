"""Excerpts of texts, as parts that are marked or not. Pure: imports no Django, makes no HTML."""

from dataclasses import dataclass
from functools import lru_cache

from runbooks.search.text import WORD, fold, parts_of

LENGTH = 220
BEFORE = 60
MAX_READ = 6_000  # characters of a passage; words after them are not found


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of text, and whether it is a word of the question."""

    text: str
    marked: bool


def marked(text: str, words: frozenset[str]) -> list[Part]:
    """Return the whole text in parts.

    :param words: folded words to mark.
    """
    return _parts(text, _places(text, words))


def snippet(text: str, words: frozenset[str]) -> list[Part]:
    """Return the excerpt of a text with the most words, or its beginning if it has none.

    The excerpt has at most ``LENGTH`` characters and an ellipsis at each end that is cut.

    :param words: folded words to mark.
    """
    text = text[:MAX_READ]
    places = _places(text, words)
    start = _start(places)
    start = text.find(" ", start - 1) + 1 if start else 0
    end = min(len(text), start + LENGTH)
    if end < len(text):
        end = max(text.rfind(" ", start, end), start + LENGTH // 2)
    inside = [(a - start, b - start) for a, b, _ in places if start <= a and b <= end]
    parts = _parts(text[start:end], [(a, b, "") for a, b in inside])
    lead = [Part("… ", False)] if start else []
    return [*lead, *parts, *([Part(" …", False)] if end < len(text) else [])]


class _Sought(dict[str, str]):
    """A cache from a written word to its folded form, or to an empty string if it is not wanted."""

    def __init__(self, words: frozenset[str]) -> None:
        super().__init__()
        self.words = words

    def __missing__(self, written: str) -> str:
        spelling = fold(written)
        is_sought = not self.words.isdisjoint((spelling, *parts_of(written)))
        self[written] = spelling if is_sought else ""
        return self[written]


@lru_cache(maxsize=32)  # one question makes twenty snippets
def _sought(words: frozenset[str]) -> _Sought:
    return _Sought(words)


def _places(text: str, words: frozenset[str]) -> list[tuple[int, int, str]]:
    """Return start, end and folded form of each word to mark."""
    sought = _sought(words)
    return [
        (found.start(), found.end(), spelling)
        for found in WORD.finditer(text)
        if (spelling := sought[found[0]])
    ]


def _start(places: list[tuple[int, int, str]]) -> int:
    """Return the start of the excerpt with the most different words."""
    best, most = 0, 0
    for number, (start, _, _) in enumerate(places):
        window = {word for a, b, word in places[number:] if b <= start + LENGTH - BEFORE}
        if len(window) > most:
            best, most = start, len(window)
    return max(0, best - BEFORE)


def _parts(text: str, places: list[tuple[int, int, str]]) -> list[Part]:
    parts, at = [], 0
    for start, end, _ in places:
        parts.extend([Part(text[at:start], False), Part(text[start:end], True)])
        at = end
    parts.append(Part(text[at:], False))
    return [part for part in parts if part.text]
