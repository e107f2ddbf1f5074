"""Short texts that people write in the portal, by Python-Markdown. What comes out is rough: ``render`` cleans it."""

import markdown

from runbooks.documents.rendering.lists import respell_lists

# A role or a note is a few lines. Python-Markdown needs many seconds for some texts of 20,000
# signs.
MAX_LENGTH = 2_000


class TooLong(ValueError):
    """No short text."""


def read(text: str) -> str:
    """Read a role or a note.

    :raises TooLong: it has more than ``MAX_LENGTH`` signs.
    """
    if len(text) > MAX_LENGTH:
        raise TooLong(f"It has {len(text)} signs; {MAX_LENGTH} are the most for a short text.")
    converter = markdown.Markdown(
        extensions=["tables", "sane_lists", "pymdownx.superfences", "pymdownx.tasklist"],
        extension_configs={
            "pymdownx.superfences": {"preserve_tabs": True},  # what is copied is what was written
            "tables": {"use_align_attribute": True},  # a style would be cleaned away
        },
        output_format="html",
    )
    # Without these two, raw HTML is text like any other and is escaped.
    converter.preprocessors.deregister("html_block")
    converter.inlinePatterns.deregister("html")
    return converter.convert(respell_lists(text))
