"""Colours for code, as classes: no style, and not one sign changed."""

import html

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

FORMATTER = HtmlFormatter(nowrap=True)
# Longer is output that somebody pasted: colours would cost more than they help.
MAX_LENGTH = 50_000


def highlighted(code: str, language: str) -> str:
    """HTML for code: spans with Pygments' classes, or escaped text where there is no such language."""
    plain = html.escape(code)
    if not language or len(code) > MAX_LENGTH:
        return plain
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return plain
    tokens = list(lexer.get_tokens(code))
    # A lexer that changes the text would change the command that somebody copies.
    if "".join(words for _, words in tokens) != code:
        return plain
    return highlight(code, lexer, FORMATTER)
