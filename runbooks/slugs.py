"""Slugs that can be read aloud: umlauts are spelled out, symbols become words. Pure."""

import re
import unicodedata
from collections.abc import Iterable

# Spelled as a German speaker would type them; symbols as they are read.
SPELLED = str.maketrans(
    {
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "ß": "ss",
        "Ä": "Ae",
        "Ö": "Oe",
        "Ü": "Ue",
        "×": " x ",
        "&": " and ",
        "+": " and ",
    }
)
MAXIMUM_LENGTH = 80


def slug_for(text: str) -> str:
    """Return the slug for a title: lower case ASCII letters, digits and single hyphens.

    It has at most 80 characters.

    >>> slug_for("Go/No-Go 2026 – Live Alerts & Escalation")
    'go-no-go-2026-live-alerts-and-escalation'
    """
    decomposed = unicodedata.normalize("NFKD", text.translate(SPELLED))
    # An accent is removed; any other foreign character (a non-breaking hyphen, a dash) separates
    # words.
    plain = "".join(
        sign if sign.isascii() else " " for sign in decomposed if not unicodedata.combining(sign)
    )
    words = re.findall(r"[a-z0-9]+", plain.lower())
    return "-".join(words)[:MAXIMUM_LENGTH].strip("-") or "item"


class SlugRegister:
    """A source of unused slugs, each found at once however many are in use."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self._numbers: dict[str, int] = {}

    def take(self, text: str) -> str:
        """Return the slug for ``text``, numbered if necessary, and mark it as used."""
        base = slug_for(text)
        slug = base
        while slug in self._taken:
            self._numbers[base] = self._numbers.get(base, 1) + 1
            slug = f"{base}-{self._numbers[base]}"
        self._taken.add(slug)
        return slug
