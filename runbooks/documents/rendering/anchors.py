"""The anchors of headings, as GitHub makes them. Pure: imports no Django."""

import unicodedata

from runbooks.documents.links import ID_PREFIX


def heading_slug(title: str) -> str:
    """The anchor of a heading's visible text: lower case, letters, digits and marks of any script kept, then prefixed."""
    kept = "".join(sign for sign in title.lower() if sign in " -" or _is_word(sign))
    return ID_PREFIX + kept.replace(" ", "-")


class Slugs:
    """The anchors of one document: a repeated one is numbered (``-1``, ``-2``), and no two are the same."""

    def __init__(self) -> None:
        self._given: dict[str, int] = {}

    def anchor(self, title: str) -> str:
        """A new anchor for a heading."""
        slug = anchor = heading_slug(title)
        while anchor in self._given:
            self._given[slug] += 1
            anchor = f"{slug}-{self._given[slug]}"
        self._given[anchor] = 0
        return anchor

    def __contains__(self, anchor: str) -> bool:
        return anchor in self._given


def _is_word(sign: str) -> bool:
    category = unicodedata.category(sign)
    return category[0] in "LMN" or category == "Pc"
