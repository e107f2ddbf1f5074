"""Tables are found by their headers anywhere; rows that do not fit are read or reported."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbooks.landscape.parse.outline import MAX_LINE_LENGTH
from runbooks.landscape.parse.reader import read_landscape
from runbooks.landscape.parse.tables import split_cells
from runbooks.landscape.schema import LandscapeError
from tests.runbooks.landscape.samples import (
    PUMP,
    RUNBOOK_HEADER,
    SITUATION_HEADER,
    STILL,
    VALVE,
    delimiter,
    kinds,
    line_of,
    read,
    row,
    situation,
    text_of,
)


def titles(text):
    return [runbook.title for runbook in read_landscape(text).runbooks]


def test_columns_may_stand_in_any_order_and_under_english_names():
    landscape = read_landscape(
        "# P\n\n"
        "| Status | Path | Layers | Runbook | Scope | Cluster | Version "
        "|\n|:-|:-:|-:|---|---|---|---|\n"
        "| retired | `docs/pump.md` | Ops | Pump | Restart | Cluster 1 | v2 |\n\n"
        "| Comment | Relevant runbooks | Situation |\n|---|---|---|\n| Hurry | Pump | Flood |\n"
    )
    (runbook,) = landscape.runbooks
    assert (runbook.title, runbook.document_path, runbook.version, runbook.scope) == (
        "Pump",
        "docs/pump.md",
        "v2",
        "Restart",
    )
    assert (runbook.declared.level, runbook.layers) == ("retired", ("Ops",))
    (flood,) = landscape.situations
    assert (flood.title, flood.runbooks, flood.comment) == ("Flood", ("Pump",), "Hurry")
    assert landscape.notices == ()


def test_a_missing_optional_column_is_noted_and_read_as_empty():
    landscape = read_landscape(
        "# P\n\n| Runbook | Path | Status |\n|---|---|---|\n| Pump | `docs/pump.md` | "
        "2026-ready |\n\n"
        f"{SITUATION_HEADER}\n{delimiter(SITUATION_HEADER)}\n{situation(names='Pump')}\n"
    )
    assert [(notice.kind, notice.subject, notice.line) for notice in landscape.notices] == [
        ("missing_column", name, 3) for name in ("Version", "Scope", "Primary Cluster", "Layer")
    ]
    (runbook,) = landscape.runbooks
    assert (runbook.version, runbook.primary_cluster, runbook.layers) == ("", None, ())
    assert runbook.declared.level == "ready"


def test_an_unknown_column_is_noted_once_and_the_others_are_read():
    header = RUNBOOK_HEADER.replace("| Layer |", "| Owner | Layer | |")
    rows = [PUMP.replace("| **Operations** |", "| Rita | **Operations** | x |") for _ in range(2)]
    landscape = read_landscape(f"# P\n\n{header}\n{delimiter(header)}\n{rows[0]}\n")
    unknown = [notice for notice in landscape.notices if notice.kind == "unknown_column"]
    assert [notice.subject for notice in unknown] == ["Owner", "column 8"]
    assert landscape.runbooks[0].layers == ("Operations",)


def test_several_tables_of_a_kind_are_read_one_after_the_other():
    more = f"\n## 9. More\n\n{RUNBOOK_HEADER}\n{delimiter(RUNBOOK_HEADER)}\n{VALVE}\n"
    assert titles(text_of(chapters=more)) == ["Pump Restart Runbook", "Valve Calibration"]


def test_other_tables_are_left_alone():
    other = "\n| Word | Meaning |\n|---|---|\n| Runbook | Pfad |\n| a | b |\n"
    landscape = read(chapters=other)
    assert len(landscape.runbooks) == 1
    assert landscape.notices == ()


@pytest.mark.parametrize(
    "hiding",
    [
        ("```markdown", "```"),
        ("~~~~", "~~~~"),
        ("```", "`````"),
        ("<!--", "-->"),
    ],
)
def test_a_table_in_a_code_block_or_comment_is_no_table(hiding):
    example = "\n".join([hiding[0], RUNBOOK_HEADER, delimiter(RUNBOOK_HEADER), VALVE, hiding[1]])
    assert titles(text_of(chapters=example)) == ["Pump Restart Runbook"]


def test_an_indented_table_is_code():
    example = "\n".join(
        f"    {line}" for line in (RUNBOOK_HEADER, delimiter(RUNBOOK_HEADER), VALVE)
    )
    assert titles(text_of(chapters=example)) == ["Pump Restart Runbook"]


def test_a_table_without_outer_pipes_is_read():
    assert titles(
        "# P\n\nRunbook | Pfad\n--- | ---\nPump | docs/pump.md\nValve | docs/valve.md\n"
    ) == ["Pump", "Valve"]


def test_a_header_without_its_line_of_dashes_is_read_and_noted():
    landscape = read_landscape(text_of().replace(f"{delimiter(RUNBOOK_HEADER)}\n", "", 1))
    assert len(landscape.runbooks) == 1
    assert [(notice.kind, notice.subject) for notice in landscape.notices] == [
        ("ragged_row", "header")
    ]


def test_a_text_behind_the_rows_ends_the_table():
    landscape = read(PUMP, "> **Note:** a | b", chapters="")
    assert len(landscape.runbooks) == 1
    assert landscape.notices == ()


def test_rows_behind_a_blank_line_are_read_and_noted():
    landscape = read(PUMP, "", VALVE, row("Tank", "`docs/tank.md`"))
    assert len(landscape.runbooks) == 3
    assert kinds(landscape) == ["ragged_row"]
    assert "blank line" in landscape.notices[0].message


TANK = row("Tank", "`docs/tank.md`")
BOILER = row("Boiler", "`docs/boiler.md`")
PARTED = "A text parts this row from its table, so it was not read; repeat the header above it."


@pytest.mark.parametrize(
    "between",
    [
        ("### R&D",),
        ("> Hinweis",),
        ('<a id="x"></a>',),
        ("* siehe oben",),
        ("---",),
        ("", "## R&D", ""),
        ("", "Underlined", "---", ""),
        ("", "A paragraph.", ""),
        ("", "Two lines", "of a paragraph.", "", "- and a list", ""),
    ],
)
def test_rows_behind_a_text_are_not_read_and_each_is_noted_at_its_line(between):
    text = text_of((PUMP, VALVE, *between, TANK, BOILER))
    landscape = read_landscape(text)
    assert [runbook.title for runbook in landscape.runbooks] == [
        "Pump Restart Runbook",
        "Valve Calibration",
    ]
    assert [
        (notice.kind, notice.line, notice.subject, notice.message) for notice in landscape.notices
    ] == [("ragged_row", line_of(text, each), each, PARTED) for each in (TANK, BOILER)]


@pytest.mark.parametrize(
    "parted", [TANK[1:-1], f"> {TANK}", f"* {TANK}", "| **Tank** | `docs/tank.md` |"]
)
def test_what_looks_like_a_row_behind_a_text_may_be_quoted_ragged_or_without_outer_pipes(parted):
    text = text_of((PUMP, "", "A paragraph.", "", parted))
    assert [(notice.line, notice.message) for notice in read_landscape(text).notices] == [
        (line_of(text, parted), PARTED)
    ]


def test_a_row_without_outer_pipes_behind_a_blank_line_is_noted_with_those_below_it():
    landscape = read(PUMP, "", TANK[1:-1], BOILER)
    assert [notice.message for notice in landscape.notices] == [PARTED, PARTED]


def test_rows_below_a_repeated_header_are_read_behind_any_text():
    landscape = read(
        PUMP,
        "",
        "### R&D",
        RUNBOOK_HEADER,
        delimiter(RUNBOOK_HEADER),
        TANK,
        "---",
        RUNBOOK_HEADER,
        BOILER,
    )
    assert len(landscape.runbooks) == 3
    assert [notice.subject for notice in landscape.notices] == ["header"]


def test_another_table_behind_a_text_is_left_alone_but_not_what_follows_it():
    other = ("| Word | Meaning |", "|---|---|", "| a | b |", "", "Text.")
    assert read(PUMP, "", "Text.", "", *other).notices == ()
    assert [notice.subject for notice in read(PUMP, "", "Text.", "", *other, TANK).notices] == [
        TANK
    ]


def test_pipes_in_another_chapter_or_a_row_in_code_are_none_of_the_table():
    assert read(PUMP, "", "## 9. Other", "", "| a | b |", TANK[1:-1]).notices == ()
    assert read(PUMP, "", "Text.", "", "```", TANK, "```").notices == ()


def test_rows_behind_a_comment_or_code_are_read_and_noted():
    for block in (("<!-- old: -->",), ("<!--", "x", "-->"), ("```", "x", "```")):
        landscape = read(PUMP, *block, TANK, BOILER)
        assert len(landscape.runbooks) == 3
        (notice,) = landscape.notices
        assert (notice.kind, notice.subject) == ("ragged_row", TANK)
        assert "A comment or code block parts this row" in notice.message


def test_a_situation_behind_a_text_is_noted_as_well():
    landscape = read(PUMP, situations=(situation(), "> Text", situation("Flood")))
    assert [(notice.subject, notice.message) for notice in landscape.notices] == [
        (situation("Flood"), PARTED)
    ]


WRAPPED = row(
    "Alarm",
    "`docs/alarm.md`",
    scope="Betrieb und Fehlerbehandlung",
    cluster="Cluster 82–83 (Alarms)",
)


@pytest.mark.parametrize("at", [" und Fehler", "Alarm**", " docs", " 82–83", " ✅", " (Alarms)"])
def test_what_a_line_break_in_a_cell_cuts_off_is_no_runbook(at):
    wrapped = WRAPPED.replace("`docs", "` docs") if at == " docs" else WRAPPED
    first, rest = wrapped[: wrapped.index(at)], wrapped[wrapped.index(at) :].strip()
    text = text_of((PUMP, first, rest, VALVE))
    landscape = read_landscape(text)
    assert {found.title for found in landscape.runbooks} <= {
        "Pump Restart Runbook",
        "Alarm",
        "Valve Calibration",
    }
    assert all(
        found.declared.level == "unassessed"
        for found in landscape.runbooks
        if found.title == "Alarm"
    )
    noted = {
        notice.line: notice.message for notice in landscape.notices if notice.kind == "ragged_row"
    }
    assert "not read" in noted[line_of(text, VALVE) - 1]


@pytest.mark.parametrize("path", ["Cluster 82–83 (Alarms)", "Operations"])
def test_a_ragged_row_whose_path_is_none_is_not_read(path):
    landscape = read(PUMP, f"| und Fehlerbehandlung | {path} | x |")
    assert [found.title for found in landscape.runbooks] == ["Pump Restart Runbook"]
    assert "3 cells where the header has 7. It was not read." in landscape.notices[0].message


@pytest.mark.parametrize(
    "header", [RUNBOOK_HEADER, RUNBOOK_HEADER.replace("Pfad", "**Path**"), "| Runbook | Pfad |"]
)
def test_a_header_that_is_repeated_between_rows_is_no_runbook(header):
    landscape = read(PUMP, header, VALVE)
    assert [found.title for found in landscape.runbooks] == [
        "Pump Restart Runbook",
        "Valve Calibration",
    ]
    (notice,) = landscape.notices
    assert (notice.kind, notice.subject) == ("ragged_row", header)
    assert "once more" in notice.message


def test_a_ragged_situation_is_told_nothing_of_a_status():
    landscape = read(PUMP, situations=("| Flood | Pump Restart Runbook |",))
    assert [found.title for found in landscape.situations] == ["Flood"]
    assert "status" not in landscape.notices[0].message
    assert "It was read, but its cells may have moved." in landscape.notices[0].message


def test_an_empty_row_is_passed_over():
    landscape = read(PUMP, "| | | | | | | |", VALVE)
    assert len(landscape.runbooks) == 2
    assert landscape.notices == ()


@pytest.mark.parametrize(
    "ragged",
    [
        "| **Valve** | `docs/valve.md` | v1 |",
        f"{VALVE} extra |",
        "| **Valve** | `docs/valve.md` | a | b | c | d | e | f |",
    ],
)
def test_a_ragged_row_is_read_while_it_has_a_title_and_a_path(ragged):
    landscape = read(PUMP, ragged)
    assert landscape.runbooks[1].document_path == "docs/valve.md"
    assert kinds(landscape) == ["ragged_row"]


@pytest.mark.parametrize(
    "ragged", ["| **Valve** |", "| | `docs/valve.md` |", "Just a sentence", "| **Valve** | `` |"]
)
def test_a_ragged_row_without_a_title_or_path_is_noted_and_left_out(ragged):
    text = text_of((PUMP, ragged, VALVE))
    landscape = read_landscape(text)
    assert [runbook.title for runbook in landscape.runbooks] == [
        "Pump Restart Runbook",
        "Valve Calibration",
    ]
    (notice,) = landscape.notices
    assert (notice.kind, notice.line) == ("ragged_row", line_of(text, ragged))
    assert "not read" in notice.message


def test_a_row_without_a_title_is_noted_and_left_out():
    landscape = read(PUMP, row("", "`docs/valve.md`"))
    assert len(landscape.runbooks) == 1
    assert kinds(landscape) == ["ragged_row"]


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        (r"| a \| b | c |", ["a | b", "c"]),
        ("| `a | b` | c |", ["`a | b`", "c"]),
        ("| ``a ` | b`` | c |", ["``a ` | b``", "c"]),
        (r"| `a \| b` | c |", ["`a | b`", "c"]),
        ("| a ` b | c |", ["a ` b", "c"]),
        (r"| a \\| b |", ["a \\\\", "b"]),
        ("a | b", ["a", "b"]),
        ("|a||b|", ["a", "", "b"]),
        ("|", []),
        ("", []),
    ],
)
def test_escaped_pipes_and_pipes_in_code_belong_to_the_cell(line, cells):
    assert split_cells(line) == cells


def test_lone_backticks_in_two_cells_do_not_swallow_the_pipe_between():
    landscape = read(
        row("Pump ` one", scope="Say ` twice"), situations=(situation(names="Pump one"),)
    )
    assert landscape.runbooks[0].title == "Pump one"
    assert landscape.notices == ()


@given(st.lists(st.text(alphabet="ab `\\|", max_size=8), min_size=1, max_size=6))
def test_a_row_of_escaped_cells_has_as_many_cells(cells):
    written = [cell.replace("\\", "").replace("`", "").replace("|", r"\|") for cell in cells]
    row_text = "| " + " | ".join(written) + " |"
    assert split_cells(row_text) == [cell.strip().replace(r"\|", "|") for cell in written]


def test_a_line_beyond_any_row_is_noted_and_left_out():
    landscape = read(PUMP, row("Tank", scope="x" * MAX_LINE_LENGTH), VALVE)
    assert [runbook.title for runbook in landscape.runbooks] == [
        "Pump Restart Runbook",
        "Valve Calibration",
    ]
    (notice,) = landscape.notices
    assert (notice.kind, notice.line) == ("other", landscape.runbooks[0].line + 1)
    assert f"longer than {MAX_LINE_LENGTH} characters" in notice.message


@pytest.mark.parametrize(
    "text",
    ["", "# Notes\n\nNo table.\n", "| Runbook | Version |\n|---|---|\n| a | b |\n", "\ufeff"],
)
def test_a_text_without_a_runbook_table_is_refused_with_what_to_do(text):
    with pytest.raises(LandscapeError, match=r'"Runbook" and "Pfad" \(or "Path"\)'):
        read_landscape(text)


def test_a_code_block_that_hides_the_table_is_named():
    with pytest.raises(LandscapeError, match="line 3") as refusal:
        read_landscape(f"# P\n\n```\n{text_of()}")
    assert refusal.value.line == 3


def test_a_code_block_without_an_end_is_noted():
    landscape = read(chapters="```text\nnever closed\n## 9. Changelog\n")
    assert [(notice.kind, notice.subject) for notice in landscape.notices] == [
        ("other", "code block or comment")
    ]


def test_a_file_without_situations_or_title_says_so():
    landscape = read_landscape(f"{RUNBOOK_HEADER}\n{delimiter(RUNBOOK_HEADER)}\n{PUMP}\n")
    assert [(notice.kind, notice.subject) for notice in landscape.notices] == [
        ("other", "title"),
        ("other", "situations"),
    ]
    assert STILL not in landscape.situations
