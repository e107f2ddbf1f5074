"""Rendered HTML, and what a page still does with it. Pure and light: it loads no parser."""

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
    """Safe HTML, and the contents made from its headings.

    :ivar trouble: why the text is shown as plain text; empty if it was rendered.
    """

    html: str
    contents: list[Heading]
    trouble: str = ""


def as_it_stands(text: str, *, trouble: str = "") -> Rendered:
    """Return the text itself, preformatted and not interpreted.

    Nothing is lost, and invisible characters are shown by their numbers.
    """
    shown = html.escape(escape_invisible_characters(whole(text)))
    return Rendered(html=f'<pre class="unrendered">{shown}</pre>', contents=[], trouble=trouble)


def linked_addresses(safe_html: str) -> set[str]:
    """Return the portal's URLs of other documents that rendered HTML links to.

    They are percent-encoded and have no fragments.
    """
    return {html.unescape(found[1]) for found in DOCUMENT_LINK.finditer(safe_html)}


def with_note_on_links(safe_html: str, *, missing: set[str], note: str) -> str:
    """Add a note, as text, after each link to one of the ``missing`` URLs in rendered HTML."""
    addition = f' <span class="image">{html.escape(note)}</span>'

    def noted(found: re.Match[str]) -> str:
        return found[0] + addition if html.unescape(found[1]) in missing else found[0]

    return DOCUMENT_LINK.sub(noted, safe_html) if missing else safe_html


def whole(text: str) -> str:
    """Return the text with characters replaced that UTF-8 cannot encode."""
    # UTF-8 cannot encode half a surrogate pair, and the sanitiser refuses one.
    return text.encode("utf-8", "replace").decode("utf-8")
