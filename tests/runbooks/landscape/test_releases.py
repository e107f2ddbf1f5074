"""The change log: versions, months in two languages, and entries in their own Markdown."""

import pytest

from runbooks.landscape.parse.reader import read_landscape
from runbooks.landscape.parse.releases import read_release_heading
from tests.runbooks.landscape.samples import kinds, line_of, read, text_of


def releases(log, heading="## 10. Change-Log"):
    return read(chapters=f"{heading}\n\n{log}\n").releases


@pytest.mark.parametrize("heading", ["## 10. Change-Log", "## Changelog", "## 9. Änderungen"])
def test_releases_stand_in_the_order_of_the_file_with_their_entries(heading):
    log = (
        "* **v1.2 – Januar 2026**\n\n  * **New:** a\n  * b\n\n* **v1.1 – Dezember 2025 – "
        "2026-ready**\n\n  * c\n"
    )
    newest, first = releases(log, heading)
    assert (newest.version, newest.dated, newest.year, newest.month, newest.label) == (
        "v1.2",
        "Januar 2026",
        2026,
        1,
        "",
    )
    assert newest.entries == ("**New:** a", "b")
    assert (first.version, first.month, first.label, first.entries) == (
        "v1.1",
        12,
        "2026-ready",
        ("c",),
    )


def test_a_release_knows_its_line():
    text = text_of(chapters="## 10. Changelog\n\n* **v1.2**\n")
    assert read_landscape(text).releases[0].line == line_of(text, "v1.2")


@pytest.mark.parametrize(
    ("dated", "year", "month"),
    [
        ("Januar 2026", 2026, 1),
        ("January 2026", 2026, 1),
        ("Jan. 2026", 2026, 1),
        ("Februar 2026", 2026, 2),
        ("März 2026", 2026, 3),
        ("mrz 2026", 2026, 3),
        ("March 2026", 2026, 3),
        ("April 2026", 2026, 4),
        ("Mai 2026", 2026, 5),
        ("May 2026", 2026, 5),
        ("Juni 2026", 2026, 6),
        ("Juli 2026", 2026, 7),
        ("August 2026", 2026, 8),
        ("Sept. 2026", 2026, 9),
        ("Oktober 2026", 2026, 10),
        ("October 2026", 2026, 10),
        ("Nov 2026", 2026, 11),
        ("Dez 2025", 2025, 12),
        ("December 2025", 2025, 12),
        ("15. Januar 2026", 2026, 1),
        ("January 15, 2026", 2026, 1),
        ("2026-01", 2026, 1),
        ("2026-01-15", 2026, 1),
        ("15.01.2026", 2026, 1),
        ("01/2026", 2026, 1),
        ("2026-13", 2026, None),
        ("Q1 2026", 2026, None),
        ("2026", 2026, None),
        ("Januar", None, 1),
    ],
)
def test_months_and_years_are_read_as_written(dated, year, month):
    heading = read_release_heading(f"**v1.2 – {dated} – first – cut**")
    assert (heading.version, heading.dated, heading.year, heading.month) == (
        "v1.2",
        dated,
        year,
        month,
    )
    assert heading.label == "first – cut"


@pytest.mark.parametrize(
    ("text", "version", "dated", "label"),
    [
        ("**v1.2**", "v1.2", "", ""),
        ("v1.2", "v1.2", "", ""),
        ("**v1.2:**", "v1.2", "", ""),
        ("**v1.2** - Initial cut", "v1.2", "", "Initial cut"),
        ("v1.2 — 2026-ready", "v1.2", "", "2026-ready"),
        ("v1.2 (Januar 2026)", "v1.2", "Januar 2026", ""),
        ("Version 2.0-rc1 – Mai 2026", "Version 2.0-rc1", "Mai 2026", ""),
    ],
)
def test_a_heading_may_lack_its_date_or_carry_a_label(text, version, dated, label):
    heading = read_release_heading(text)
    assert (heading.version, heading.dated, heading.label) == (version, dated, label)


@pytest.mark.parametrize("text", ["New runbook", "2 new runbooks", "", "v", "v1.2 " + "x" * 400])
def test_a_text_that_begins_with_no_version_is_no_release(text):
    assert read_release_heading(text) is None


def test_an_entry_keeps_its_further_lines_and_nested_lists():
    (release,) = releases(
        "* v1\n  * first\n    goes on\n    * nested\n\n      deeper\n  * second\n\n    paragraph\n"
    )
    assert release.entries == ("first\ngoes on\n* nested\n\n  deeper", "second\n\nparagraph")


def test_text_below_a_release_is_an_entry():
    (release,) = releases("* v1\n\n  Only words.\n")
    assert release.entries == ("Only words.",)


def test_tabs_indent_as_well():
    (release,) = releases("* v1\n\t* first\n    * second\n")
    assert release.entries == ("first", "second")


def test_releases_may_be_headings_with_bullets_below():
    newest, first = releases("### v1.2 – Januar 2026\n\n* a\n* b\n\n### v1.1\n* c\n")
    assert (newest.entries, first.entries) == (("a", "b"), ("c",))


def test_a_bullet_that_belongs_to_no_version_is_noted():
    landscape = read(
        chapters="## 10. Changelog\n\n* Something happened\n\n* v1\n  * a\n\n* Something else\n"
    )
    assert [release.entries for release in landscape.releases] == [("a",)]
    assert [notice.subject for notice in landscape.notices] == [
        "* Something happened",
        "* Something else",
    ]
    assert kinds(landscape) == ["other", "other"]


def test_a_version_that_is_repeated_is_kept_once_and_noted():
    landscape = read(chapters="## 10. Changelog\n\n* v1.0\n  * a\n* v1.1\n* V1.0\n  * b\n")
    assert [(release.version, release.entries) for release in landscape.releases] == [
        ("v1.0", ("a",)),
        ("v1.1", ()),
    ]
    assert kinds(landscape) == ["other"]
