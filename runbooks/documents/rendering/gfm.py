"""Documents as a forge reads them: CommonMark and GitHub's extensions, by markdown-it-py.

The result is not sanitised: ``render`` does that. Raw HTML is shown as text, except for line breaks
and folds.
"""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from urllib.parse import quote, unquote

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from mdit_py_plugins.gfm import gfm_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound
from pymdownx import gemoji_db

from runbooks.documents.links import ID_PREFIX, SCHEMES, Slugs, heading_slug, resolved

# About a hundred nested lists. markdown-it drops deeper ones, so a text that nests so deep is not
# rendered at all.
MAX_DEPTH = 200
KEPT_MARKUP = re.compile(
    r"(<br\s*/?>|<details(?: open(?:=\"\")?)?>|</details>|</?summary>)", re.IGNORECASE
)
# Not within a word: "root:x:0" is not an emoji.
EMOJI = re.compile(r"(?<![\w:/]):[a-z0-9_+-]+:(?![\w:/])")
# Front matter that some tools keep at the head of a document: keys with values, and nothing that
# could be text.
FRONT_MATTER = re.compile(
    r"\A---[ \t]*\r?\n((?:[A-Za-z_][\w-]*:(?:[ \t].*)?\r?\n|[ \t]+\S.*\r?\n|- .*\r?\n)+)---[ "
    r"\t]*(?:\r?\n|\Z)"
)
# Authors write this so that a link checker ignores a path; in code too, where no forge decodes it.
SLASH = re.compile(r"&#(?:47|x2f);", re.IGNORECASE)
MARKUP_LANGUAGES = frozenset({"html", "xml", "markdown", "md", "svg", "jinja", "django"})
COLOURS = HtmlFormatter(nowrap=True)
# Longer code is pasted output: colours would cost more than they help.
MAX_COLOURED_LENGTH = 50_000
SHIFT = 1  # the title of the page is the h1


class TooDeep(ValueError):
    """The text nests too deep to be rendered."""


@dataclass(slots=True)
class RawHtml:
    """HTML that is not sanitised yet, and the headings.

    Each heading has the level in the author's text, the anchor and the words.
    """

    html: str = ""
    headings: list[tuple[int, str, str]] = field(default_factory=list)


def read(text: str, *, document_path: str) -> RawHtml:
    """Convert a whole document to HTML.

    :param document_path: its path in the repository, from which relative links are resolved.
    :raises TooDeep: lists or quotes nest deeper than ``MAX_DEPTH``.
    """
    front_matter = FRONT_MATTER.match(text)
    if front_matter:
        text = text[front_matter.end() :]
    environment: dict[str, Any] = {}
    tokens = _PARSER.parse(text, environment)
    if any(token.level >= MAX_DEPTH - 1 for token in tokens):
        raise TooDeep(f"Lists or quotes are nested more than {MAX_DEPTH // 2} times.")
    headings, anchors = _anchor_headings(tokens)
    _name_tables(tokens)
    for token in tokens:
        _rewrite_links(token.children or (), anchors, document_path)
    rendered = _PARSER.renderer.render(tokens, _PARSER.options, environment)
    head = _code(front_matter[1], "yaml") if front_matter else ""
    return RawHtml(html=head + rendered, headings=headings)


def _inline(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield from token.children or ()


def _anchor_headings(tokens: Sequence[Token]) -> tuple[list[tuple[int, str, str]], dict[str, str]]:
    """Give each heading its anchor; return the headings, and a mapping from names to anchors.

    The names are the fragments that an author may write for a heading.
    """
    slugs, names = Slugs(), dict[str, str]()
    headings: list[tuple[int, str, str]] = []
    for token, inline in pairwise(tokens):
        if token.type != "heading_open":
            continue
        children = inline.children or []
        level, title = int(token.tag[1]), " ".join(_words(children, markup=True).split())
        # A forge drops raw markup from the anchor.
        anchor = slugs.anchor(_words(children, markup=False))
        names.setdefault(heading_slug(title), anchor)
        token.attrSet("id", anchor)
        token.tag = f"h{min(level + SHIFT, 6)}"
        headings.append((level, anchor, title))
    for token in tokens:
        if token.type == "heading_close":
            token.tag = f"h{min(int(token.tag[1]) + SHIFT, 6)}"
    return headings, {**names, **{anchor: anchor for _, anchor, _ in headings}}


def _name_tables(tokens: Sequence[Token]) -> None:
    """Store the anchor of the heading above each table, as its label for screen readers."""
    anchor = ""
    for token in tokens:
        if token.type == "heading_open":
            anchor = str(token.attrGet("id"))
        elif token.type == "table_open":
            token.meta["heading"] = anchor


def _words(children: Sequence[Token], *, markup: bool) -> str:
    """Return the visible words of a line; with its raw markup if ``markup`` is set."""
    kinds = {"text", "code_inline", *(("html_inline",) if markup else ())}
    return "".join(
        child.content if child.type in kinds else " " if child.type == "softbreak" else ""
        for child in children
    )


def _rewrite_links(children: Sequence[Token], anchors: dict[str, str], document_path: str) -> None:
    within = 0
    for child in children:
        if child.type == "link_open":
            _lead(child, anchors, document_path)
        elif child.type == "image":
            child.meta["in_link"] = within > 0
        within += child.nesting if child.type in ("link_open", "link_close") else 0


def _lead(link: Token, anchors: dict[str, str], document_path: str) -> None:
    address = resolved(str(link.attrs.get("href", "")), document_path=document_path)
    if address is None:
        link.attrs.pop("href", None)
        return
    if address.startswith("#"):
        named = unquote(address[1:])
        address = "#" + quote(anchors.get(named) or anchors.get(named.lower(), named))
    link.attrSet("href", address)


def _replace_emoji(state: StateCore) -> None:
    """Replace names such as ``:warning:`` by emoji; not in code, and no unknown names."""
    for token in _inline(state.tokens):
        if token.type == "text" and ":" in token.content:
            token.content = EMOJI.sub(_emoji, token.content)


def _emoji(found: re.Match[str]) -> str:
    known = gemoji_db.emoji.get(gemoji_db.aliases.get(found[0], found[0]), {})
    code = known.get("unicode_alt") or known.get("unicode")
    return "".join(chr(int(part, 16)) for part in code.split("-")) if code else found[0]


def _shown_markup(raw: str) -> str:
    """Return raw HTML as visible text, except for line breaks and folds."""
    pieces = KEPT_MARKUP.split(raw)
    return "".join(
        piece.lower() if number % 2 else html.escape(piece) for number, piece in enumerate(pieces)
    )


def _raw(text: str) -> str:
    return f'<span class="raw">{html.escape(text)}</span>' if "<" in text else html.escape(text)


def _code(code: str, info: str = "") -> str:
    language = info.split(maxsplit=1)[0].lower() if info.split() else ""
    if language not in MARKUP_LANGUAGES:
        code = SLASH.sub("/", code)
    return f'<div class="code"><pre><code>{_highlighted(code, language)}</code></pre></div>\n'


def _highlighted(code: str, language: str) -> str:
    """Return HTML for code: spans with Pygments' classes, or escaped text for an unknown language.

    Colours are classes, not styles, and no character is changed.
    """
    plain = html.escape(code)
    if not language or len(code) > MAX_COLOURED_LENGTH:
        return plain
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return plain
    tokens = list(lexer.get_tokens(code))
    # A lexer that changes the text would change the command that somebody copies.
    if "".join(words for _, words in tokens) != code:
        return plain
    return highlight(code, lexer, COLOURS)


class _Renderer(RendererHTML):
    """The differences from markdown-it's own HTML."""

    def html_block(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """Return a block of raw HTML: its folds work, the rest is shown line by line."""
        pieces = KEPT_MARKUP.split(tokens[idx].content.strip("\n"))
        if len(pieces) == 1:
            return f'<p class="raw">{html.escape(pieces[0])}</p>\n'
        return (
            "".join(
                piece.lower() if number % 2 else _raw(piece) for number, piece in enumerate(pieces)
            )
            + "\n"
        )

    def html_inline(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """Return a tag within a line: a line break, or text such as ``<run_id>``."""
        return _shown_markup(tokens[idx].content)

    def image(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """Return a link to an image, or its alternative text; no image is loaded.

        The text is used within a link and for an image in the repository.
        """
        token = tokens[idx]
        address = str(token.attrs.get("src", ""))
        words = self.renderInlineAsText(token.children, options, env) or unquote(address)
        shown = f'<span class="image">{html.escape(words)}</span>'
        if token.meta.get("in_link", True) or not SCHEMES.match(address):
            return shown
        return f'<a href="{html.escape(address)}">{shown}</a>'

    def table_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """Return the start of a table in a container that scrolls and is reachable by keyboard."""
        heading = tokens[idx].meta["heading"]
        named = f' aria-labelledby="{html.escape(heading)}"' if heading else ""
        return f'<div class="table" tabindex="0" role="group"{named}>\n<table>\n'

    def table_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """Return the end of the table and its container."""
        return "</table>\n</div>\n"

    def fence(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """Return a fenced block, coloured by the language of the fence."""
        return _code(tokens[idx].content, tokens[idx].info)

    def code_block(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """Return an indented block."""
        return _code(tokens[idx].content)

    def code_inline(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """Return code within a line."""
        return f"<code>{html.escape(SLASH.sub('/', tokens[idx].content))}</code>"


def _deleted(self: Any, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
    return "<del>" if tokens[idx].nesting > 0 else "</del>"


def _footnote_name(self: Any, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
    # The anchor of a heading contains no dot, so the two never collide.
    return f".{tokens[idx].meta['id'] + 1}"


def _footnotes_open(*_: Any) -> str:
    return '<div class="footnotes"><ol>\n'


def _footnotes_close(*_: Any) -> str:
    return "</ol></div>\n"


def _footnote_open(self: Any, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
    return f'<li id="{ID_PREFIX}fn{_footnote_name(self, tokens, idx, options, env)}">'


def _footnote_reference(
    self: Any, tokens: Sequence[Token], idx: int, options: Any, env: Any
) -> str:
    number, again = tokens[idx].meta["id"] + 1, tokens[idx].meta.get("subId", 0)
    anchor = f"{ID_PREFIX}fnref.{number}" + (f".{again}" if again > 0 else "")
    return f'<sup><a href="#{ID_PREFIX}fn.{number}" id="{anchor}">{number}</a></sup>'


def _footnote_back(self: Any, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
    number, again = tokens[idx].meta["id"] + 1, tokens[idx].meta.get("subId", 0)
    anchor = f"{ID_PREFIX}fnref.{number}" + (f".{again}" if again > 0 else "")
    # The variation selector keeps phones from showing a coloured emoji.
    return f' <a href="#{anchor}">↩\ufe0e</a>'


def _parser() -> MarkdownIt:
    parser = MarkdownIt(
        "commonmark", {"maxNesting": MAX_DEPTH, "xhtmlOut": False}, renderer_cls=_Renderer
    )
    parser.use(gfm_plugin)
    parser.core.ruler.push("emoji", _replace_emoji)
    rules = {
        "s_open": _deleted,
        "s_close": _deleted,
        "footnote_anchor_name": _footnote_name,
        "footnote_block_open": _footnotes_open,
        "footnote_block_close": _footnotes_close,
        "footnote_open": _footnote_open,
        "footnote_ref": _footnote_reference,
        "footnote_anchor": _footnote_back,
    }
    for name, rule in rules.items():
        parser.add_render_rule(name, rule)
    return parser


_PARSER = _parser()
