"""The overview drawing and the source paths."""

import pytest

from runbooks.landscape.parse.reader import read_landscape
from tests.runbooks.landscape.samples import PUMP, VALVE, kinds, line_of, read, row, text_of

DRAWING = "  +---+\n  | # |  ## no heading\n  +---+"


@pytest.mark.parametrize(
    "heading", ["Architektur-Übersicht", "Architecture", "System Overview", "Übersicht"]
)
def test_the_overview_is_the_drawing_as_it_stands(heading):
    assert (
        read(chapters=f"## 8. {heading}\n\nText.\n\n```text\n{DRAWING}\n```\n").overview == DRAWING
    )


@pytest.mark.parametrize(
    "blocks",
    [
        "```mermaid\ngraph\n```\n\n```text\nyes\n```",
        "```\nno label\n```\n```text\nyes\n```",
        "~~~TEXT\nyes\n~~~",
        "```text\nyes\n```\n```text\nno\n```",
        "```\nyes\n```",
    ],
)
def test_the_first_block_of_text_is_the_drawing(blocks):
    assert read(chapters=f"## 8. Overview\n{blocks}\n").overview == "yes"


def test_a_drawing_under_another_heading_is_not_the_overview():
    assert read(chapters="## 8. Notes\n```text\nno\n```\n").overview == ""


def test_a_chapter_named_overview_with_entries_and_no_drawing_is_a_topic():
    (section,) = read(chapters="## 3. Overview of Pumps\n### 3.1 Pump Restart\n").sections
    assert section.title == "Overview of Pumps"


def references(bullets, *runbooks):
    return read(
        *(runbooks or (PUMP, VALVE)),
        chapters=f"## 9. Code-Referenzen\n\nText.\n\n{bullets}\n\nMore text.\n",
    )


def test_each_bullet_gives_a_path_and_a_description():
    landscape = references(
        "* `src/pump.py` – Starts it.\n* `src/valve/` — Turns\n  it `slowly` – always."
    )
    assert [(found.path, found.description) for found in landscape.code_references] == [
        ("src/pump.py", "Starts it."),
        ("src/valve/", "Turns it `slowly` – always."),
    ]
    text = text_of((PUMP, VALVE), chapters="## 9. Code references\n\n* `src/pump.py` - x\n")
    assert read_landscape(text).code_references[0].line == line_of(text, "src/pump.py")


def test_several_paths_before_the_dash_share_the_description_and_the_line():
    first, second = references("* `src/a/` & `src/b/` – Both.").code_references
    assert (first.path, second.path) == ("src/a/", "src/b/")
    assert (first.description, first.line, first.remark) == (second.description, second.line, "")


def test_words_beside_the_path_are_kept_as_a_remark():
    landscape = references(
        "* `src/a.py` & related modules – Both.\n* see `src/b.py`, `src/c.py` and – Both."
    )
    assert [
        (found.path, found.description, found.remark) for found in landscape.code_references
    ] == [
        ("src/a.py", "Both.", "related modules"),
        ("src/b.py", "Both.", "see"),
        ("src/c.py", "Both.", "see"),
    ]


def test_a_dash_in_a_path_parts_nothing():
    (found,) = references("* `src/a - b.py` - Text").code_references
    assert (found.path, found.description) == ("src/a - b.py", "Text")


def test_a_runbook_that_the_description_names_is_linked():
    (found,) = references(
        "* `src/a.py` – See the „Pump-Runbook“, the Boat-Runbook and the Runbook-Registry."
    ).code_references
    assert found.runbooks == ("Pump Restart Runbook",)


def test_a_description_is_prose_so_a_name_in_doubt_is_passed_over_in_silence():
    landscape = references(
        "* `src/a.py` – See the Valve-Runbook.", PUMP, VALVE, row("Valve Check", "`docs/c.md`")
    )
    assert landscape.code_references[0].runbooks == ()
    assert landscape.notices == ()


def test_a_bullet_without_a_path_is_noted():
    landscape = references("* Just words – and more.")
    assert landscape.code_references == ()
    assert kinds(landscape) == ["other"]
    assert "source path" in landscape.notices[0].message


def test_unsafe_paths_are_left_out_and_repeated_ones_kept_once():
    landscape = references(
        "* `../a.py` – x\n* `src/b.py` – first\n* `src/b.py` – second\n* [`src/c.py`](src/c.py) – y"
    )
    assert [(found.path, found.description) for found in landscape.code_references] == [
        ("src/b.py", "first"),
        ("src/c.py", "y"),
    ]
    assert kinds(landscape) == ["unsafe_path", "other"]


def test_bullets_in_code_are_no_references():
    assert references("```\n* `src/a.py` – x\n```").code_references == ()
