"""Headings, and the way to them."""

import re
from urllib.parse import unquote

import pytest

from runbooks.documents.links import heading_slug
from runbooks.documents.rendering.render import render_document, render_fragment
from tests.runbooks.documents.reader import Reader, assert_harmless, read


def test_headings_stand_below_the_pages_own_and_carry_a_prefix():
    rendered = read("# A\n\n## B\n\n### C\n\n###### F\n")
    headings = [
        (tag, attributes["id"])
        for tag, attributes in rendered.elements
        if re.fullmatch("h[1-6]", tag)
    ]
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
    anchor = "".join(
        sign for sign in re.sub(r"[`*]", "", title).lower() if sign.isalnum() or sign in " -_"
    ).replace(" ", "-")
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
    rendered = render_document(
        "# Title\n\n## A `b` & *c* [d](#x) <e>\n\n### Part\n\n#### Deeper\n\n## Last\n"
    )
    assert rendered.contents == [
        {"level": 2, "id": "doc-a-b--c-d-", "title": "A b & c d <e>"},
        {"level": 3, "id": "doc-part", "title": "Part"},
        {"level": 2, "id": "doc-last", "title": "Last"},
    ]
    assert {heading["id"] for heading in rendered.contents} <= set(
        Reader(rendered.html).values("id")
    )


def test_contents_without_a_title_or_with_a_jump_are_flat_too():
    contents = render_document("### C\n\n# A\n\n### C\n\n## B\n").contents
    assert [(heading["level"], heading["title"]) for heading in contents] == [
        (3, "C"),
        (3, "C"),
        (2, "B"),
    ]


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
