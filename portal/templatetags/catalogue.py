"""Template tags for the catalogue: labels for codes, plain text for Markdown."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django import template
from django.forms import BaseForm
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from portal.pages.badges import Badge, badges_of
from runbooks.alerts import Alert, Resolution
from runbooks.choices import ALERT_WITHOUT_LABELS, MATCHED_BY_TEXTS, UNKNOWN_ALERT, UNMATCHED_TEXTS
from runbooks.documents.invisible_characters import escape_invisible_characters
from runbooks.documents.rendering.rendered import Heading
from runbooks.landscape.parse.cells import plain_text
from runbooks.models import Runbook

register = template.Library()


@register.filter
def plain(text: str) -> str:
    """Return a line of Markdown as plain text, without markup for emphasis, links and code.

    Invisible characters are replaced by their code points, as in a document. The result is not safe
    HTML and must be escaped.
    """
    return escape_invisible_characters(plain_text(text))


@register.filter
def related(runbook: Runbook, name: str) -> list[Any]:
    """Return the related rows of one kind, such as ``layers``, in order (``Runbook.related``)."""
    return runbook.related(name)


@register.simple_tag
def matched_by_text(resolution: Resolution[Any], alert: Alert) -> str:
    """Return a text that names the rule by which the situations were found.

    It mentions only labels that the alert has.
    """
    text = str(MATCHED_BY_TEXTS[resolution.matched_by])
    if not resolution.asked:
        return f"{UNKNOWN_ALERT if alert.given else ALERT_WITHOUT_LABELS} {text}"
    unmatched = (str(UNMATCHED_TEXTS[name]) for name in alert.given if name not in resolution.asked)
    return " ".join([text, *unmatched])


@register.filter
def readiness_badges(runbook: Runbook) -> SafeString:
    """Return the badges of a runbook in a row (``portal.pages.badges``).

    This is not a component template, because a list shows fifty of them.

    :param runbook: a runbook with its ``standing`` set.
    """
    return _in_a_row(tuple(badges_of(runbook, runbook.standing)))


@lru_cache(maxsize=1_000)
def _in_a_row(badges: tuple[Badge, ...]) -> SafeString:
    """Return the HTML of badges, cached because a list repeats the same few combinations."""
    shown = format_html_join(" ", '<span class="badge is-{}">{}</span>', badges)
    return format_html('<span class="row">{}</span>', shown)


@register.filter
def contents_list(contents: Iterable[Heading]) -> SafeString:
    """Return the headings of a document as a list of links.

    A page shows the list twice.
    """
    lines = ((heading["level"], heading["id"], heading["title"]) for heading in contents)
    return format_html(
        '<ul class="contents">{}</ul>',
        format_html_join("\n", '<li class="contents-level-{}"><a href="#{}">{}</a></li>', lines),
    )


@register.filter
def narrows_beside(form: BaseForm, chips: str) -> bool:
    """Return whether a list is filtered by more than text and chips, which are always visible."""
    return form.is_bound and bool(set(form.changed_data) - {"text", chips})


@register.filter
def visible(text: object) -> str:
    """Return a text with invisible and reversing characters as code points: ``[U+202E]``."""
    return escape_invisible_characters(str(text))
