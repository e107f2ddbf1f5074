"""Links between documents that lead nowhere."""

import pytest

from runbooks.documents.checks.links import MAX_LINKS, dead_links, folders_of, relative_links

FILES = frozenset(
    {
        "docs/pump.md",
        "docs/deep/valve.md",
        "README.md",
        "docs/with space.md",
        "docs/a(b).md",
        "docs/Üb er.md",
    }
)


def dead(text, path="docs/pump.md"):
    return [(link.line, link.target) for link in dead_links(text, path, FILES, folders_of(FILES))]


@pytest.mark.parametrize(
    "target",
    [
        "deep/valve.md",
        "./deep/valve.md",
        "deep/valve.md#steps",
        "../README.md",
        "/README.md",
        "deep",
        "deep/",
        "..",
        "with%20space.md",
        "a(b).md",
        "#here",
        "https://example.org/none.md",
        "mailto:a@example.org",
        "//example.org/x.md",
        "?x=1",
    ],
)
def test_what_leads_somewhere_is_no_finding(target):
    assert dead(f"See [it]({target}).\n") == []


@pytest.mark.parametrize(
    "target", ["none.md", "../none.md", "deep/none.md#a", "../../README.md", "../../../etc/passwd"]
)
def test_what_leads_nowhere_is_told_with_its_line(target):
    assert dead(f"# A\n\nSee [it]({target}).\n") == [(3, target)]


def test_an_image_a_definition_and_a_title_behind_the_target_count_as_links():
    assert [
        target
        for _, target in dead(
            '![x](none.png)\n[a]: nowhere.md\n[b](other.md "A title")\n[c](<last.md>)\n'
        )
    ] == [
        "none.png",
        "nowhere.md",
        "other.md",
        "last.md",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "[y](<Üb er.md>)",
        "[y](<U\u0308b er.md>)",
        "[y]: <Üb er.md>",
        "[y](<with space.md> 'A title')",
    ],
)
def test_a_target_in_angle_brackets_may_hold_spaces(text):
    assert dead(text) == []
    assert dead(text.replace(" ", " no ")) != []


@pytest.mark.parametrize(
    "text",
    [
        "<!-- [a](none.md) -->",
        "a <!-- [a](none.md) --> b",
        "<!--\n[a](none.md)\n\n```\n-->",
        "<!-- a --> b <!-- [a](none.md)\n-->",
        "    [a](none.md)",
        "A\n\n\t[a](none.md)\n\n    [b](none.md)\n",
        "- a\n\nb\n\n    [a](none.md)",
        r"\[a](none.md)",
        r"[a\](none.md)",
        r"\[a] \[b](none.md)",
    ],
)
def test_what_is_no_link_for_a_reader_is_not_looked_at(text):
    assert dead(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "<!-- a --> [a](none.md)",
        "a <!-- never closed [a](none.md)",
        "A\n    [a](none.md)",
        "- a\n\n    [a](none.md)",
        "1. a\n   - b\n\n      [a](none.md)",
        r"\\[a](none.md)",
        r"[a \[b\] c](none.md)",
        r"[a \[ c](none.md)",
        "[a [b] c](none.md)",
        "[long\nwords](none.md)",
        "[![x](with%20space.md)](none.md)",
        "`<!--` [a](none.md) -->",
    ],
)
def test_a_link_beside_what_is_none_is_told(text):
    assert [target for _, target in dead(text)] == ["none.md"]


def test_code_is_not_looked_at():
    assert dead("`[a](none.md)`\n\n```\n[a](none.md)\n```\n\n~~~\n[a](none.md)\n```\n~~~\n") == []


def test_the_same_target_is_told_once_and_stays_where_it_stood_first():
    assert dead("[a](none.md)\n[b](none.md)\n") == [(1, "none.md")]


@pytest.mark.parametrize(
    "text",
    [
        "](" * 100_000,
        "[" * 100_000,
        "`" * 100_000,
        "](a" * 50_000,
        "[a]: " * 20_000,
        "](((((" * 9_999,
        "<!--" * 50_000,
        "<!-- -->" * 50_000,
    ],
)
def test_text_that_was_made_to_last_ends(text):
    relative_links(text, "docs/pump.md")
    relative_links(
        "\n".join(text[i : i + 4_000] for i in range(0, len(text), 4_000)), "docs/pump.md"
    )


def test_no_more_links_than_anybody_would_follow():
    assert len(relative_links("[a](b.md)\n" * (MAX_LINKS + 10), "docs/pump.md")) == MAX_LINKS
