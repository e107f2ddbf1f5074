"""The status cell: only the one exact form claims readiness, everything else fails closed."""

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from runbooks.landscape.parse.cells import LEVEL_TEXTS, read_readiness
from runbooks.landscape.parse.notices import NoticeLog
from runbooks.landscape.parse.reader import read_landscape
from tests.runbooks.landscape.samples import (
    RUNBOOK_HEADER,
    delimiter,
    kinds,
    read,
    read_row,
    row,
    text_of,
)


def level(cell: str) -> tuple[str, int | None]:
    declared = read_readiness(cell, line=1, subject="Pump", notices=NoticeLog())
    return declared.level, declared.year


@pytest.mark.parametrize(
    "cell",
    [
        "✅ 2026-ready",
        "✅2026-ready",
        "✅\ufe0f 2026-ready",
        "2026-ready",
        "  ✅   2026-ready ",
        "✅ 2026\u2011ready",
        "✅ 2026–ready",
        "✅\u00a02026 - ready",
        "**✅ 2026-ready**",
    ],
)
def test_the_exact_form_is_ready_for_its_year(cell):
    assert level(cell) == ("ready", 2026)


@pytest.mark.parametrize(
    "cell",
    [
        "⚠️ 2026-ready",
        "❌ 2026-ready",
        "✅ ⚠️ 2026-ready",
        "☑ 2026-ready",
        "not 2026-ready",
        "nicht 2026-ready",
        "noch nicht 2026-ready",
        "2026-ready?",
        "2026-ready!",
        "2026-ready (R&D only)",
        "2026-ready (no live)",
        "✅ 2026-ready, Shadow-Mode",
        "almost 2026-ready",
        "2026-ready soon",
        "~~✅ 2026-ready~~",
        "<!-- not --> 2026-ready",
        "2026-ready*",
        "2026-ready | 2027-ready",
        "2026-ready 2027-ready",
        "2026-READY-ish",
        "ready",
        "✅",
        "✅ ready",
        "26-ready",
        "20260-ready",
        "0000-ready",
        "9999-ready",
        "1999-ready",
        "２０２６-ready",
        "2026_ready",
        "2026 ready",
        "2026\u200b-ready",
        "2026-ready" + " " * 200 + "not",
    ],
)
def test_a_status_that_says_anything_else_is_never_read_as_ready(cell):
    assert level(cell) == ("unassessed", None)


def test_a_row_with_a_warning_sign_is_never_read_as_ready():
    runbook, noticed = read_row(status="⚠️ 2026-ready")
    assert runbook.declared.level == "unassessed"
    assert runbook.declared.text == "⚠️ 2026-ready"
    assert noticed == ["unknown_level"]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("⚠️ R&D only (kein Live)", "rnd_only"),
        ("⚠ R&D only", "rnd_only"),
        ("✅ Safety-Sandbox", "safety_sandbox"),
        ("✅ Shadow-Mode aktiv", "shadow"),
        ("✅ shadow mode active", "shadow"),
        ("⚠️ Track (NO\u2011LIVE default)", "track"),
        ("retired", "retired"),
        ("archiviert", "retired"),
        ("unassessed", "unassessed"),
    ],
)
def test_the_other_levels_are_read_without_a_year_and_without_a_notice(cell, expected):
    runbook, noticed = read_row(status=cell)
    assert (runbook.declared.level, runbook.declared.year) == (expected, None)
    assert runbook.declared.text == cell
    assert noticed == []


def test_the_tick_does_not_mean_live():
    assert [level(f"✅ {text}")[0] for text in ("Safety-Sandbox", "Shadow-Mode", "Track")] == [
        "safety_sandbox",
        "shadow",
        "track",
    ]


@pytest.mark.parametrize(
    "cell", ["Shadow-Mode / Track", "not retired", "❌ Safety-Sandbox", "Shadow?", "tbd", "–", ""]
)
def test_an_unknown_or_doubled_level_is_unassessed_and_the_notice_names_the_text(cell):
    landscape = read(row(status=cell))
    assert landscape.runbooks[0].declared.level == "unassessed"
    (notice,) = landscape.notices
    assert (notice.kind, notice.subject) == ("unknown_level", "Pump Restart Runbook")
    assert cell in notice.message


def test_no_status_in_a_row_with_shifted_cells_is_believed():
    # One pipe too few, and the column behind the status moves into its place.
    header = f"{RUNBOOK_HEADER} Target |"
    shifted = (
        "| **Pump** | `docs/pump.md` | v1 | Scope | Cluster 1 | ✅ Safety-Sandbox | ✅ 2026-ready |"
    )
    landscape = read_landscape(f"# P\n\n{header}\n{delimiter(header)}\n{shifted}\n")
    assert landscape.runbooks[0].declared.level == "unassessed"
    assert "ragged_row" in kinds(landscape)


def test_a_table_without_a_status_column_claims_nothing():
    text = "# P\n\n| Runbook | Pfad |\n|---|---|\n| Pump | `docs/pump.md` |\n"
    landscape = read_landscape(text)
    assert landscape.runbooks[0].declared.level == "unassessed"
    assert "unknown_level" not in kinds(landscape)


def test_of_two_status_columns_neither_is_believed():
    header = RUNBOOK_HEADER.replace("2026-ready Status |", "Old Status | New Status |")
    landscape = read_landscape(f"# P\n\n{header}\n{delimiter(header)}\n{row()} ⚠️ R&D only |\n")
    assert landscape.runbooks[0].declared.level == "unassessed"
    subjects = [
        (notice.kind, notice.subject) for notice in landscape.notices if notice.kind != "other"
    ]
    assert subjects == [
        ("missing_column", "Status"),
        ("unknown_column", "Old Status"),
        ("unknown_column", "New Status"),
    ]


def test_the_column_of_readiness_wins_over_another_status():
    text = text_of().replace("| Layer |", "| Review Status |")
    assert read_landscape(text).runbooks[0].declared.level == "ready"


WORDS = st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=20)


@given(before=st.one_of(st.just(""), WORDS), after=st.one_of(st.just(""), WORDS))
@example(before="not ", after="")
@example(before="", after="?")
@example(before="✅ ✅ ", after="")
@example(before="", after="\u200b")
def test_a_status_with_any_further_word_or_sign_is_never_ready(before, after):
    cell = f"{before}2026-ready{after}"
    further = re.sub(r"\s|\*\*|\ufe0f", "", f"{before}{after}")
    assume(further not in ("", "✅"))
    assert level(cell)[0] != "ready"


@given(st.sampled_from([text for texts in LEVEL_TEXTS.values() for text in texts]), WORDS)
def test_a_level_with_further_words_never_becomes_ready(text, words):
    assert level(f"{text} {words}")[0] != "ready"
    assert level(f"{words} {text}")[0] != "ready"


@given(st.text())
def test_whatever_is_ready_has_exactly_the_one_form(cell):
    declared_level, year = level(cell)
    assert (declared_level == "ready") == (year is not None)
    if year:
        assert re.fullmatch(r"(✅)?\d{4}.ready", re.sub(r"\s|\*\*|\ufe0f", "", cell))
