"""Passages of a rendered document, one for each heading. Pure: imports no Django.

A hit leads to its passage. Passages are read from the stored HTML and not from the Markdown, so
that the anchors are those of the page.
"""

from dataclasses import dataclass, field
from html.parser import HTMLParser

from runbooks.search.text import clean

HEADINGS = frozenset(f"h{level}" for level in range(1, 7))
# Elements that are separate units. A dot separates their text from the text that follows.
PARTS = frozenset({"td", "th", "li", "dt", "dd"})
BLOCKS = frozenset({"p", "pre", "tr", "table", "ul", "ol", "blockquote", "div", "br", "hr"})
PARTING = " · "


@dataclass(frozen=True, slots=True)
class Passage:
    """A heading, its anchor (empty if it has none), and the text up to the next heading."""

    heading: str
    anchor: str
    text: str


@dataclass(slots=True)
class _Open:
    anchor: str = ""
    heading: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.passages: list[_Open] = [_Open()]
        self.in_heading = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in HEADINGS:
            self.passages.append(_Open(anchor=dict(attrs).get("id") or ""))
            self.in_heading = True
        elif tag in BLOCKS:
            self.passages[-1].text.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in HEADINGS:
            self.in_heading = False
        elif tag in PARTS:
            self.passages[-1].text.append(PARTING)
        elif tag in BLOCKS:
            self.passages[-1].text.append(" ")

    def handle_data(self, data: str) -> None:
        passage = self.passages[-1]
        (passage.heading if self.in_heading else passage.text).append(data)


def passages_of(html: str) -> list[Passage]:
    """Return the passages of a rendered document in order, without empty ones."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    passages = [
        Passage(
            clean("".join(each.heading)), each.anchor, _without_doubled_dots("".join(each.text))
        )
        for each in reader.passages
    ]
    return [passage for passage in passages if passage.heading or passage.text]


def _without_doubled_dots(text: str) -> str:
    parts = (clean(part) for part in text.split(PARTING.strip()))
    return PARTING.join(part for part in parts if part)
