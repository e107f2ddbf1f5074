"""Targets of links: within the text, another document of the repository, the web, or none."""

import pytest

from runbooks.documents.links import DOCUMENT_ROUTE, resolved
from runbooks.documents.rendering.render import render_document
from runbooks.documents.rendering.rendered import linked_addresses, with_note_on_links
from tests.runbooks.documents.reader import Reader

HERE = "docs/ops/runbook.md"


@pytest.mark.parametrize(
    ("address", "leads_to"),
    [
        ("other.md", "docs/ops/other.md"),
        ("./other.md", "docs/ops/other.md"),
        ("../other.md", "docs/other.md"),
        ("../../other.md", "other.md"),
        ("/docs/other.md", "docs/other.md"),
        ("a/../b.md", "docs/ops/b.md"),
        ("other.md#part", "docs/ops/other.md#doc-part"),
        ("other.md?plain=1#part", "docs/ops/other.md#doc-part"),
        ("a%20b.md", "docs/ops/a%20b.md"),
        ("über.md", "docs/ops/%C3%BCber.md"),
        ("%C3%BCber.md", "docs/ops/%C3%BCber.md"),
        ("../src/alert.py", "docs/src/alert.py"),
        ("folder/", "docs/ops/folder"),
    ],
)
def test_a_relative_link_leads_to_the_portals_address_for_its_path(address, leads_to):
    assert resolved(address, document_path=HERE) == DOCUMENT_ROUTE + leads_to


@pytest.mark.parametrize(
    ("address", "leads_to"),
    [
        ("#part", "#doc-part"),
        ("runbook.md#part", "#doc-part"),
        ("../ops/runbook.md", "#"),
        ("https://a.example/x#y", "https://a.example/x#y"),
        ("mailto:desk@a.example", "mailto:desk@a.example"),
    ],
)
def test_a_link_within_the_text_or_to_the_web_stays(address, leads_to):
    assert resolved(address, document_path=HERE) == leads_to


@pytest.mark.parametrize(
    "address",
    [
        *(
            "",
            "#",
            "?q=1",
            "../../../outside.md",
            "/../outside.md",
            "../..",
            "//evil.example/x",
            "/\\evil.example",
        ),
        *(
            "\\\\evil.example",
            "javascript:alert(1)",
            "java\nscript:x",
            "x:y",
            "a\\b.md",
            "%2e%2e/%2e%2e/%2e%2e/x",
            "%00",
        ),
        *("%0aa.md", "%2F%2Fevil.example", "file:///etc/passwd"),
    ],
)
def test_a_link_out_of_the_repository_leads_nowhere(address):
    assert resolved(address, document_path=HERE) is None


def test_the_words_of_a_link_that_leads_nowhere_stay():
    rendered = Reader(render_document("[the other](../../../../x.md)", document_path=HERE).html)
    assert rendered.words.strip() == "the other"
    assert rendered.values("href") == []


def test_links_to_unknown_paths_carry_a_note_and_the_others_none():
    html = render_document(
        "[a](a.md), [*b*](b.md#x), [c](https://c.example)", document_path=HERE
    ).html
    assert linked_addresses(html) == {"/documents/docs/ops/a.md", "/documents/docs/ops/b.md"}
    noted = Reader(
        with_note_on_links(html, missing={"/documents/docs/ops/b.md"}, note="(<none>)")
    ).words
    assert noted.split() == ["a,", "b", "(<none>),", "c"]


def test_text_that_looks_like_a_link_is_no_link():
    html = render_document('`<a href="/documents/x.md">y</a>` <a href="/documents/x.md">y</a>').html
    assert linked_addresses(html) == set()
    assert with_note_on_links(html, missing={"/documents/x.md"}, note="!") == html


def test_an_anchor_whose_heading_holds_a_placeholder_is_found_with_it_and_without():
    text = "[a](#stop-host-now) [b](#stop--now)\n\n## Stop <host> now\n"
    rendered = Reader(render_document(text).html)
    assert rendered.values("href") == ["#doc-stop--now", "#doc-stop--now"]
    assert rendered.values("id") == ["doc-stop--now"]
