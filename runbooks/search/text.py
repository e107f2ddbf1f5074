"""Text in the form in which the search compares it: folded words. Pure: imports no Django.

Texts and questions are folded by the functions of this module only, so that both databases compare
the same words: "ueberpruefung", "Überprüfung" and "uberprufung" are one word, and ``run_id`` stays
whole.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from runbooks.search.languages import STOP_WORDS

# Letters and digits of any script; underscores only inside a word, so that identifiers stay whole.
WORD = re.compile(r"[^\W_]+(?:_+[^\W_]+)*")
# Characters that join words without a space: all hyphens, slash, ampersand, dot, plus, × and
# apostrophes.
JOINTS = "-\u2010\u2011\u2012\u2013\u2014/&.+×'’"
CHUNK = re.compile(rf"{WORD.pattern}(?:[{re.escape(JOINTS)}]{WORD.pattern})*")
CAMEL = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
# Invisible characters: soft hyphen, zero width spaces and joiners, byte order mark, null.
UNSEEN = dict.fromkeys((0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x0000))
MAX_WORD_LENGTH = 64
MAX_JOINED = 3
MAX_QUESTION_LENGTH = 200
MAX_TERMS = 12


@lru_cache(maxsize=1 << 16)
def fold(word: str) -> str:
    """Return a word without case, accents and umlauts, at most 64 characters.

    >>> fold("Überprüfung"), fold("UEBERPRUEFUNG"), fold("straße")
    ('uberprufung', 'uberprufung', 'strasse')
    """
    plain = word.casefold()
    if not plain.isascii():
        decomposed = unicodedata.normalize("NFKD", plain)
        plain = "".join(each for each in decomposed if not unicodedata.combining(each)).casefold()
    return plain.replace("ae", "a").replace("oe", "o").replace("ue", "u")[:MAX_WORD_LENGTH]


FOLDED_STOP_WORDS = frozenset(fold(word) for word in STOP_WORDS)


def clean(text: str) -> str:
    """Return a text in NFC, without invisible characters and with single spaces, for display."""
    # No database can store half a surrogate pair.
    whole = text.encode("utf-8", "replace").decode("utf-8").translate(UNSEEN)
    return " ".join(unicodedata.normalize("NFC", whole).split())


def index_words(text: str) -> list[str]:
    """Return the folded words of a text in order.

    Each word is followed by its parts; the words of a hyphenated compound are followed by the
    compound as one word.

    >>> index_words("Go/No-Go: `run_id`, ExecutionStatus")
    ['go', 'no', 'go', 'gonogo', 'run_id', 'run', 'id', 'executionstatus', 'execution', 'status']
    """
    words = []
    for chunk in CHUNK.finditer(clean(text)):
        pieces = WORD.findall(chunk[0])
        for piece in pieces:
            words.append(fold(piece))
            words.extend(parts_of(piece))
        if 1 < len(pieces) <= MAX_JOINED:
            words.append(fold("".join(pieces)))
    return [word for word in words if word]


def parts_of(word: str) -> list[str]:
    """Return the folded parts of an identifier (``run_id``, ``ExecutionStatus``), else none."""
    if "_" in word:
        return [fold(part) for part in word.split("_") if part]
    if not word.islower() and not word.isupper():
        parts = CAMEL.findall(word)
        if len(parts) > 1 and "".join(parts) == word:
            return [fold(part) for part in parts]
    return []


def padded(words: list[str]) -> str:
    """Return words as one string in which ``" word "`` finds exactly the whole word."""
    return f" {' '.join(words)} "


def folded(text: str) -> str:
    """Return a text in the form in which the index stores it."""
    return padded(index_words(text))


def comparable(text: str) -> str:
    """Return a text in a form for comparison: folded words in order, without stop words.

    If all words are stop words, they are kept.
    """
    words = [fold(word) for word in WORD.findall(clean(text))]
    return " ".join([word for word in words if word not in FOLDED_STOP_WORDS] or words)


@dataclass(frozen=True, slots=True)
class Term:
    """A folded word of a question.

    ``written`` is the word as typed. ``joined`` is the compound that it forms with its neighbours
    if hyphens or slashes join them, otherwise empty.
    """

    word: str
    written: str
    joined: str = ""


def terms_of(question: str) -> tuple[Term, ...]:
    """Return the words of a question, each once, at most twelve.

    Stop words are returned only if there are no others.
    """
    terms: list[Term] = []
    stops: list[Term] = []
    for chunk in CHUNK.finditer(clean(question)[:MAX_QUESTION_LENGTH]):
        pieces = WORD.findall(chunk[0])
        joined = fold("".join(pieces)) if 1 < len(pieces) <= MAX_JOINED else ""
        for piece in pieces:
            term = Term(fold(piece), piece, joined)
            is_stop = not joined and term.word in FOLDED_STOP_WORDS
            (stops if is_stop else terms).append(term)
    unique = {term.word: term for term in reversed(terms or stops) if term.word}
    return tuple(reversed(unique.values()))[:MAX_TERMS]
