"""Rendering of a section's Markdown when it is stored, before any lock is taken.

The HTML follows from the text, so it has no ledger row of its own.
"""

from collections.abc import Iterable, Mapping

from runbooks.documents.rendering.rendered import as_it_stands
from runbooks.documents.rendering.sandbox import render_fragment
from runbooks.models import Section, SectionEntry

Fragments = Mapping[str, str]  # Markdown -> its safe HTML


def rendered_fragments(texts: Iterable[str]) -> dict[str, str]:
    """Render each different text once; slow, so call it before the transaction that stores."""
    return {text: render_fragment(text) for text in dict.fromkeys(texts)}


def store_rendered_section(section: Section, fragments: Fragments) -> None:
    """Store the rendered note and roles of a stored section."""
    fill_note(section, fragments)
    section.save(update_fields=["note_html"])
    entries = list(section.entries.all())
    fill_roles(entries, fragments)
    for entry in entries:
        entry.save(update_fields=["role_html"])


def fill_note(section: Section, fragments: Fragments) -> None:
    """Set the rendered note; the caller stores the section."""
    section.note_html = _html(section.note, fragments)


def fill_roles(entries: Iterable[SectionEntry], fragments: Fragments) -> None:
    """Set the rendered roles; the caller stores the entries."""
    for entry in entries:
        entry.role_html = _html(entry.role, fragments)


def _html(text: str, fragments: Fragments) -> str:
    """Return the HTML of a text, or the plain text if it was not rendered beforehand.

    Nothing is rendered under a lock.
    """
    if text in fragments:
        return fragments[text]
    return as_it_stands(text).html if text else ""
