"""What a document says is kept."""

import re

import pytest

from runbooks.documents.rendering.render import render_document
from tests.runbooks.documents.reader import Reader, read


@pytest.mark.parametrize("fence", ["```", "~~~", "````"])
def test_a_fence_without_a_language_is_code_as_it_stands(fence):
    rendered = read(f"{fence}\n# no heading\n- no list\n{fence}\n")
    assert "pre" in rendered.tags()
    assert not {"h2", "ul"} & set(rendered.tags())
    assert rendered.words.strip() == "# no heading\n- no list"


@pytest.mark.parametrize(
    "text",
    [
        "1. Stop it.\n\n   ```bash\n   first --flag\n   second\n   ```\n\n2. Look.\n",
        "1. Stop it.\n   ```bash\n   first --flag\n   second\n   ```\n2. Look.\n",
        "- Stop it.\n\n  ~~~\n  first --flag\n  second\n  ~~~\n\n- Look.\n",
        "- a\n  - Stop it.\n    ```bash\n    first --flag\n    second\n    ```\n- Look.\n",
    ],
)
def test_a_command_inside_a_step_stays_a_block_of_lines(text):
    rendered = read(text)
    assert "pre" in rendered.tags()
    assert "first --flag\nsecond\n" in rendered.words
    assert "```" not in rendered.words
    assert "bash" not in rendered.words
    assert rendered.words.index("second") < rendered.words.index("Look.")
    assert rendered.tags().count("li") >= 2


@pytest.mark.parametrize("first", ["::1 localhost", "#!/bin/sh", "#!python", ":::python"])
def test_the_first_line_of_code_is_never_taken_for_something_else(first):
    for text in (
        f"```\n{first}\nsecond\n```",
        f"Text\n\n    {first}\n    second\n",
        f"Text\n\n  {first}\n  second\n",
    ):
        assert first in read(text).words
        assert "second" in read(text).words


# ---- what a document says is kept


@pytest.mark.parametrize(
    "text",
    [
        "run <run_id> now",
        "# Run <run_id>",
        "- <run_id>",
        "|<run_id>|\n|-|\n|<run_id>|",
        "`<run_id>`",
        "```\n<run_id>\n```",
        "<run_id>",
    ],
)
def test_a_placeholder_in_angle_brackets_stays_visible(text):
    rendered = render_document(text)
    assert "<run_id>" in Reader(rendered.html).words
    for heading in rendered.contents:
        assert "&lt;" not in heading["title"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (":warning: stop", "⚠️ stop"),
        ("(:warning:)", "(⚠️)"),
        ("`:warning:`", ":warning:"),
        (":no_such_name:", ":no_such_name:"),
        ("root:x:0 at 10:30:45", "root:x:0 at 10:30:45"),
        ("✅ done 🚨", "✅ done 🚨"),
    ],
)
def test_emoji_are_shown_and_what_only_looks_like_one_stays(text, words):
    assert read(text).words.strip() == words


@pytest.mark.parametrize("place", ["`{}`", "```\n{}\n```", "{}", "    {}", "|a|\n|-|\n|`{}`|"])
@pytest.mark.parametrize("slash", ["&#47;", "&#x2F;"])
def test_a_slash_that_a_link_checker_must_overlook_is_a_slash_everywhere(place, slash):
    assert "docs/a/b.md" in read(place.replace("{}", f"docs{slash}a{slash}b.md")).words


def test_markup_that_is_the_subject_of_a_fence_keeps_its_slashes():
    assert "a&#47;b" in read("```html\na&#47;b\n```").words


def test_what_a_tool_keeps_at_the_head_of_a_document_is_no_heading():
    rendered = read("---\nowner: desk\ntags:\n  - pumps\n- more\n---\n\n# Stop\n")
    assert [tag for tag in rendered.tags() if tag.startswith("h")] == ["h2"]
    assert "owner: desk\ntags:\n  - pumps\n" in rendered.words


@pytest.mark.parametrize(
    "text",
    ["---\n\nA text: with a colon.\n\n---\n", "---\nwords\n---\n", "---\n# Title\n---\n", "---\n"],
)
def test_a_line_at_the_head_of_a_document_is_a_line(text):
    assert "hr" in read(text).tags()
    assert "pre" not in read(text).tags()


def test_a_fold_folds_and_what_is_in_it_is_a_text():
    rendered = read("<details>\n<summary>More</summary>\n\n- **a**\n\n</details>\n\nBehind.\n")
    assert [tag for tag in rendered.tags() if tag not in ("p", "ul")] == [
        "details",
        "summary",
        "li",
        "strong",
    ]
    assert render_document("<details>\n\na\n").html.endswith("</details>")


def test_a_line_break_works_in_a_cell():
    assert "br" in read("|a|\n|-|\n|b<br>c<br/>d|\n").tags()


def test_an_alert_is_named():
    rendered = read("> [!WARNING]\n> Mind the cellar.\n")
    assert rendered.words.split() == ["Warning", "Mind", "the", "cellar."]
    assert ("div", {"class": "markdown-alert markdown-alert-warning"}) in rendered.elements


def test_a_footnote_leads_there_and_back():
    rendered = read("Stop[^a] it[^a].\n\n# fn.1\n\n[^a]: Why.\n")
    assert rendered.values("href") == ["#doc-fn.1", "#doc-fn.1", "#doc-fnref.1", "#doc-fnref.1.1"]
    assert sorted(rendered.values("id")) == ["doc-fn.1", "doc-fn1", "doc-fnref.1", "doc-fnref.1.1"]


def test_a_table_is_a_table_with_its_alignment():
    rendered = read("|step|who|when|\n|:--|:-:|--:|\n|1|a \\| b|`x|y`|\n")
    assert [tag for tag in rendered.tags() if tag in ("table", "thead", "tbody", "th", "td")] == [
        "table", "thead", "th", "th", "th", "tbody", "td", "td", "td",
    ]  # fmt: skip
    assert rendered.values("align") == ["left", "center", "right"] * 2
    assert "a | b" in rendered.words


@pytest.mark.parametrize(
    "text",
    [
        "- a\n  - b\n    - c\n  - d\n- e\n",
        "- a\n   - b\n      - c\n   - d\n- e\n",
        "- a\n    - b\n        - c\n    - d\n- e\n",
        "* a\n  * b\n    * c\n  * d\n* e\n",
        "1. a\n   - b\n     - c\n   - d\n2. e\n",
    ],
)
def test_a_list_nests_from_two_spaces_on(text):
    rendered = render_document(text).html
    depth, depths = 0, {}
    for piece in re.findall(r"</?[uo]l>|<li>[a-e]", rendered):
        if piece.startswith("<li>"):
            depths[piece[-1]] = depth
        else:
            depth += -1 if "/" in piece else 1
    assert depths == {"a": 1, "b": 2, "c": 3, "d": 2, "e": 1}


def test_an_ordered_list_keeps_the_number_it_starts_with():
    assert ("ol", {"start": "7"}) in read("7. a\n8. b\n").elements


def test_a_task_is_a_box_that_nobody_can_tick():
    boxes = [
        attributes
        for tag, attributes in read("- [ ] open\n- [x] done\n").elements
        if tag == "input"
    ]
    assert [set(box) for box in boxes] == [{"type", "disabled"}, {"type", "disabled", "checked"}]


def test_a_table_stands_in_a_frame_that_the_keyboard_reaches_and_is_called_as_its_heading():
    frames = [
        attributes
        for tag, attributes in read(
            "|a|\n|-|\n|b|\n\n## Steps\n\n- x\n\n  |a|\n  |-|\n  |b|\n"
        ).elements
        if tag == "div"
    ]
    assert frames == [
        {"class": "table", "tabindex": "0", "role": "group"},
        {"class": "table", "tabindex": "0", "role": "group", "aria-labelledby": "doc-steps"},
    ]
