"""Markdown to safe HTML: nothing that a document holds can act on the page, and nothing that it says is lost."""

import re
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from runbooks.documents.render import heading_slug, render_document, render_fragment

# Written down here once more, on purpose: a tag or an attribute that the renderer lets through must be wanted twice.
ALLOWED = {
    "a": {"href", "title", "rel"},
    "blockquote": set(),
    "br": set(),
    "code": {"class"},
    "dd": set(),
    "del": set(),
    "div": {"class"},
    "dl": set(),
    "dt": set(),
    "em": set(),
    "h1": {"id"},
    "h2": {"id"},
    "h3": {"id"},
    "h4": {"id"},
    "h5": {"id"},
    "h6": {"id"},
    "hr": set(),
    "input": {"type", "disabled", "checked"},
    "li": {"class", "id"},
    "ol": {"start"},
    "p": set(),
    "pre": {"class"},
    "span": {"class"},
    "strong": set(),
    "sub": set(),
    "sup": set(),
    "table": set(),
    "tbody": set(),
    "td": {"align"},
    "th": {"align"},
    "thead": set(),
    "tr": set(),
    "ul": {"class"},
}


class Reader(HTMLParser):
    """What a browser would make of it: the tags with their attributes, and the words."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.elements, self.words = [], ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words += data

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")

    def handle_decl(self, decl):
        raise AssertionError(f"a declaration: {decl}")

    def handle_pi(self, data):
        raise AssertionError(f"an instruction: {data}")

    def unknown_decl(self, data):
        raise AssertionError(f"a declaration: {data}")

    def tags(self):
        return [tag for tag, _ in self.elements]

    def values(self, name):
        return [attributes[name] for _, attributes in self.elements if attributes.get(name)]


def read(text):
    return Reader(render_document(text).html)


def assert_harmless(html):
    for tag, attributes in Reader(html).elements:
        assert tag in ALLOWED, tag
        assert set(attributes) <= ALLOWED[tag], (tag, attributes)
        if "href" in attributes:
            assert re.match(r"(?:https?:|mailto:|#doc-)", attributes["href"], re.IGNORECASE), attributes["href"]
            assert attributes["rel"] == "noopener noreferrer"
        if "id" in attributes:
            assert attributes["id"].startswith("doc-")
        if tag == "input":
            assert attributes["type"] == "checkbox"
            assert "disabled" in attributes
        if tag == "div":
            assert set(attributes.get("class", "").split()) <= {"code", "linenodiv"}


# ---- nothing executable


MARKUP = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<img src='x' onerror='alert(1)' />",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>",
    "<style>body{display:none}</style>",
    "<link rel=stylesheet href=//evil.example>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=x></object><embed src=x>",
    "<form action=//evil.example><input name=password><button>Go</button></form>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<body onload=alert(1)>",
    "<div style='position:fixed;inset:0'>x</div>",
    "<section class='banner is-go'>Signed for live use</section>",
    "<a href=javascript:alert(1)>x</a>",
    "<a name=main id=main>x</a>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)>",
    "<template><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<textarea></textarea><script>alert(1)</script>",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php alert(1) ?>",
    "<!DOCTYPE html>",
    "</article></main><script>alert(1)</script>",
    "<x onclick=alert(1)>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "\x00<script>alert(1)</script>",
    "\ufeff<script>alert(1)</script>",
]
# Wherever Markdown could make something else of it.
PLACES = [
    "{}",
    "a {} b",
    "# {}",
    "- {}",
    "> {}",
    "|{}|b|\n|-|-|\n|{}|c|",
    "    {}",
    "```\n{}\n```",
    "`{}`",
    "**{}**",
    "[{}](#x)",
    "[x](#y '{}')",
]


@pytest.mark.parametrize("markup", MARKUP)
def test_markup_in_a_document_is_text_wherever_it_stands(markup):
    for place in PLACES:
        rendered = render_document(place.replace("{}", markup))
        assert_harmless(rendered.html)
        for heading in rendered.contents:
            assert heading["id"].startswith("doc-")


@pytest.mark.parametrize(
    "markup", [markup for markup in MARKUP if "\x00" not in markup and "&" not in markup and "\ufeff" not in markup]
)
def test_markup_is_shown_as_it_was_written(markup):
    assert markup in read(f"`{markup}`").words
    assert "".join(markup.split()) in "".join(read(f"a {markup} b").words.split())


ADDRESSES = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "\x01javascript:alert(1)",
    "java\tscript:alert(1)",
    "java\nscript:alert(1)",
    "java&#10;script:alert(1)",
    "java&Tab;script:alert(1)",
    "&#106;avascript:alert(1)",
    "&#x6A;avascript:alert(1)",
    "&#0000106avascript:alert(1)",
    "javascript&colon;alert(1)",
    "javascript&#58;alert(1)",
    "javascript\\:alert(1)",
    "\\javascript:alert(1)",
    "javascript%3Aalert(1)",
    "%6aavascript:alert(1)",
    "javascript://https://good.example/%0aalert(1)",
    "vbscript:msgbox(1)",
    "livescript:x",
    "data:text/html,<script>alert(1)</script>",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    "data:image/svg+xml,<svg onload=alert(1)>",
    "blob:https://good.example/x",
    "file:///etc/passwd",
    "ftp://good.example",
    "//evil.example",
    "\\\\evil.example",
    "/\\evil.example",
    "ＪＡＶＡＳＣＲＩＰＴ:alert(1)",
    "feed:javascript:alert(1)",
    "view-source:javascript:alert(1)",
    "jar:javascript:alert(1)!/x",
]
LINKS = [
    "[x]({})",
    "[x](<{}>)",
    "[x]({} 'title')",
    "<{}>",
    "[x][1]\n\n[1]: {}",
    "[x]\n\n[x]: <{}>",
    "![x]({})",
    "[![x]({})]({})",
    "[x]({})\n- [x]({})",
    "# [x]({})",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_link_leads_to_a_web_page_a_mailbox_or_within_the_text_and_nowhere_else(address):
    for link in LINKS:
        html = render_document(link.replace("{}", address)).html
        assert_harmless(html)
        assert "alert" not in "".join(Reader(html).values("href")), link


@pytest.mark.parametrize(
    "address",
    ["https://good.example/a?b=1&c=2#d", "http://good.example", "HTTPS://GOOD.EXAMPLE", "mailto:desk@good.example"],
)
def test_a_good_link_is_kept_and_gives_nothing_away(address):
    ((tag, attributes),) = [element for element in read(f"[x]({address})").elements if element[0] == "a"]
    assert (tag, attributes) == ("a", {"href": address, "rel": "noopener noreferrer"})


@pytest.mark.parametrize("address", ["../other.md", "other.md", "/docs/other.md", "./x#y", "docs/a b.md", "?q=1", ""])
def test_a_relative_link_keeps_its_words_and_loses_its_address(address):
    rendered = read(f"[the other](<{address}>)")
    assert rendered.words.strip() == "the other"
    assert rendered.values("href") == []


def test_an_image_is_not_loaded():
    for text in ("![alt](https://evil.example/pixel.png)", "![alt][1]\n\n[1]: https://evil.example/pixel.png"):
        assert "evil" not in render_document(text).html


# ---- what a fence may say


OPTIONS = [
    "{.python style=nonexistent}",
    "{.python pygments_formatter=svg}",
    "{.python pygments_formatter=img}",
    "{.python full=True cssfile=/tmp/written-by-a-document.css}",
    "{.python tabsize=abc}",
    "{.python encoding=utf-99}",
    "{.python linenos=table linenums=1}",
    "{.python .banner .is-go css_class=banner cssclass=banner}",
    "{.banner .is-stop}",
    "{.python #safety-banner}",
    "{.python hl_lines='1-99999999999'}",
    "python hl_lines='x'",
    "python linenums='99999999999'",
    "python title='<script>alert(1)</script>'",
    "python noclasses=True",
    "nosuchlanguage",
    "<script>",
    "{",
    "{}",
    "{.python onclick=alert(1)}",
    "html",
    "x" * 5_000,
]


@pytest.mark.parametrize("options", OPTIONS)
def test_what_stands_behind_a_fence_chooses_a_language_and_nothing_else(options, tmp_path):
    from pathlib import Path

    html = render_document(f"```{options}\nx = 1  # the command\n```\n").html
    assert_harmless(html)
    assert "the command" in Reader(html).words
    assert not Path("/tmp/written-by-a-document.css").exists()


@pytest.mark.parametrize("language", ["python", "bash", "json", "sql", "yaml", "diff", "console"])
def test_a_fence_marks_its_code_for_colouring_and_keeps_every_sign(language):
    code = '# note\nls -la | grep "<run_id>" && echo ${A:-b}  \n    - indented: 1\n\n\ta tab'
    rendered = read(f"```{language}\n{code}\n```\n")
    assert ("div", {"class": "code"}) in rendered.elements
    assert rendered.words.strip("\n") == code.rstrip()


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


@pytest.mark.parametrize("first", ["::1 localhost", "#!/bin/sh", "#!python", ":::python", "# note"])
def test_the_first_line_of_code_is_never_taken_for_something_else(first):
    for text in (f"```\n{first}\nsecond\n```", f"Text\n\n    {first}\n    second\n", f"Text\n\n  {first}\n  second\n"):
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
    boxes = [attributes for tag, attributes in read("- [ ] open\n- [x] done\n").elements if tag == "input"]
    assert [set(box) for box in boxes] == [{"type", "disabled"}, {"type", "disabled", "checked"}]


# ---- headings and the way to them


def test_headings_stand_below_the_pages_own_and_carry_a_prefix():
    rendered = read("# A\n\n## B\n\n### C\n\n###### F\n")
    headings = [(tag, attributes["id"]) for tag, attributes in rendered.elements if re.fullmatch("h[1-6]", tag)]
    assert headings == [("h2", "doc-a"), ("h3", "doc-b"), ("h4", "doc-c"), ("h6", "doc-f")]


@pytest.mark.parametrize(
    "title",
    [
        "Stop it",
        "Go/No-Go 2026",
        "Über-Größe",
        "R&D",
        "`run_id` and *more*",
        "A – B",
        "1. Step",
        "C++",
        "日本語",
        "a_b-c",
        "<run_id>",
        "a.b:c",
    ],
)
def test_a_link_to_a_heading_as_forges_write_it_finds_it(title):
    anchor = "".join(sign for sign in re.sub(r"[`*]", "", title).lower() if sign.isalnum() or sign in " -_").replace(
        " ", "-"
    )
    rendered = read(f"[up](#{anchor})\n\n## {title}\n")
    (target,) = rendered.values("id")
    assert [unquote(href) for href in rendered.values("href")] == [f"#{target}"]


def test_repeated_headings_are_numbered_as_forges_do():
    rendered = read("[second](#steps-1)\n\n[third](#steps-2)\n\n## Steps\n\n## Steps\n\n## Steps\n")
    assert rendered.values("id") == ["doc-steps", "doc-steps-1", "doc-steps-2"]
    assert rendered.values("href") == ["#doc-steps-1", "#doc-steps-2"]


def test_no_two_headings_share_an_id_whatever_they_are_called():
    ids = read("# a\n# a\n# a-1\n# a_1\n# a\n# !\n# ?\n#  \n# <b>\n# b\n").values("id")
    assert len(ids) == len(set(ids)) >= 8


def test_one_document_does_not_number_the_headings_of_the_next():
    assert render_document("# a").html == render_document("# a").html


@pytest.mark.parametrize("title", ["main", "safety", "doc-x", "situations"])
def test_no_heading_can_pose_as_a_part_of_the_page(title):
    assert read(f"# {title}").values("id") == [heading_slug(title)]
    assert heading_slug(title).startswith("doc-")


def test_the_contents_are_flat_and_hold_chapters_and_their_parts_as_plain_text():
    rendered = render_document("# Title\n\n## A `b` & *c* [d](#x) <e>\n\n### Part\n\n#### Deeper\n\n## Last\n")
    assert rendered.contents == [
        {"level": 2, "id": "doc-a-b--c-d-e", "title": "A b & c d <e>"},
        {"level": 3, "id": "doc-part", "title": "Part"},
        {"level": 2, "id": "doc-last", "title": "Last"},
    ]
    assert {heading["id"] for heading in rendered.contents} <= set(Reader(rendered.html).values("id"))


def test_contents_without_a_title_or_with_a_jump_are_flat_too():
    contents = render_document("### C\n\n# A\n\n### C\n\n## B\n").contents
    assert [(heading["level"], heading["title"]) for heading in contents] == [(3, "C"), (3, "C"), (2, "B")]


def test_a_fragment_has_no_anchors_so_that_several_can_stand_on_one_page():
    html = render_fragment('## A\n\n### A\n\n*x* [y](https://good.example) <b>\n\nid="kept"\n')
    assert Reader(html).values("id") == []
    assert 'id="kept"' in Reader(html).words
    assert Reader(html).values("href") == ["https://good.example"]
    assert_harmless(html)


def test_no_text_is_no_fragment():
    assert render_fragment("") == ""
    assert render_document("").html == ""
    assert render_document("").contents == []


# ---- it never raises


@pytest.mark.parametrize(
    "sign", ["> ", "- ", "1. ", "* ", "[", "(", "**", "_", "`", "~", "#", "<", "|", "![", "\\", "  - ", ">- "]
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
    ["\x00", "\ud800", "\udfff\ud800", "\ufffe", "\x02wzxhzdk:0\x03", "\x02", "\x03", "\r", "\u2028", "\U0010ffff"],
)
def test_odd_signs_do_not_raise(text):
    assert_harmless(render_document(f"a {text} b\n\n# {text}\n\n```\n{text}\n```\n").html)


def test_a_document_cannot_ask_for_what_another_part_of_it_stored():
    """Python-Markdown keeps finished HTML under numbered marks; a document that writes such a mark gets no HTML for it."""
    html = render_document("```\n<b>stored</b>\n```\n\n\x02wzxhzdk:0\x03\n\nwzxhzdk:0\n\nklzzwxh:0000").html
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
    assert {heading["id"] for heading in rendered.contents} <= set(Reader(rendered.html).values("id"))


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(pieces, max_size=40).map("".join))
def test_any_heap_of_markdown_is_rendered_harmless(text):
    rendered = render_document(text)
    assert_harmless(rendered.html)
    ids = Reader(rendered.html).values("id")
    assert len(ids) == len(set(ids))
    assert {heading["id"] for heading in rendered.contents} <= set(ids)
