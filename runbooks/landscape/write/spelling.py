"""Spell values as the landscape does: the reverse of ``cells``. Pure: imports no Django."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import TypeVar

from runbooks.landscape.parse.clusters import ClusterCell, read_clusters
from runbooks.landscape.schema import ClusterMention

Value = TypeVar("Value")

MARKS = re.compile(r"([\\*_`\[\]])")
GERMAN_HEADERS = re.compile(r"\b(?:pfad|zweck|situation \|.*\bkommentar)\b", re.IGNORECASE)
VARIATION_SELECTOR = "\ufe0f"


def escaped(text: str) -> str:
    """Return ``text`` with every character escaped that Markdown would read as markup."""
    return MARKS.sub(r"\\\1", text.replace("&", "&amp;").replace("<", "&lt;"))


def spell(
    old: str, was: str, value: str, house: str, *, reads: Callable[[str], Value], as_: Value
) -> str:
    """Return the replacement of ``old`` that reads as ``as_``.

    :param was: the text of the value in ``old``; markup around it is kept.
    :param house: the format of a new value, such as ``**{}**``.
    :param reads: the function that reads a value from a text.
    """
    if not value:
        return ""
    anew = [house.format(value), house.format(escaped(value))]
    in_place = (
        [old.replace(was, value), old.replace(was, escaped(value))]
        if was and old.count(was) == 1
        else []
    )
    return next((text for text in (*in_place, *anew) if reads(text) == as_), anew[0])


def mention_text(mention: ClusterMention) -> str:
    """Return ``Cluster 82–85 (Live Alerts)``, or the title of a stream."""
    if mention.first_number is None or mention.last_number is None:
        return mention.title
    numbers = str(mention.first_number)
    if mention.last_number != mention.first_number:
        numbers += f"–{mention.last_number}"
    label = f"{mention.kind.capitalize()} {numbers}{mention.suffix}"
    return f"{label} ({mention.title})" if mention.title else label


def clusters_text(
    primary: ClusterMention | None, related: Sequence[ClusterMention], *, linked: str
) -> str:
    """Return the text of a cluster cell, in the first form that is read back unchanged."""
    first = mention_text(primary) if primary else ""
    others = ", ".join(mention_text(mention) for mention in related)
    forms = [f"{first}, {linked} {others}", f"{first}, {others}"] if first and others else []
    forms.append(first or (f"{linked} {others}" if others else ""))
    wanted = (primary, frozenset(related))
    return next((form for form in forms if _meaning(read_clusters(form)) == wanted), forms[0])


def _meaning(cell: ClusterCell) -> tuple[ClusterMention | None, frozenset[ClusterMention]]:
    return cell.primary, frozenset(cell.related)


def is_german(text: str) -> bool:
    """Return whether a table header is written in German."""
    return bool(GERMAN_HEADERS.search(text))


def width(text: str) -> int:
    """Return the width of ``text`` in terminal columns.

    A tick takes two columns, a combining character none.
    """
    return sum(_width(sign) for sign in text) + text.count(VARIATION_SELECTOR)


def _width(sign: str) -> int:
    if unicodedata.category(sign) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in ("W", "F") else 1
