"""Markdown to safe HTML. The one place that trusts HTML.

Raw HTML in a document is shown as it was written, not interpreted: a placeholder such as
``<run_id>`` stays readable. What Markdown makes of the rest passes an allow-list of our own.
Ids carry the prefix ``doc-`` so that no heading can pose as a part of the page.
"""

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

import markdown
import nh3
from markdown.extensions.toc import TocExtension

from runbooks.documents.lists import respell_lists

ID_PREFIX = "doc-"
TAGS = frozenset(
    {
        *("p", "br", "hr", "blockquote", "pre", "code", "em", "strong", "del", "sup", "sub", "span", "div", "a"),
        *("h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd"),
        *("table", "thead", "tbody", "tr", "th", "td"),
        "input",  # a task's box: never more than a disabled checkbox, see below
    }
)
ATTRIBUTES = {
    "a": {"href", "title"},
    "code": {"class"},
    "div": {"class"},
    "input": {"type", "disabled", "checked"},
    "li": {"class", "id"},
    "ol": {"start"},
    "pre": {"class"},
    "span": {"class"},
    "td": {"align"},
    "th": {"align"},
    "ul": {"class"},
    **{f"h{level}": {"id"} for level in range(1, 7)},
}
LINK_SCHEMES = {"http", "https", "mailto"}
CODE_CLASS = re.compile(r"^[a-z][a-z0-9_+-]{0,30}$")
# The author chooses the classes behind a fence: any other could pose as a banner of the page.
DIV_CLASSES = frozenset({"code", "linenodiv"})
HEADING_ID = re.compile(r'(<h[1-6]) id="[^"]*"')
# Chapters and their parts: deeper headings would make the contents longer than they help.
CONTENTS_LEVELS = range(2, 4)
SHIFT = 1  # the page's own title is the h1


class Heading(TypedDict):
    """One line of the contents: the level in the author's text, the anchor, the words."""

    level: int
    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """Safe HTML and the contents made of its headings."""

    html: str
    contents: list[Heading]


def render_document(text: str) -> Rendered:
    """Render a whole document. Never raises: what Markdown cannot swallow is shown preformatted."""
    # No UTF-8 holds half a surrogate pair; the cleaner refuses one.
    text = text.encode("utf-8", "replace").decode("utf-8")
    converter = _converter()
    try:
        rough = converter.convert(respell_lists(text))
    except RecursionError:  # hundreds of nested constructs: Python-Markdown recurses for each
        return Rendered(html=f"<pre>{html.escape(text)}</pre>", contents=[])
    return Rendered(html=_cleaned(rough), contents=_contents(getattr(converter, "toc_tokens", [])))


def render_fragment(text: str) -> str:
    """Render a short text that people write in the portal (a role, a note): no contents, no heading ids."""
    # Several stand on one page, where an id may stand once.
    return HEADING_ID.sub(r"\1", render_document(text).html) if text else ""


def heading_slug(title: str, separator: str = "-") -> str:
    """The anchor of a heading as forges make it: lower case, letters and digits of any script kept."""
    plain = unicodedata.normalize("NFC", html.unescape(title)).strip().lower()
    kept = "".join(sign for sign in plain if sign.isalnum() or sign in " -_")
    return ID_PREFIX + kept.replace(" ", separator)


def _slugs_of_one_document() -> Callable[[str, str], str]:
    """``heading_slug``, which numbers repeated headings as forges do (``-1``, ``-2``): links to them hold."""
    seen: Counter[str] = Counter()

    def slug(title: str, separator: str) -> str:
        anchor = heading_slug(title, separator)
        seen[anchor] += 1
        return f"{anchor}-{seen[anchor] - 1}" if seen[anchor] > 1 else anchor

    return slug


def _converter() -> markdown.Markdown:
    converter = markdown.Markdown(
        extensions=[
            "tables",
            "sane_lists",
            "pymdownx.superfences",  # fences inside a list's steps; the package's own ones lose the line breaks there
            "pymdownx.highlight",
            "pymdownx.tasklist",
            TocExtension(slugify=_slugs_of_one_document(), baselevel=1 + SHIFT),
        ],
        extension_configs={
            "pymdownx.highlight": {"css_class": "code", "guess_lang": False},
            "pymdownx.superfences": {"preserve_tabs": True},  # what is copied is what was written
            "tables": {"use_align_attribute": True},  # a style would be cleaned away
        },
        output_format="html",
    )
    # Without these two, raw HTML is text like any other and is escaped.
    converter.preprocessors.deregister("html_block")
    converter.inlinePatterns.deregister("html")
    return converter


def _cleaned(rough: str) -> str:
    return nh3.clean(
        rough,
        tags=set(TAGS),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        attribute_filter=_filtered_attribute,
        url_schemes=LINK_SCHEMES,
        link_rel="noopener noreferrer",
    )


def _filtered_attribute(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "href":
        return _link(value)
    if attribute == "class":
        kept = [name for name in value.split() if CODE_CLASS.match(name) and (tag != "div" or name in DIV_CLASSES)]
        return " ".join(kept) or None
    if attribute == "type":
        return value if value == "checkbox" else None
    if attribute == "id":
        return value if value.startswith(ID_PREFIX) else f"{ID_PREFIX}{value}"
    return value


def _link(value: str) -> str | None:
    """Links within the text and to other sites are kept; a path beside the document leads nowhere here."""
    if value.startswith("#"):
        return f"#{ID_PREFIX}{value[1:]}"
    return value if re.match(r"^(?:https?|mailto):", value, re.IGNORECASE) else None


def _contents(tokens: list[dict[str, object]]) -> list[Heading]:
    contents: list[Heading] = []
    for token in tokens:
        level = int(str(token["level"])) - SHIFT
        if level in CONTENTS_LEVELS:
            title = html.unescape(re.sub(r"<[^>]*>", "", str(token["name"])))
            contents.append({"level": level, "id": str(token["id"]), "title": title})
        children = token["children"]
        assert isinstance(children, list)
        contents.extend(_contents(children))
    return contents
