"""Places: in which passages of a document each word occurs. Pure: imports no Django.

To find the best section of twenty documents, their whole texts would have to be loaded and searched
for every alternative of every word. The places list each word once, with the positions of the
passages that contain it. The words are divided into so many buckets that each is a few lines long,
so that a lookup parses little text.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from zlib import crc32

BUCKETS = 128
BETWEEN_BUCKETS = "|"
Positions = Sequence[str]  # of passages, as decimal numbers
NONE: Positions = ()


@lru_cache(maxsize=1 << 12)
def _bucket_of(word: str) -> int:
    return crc32(word.encode()) % BUCKETS


def written(passages: Iterable[tuple[Iterable[str], Iterable[str]]]) -> str:
    r"""Return the places of all words: for each word a line with its positions in text and heading.

    :param passages: the folded words of each heading, and of the text below it.

    >>> places = written([(["valve"], ["close", "valve"]), (["gate"], ["close"])])
    >>> sorted(bucket.strip("\n") for bucket in places.split(BETWEEN_BUCKETS) if bucket)
    ['close 0,1 ', 'gate  1', 'valve 0 0']
    """
    in_text: dict[str, list[str]] = defaultdict(list)
    in_heading: dict[str, list[str]] = defaultdict(list)
    for position, (heading, text) in enumerate(passages):
        for found, words in ((in_heading, heading), (in_text, text)):
            for word in set(words):
                found[word].append(str(position))
    buckets = [""] * BUCKETS
    for word in sorted({*in_text, *in_heading}):
        text_at, heading_at = in_text.get(word, ()), in_heading.get(word, ())
        bucket = _bucket_of(word)
        before = buckets[bucket] or "\n"
        buckets[bucket] = f"{before}{word} {','.join(text_at)} {','.join(heading_at)}\n"
    return BETWEEN_BUCKETS.join(buckets)


class Places:
    """The places of an entry's words, and the words that only a newer, unsigned text has."""

    def __init__(self, words: str, newer: str = "") -> None:
        """Set the stored texts.

        :param words: in the format of ``written``.
        :param newer: padded words.
        """
        self.words, self.newer = words, newer

    @cached_property
    def _buckets(self) -> list[str]:
        return self.words.split(BETWEEN_BUCKETS)

    def of(self, sought: str) -> tuple[Positions, Positions]:
        """Return the positions of the passages with a word in their text, and in their heading.

        :param sought: a word, or several separated by spaces, which a passage must all contain.
        """
        if " " not in sought:
            return self._of_word(sought)
        texts, headings = zip(*map(self._of_word, sought.split()), strict=True)
        return _common(texts), _common(headings)

    def _of_word(self, word: str) -> tuple[Positions, Positions]:
        if not self.words:
            return NONE, NONE
        bucket = self._buckets[_bucket_of(word)]
        at = bucket.find(f"\n{word} ")
        if at < 0:
            return NONE, NONE
        start = at + len(word) + 2
        text, _, heading = bucket[start : bucket.index("\n", start)].partition(" ")
        return text.split(",") if text else NONE, heading.split(",") if heading else NONE


def _common(found: Iterable[Positions]) -> Positions:
    """Return the positions that all sequences contain, in the order of the first."""
    first, *others = found
    return [position for position in first if all(position in other for other in others)]
