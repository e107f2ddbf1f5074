"""Where the words of a document stand: a text that is read without unpacking it. Pure: imports no Django.

To tell which section of twenty documents answers best, their whole texts would have to be read and
searched for every word that a question may mean. Here each word stands once, with the positions of
the passages that hold it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Positions = Sequence[str]  # of passages, as decimal numbers
NONE: Positions = ()


def written(passages: Iterable[tuple[Iterable[str], Iterable[str]]]) -> str:
    r"""Return the places of all words, sorted, a line each: the word, where it is text, where it is heading.

    :param passages: the folded words of each heading, and of the text below it.

    >>> written([(["valve"], ["close", "valve"]), (["gate"], ["close"])])
    '\nclose 0,1 \ngate  1\nvalve 0 0\n'
    """
    in_text: dict[str, list[str]] = defaultdict(list)
    in_heading: dict[str, list[str]] = defaultdict(list)
    for position, (heading, text) in enumerate(passages):
        for found, words in ((in_heading, heading), (in_text, text)):
            for word in set(words):
                found[word].append(str(position))
    lines = (
        f"{word} {','.join(in_text.get(word, ()))} {','.join(in_heading.get(word, ()))}\n"
        for word in sorted({*in_text, *in_heading})
    )
    return "\n" + "".join(lines)


@dataclass(frozen=True, slots=True)
class Places:
    """The places of an entry's words, and the words that only a newer, unsigned text has."""

    words: str
    newer: str = ""

    def of(self, sought: str) -> tuple[Positions, Positions]:
        """Return the positions of the passages that hold a word in their text, and in their heading.

        Of several words in a row: of the passages that hold all of them.
        """
        if " " not in sought:
            return self._of_word(sought)
        texts, headings = zip(*map(self._of_word, sought.split()), strict=True)
        return _common(texts), _common(headings)

    def _of_word(self, word: str) -> tuple[Positions, Positions]:
        at = self.words.find(f"\n{word} ")
        if at < 0:
            return NONE, NONE
        start = at + len(word) + 2
        text, _, heading = self.words[start : self.words.find("\n", start)].partition(" ")
        return text.split(",") if text else NONE, heading.split(",") if heading else NONE


def _common(found: Iterable[Positions]) -> Positions:
    """Return what all have, in the order of the first."""
    first, *others = found
    return [position for position in first if all(position in other for other in others)]
