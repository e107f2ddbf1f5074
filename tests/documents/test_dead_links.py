"""Links between documents that lead nowhere."""

import pytest

from runbooks.documents.dead_links import MOST_LINKS, dead_links, folders_of, relative_links

FILES = frozenset({"docs/pump.md", "docs/deep/valve.md", "README.md", "docs/with space.md", "docs/a(b).md"})


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
        target for _, target in dead('![x](none.png)\n[a]: nowhere.md\n[b](other.md "A title")\n[c](<last.md>)\n')
    ] == [
        "none.png",
        "nowhere.md",
        "other.md",
        "last.md",
    ]


def test_code_is_not_looked_at():
    assert dead("`[a](none.md)`\n\n```\n[a](none.md)\n```\n\n~~~\n[a](none.md)\n```\n~~~\n") == []


def test_the_same_target_is_told_once_and_stays_where_it_stood_first():
    assert dead("[a](none.md)\n[b](none.md)\n") == [(1, "none.md")]


@pytest.mark.parametrize(
    "text", ["](" * 100_000, "[" * 100_000, "`" * 100_000, "](a" * 50_000, "[a]: " * 20_000, "](((((" * 9_999]
)
def test_text_that_was_made_to_last_ends(text):
    relative_links(text, "docs/pump.md")
    relative_links("\n".join(text[i : i + 4_000] for i in range(0, len(text), 4_000)), "docs/pump.md")


def test_no_more_links_than_anybody_would_follow():
    assert len(relative_links("[a](b.md)\n" * (MOST_LINKS + 10), "docs/pump.md")) == MOST_LINKS
