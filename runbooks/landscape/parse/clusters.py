"""Clusters as the landscape's cells name them. Pure: imports no Django.

``Phase 16A (ExecutionPipeline), linked with Cluster 82-85`` is a primary cluster and a
related one; ``Reporting / Evidence Chain`` is a work stream that has a name alone.
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

# Words that begin a numbered mention -> values of runbooks.choices.ClusterKind.
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

# A number or a range at the start of a mention. A dash between blanks begins a range only where the
# mention goes on as after a number ("Cluster 82 - 2026 Roadmap" is a title); one without blanks
# does, unless a year and words follow.
_RANGE = (
    rf"(?:{_DASH}(?!20[0-9][0-9] \w){_NUMBER}(?=$|[ (/:,;])|(?: {_DASH} ?| ?{_DASH} "
    rf"){_NUMBER}(?= ?(?:$|[(/:,;])))"
)
NUMBERED = re.compile(rf"(?:({_WORDS}) ?)?{_NUMBER}{_RANGE}?", re.IGNORECASE)
# What begins like a range and is none that can be read. A dash between blanks and a year begin a
# title.
_JOIN = rf"(?:{_DASH}|\u2026|\.\.\.?|(?:bis|to|through|until)\b)"
ODD_RANGE = re.compile(
    rf"(?:(?! {_DASH} 20[0-9][0-9]\b) ?{_JOIN} ?[0-9]+(?:[A-Za-z](?!\w))?)+",
    re.IGNORECASE,
)
# The umlaut may be written as one character or as two (Unicode, NFC and NFD).
LINKED = re.compile(
    r",? ?\b(?:verkn(?:\u00fc|u\u0308)pft mit|linked with|linked to|related to)\b:? ?",
    re.IGNORECASE,
)
# Between two mentions: a comma, or a joining word before the next number; the comma may be
# forgotten behind a whole mention.
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
# Hyphens that only keep a line from breaking mean the same as a plain one.
PLAIN_HYPHENS = str.maketrans({"\u2010": "-", "\u2011": "-"})


@dataclass(frozen=True, slots=True)
class ClusterCell:
    """What one cell says. ``odd_ranges`` are the ranges that run backwards or have no end, as written."""

    primary: ClusterMention | None
    related: tuple[ClusterMention, ...]
    odd_ranges: tuple[str, ...]


def read_clusters(cell: str) -> ClusterCell:
    """The clusters of a cell: the first is the primary one, the others are related.

    A cell that begins with "linked with" has no primary cluster, an empty one has nothing.
    A range that runs backwards, or is joined by anything but a dash, is read as its first number.
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
    """The part before "linked with" and the part behind it, which may be empty."""
    link = LINKED.search(text)
    if not link:
        return text, ""
    head, tail = text[: link.start()].rstrip(" (,;"), text[link.end() :]
    # The same words may stand in a name ("Work related to safety"): without a number, it is one.
    if not (NUMBERED.match(head) or NUMBERED.match(tail)):
        return text, ""
    return head, tail[:-1] if tail.count(")") > tail.count("(") and tail.endswith(")") else tail


def _mentions(text: str, odd_ranges: list[str]) -> list[ClusterMention]:
    """All mentions in ``text``, in order."""
    mentions: list[ClusterMention] = []
    named_until = 0
    for start, end in spans_outside_parentheses(text, SEPARATOR):
        piece = text[start:end].strip()
        kind_before = mentions[-1].kind if mentions else ""
        mention = _numbered(piece, kind_before, odd_ranges)
        if mention is None and not mentions:
            # A name may hold commas and strokes: all that stands before the first number is one.
            named_until = end
        elif piece:
            mentions.append(mention or _named(piece))
    name = text[:named_until].strip(" ,;")
    return [_named(name), *mentions] if name else mentions


def _numbered(piece: str, kind_before: str, odd_ranges: list[str]) -> ClusterMention | None:
    """The numbered mention that ``piece`` is; a number without a word is of the kind before."""
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
    """The title behind a number: ``(Drills)``, ``/ Drills`` and ``: Drills`` are all "Drills"."""
    if rest.startswith("(") and rest.endswith(")") and is_balanced(rest[1:-1]):
        return rest[1:-1].strip()
    return rest.lstrip(f"/: {DASHES}").strip()


def _named(text: str) -> ClusterMention:
    words = text.casefold().split()
    kind = "track" if TRACK_WORD in (words[0], words[-1]) else "stream"
    return ClusterMention(kind, None, None, "", text)
