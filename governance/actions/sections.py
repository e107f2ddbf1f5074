"""A section's Markdown is rendered when it is stored, whoever stores it."""

from runbooks.documents.bounded import render_fragment
from runbooks.models import Section


def render_section(section: Section) -> None:
    """Render the note and the roles as they are stored. The HTML follows from the text, so it leaves no row of its own."""
    section.note_html = render_fragment(section.note)
    section.save(update_fields=["note_html"])
    for entry in section.entries.all():
        entry.role_html = render_fragment(entry.role)
        entry.save(update_fields=["role_html"])
