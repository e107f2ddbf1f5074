"""Invisible and reversing characters are shown by their numbers: people sign what they see."""

import pytest

from runbooks.documents.diff import LineKind, difference
from runbooks.documents.invisible_characters import (
    escape_invisible_characters,
    with_unseen_shown_in_html,
)
from runbooks.documents.rendering.render import render_document, render_fragment
from runbooks.documents.rendering.rendered import as_it_stands
from tests.runbooks.documents.reader import Reader, assert_harmless, read

TURNED = "\u202e"
UNSEEN = (
    *"\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2069",
    *"\u00ad\ufeff\u2028\x1b\x08\x7f\x85\u3164\U000e0041",
)


@pytest.mark.parametrize("sign", UNSEEN)
def test_a_sign_that_nobody_sees_is_shown_by_its_number_wherever_it_stands(sign):
    shown = f"[U+{ord(sign):04X}]"
    for text in (
        "run {} now",
        "`rm{}`",
        "```\nrm {}x\n```",
        "|a|\n|-|\n|b{}c|",
        "[b{}c](d.md)",
        "a <b{}c> d",
        "# A {} b",
    ):
        html = render_document(text.replace("{}", sign)).html
        assert shown in Reader(html).words, text
        assert sign not in Reader(html).words, text


@pytest.mark.parametrize(
    "text",
    [
        "⚠️ stop 👩\u200d🔧 1️⃣ 🇩🇪",
        "می\u200cخواهم",
        "a\tb\nc",
        "50 000 ‑ – — … „x“",
        "\u05e9\u05dc\u05d5\u05dd",
        "<b>[U+202E]</b>",
    ],
)
def test_letters_emoji_and_spaces_of_every_script_stay(text):
    assert escape_invisible_characters(text) == text
    assert with_unseen_shown_in_html(text) == text


def test_a_joiner_beside_ascii_is_shown():
    assert escape_invisible_characters("rm\u200d -rf \u200c/") == "rm[U+200D] -rf [U+200C]/"


def test_the_title_in_the_contents_and_a_short_text_show_it_too():
    assert render_document(f"## A{TURNED}b\n").contents[0]["title"] == "A[U+202E]b"
    assert "A[U+202E]b" in render_fragment(f"A{TURNED}b")
    assert "A[U+202E]b" in as_it_stands(f"A{TURNED}b").html


def test_an_entity_that_stands_for_it_is_shown_too():
    assert "a[U+202E]b" in read("a&#8238;b").words


def test_what_is_within_a_tag_is_not_touched_and_nothing_leaves_an_attribute():
    html = f'<a title="a > {TURNED}" href="x{TURNED}">a{TURNED}</a>'
    assert (
        with_unseen_shown_in_html(html) == f'<a title="a > {TURNED}" href="x{TURNED}">a[U+202E]</a>'
    )
    assert_harmless(render_document(f'[a](b.md "c > {TURNED} onclick=x")').html)


@pytest.mark.parametrize(
    "text", ["<" * 100_000, '<"' * 50_000, "<a " * 50_000, TURNED * 50_000 + "<" * 50_000]
)
def test_text_that_was_made_to_last_ends(text):
    with_unseen_shown_in_html(text + TURNED)


def test_a_difference_shows_it_and_does_not_take_it_for_its_number_written_out():
    found = difference("a\nb[U+202E]\n", f"a\nb{TURNED}\n")
    assert [(line.kind, line.text) for line in found.lines] == [
        (LineKind.SAME, "a"),
        (LineKind.REMOVED, "b[U+202E]"),
        (LineKind.ADDED, "b[U+202E]"),
    ]


def test_a_line_separator_is_no_end_of_a_line():
    found = difference("a\nb\n", "a\u2028b\n")
    assert [line.text for line in found.lines] == ["a", "b", "a[U+2028]b"]
    assert not difference("a\r\nb\r\n", "a\nb")
