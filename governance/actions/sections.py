"""A section's Markdown is rendered when it is stored, whoever stores it.

The HTML follows from the text, so it leaves no ledger row of its own.
"""

from collections.abc import Iterable

from runbooks.documents.bounded import render_fragment
from runbooks.models import Section, SectionEntry


def render_section(section: Section) -> None:
    """Render the note and the roles of a stored section, and store what came of it."""
    render_note(section)
    section.save(update_fields=["note_html"])
    entries = list(section.entries.all())
    render_roles(entries)
    for entry in entries:
        entry.save(update_fields=["role_html"])


def render_note(section: Section) -> None:
    """Render the note; whoever calls it stores the section."""
    section.note_html = render_fragment(section.note)


def render_roles(entries: Iterable[SectionEntry]) -> None:
    """Render the roles; whoever calls it stores the entries."""
    for entry in entries:
        entry.role_html = render_fragment(entry.role)
