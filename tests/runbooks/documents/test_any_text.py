"""Whatever the text: it is shown, and it is harmless."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from runbooks.documents.rendering.render import render_document, render_fragment
from tests.runbooks.documents.reader import Reader, assert_harmless


@pytest.mark.parametrize(
    "sign", ["> ", "- ", "1. ", "* ", "[", "(", "**", "_", "#", "<", "|", "![", "\\", "  - ", ">- "]
)
def test_deep_nesting_is_shown_and_does_not_raise(sign):
    html = render_document(f"{sign * 800}deepest").html
    assert "deepest" in Reader(html).words
    assert_harmless(html)


def test_a_list_of_two_hundred_levels_is_shown():
    text = "".join(f"{'  ' * level}- level{level}\n" for level in range(200))
    assert "level199" in Reader(render_document(text).html).words


@pytest.mark.parametrize(
    "text",
    [
        "\x00",
        "\ud800",
        "\udfff\ud800",
        "\ufffe",
        "\x02wzxhzdk:0\x03",
        "\x02",
        "\x03",
        "\r",
        "\u2028",
        "\U0010ffff",
    ],
)
def test_odd_signs_do_not_raise(text):
    assert_harmless(render_document(f"a {text} b\n\n# {text}\n\n```\n{text}\n```\n").html)


def test_a_document_cannot_ask_for_what_another_part_of_it_stored():
    """Python-Markdown stores finished HTML under numbered placeholders.

    A document that contains such a placeholder must not get that HTML.
    """
    html = render_document(
        "```\n<b>stored</b>\n```\n\n\x02wzxhzdk:0\x03\n\nwzxhzdk:0\n\nklzzwxh:0000"
    ).html
    assert Reader(html).words.count("stored") == 1


pieces = st.sampled_from(
    [
        *(
            "# ",
            "## ",
            "- ",
            "1. ",
            "> ",
            "```",
            "```python\n",
            "~~~",
            "``` {.python a=b}\n",
            "`",
            "**",
            "_",
            "|",
            "|-|-|\n",
            "[",
            "]",
            "(",
            ")",
        ),
        *(
            "![",
            "<",
            ">",
            "</",
            "<script>",
            "javascript:",
            "http://a.b",
            "&",
            "&lt;",
            "&#106;",
            "\n",
            "\n\n",
            "  ",
            "    ",
            "\t",
            "\\",
            "#!",
            ":::",
        ),
        *(
            "[a]: ",
            "[ ] ",
            "[x] ",
            "{.x}",
            "hl_lines='1'",
            "'",
            '"',
            "a",
            "é",
            "\x02",
            "\x03",
            "wzxhzdk:0",
            "<!--",
            "-->",
            "=",
            "---",
        ),
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=300))
@example("\ud800")
def test_any_text_at_all_is_rendered_harmless(text):
    rendered = render_document(text)
    assert_harmless(rendered.html)
    assert_harmless(render_fragment(text))
    assert {heading["id"] for heading in rendered.contents} <= set(
        Reader(rendered.html).values("id")
    )


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(pieces, max_size=40).map("".join))
def test_any_heap_of_markdown_is_rendered_harmless(text):
    rendered = render_document(text)
    assert_harmless(rendered.html)
    ids = Reader(rendered.html).values("id")
    assert len(ids) == len(set(ids))
