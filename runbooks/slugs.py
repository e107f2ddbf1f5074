"""Slugs that a person can read aloud: umlauts spelled out, signs named. Pure."""

import re
import unicodedata

# Spelled as a German speaker would type them, and signs as they are read.
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
    """The slug for a title: lower case ASCII letters, digits and single hyphens, at most 80 characters.

    >>> slug_for("Go/No-Go 2026 – Live Alerts & Escalation")
    'go-no-go-2026-live-alerts-and-escalation'
    """
    decomposed = unicodedata.normalize("NFKD", text.translate(SPELLED))
    # An accent goes; any other foreign sign (a non-breaking hyphen, a dash) parts two words.
    plain = "".join(sign if sign.isascii() else " " for sign in decomposed if not unicodedata.combining(sign))
    words = re.findall(r"[a-z0-9]+", plain.lower())
    return "-".join(words)[:MAXIMUM_LENGTH].strip("-") or "item"


def free_slug(text: str, taken: set[str]) -> str:
    """The slug for ``text`` that is not in ``taken``: numbered from 2 when it must be."""
    base = slug_for(text)
    if base not in taken:
        return base
    number = 2
    while f"{base}-{number}" in taken:
        number += 1
    return f"{base}-{number}"
