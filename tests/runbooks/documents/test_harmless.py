"""Nothing that a document holds can act on the page."""

import pytest

from runbooks.documents.invisible_characters import escape_invisible_characters
from runbooks.documents.rendering.render import render_document, render_fragment
from tests.runbooks.documents.reader import Reader, assert_harmless, read
from tests.runbooks.documents.vectors import ADDRESSES, LINKS, MARKDOWN, MARKUP, PLACES


@pytest.mark.parametrize("markup", [*MARKUP, *MARKDOWN])
def test_markup_in_a_document_is_text_wherever_it_stands(markup):
    for place in PLACES:
        rendered = render_document(place.replace("{}", markup))
        assert_harmless(rendered.html)
        for heading in rendered.contents:
            assert heading["id"].startswith("doc-")


# Odd signs are replaced, entities decoded, lines joined, and a fold is a fold.
CHANGED = ("\x00", "&", "\ufeff", "<details>", "</details>", "</summary>", "\\", "`", "\n")


@pytest.mark.parametrize(
    "markup", [markup for markup in MARKUP if not any(sign in markup for sign in CHANGED)]
)
def test_markup_is_shown_as_it_was_written(markup):
    shown = escape_invisible_characters(markup)
    assert shown in read(f"`{markup}`").words
    assert "".join(shown.split()) in "".join(read(f"a {markup} b").words.split())


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_link_leads_to_a_web_page_a_mailbox_or_within_the_text_and_nowhere_else(address):
    for link in LINKS:
        html = render_document(link.replace("{}", address)).html
        assert_harmless(html)
        # A path below our own route is an address of ours, whatever it spells.
        elsewhere = [
            href for href in Reader(html).values("href") if not href.startswith("/documents/")
        ]
        assert "alert" not in "".join(elsewhere), link


@pytest.mark.parametrize(
    "address",
    [
        "https://good.example/a?b=1&c=2#d",
        "http://good.example",
        "HTTPS://GOOD.EXAMPLE",
        "mailto:desk@good.example",
    ],
)
def test_a_good_link_is_kept_and_gives_nothing_away(address):
    ((tag, attributes),) = [
        element for element in read(f"[x]({address})").elements if element[0] == "a"
    ]
    assert (tag, attributes) == ("a", {"href": address, "rel": "noopener noreferrer"})


def test_an_image_is_not_loaded_but_named():
    for text in (
        "![alt](https://other.example/p.png)",
        "![alt][1]\n\n[1]: https://other.example/p.png",
    ):
        rendered = read(text)
        assert "img" not in rendered.tags()
        assert rendered.words.strip() == "alt"
        assert rendered.values("href") == ["https://other.example/p.png"]


def test_an_image_in_a_link_or_in_the_repository_is_its_words():
    rendered = read(
        "[![state](https://other.example/badge.svg)](https://good.example) ![plan](plan.png) "
        "![](a.png)"
    )
    assert rendered.values("href") == ["https://good.example"]
    assert rendered.words.split() == ["state", "plan", "a.png"]


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


# ---- short texts, which another parser reads


@pytest.mark.parametrize(
    "address", [*ADDRESSES, "../other.md", "//evil.example", "/\\evil.example", "#main"]
)
def test_a_link_in_a_short_text_leads_to_the_web_or_nowhere(address):
    for link in LINKS:
        html = render_fragment(link.replace("{}", address))
        assert_harmless(html)
        assert Reader(html).values("href") == [], link


@pytest.mark.parametrize("markup", [*MARKUP, *MARKDOWN])
def test_markup_in_a_short_text_is_text_wherever_it_stands(markup):
    for place in PLACES:
        assert_harmless(render_fragment(place.replace("{}", markup)))
