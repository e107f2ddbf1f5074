"""The structure of HTML for a reader: items with depth, headings, code, tables, links, tasks."""

import re
from dataclasses import asdict, dataclass, field
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin

import cmarkgfm
from cmarkgfm.cmark import Options

from runbooks.documents.links import DOCUMENT_ROUTE, ID_PREFIX
from runbooks.documents.rendering.gfm import SHIFT

EXTENSIONS = ("table", "strikethrough", "autolink", "tasklist")
OPTIONS = Options.CMARK_OPT_FOOTNOTES
# Where the compared documents stand: deep enough that no link of theirs leaves the repository.
DOCUMENT_PATH = "a/b/c/d/e/document.md"
# Raw markup: the forge interprets or drops it, the portal shows it. Words in it are not compared.
MARKUP = re.compile(r"<[^>]*>")


BLOCKS = frozenset(
    {"p", "div", "ul", "ol", "blockquote", "table", "tr", "h1", "h2", "h3", "h4", "h5", "h6"}
)


@dataclass(slots=True)
class Structure:
    """Everything that is compared, in the order of the document."""

    depths: list[int] = field(default_factory=list)
    lists: list[str] = field(default_factory=list)
    headings: list[tuple[int, str]] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    tables: list[list[str]] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    tasks: list[bool] = field(default_factory=list)
    quotes: list[int] = field(default_factory=list)
    emphasis: list[tuple[str, str]] = field(default_factory=list)
    items: list[str] = field(default_factory=list)

    def differences(self, other: "Structure") -> list[str]:
        """The names of the aspects in which the two differ."""
        mine, theirs = asdict(self), asdict(other)
        return [name for name, value in mine.items() if value != theirs[name]]


class _Reader(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found = Structure()
        self.depth = self.quoted = 0
        self.open: list[tuple[str, list[str], str]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag in BLOCKS:
            self.handle_data(" ")
        if tag in ("ul", "ol"):
            self.depth += 1
            self.found.lists.append(f"{tag}{attributes.get('start', '')}")
        elif tag == "blockquote":
            self.quoted += 1
            self.found.quotes.append(self.quoted)
        elif tag == "input":
            self.found.tasks.append("checked" in attributes)
        elif tag == "table":
            self.found.tables.append([])
        elif tag == "li":
            self.found.depths.append(self.depth)
        if tag in ("pre", "td", "th", "a", "li", "em", "strong", "del") or re.fullmatch(
            "h[1-6]", tag
        ):
            self.open.append((tag, [], attributes.get("href", "")))

    def handle_endtag(self, tag):
        if tag in BLOCKS:
            self.handle_data(" ")
        if tag in ("ul", "ol"):
            self.depth -= 1
        elif tag == "blockquote":
            self.quoted -= 1
        if self.open and self.open[-1][0] == tag:
            _, pieces, href = self.open.pop()
            self._close(tag, "".join(pieces), href)

    def _close(self, tag, words, href):
        plain = " ".join(MARKUP.sub("", words).split())
        if tag == "pre":
            self.found.code.append(words)
        elif tag == "a":
            self.found.links.append((plain, href))
        elif tag == "li":
            self.found.items.append(plain)
        elif tag in ("td", "th"):
            if self.found.tables:
                self.found.tables[-1].append(plain)
        elif tag in ("em", "strong", "del"):
            self.found.emphasis.append((tag, plain))
        else:
            self.found.headings.append((int(tag[1]), plain))

    def handle_data(self, data):
        for _, pieces, _ in self.open:
            pieces.append(data)


def on_the_forge(text: str) -> Structure:
    """The structure that GitHub's parser gives, with slashes decoded in code as the portal does."""
    html = cmarkgfm.cmark.markdown_to_html_with_extensions(text, OPTIONS, EXTENSIONS)
    found = _Reader(html.replace("&amp;#47;", "/")).found
    found.headings = [(min(level, 6 - SHIFT), words) for level, words in found.headings]
    found.links = [_forge_link(words, href) for words, href in found.links]
    return found


def in_the_portal(html: str) -> Structure:
    """The structure of the portal's HTML, with shifted headings and prefixed ids undone."""
    found = _Reader(html).found
    found.headings = [(level - SHIFT, words) for level, words in found.headings]
    found.links = [_portal_link(words, href) for words, href in found.links]
    found.items = [words.replace("\ufe0e", "") for words in found.items]
    return found


def _forge_link(words: str, href: str) -> tuple[str, str]:
    if href.startswith("#fn"):
        return "", "footnote"
    if not href or href.startswith("#"):
        return words, unquote(href)
    return words, unquote(urljoin(f"https://forge.example/{DOCUMENT_PATH}", href))


def _portal_link(words: str, href: str) -> tuple[str, str]:
    if href.startswith((f"#{ID_PREFIX}fn.", f"#{ID_PREFIX}fnref.")):
        return "", "footnote"
    if href.startswith(DOCUMENT_ROUTE):
        href = f"https://forge.example/{href.removeprefix(DOCUMENT_ROUTE)}"
    return words, unquote(href.replace(f"#{ID_PREFIX}", "#"))
