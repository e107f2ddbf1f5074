"""What the pages say about the catalogue: words for codes, plain text for Markdown."""

from django import template

from runbooks.alerts import MatchedBy
from runbooks.choices import MATCHED_BY_TEXTS
from runbooks.landscape.cells import plain_text

register = template.Library()


@register.filter
def plain(text: str) -> str:
    """A Markdown line as a reader sees it: without emphasis, link or code marks. Not safe HTML: it is escaped as usual."""
    return plain_text(text)


@register.filter
def matched_by_text(rule: MatchedBy) -> str:
    """Which rule found the situations, in words."""
    return str(MATCHED_BY_TEXTS[rule])
