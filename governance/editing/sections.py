"""A section's Markdown is rendered when it is stored, whoever stores it, and before any lock is taken.

The HTML follows from the text, so it leaves no ledger row of its own.
"""

from collections.abc import Iterable, Mapping

from runbooks.documents.rendering.rendered import as_it_stands
from runbooks.documents.rendering.sandbox import render_fragment
from runbooks.models import Section, SectionEntry

Fragments = Mapping[str, str]  # Markdown -> its safe HTML


def rendered_fragments(texts: Iterable[str]) -> dict[str, str]:
    """Render each different text once. Slow: it belongs before the transaction that stores them."""
    return {text: render_fragment(text) for text in dict.fromkeys(texts)}


def store_rendered_section(section: Section, fragments: Fragments) -> None:
    """Store what was rendered of the note and the roles of a stored section."""
    fill_note(section, fragments)
    section.save(update_fields=["note_html"])
    entries = list(section.entries.all())
    fill_roles(entries, fragments)
    for entry in entries:
        entry.save(update_fields=["role_html"])


def fill_note(section: Section, fragments: Fragments) -> None:
    """Put in the rendered note; whoever calls it stores the section."""
    section.note_html = _html(section.note, fragments)


def fill_roles(entries: Iterable[SectionEntry], fragments: Fragments) -> None:
    """Put in the rendered roles; whoever calls it stores the entries."""
    for entry in entries:
        entry.role_html = _html(entry.role, fragments)


def _html(text: str, fragments: Fragments) -> str:
    """A text that nobody has rendered before is shown as it stands: nothing is rendered under a lock."""
    if text in fragments:
        return fragments[text]
    return as_it_stands(text).html if text else ""
