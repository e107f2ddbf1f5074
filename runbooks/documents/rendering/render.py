"""Markdown to safe HTML. The only place that marks HTML as safe; it imports no Django.

Raw HTML in a document is shown as written, not interpreted: a placeholder such as ``<run_id>``
stays readable. All other HTML passes our own allow-list. Ids have the prefix ``doc-``, so that no
heading can imitate a part of the page. Invisible characters are shown by their numbers.

Web processes call ``runbooks.documents.rendering.sandbox``, which runs this in another process and
within limits.
"""

import re

import nh3

from runbooks.documents.invisible_characters import (
    escape_invisible_characters,
    with_unseen_shown_in_html,
)
from runbooks.documents.links import DOCUMENT_ROUTE, ID_PREFIX
from runbooks.documents.rendering import gfm, short_text
from runbooks.documents.rendering.rendered import Heading, Rendered, as_it_stands, whole

TAGS = frozenset(
    {
        *(
            "p",
            "br",
            "hr",
            "blockquote",
            "pre",
            "code",
            "em",
            "strong",
            "del",
            "sup",
            "sub",
            "span",
            "div",
            "a",
        ),
        *("h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "details", "summary"),
        *("table", "thead", "tbody", "tr", "th", "td"),
        "input",  # a task's box: always a disabled checkbox, see below
    }
)
ATTRIBUTES = {
    "a": {"href", "title", "id"},
    "details": {"open"},
    "div": {"class", "tabindex", "role", "aria-labelledby"},
    "input": {"type", "disabled", "checked"},
    "li": {"class", "id"},
    "ol": {"start", "class"},
    "p": {"class"},
    "pre": {"class"},
    "span": {"class"},
    "td": {"align"},
    "th": {"align"},
    "ul": {"class"},
    **{f"h{level}": {"id"} for level in range(1, 7)},
}
LINK_SCHEMES = {"http", "https", "mailto"}
# Any other class could imitate a banner of the page.
ALERTS = frozenset(
    f"markdown-alert-{kind}" for kind in ("note", "tip", "important", "warning", "caution")
)
CLASSES: dict[str, set[str]] = {
    "div": {"code", "footnotes", "table", "markdown-alert", *ALERTS},
    "li": {"task-list-item"},
    "ol": {"contains-task-list"},
    "p": {"raw", "markdown-alert-title"},
    "pre": {"unrendered"},
    "ul": {"contains-task-list"},
}
ONLY_VALUE = {"type": "checkbox", "tabindex": "0", "role": "group"}
SPAN_CLASS = re.compile(r"^(?:image|raw|[a-z][a-z0-9]{0,3})$")  # ours, and Pygments' short ones
ALIGNMENT = re.compile(r' style="text-align:(left|center|right)"')
HEADING_ID = re.compile(r'(<h[1-6]) id="[^"]*"')
# Chapters and sections only: deeper headings would make the contents too long to help.
CONTENTS_LEVELS = range(2, 4)
# A few bytes of Markdown can repeat a long URL a thousand times.
MAX_HTML_BYTES = 16 * 1024 * 1024


def render_document(text: str, *, document_path: str = "") -> Rendered:
    """Render a whole document.

    :param document_path: its path in the repository, from which relative links are resolved.
    """
    text = whole(text)
    try:
        rough = gfm.read(text, document_path=document_path)
    except (gfm.TooDeep, RecursionError) as error:
        return as_it_stands(text, trouble=str(error))
    if len(rough.html) > MAX_HTML_BYTES:
        return as_it_stands(text, trouble="Its HTML would be larger than any page can be.")
    contents: list[Heading] = [
        {"level": level, "id": anchor, "title": escape_invisible_characters(title)}
        for level, anchor, title in rough.headings
        if level in CONTENTS_LEVELS
    ]
    return Rendered(html=_cleaned(ALIGNMENT.sub(r' align="\1"', rough.html)), contents=contents)


def render_fragment(text: str) -> str:
    """Render a short text that people write in the portal, such as a role or a note.

    It has no contents and no heading ids. A text that is too long is shown as plain text.
    """
    if not text:
        return ""
    try:
        rough = short_text.read(whole(text))
    except (short_text.TooLong, RecursionError):
        # Python-Markdown recurses for each of hundreds of nested constructs.
        return as_it_stands(text).html
    # A page contains several short texts, and an id must be unique on a page.
    return HEADING_ID.sub(r"\1", _cleaned(rough))


def _cleaned(rough: str) -> str:
    cleaned = nh3.clean(
        rough,
        tags=set(TAGS),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        attribute_filter=_filtered_attribute,
        url_schemes=LINK_SCHEMES,
        link_rel="noopener noreferrer",
    )
    return with_unseen_shown_in_html(cleaned)


def _filtered_attribute(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "href":
        return _link(value)
    if attribute == "class":
        allowed = CLASSES.get(tag, set())
        kept = [
            name
            for name in value.split()
            if name in allowed or (tag == "span" and SPAN_CLASS.match(name))
        ]
        return " ".join(kept) or None
    if attribute in ONLY_VALUE:
        return value if value == ONLY_VALUE[attribute] else None
    if attribute in ("id", "aria-labelledby"):
        return value if value.startswith(ID_PREFIX) else None
    return value


def _link(value: str) -> str | None:
    """Return a link within the text, to a document of the portal or to another site; else None."""
    inside = value == "#" or value.startswith((f"#{ID_PREFIX}", DOCUMENT_ROUTE))
    return value if inside or re.match(r"^(?:https?|mailto):", value, re.IGNORECASE) else None
