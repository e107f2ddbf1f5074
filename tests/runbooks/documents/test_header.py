"""What a document says of itself at its head, and where its row says otherwise."""

import pytest

from runbooks.documents.checks.header import (
    LINES_OF_A_HEAD,
    Stated,
    month_in,
    read_header,
    version_in,
)
from runbooks.documents.checks.header_mismatch import DisagreementKind as Kind
from runbooks.documents.checks.header_mismatch import Row, disagreements

FACTS = """# Pump restart (v1.0)

**Version:** v1.2
**Datum:** 2026-01-18
**Status:** In use
**Modus:** careful, **NO-LIVE** default

---

**Version:** v9.9 of something else
"""


def found(text, version="", level="ready", year=2026):
    return {one.kind: one for one in disagreements(read_header(text), Row(version, level, year))}


# ---- reading


def test_title_version_date_status_and_mode_are_read_with_their_lines():
    header = read_header(FACTS)
    assert header.title == Stated("Pump restart (v1.0)", 1)
    assert header.version == Stated("v1.2", 3)
    assert header.date == Stated("2026-01-18", 4)
    assert header.status == Stated("In use", 5)
    assert header.mode == [Stated("careful, NO-LIVE default", 6)]


def test_front_matter_counts_and_lines_go_on_behind_it():
    header = read_header(
        '---\ntitle: "X"\nversion: "v1.0"\ndate: 2026-01\nscope: "docs-only / '
        'NO-LIVE"\n---\n\n# Pump\n'
    )
    assert header.version == Stated("v1.0", 3)
    assert header.title == Stated("Pump", 8)
    assert header.mode == [Stated("docs-only / NO-LIVE", 5)]


def test_several_facts_on_one_line_of_a_quote_are_read():
    header = read_header(
        "# A\n\n> **Status:** R&D-Only | **Erstellt:** 2025-12-09 | **Version:** v1.2\n"
    )
    assert (header.status.text, header.date.text, header.version.text) == (
        "R&D-Only",
        "2025-12-09",
        "v1.2",
    )


@pytest.mark.parametrize(
    "text",
    [
        "# A\n\n- **Version**: 1.1\n- **Status**: superseded by B\n",
        "# A\n\n* Version: 1.1\n+ Status: superseded by B\n",
        "# A\n\n> - **Version:** 1.1\n> - **Status:** superseded by B\n",
        "# A\n\n| Version | 1.1 |\n|---|---|\n| **Status** | superseded by B |\n",
        "# A\n\n| Feld | Wert |\n|---|---|\n| Version: | 1.1 |\n| `Status` | superseded by B |\n",
    ],
)
def test_a_head_of_items_or_rows_is_read(text):
    header = read_header(text)
    assert (header.version.text, header.status.text) == ("1.1", "superseded by B")
    assert Kind.NOT_IN_FORCE in found(text)


def test_the_head_of_a_table_hides_nothing_that_a_line_says():
    header = read_header(
        "# A\n\n| Status | Version |\n|---|---|\n| x | y |\n\n| Status | Meaning "
        "|\n|-|-|\n\nStatus: Draft\n"
    )
    assert (header.status.text, header.version) == ("Draft", None)


def test_the_foot_counts_where_the_head_does_not_say():
    body = "Text.\n" * (LINES_OF_A_HEAD + 10)
    assert read_header(f"# A\n\n---\n\n{body}\n*Version: v1.4 | Phase 82*\n").version.text == "v1.4"
    assert (
        read_header(f"# A\n\nVersion: v1\n\n---\n\n{body}\n*Version: v1.4*\n").version.text == "v1"
    )


def test_what_stands_in_a_fence_or_far_below_says_nothing_of_the_document():
    header = read_header(
        "# A\n```\nVersion: v3\n```\n" + "x\n" * 60 + "Status: open\n" + "x\n" * 60
    )
    assert (header.version, header.status) == (None, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "---",
        "---\n---\n",
        "\ufeff# A",
        "#",
        "x" * 1_000_000,
        "| " * 50_000,
        ":\n" * 9_999,
    ],
)
def test_any_text_is_read(text):
    read_header(text)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v1.0", (1,)),
        ("v1", (1,)),
        ("V2.10.0", (2, 10)),
        ("v1.1 (Dez 2025)", (1, 1)),
        ("1.4", (1, 4)),
        ("Runbook v1", (1,)),
        ("Phase 25/56", None),
        ("Phase 16A V2", (2,)),
        ("2026-01-18", None),
        ("2026", None),
        ("", None),
        ("live", None),
    ],
)
def test_version_numbers(text, version):
    assert version_in(text) == version


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("2026-01-18", (2026, 1)),
        ("v1.1 (Dez 2025)", (2025, 12)),
        ("Dezember 2025, 2026-ready", (2025, 12)),
        ("v1.0 (Jan 2026)", (2026, 1)),
        ("März 2026", (2026, 3)),
        ("May 2026", (2026, 5)),
        ("Mai 2026", (2026, 5)),
        ("2026-ready", None),
        ("2026-13", None),
        ("YYYY-MM-DD", None),
        ("", None),
    ],
)
def test_months(text, month):
    assert month_in(text) == month


# ---- disagreeing


def test_a_document_that_says_what_its_row_says_is_no_finding():
    text = (
        "# A\n\n**Version:** v1.0 (Januar 2026)\n**Status:** In use, 2026-ready\n**Datum:** "
        "2026-01-18\n"
    )
    assert found(text, "v1.0 (Jan 2026)") == {}


def test_a_document_that_says_nothing_disagrees_with_nothing():
    assert found("# A\n\nSteps.\n", "v1.0 (Jan 2026)") == {}


def test_another_version_is_told_with_its_line():
    one = found("# A\n\n**Version:** v1.2\n", "v1.0")[Kind.VERSION]
    assert one.line == 3
    assert "version 1.2, the landscape says 1.0" in one.message


def test_the_version_of_the_title_counts_where_no_other_is_stated():
    assert Kind.VERSION in found("# A (v2)\n", "v1.0")
    assert Kind.VERSION not in found("# A (v2)\n\nVersion: v1.0\n", "v1.0")


def test_another_month_is_told_and_any_one_of_two_that_fits_is_enough():
    assert Kind.DATE in found("# A\n\n**Datum:** 2025-11-02\n", "v1.0 (Jan 2026)")
    assert Kind.DATE not in found(
        "# A\n\n**Version:** v1 (Jan 2026)\n**Datum:** 2026-02-02\n", "v1.0 (Jan 2026)"
    )


@pytest.mark.parametrize(
    ("status", "level", "year"),
    [
        ("R&D-Only", "ready", 2026),
        ("R&D only", "shadow", None),
        ("2026-ready", "rnd_only", None),
        ("2025-ready", "ready", 2026),
        ("no live", "ready", 2026),
        ("NO‑LIVE default", "ready", 2026),
        ("keine Live-Freigabe", "ready", 2026),
        ("*kein* Live-Order-Routing", "ready", 2026),
        ("not for live use", "ready", 2026),
    ],
)
def test_another_level_is_told(status, level, year):
    for label in ("Status", "Scope", "Modus"):
        assert Kind.LEVEL in found(f"# A\n\n**{label}:** {status}\n", level=level, year=year), label


@pytest.mark.parametrize(
    ("status", "level", "year"),
    [
        ("R&D-Only", "rnd_only", None),
        ("NO-LIVE", "track", None),
        ("NO-LIVE", "shadow", None),
        ("2026-ready", "ready", 2026),
    ],
)
def test_the_same_level_in_other_words_is_no_finding(status, level, year):
    assert found(f"# A\n\n**Status:** {status}\n", level=level, year=year) == {}


@pytest.mark.parametrize("level", ["unassessed", "retired"])
def test_a_row_that_claims_nothing_is_not_contradicted(level):
    assert found("# A\n\n**Status:** Draft, R&D-only\n", level=level, year=None) == {}


@pytest.mark.parametrize(
    "line",
    [
        "**Status:** DRAFT (docs-only)",
        "**Status:** Entwurf",
        "**Status:** geplant",
        "**Status:** Historical",
        "**Status:** superseded by v2",
        "This note is non-authorizing.",
        "It is not a general live-trading authorization.",
        "This document preserves the historical alert context.",
        "Dieses historische Dokument bleibt zur Ansicht.",
    ],
)
def test_a_document_that_says_it_is_not_in_force_is_told(line):
    assert found(f"# A\n\n{line}\n")[Kind.NOT_IN_FORCE].line == 3


@pytest.mark.parametrize(
    "line",
    [
        "**Status:** kein Draft mehr",
        "**Status:** No longer a draft",
        "**Status:** Nicht mehr als Entwurf, in Kraft",
        "**Status:** not superseded",
    ],
)
def test_a_document_that_says_the_contrary_is_no_finding(line):
    assert found(f"# A\n\n{line}\n") == {}


@pytest.mark.parametrize(
    "line",
    [
        "**Status:** not approved, draft",
        "**Status:** kein Draft mehr, sondern veraltet",
        "**Status:** nicht freigegeben (Entwurf)",
    ],
)
def test_a_contrary_of_something_else_does_not_count(line):
    assert Kind.NOT_IN_FORCE in found(f"# A\n\n{line}\n")


@pytest.mark.parametrize(
    "line",
    [
        "**Status:** In use",
        "Draft beer is served.",
        "History of changes below.",
        "Authorization comes first.",
    ],
)
def test_ordinary_words_are_no_disclaimer(line):
    assert Kind.NOT_IN_FORCE not in found(f"# A\n\n{line}\n")
