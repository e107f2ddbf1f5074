"""Read short texts that people write in the portal, with Python-Markdown. ``render`` cleans the result."""

import markdown

# A role or a note is a few lines. Python-Markdown needs many seconds for some texts of 20,000
# characters.
MAX_LENGTH = 2_000
# Bullets nest with two spaces, numbered steps with three; four spaces are two levels at once.
# Decision record 0026 says which lists nest otherwise than on a forge.
INDENT = 2


class TooLong(ValueError):
    """The text is not short."""


def read(text: str) -> str:
    """Return the HTML of a role or a note; nobody has cleaned it yet.

    :raises TooLong: it has more than ``MAX_LENGTH`` characters.
    """
    if len(text) > MAX_LENGTH:
        raise TooLong(f"It has {len(text)} characters; a short text has at most {MAX_LENGTH}.")
    converter = markdown.Markdown(
        extensions=[
            "nl2br",  # steps that are not read as a list stay on lines of their own
            "pymdownx.superfences",
            "pymdownx.tasklist",
            "sane_lists",
            "tables",
        ],
        extension_configs={
            "pymdownx.superfences": {"preserve_tabs": True},  # what is copied is what was written
            "tables": {"use_align_attribute": True},  # a style would be cleaned away
        },
        output_format="html",
        tab_length=INDENT,
    )
    # Without these two, raw HTML is text like any other and is escaped.
    converter.preprocessors.deregister("html_block")
    converter.inlinePatterns.deregister("html")
    return converter.convert(text)
