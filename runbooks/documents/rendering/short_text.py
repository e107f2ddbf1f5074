"""Conversion of short texts to HTML with Python-Markdown. ``render`` sanitises the result."""

import markdown

# A role or a note is a few lines. Python-Markdown needs many seconds for some texts of 20,000
# characters.
MAX_LENGTH = 2_000
# Bullets nest with two spaces, numbered steps with three; four spaces are two levels at once.
# Decision record 0026 says which lists nest differently than on a forge.
INDENT = 2


class TooLong(ValueError):
    """The text is too long."""


def read(text: str) -> str:
    """Return the HTML of a role or a note; it is not sanitised.

    :raises TooLong: it has more than ``MAX_LENGTH`` characters.
    """
    if len(text) > MAX_LENGTH:
        raise TooLong(f"It has {len(text)} characters; a short text has at most {MAX_LENGTH}.")
    converter = markdown.Markdown(
        extensions=[
            "nl2br",  # steps that are not recognised as a list keep their own lines
            "pymdownx.superfences",
            "pymdownx.tasklist",
            "sane_lists",
            "tables",
        ],
        extension_configs={
            "pymdownx.superfences": {"preserve_tabs": True},  # copied code is unchanged
            "tables": {"use_align_attribute": True},  # a style would be removed
        },
        output_format="html",
        tab_length=INDENT,
    )
    # Without these two, raw HTML is text like any other and is escaped.
    converter.preprocessors.deregister("html_block")
    converter.inlinePatterns.deregister("html")
    return converter.convert(text)
