"""Read the clusters in table cells. Pure: imports no Django.

``Phase 16A (ExecutionPipeline), linked with Cluster 82-85`` is a primary cluster and a related one;
``Reporting / Evidence Chain`` is a work stream that has only a name.
"""

import re
from dataclasses import dataclass

from runbooks.landscape.parse.cells import (
    DASHES,
    LINE_BREAK,
    is_balanced,
    plain_text,
    spans_outside_parentheses,
)
from runbooks.landscape.schema import ClusterMention

# Words before a number -> values of runbooks.choices.ClusterKind.
KIND_OF_WORD = {
    "cluster": "cluster",
    "clusters": "cluster",
    "phase": "phase",
    "phases": "phase",
    "phasen": "phase",
}
TRACK_WORD = "track"

_WORDS = "|".join(sorted(KIND_OF_WORD, key=len, reverse=True))
_DASH = f"[{re.escape(DASHES)}]"
_NUMBER = r"([0-9]{1,4})([A-Za-z]?)(?![A-Za-z0-9]|\.[0-9])"

# A number or a range at the start of a mention. A dash between spaces forms a range only if the
# mention ends or continues as after a number ("Cluster 82 - 2026 Roadmap" is a title). A dash
# without spaces always does, unless a year and words follow.
_RANGE = (
    rf"(?:{_DASH}(?!20[0-9][0-9] \w){_NUMBER}(?=$|[ (/:,;])|(?: {_DASH} ?| ?{_DASH} "
    rf"){_NUMBER}(?= ?(?:$|[(/:,;])))"
)
NUMBERED = re.compile(rf"(?:({_WORDS}) ?)?{_NUMBER}{_RANGE}?", re.IGNORECASE)
# Text that starts like a range but is not a valid one. A dash between spaces with a year starts a
# title.
_JOIN = rf"(?:{_DASH}|\u2026|\.\.\.?|(?:bis|to|through|until)\b)"
ODD_RANGE = re.compile(
    rf"(?:(?! {_DASH} 20[0-9][0-9]\b) ?{_JOIN} ?[0-9]+(?:[A-Za-z](?!\w))?)+",
    re.IGNORECASE,
)
# The umlaut may be one character or two (Unicode, NFC and NFD).
LINKED = re.compile(
    r",? ?\b(?:verkn(?:\u00fc|u\u0308)pft mit|linked with|linked to|related to)\b:? ?",
    re.IGNORECASE,
)
# Separators of mentions: a comma, or a joining word before the next number. After a complete
# mention the comma may be missing.
_NEXT_NUMBER = (
    rf"(?=(?:{_WORDS}) ?[0-9]|[0-9]{{1,4}}[A-Za-z]?(?: ?{_DASH} ?[0-9]{{1,4}})?(?:$|[,;(/]| \())"
)
_BEHIND_A_MENTION = r"(?:(?<=[0-9)])|(?<=[0-9][A-Za-z]))"
SEPARATOR = re.compile(
    (
        rf"[(),;]|(?: (?:und|and|&|\+) | ?/ ?){_NEXT_NUMBER}|{_BEHIND_A_MENTION} (?=(?:{_WORDS}) "
        r"?[0-9])"
    ),
    re.IGNORECASE,
)
NUMBER_ON_ITS_LINE = re.compile(rf" ?{LINE_BREAK} ?{_NEXT_NUMBER}", re.IGNORECASE)
# Non-breaking hyphens are equal to plain ones.
PLAIN_HYPHENS = str.maketrans({"\u2010": "-", "\u2011": "-"})


@dataclass(frozen=True, slots=True)
class ClusterCell:
    """The clusters of one cell.

    :ivar odd_ranges: the ranges, as written, that run backwards or have no end.
    """

    primary: ClusterMention | None
    related: tuple[ClusterMention, ...]
    odd_ranges: tuple[str, ...]


def read_clusters(cell: str) -> ClusterCell:
    """Return the clusters of a cell: the first is the primary one, the others are related.

    A cell that begins with "linked with" has no primary cluster; an empty cell has no clusters.
    Only the first number is read of a range that runs backwards or is joined by anything but a
    dash.
    """
    text = plain_text(NUMBER_ON_ITS_LINE.sub(", ", cell)).translate(PLAIN_HYPHENS)
    if not text.strip(DASHES):
        return ClusterCell(None, (), ())
    odd_ranges: list[str] = []
    head, tail = _split_at_link(text)
    own, linked = _mentions(head, odd_ranges), _mentions(tail, odd_ranges)
    primary = own[0] if own else None
    related = dict.fromkeys(mention for mention in (*own[1:], *linked) if mention != primary)
    return ClusterCell(primary, tuple(related), tuple(odd_ranges))


def _split_at_link(text: str) -> tuple[str, str]:
    """Return the text before "linked with" and the text after it, which may be empty."""
    link = LINKED.search(text)
    if not link:
        return text, ""
    head, tail = text[: link.start()].rstrip(" (,;"), text[link.end() :]
    # These words may be part of a name ("Work related to safety"): without a number, they are.
    if not (NUMBERED.match(head) or NUMBERED.match(tail)):
        return text, ""
    return head, tail[:-1] if tail.count(")") > tail.count("(") and tail.endswith(")") else tail


def _mentions(text: str, odd_ranges: list[str]) -> list[ClusterMention]:
    """Return all mentions in ``text``, in order."""
    mentions: list[ClusterMention] = []
    named_until = 0
    for start, end in spans_outside_parentheses(text, SEPARATOR):
        piece = text[start:end].strip()
        kind_before = mentions[-1].kind if mentions else ""
        mention = _numbered(piece, kind_before, odd_ranges)
        if mention is None and not mentions:
            # A name may contain commas and slashes: all text before the first number is one name.
            named_until = end
        elif piece:
            mentions.append(mention or _named(piece))
    name = text[:named_until].strip(" ,;")
    return [_named(name), *mentions] if name else mentions


def _numbered(piece: str, kind_before: str, odd_ranges: list[str]) -> ClusterMention | None:
    """Return ``piece`` as a numbered mention, or None if it is not one.

    A number without a word has the kind of the mention before.
    """
    match = NUMBERED.match(piece)
    if not match:
        return None
    word, first, suffix, *ends = match.groups()
    last, last_suffix = ends[:2] if ends[0] else ends[2:]
    rest = piece[match.end() :]
    kind = KIND_OF_WORD[word.lower()] if word else kind_before
    if not kind or (not word and rest.strip() and not rest.strip().startswith("(")):
        return None
    odd = ODD_RANGE.match(rest)
    first_number = last_number = int(first)
    if odd or (last and (int(last) < first_number or suffix or last_suffix)):
        odd_ranges.append(match[0] + (odd[0] if odd else ""))
    elif last:
        last_number = int(last)
    title = _title(rest[odd.end() if odd else 0 :].strip())
    return ClusterMention(kind, first_number, last_number, suffix.upper(), title)


def _title(rest: str) -> str:
    """Return the title after a number: "Drills" for ``(Drills)``, ``/ Drills`` and ``: Drills``."""
    if rest.startswith("(") and rest.endswith(")") and is_balanced(rest[1:-1]):
        return rest[1:-1].strip()
    return rest.lstrip(f"/: {DASHES}").strip()


def _named(text: str) -> ClusterMention:
    words = text.casefold().split()
    kind = "track" if TRACK_WORD in (words[0], words[-1]) else "stream"
    return ClusterMention(kind, None, None, "", text)
