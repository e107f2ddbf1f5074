"""Signs that nobody sees, or that turn the order of what is seen, made visible. Pure: imports no Django.

People sign what they see. A sign that turns the words behind it round (U+202E), or a space of no
width within a command, makes that another thing than what the text says. Such a sign is shown by
its number, as ``[U+202E]``, in plain text: no markup is put anywhere.
"""

import re

_SIGNS = (
    r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # controls, save for the tab and the ends of lines
    r"\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # of no width, or as blank as a space
    r"\u061c\u200b\u200e\u200f\u2060-\u206f\ufeff\ufff0-\ufffb"  # of no width, and those that set a direction
    r"\u2028-\u202e"  # ends of lines that few show, and those that turn the direction
    r"\U000e0000-\U000e0fff"  # tags: a text within the text
)
# What joins or parts letters belongs to many scripts and to emoji; beside ASCII it has no business.
_JOINERS = r"(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
UNSEEN = re.compile(f"[{_SIGNS}]|{_JOINERS}")
_TAG_OR_UNSEEN = re.compile(rf'<[^<>"]*(?:"[^"]*"[^<>"]*)*>|{UNSEEN.pattern}')


def escape_invisible_characters(text: str) -> str:
    """A text whose unseen signs are shown by their numbers; any other text as it is."""
    return UNSEEN.sub(lambda found: _number(found[0]), text)


def with_unseen_shown_in_html(safe_html: str) -> str:
    """The same for clean HTML: what is within tags stays as it is."""
    if not UNSEEN.search(safe_html):
        return safe_html
    return _TAG_OR_UNSEEN.sub(
        lambda found: found[0] if found[0].startswith("<") else _number(found[0]), safe_html
    )


def _number(sign: str) -> str:
    return f"[U+{ord(sign):04X}]"
