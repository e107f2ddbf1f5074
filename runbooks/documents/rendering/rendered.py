"""What was rendered, and what a page still does with it. Pure and light: no parser is loaded for it."""

import html
import re
from dataclasses import dataclass
from typing import TypedDict

from runbooks.documents.invisible_characters import escape_invisible_characters
from runbooks.documents.links import DOCUMENT_ROUTE

DOCUMENT_LINK = re.compile(rf'<a href="({DOCUMENT_ROUTE}[^"#]*)[^"]*"[^>]*>.*?</a>', re.DOTALL)


class Heading(TypedDict):
    """One line of the contents: the level in the author's text, the anchor, the words."""

    level: int
    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """Safe HTML and the contents made of its headings; ``trouble`` says why the text is shown as it stands, if it is."""

    html: str
    contents: list[Heading]
    trouble: str = ""


def as_it_stands(text: str, *, trouble: str = "") -> Rendered:
    """The text itself, preformatted: nothing is lost, nothing is interpreted, what nobody sees is shown by its number."""
    shown = html.escape(escape_invisible_characters(whole(text)))
    return Rendered(html=f'<pre class="unrendered">{shown}</pre>', contents=[], trouble=trouble)


def linked_addresses(safe_html: str) -> set[str]:
    """The portal's addresses of other documents to which rendered HTML links, percent-encoded, without fragments."""
    return {html.unescape(found[1]) for found in DOCUMENT_LINK.finditer(safe_html)}


def with_note_on_links(safe_html: str, *, missing: set[str], note: str) -> str:
    """Rendered HTML in which each link to one of the ``missing`` addresses is followed by a note, as text."""
    addition = f' <span class="image">{html.escape(note)}</span>'

    def noted(found: re.Match[str]) -> str:
        return found[0] + addition if html.unescape(found[1]) in missing else found[0]

    return DOCUMENT_LINK.sub(noted, safe_html) if missing else safe_html


def whole(text: str) -> str:
    """The text without what no UTF-8 can hold."""
    # No UTF-8 holds half a surrogate pair; the cleaner refuses one.
    return text.encode("utf-8", "replace").decode("utf-8")
