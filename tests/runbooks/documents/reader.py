"""What a browser would make of rendered HTML, and what must hold of all of it."""

import re
from html.parser import HTMLParser

from runbooks.documents.rendering.render import render_document

# Written down here once more, on purpose: a tag or an attribute that the renderer lets through must
# be wanted twice.
ALLOWED = {
    "a": {"href", "title", "rel", "id"},
    "blockquote": set(),
    "br": set(),
    "code": {"class"},
    "del": set(),
    "div": {"class", "tabindex", "role", "aria-labelledby"},
    "details": {"open"},
    "em": set(),
    "h1": {"id"},
    "h2": {"id"},
    "h3": {"id"},
    "h4": {"id"},
    "h5": {"id"},
    "h6": {"id"},
    "hr": set(),
    "input": {"type", "disabled", "checked"},
    "li": {"class", "id"},
    "ol": {"start", "class"},
    "p": {"class"},
    "pre": {"class"},
    "span": {"class"},
    "strong": set(),
    "sub": set(),
    "summary": set(),
    "sup": set(),
    "table": set(),
    "tbody": set(),
    "td": {"align"},
    "th": {"align"},
    "thead": set(),
    "tr": set(),
    "ul": {"class"},
}


CLASSES = {
    *(
        "code",
        "footnotes",
        "table",
        "raw",
        "unrendered",
        "contains-task-list",
        "task-list-item",
        "markdown-alert",
    ),
    *(
        "markdown-alert-title",
        "markdown-alert-note",
        "markdown-alert-tip",
        "markdown-alert-important",
    ),
    *("markdown-alert-warning", "markdown-alert-caution"),
}


class Reader(HTMLParser):
    """What a browser would make of it: the tags with their attributes, and the words."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.elements, self.words = [], ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words += data

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")

    def handle_decl(self, decl):
        raise AssertionError(f"a declaration: {decl}")

    def handle_pi(self, data):
        raise AssertionError(f"an instruction: {data}")

    def unknown_decl(self, data):
        raise AssertionError(f"a declaration: {data}")

    def tags(self):
        return [tag for tag, _ in self.elements]

    def values(self, name):
        return [attributes[name] for _, attributes in self.elements if attributes.get(name)]


def read(text):
    return Reader(render_document(text).html)


def assert_harmless(html):
    for tag, attributes in Reader(html).elements:
        assert tag in ALLOWED, tag
        assert set(attributes) <= ALLOWED[tag], (tag, attributes)
        if "href" in attributes:
            assert re.match(
                r"(?:https?:|mailto:|#doc-|#$|/documents/[^/])", attributes["href"], re.IGNORECASE
            ), attributes["href"]
            assert attributes["rel"] == "noopener noreferrer"
        if "id" in attributes:
            assert attributes["id"].startswith("doc-")
        if tag == "div" and set(attributes) - {"class"}:
            assert (attributes["class"], attributes["tabindex"], attributes["role"]) == (
                "table",
                "0",
                "group",
            )
            assert attributes.get("aria-labelledby", "doc-").startswith("doc-")
        if tag == "input":
            assert attributes["type"] == "checkbox"
            assert "disabled" in attributes
        if tag != "span":
            assert set((attributes.get("class") or "").split()) <= CLASSES
