"""Escapes for invisible characters and for those that reverse the text. Pure: imports no Django.

People sign what they see. A character that reverses the words after it (U+202E), or a space of no
width within a command, makes the text look different from what it says. Such a character is shown
by its number, as ``[U+202E]``, in plain text: no markup is added.
"""

import re

_SIGNS = (
    r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # controls, except for the tab and line ends
    # without width, or as blank as a space
    r"\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"
    # without width, or setting a direction
    r"\u061c\u200b\u200e\u200f\u2060-\u206f\ufeff\ufff0-\ufffb"
    r"\u2028-\u202e"  # line ends that few programs show, and characters that set a direction
    r"\U000e0000-\U000e0fff"  # tags: a text within the text
)
# Joiners belong to many scripts and to emoji, but have no use next to ASCII.
_JOINERS = r"(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
UNSEEN = re.compile(f"[{_SIGNS}]|{_JOINERS}")
_TAG_OR_UNSEEN = re.compile(rf'<[^<>"]*(?:"[^"]*"[^<>"]*)*>|{UNSEEN.pattern}')


def escape_invisible_characters(text: str) -> str:
    """Return the text with invisible characters replaced by their numbers."""
    return UNSEEN.sub(lambda found: _number(found[0]), text)


def with_unseen_shown_in_html(safe_html: str) -> str:
    """Replace invisible characters in sanitised HTML by their numbers, except within tags."""
    if not UNSEEN.search(safe_html):
        return safe_html
    return _TAG_OR_UNSEEN.sub(
        lambda found: found[0] if found[0].startswith("<") else _number(found[0]), safe_html
    )


def _number(sign: str) -> str:
    return f"[U+{ord(sign):04X}]"
