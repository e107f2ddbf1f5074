"""What the pages say about the catalogue: words for codes, plain text for Markdown."""

from django import template

from runbooks.choices import REASON_TEXTS
from runbooks.landscape.cells import plain_text
from runbooks.standing import Reason

register = template.Library()


@register.filter
def reason_text(reason: Reason) -> str:
    """A reason against live use in words that an operator understands at night."""
    return str(REASON_TEXTS.get(reason, reason))


@register.filter
def plain(text: str) -> str:
    """A Markdown line as a reader sees it: without emphasis, link or code marks. Not safe HTML: it is escaped as usual."""
    return plain_text(text)
