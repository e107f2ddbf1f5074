"""Lists in the short texts that people write in the portal nest as on a forge."""

import html
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbooks.documents.rendering.lists import respell_lists
from runbooks.documents.rendering.render import render_fragment
from tests.runbooks.documents.forge.structure import on_the_forge


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


@pytest.mark.parametrize(
    "text",
    [
        (
            "1. One\n   ```bash\n   a --b\n   c --d\n   ```\n   Then:\n   - x\n   - y\n2. "
            "Two\n3. Three\n"
        ),
        "Sentence:\n- x\n- y\n",
        "1. One\n   - a\n     - deep\n   - b\n2. Two\n",
        "* a\n\n  * b\n  * c\n* d\n",
        "- a\n\n  paragraph of a\n- b\n",
        "- a\n  goes on\n- b\n",
        "> Say:\n> - x\n>   - y\n",
        "- a\n1. one\n2. two\n",
        "10. ten\n    - x\n11. eleven\n",
        "- [ ] todo\n  - [x] done\n",
        "- a\n\n---\n\n- b\n",
        "text\n2. is no list\n",
        "- a\n    - four\n        - eight\n",
        "-\ta\n\t- b\n",
    ],
)
def test_each_construct_nests_as_on_a_forge(text):
    assert depths_here(text) == on_the_forge(text).depths


def test_steps_behind_a_code_block_stay_steps():
    text = (
        "1. Save:\n   ```bash\n   run <run_id>\n   ```\n   It holds:\n   - a\n2. Look up.\n3. "
        "Count.\n"
    )
    assert render_fragment(text).count("<li>") == 4


def test_a_tab_in_a_fence_stays_a_tab():
    assert code_here("```make\nall:\n\techo x\n```\n") == ["all:\n\techo x"]


def test_a_line_break_of_two_spaces_stays():
    assert "<br" in render_fragment("one  \ntwo\n")
    assert "<br" in render_fragment("- one  \n  two\n")


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
    assert re.findall(r"\w+", respell_lists(text)) == re.findall(r"\w+", text)


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=400))
def test_any_text_is_respelled(text):
    respell_lists(text)
