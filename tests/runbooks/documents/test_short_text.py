"""Short texts: lists in a few lines, and lines that stay apart (decision record 0026)."""

import html
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbooks.documents.rendering.render import render_fragment
from tests.runbooks.documents.forge.structure import on_the_forge
from tests.runbooks.documents.reader import Reader


def depths_here(text):
    depth, depths = 0, []
    for closing, tag in re.findall(r"<(/?)(ul|ol|li)\b", render_fragment(text)):
        if tag == "li":
            depths += [] if closing else [depth]
        else:
            depth += -1 if closing else 1
    return depths


def code_here(text):
    blocks = re.findall(r"<pre[^>]*>(.*?)</pre>", render_fragment(text), re.DOTALL)
    return [html.unescape(re.sub(r"<[^>]+>", "", block)).strip("\n") for block in blocks]


def lines_here(text):
    """What the reader sees on lines of its own."""
    parts = re.split(r"<(?:br|/?(?:p|li|ul|ol|blockquote|div|pre))\b[^>]*>", render_fragment(text))
    shown = (html.unescape(re.sub(r"<[^>]+>", "", part)).strip() for part in parts)
    return [line for line in shown if line]


@pytest.mark.parametrize(
    "text",
    [
        (
            "1. One\n   ```bash\n   a --b\n   c --d\n   ```\n   Then:\n   - x\n   - y\n2. "
            "Two\n3. Three\n"
        ),
        "Sentence:\n\n- x\n- y\n",
        "* Sentence:\n\n  * x\n  * y\n",
        "1. One\n   - a\n     - deep\n   - b\n2. Two\n",
        "- a\n\n  paragraph of a\n\n- b\n",
        "- a\n  goes on\n- b\n",
        "> Say:\n>\n> - x\n>   - y\n",
        "- a\n\n1. one\n2. two\n",
        "- [ ] todo\n  - [x] done\n",
        "- a\n\n---\n\n- b\n",
        "text\n2. is no list\n",
        "-\ta\n\t- b\n",
    ],
)
def test_lists_as_people_write_them_nest_as_on_a_forge(text):
    assert depths_here(text) == on_the_forge(text).depths


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Sentence:\n- x\n- y\n", ["Sentence:", "- x", "- y"]),
        ("- a\n\n  paragraph of a\n- b\n", ["a", "paragraph of a", "- b"]),
        ("> Say:\n> - x\n>   - y\n", ["Say:", "- x", "- y"]),
        ("- a\n1. one\n2. two\n", ["a", "1. one", "2. two"]),
        ("10. ten\n    - x\n11. eleven\n", ["ten", "- x", "eleven"]),
        ("- a\n    - four\n        - eight\n", ["a", "- four", "- eight"]),
        ("1. Stop.\n2. Wait.\nThen\n3) Start.\n", ["Stop.", "Wait.", "Then", "3) Start."]),
    ],
)
def test_where_a_forge_sees_a_list_and_we_do_not_each_step_keeps_its_line(text, lines):
    assert depths_here(text) != on_the_forge(text).depths
    assert lines_here(text) == lines


def test_the_item_after_a_list_that_an_empty_line_precedes_is_taken_into_it():
    """Python-Markdown's own reading, stated here so that nobody is surprised by it."""
    assert depths_here("* a\n\n  * b\n* c\n") == [1, 2, 2]
    assert depths_here("* a\n  * b\n* c\n") == [1, 2, 1]


def test_steps_behind_a_code_block_stay_steps():
    text = (
        "1. Save:\n   ```bash\n   run <run_id>\n   ```\n   It holds:\n   - a\n2. Look up.\n3. "
        "Count.\n"
    )
    assert render_fragment(text).count("<li>") == 4
    assert code_here(text) == ["run <run_id>"]


def test_a_tab_in_a_fence_stays_a_tab():
    assert code_here("```make\nall:\n\techo x\n```\n") == ["all:\n\techo x"]


def test_a_line_break_stays_with_and_without_two_spaces():
    for text in ("one  \ntwo\n", "one\ntwo\n", "- one  \n  two\n", "- one\n  two\n"):
        assert lines_here(text) == ["one", "two"]


LINES = st.lists(
    st.sampled_from(
        [
            "",
            "text",
            "- a",
            "  - b",
            "    - c",
            "1. x",
            "   y",
            "> q",
            "> - z",
            "```",
            "# h",
            "| a |",
            "* * *",
            "\t- t",
            "2) u",
        ]
    ),
    max_size=25,
)


@settings(deadline=None, max_examples=200)
@given(LINES)
def test_no_word_is_lost_and_nothing_raises(lines):
    text = "\n".join(lines)
    # A marker that is read as one is shown by the browser.
    words = re.findall(r"[^\W\d]+", text)
    assert re.findall(r"[^\W\d]+", Reader(render_fragment(text)).words) == words


DEEP = {
    "lists": "".join(f"{'  ' * level}- a\n" for level in range(60)),
    "lists of both kinds": "".join(f"{'  ' * n}{'-' if n % 2 else '1.'} a\n" for n in range(60)),
    "markers in a row": "- " * 1_000,
    "quotes": "> " * 1_000,
    "lists in quotes": "> - " * 500,
    "spaces": " " * 1_990 + "- a",
    "brackets": "[" * 2_000,
    "links": "[a](" * 500,
    "emphasis": "*a **b _c __d " * 140,
    "backticks": "`" * 1_999,
    "backslashes": "\\`" * 1_000,
    "fences": "```\n" * 500,
    "a table": "|" * 2_000,
    "lines": "a\n" * 1_000,
    "empty lines": "\n" * 2_000,
    "tasks": "- [ ] " * 330,
}


@pytest.mark.parametrize("name", DEEP)
def test_no_short_text_takes_long_or_raises(name):
    started = time.process_time()
    render_fragment(DEEP[name][:2_000])
    assert time.process_time() - started < 2


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=400))
def test_any_text_is_rendered(text):
    render_fragment(text)
