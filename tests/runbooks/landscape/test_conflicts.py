"""Merge conflicts stop the reader until somebody chooses; nothing is lost or miscounted."""

import pytest

from runbooks.landscape.parse.conflicts import (
    find_conflicts,
    settle_conflicts,
    settled_text,
    split_lines,
)
from runbooks.landscape.parse.reader import read_landscape
from runbooks.landscape.schema import ConflictChoice, LandscapeError, UnresolvedConflicts
from tests.runbooks.landscape.samples import (
    PUMP,
    SITUATION_HEADER,
    STILL,
    VALVE,
    kinds,
    line_of,
    row,
    situation,
    text_of,
)

TANK = row("Tank Alarm", "`docs/tank.md`")
LEAK = row("Leak Notes", "`docs/leak.md`", status="⚠️ R&D only (kein Live)")
CONFLICT = ("<<<<<<< Updated upstream", VALVE, TANK, "=======", LEAK, ">>>>>>> Stashed changes")
CONFLICTED = text_of((PUMP, *CONFLICT, row("Boiler Check", "`docs/boiler.md`")))


def titles(choice, text=CONFLICTED):
    return [runbook.title for runbook in read_landscape(text, conflicts=choice).runbooks]


def test_a_file_with_conflicts_is_refused_until_somebody_chooses():
    with pytest.raises(UnresolvedConflicts):
        read_landscape(CONFLICTED)


def test_the_refusal_shows_both_sides_with_their_labels_and_line_numbers():
    text = text_of(
        (PUMP, *CONFLICT), (STILL, "<<<<<<< a", "=======", situation("Leak"), ">>>>>>> b")
    )
    with pytest.raises(UnresolvedConflicts) as refusal:
        read_landscape(text)
    first, second = refusal.value.blocks
    assert (first.first_line, first.last_line) == (line_of(text, "<<<<"), line_of(text, ">>>>"))
    assert (first.ours_label, first.theirs_label) == ("Updated upstream", "Stashed changes")
    assert [line.text for line in first.ours] == [VALVE, TANK]
    assert [line.number for line in first.ours] == [line_of(text, "Valve"), line_of(text, "Tank")]
    assert [line.text for line in first.theirs] == [LEAK]
    assert second.ours == ()
    assert refusal.value.line == first.first_line


@pytest.mark.parametrize(
    ("choice", "between"),
    [
        (ConflictChoice.OURS, ["Valve Calibration", "Tank Alarm"]),
        (ConflictChoice.THEIRS, ["Leak Notes"]),
        (ConflictChoice.UNION, ["Valve Calibration", "Tank Alarm", "Leak Notes"]),
    ],
)
def test_the_choice_decides_which_rows_count_and_the_table_goes_on_behind_them(choice, between):
    assert titles(choice) == ["Pump Restart Runbook", *between, "Boiler Check"]


def test_lines_keep_the_numbers_that_they_have_in_the_file():
    landscape = read_landscape(CONFLICTED, conflicts=ConflictChoice.THEIRS)
    assert {runbook.title: runbook.line for runbook in landscape.runbooks} == {
        "Pump Restart Runbook": line_of(CONFLICTED, "Pump Restart"),
        "Leak Notes": line_of(CONFLICTED, "Leak Notes"),
        "Boiler Check": line_of(CONFLICTED, "Boiler"),
    }


def test_every_block_that_was_read_by_choice_is_noted_and_handed_on():
    text = text_of(
        (PUMP, *CONFLICT), (STILL, "<<<<<<< a", "=======", situation("Leak"), ">>>>>>> b")
    )
    landscape = read_landscape(text, conflicts=ConflictChoice.OURS)
    assert kinds(landscape) == ["conflict_marker", "conflict_marker"]
    assert len({notice.subject for notice in landscape.notices}) == 2
    assert [block.first_line for block in landscape.conflicts] == [
        notice.line for notice in landscape.notices
    ]


def test_the_common_ancestor_of_a_three_way_conflict_is_dropped():
    block = ("<<<<<<< ours", VALVE, "||||||| 1a2b3c", TANK, "=======", LEAK, ">>>>>>> theirs")
    text = text_of((PUMP, *block))
    assert titles(ConflictChoice.UNION, text) == [
        "Pump Restart Runbook",
        "Valve Calibration",
        "Leak Notes",
    ]


def test_a_union_that_repeats_a_row_keeps_the_first_and_says_so():
    text = text_of((PUMP, "<<<<<<< a", VALVE, TANK, "=======", TANK, ">>>>>>> b"))
    landscape = read_landscape(text, conflicts=ConflictChoice.UNION)
    assert [runbook.title for runbook in landscape.runbooks][1:] == [
        "Valve Calibration",
        "Tank Alarm",
    ]
    assert kinds(landscape) == ["conflict_marker", "duplicate_row"]


def test_two_sides_with_a_whole_table_each_are_read_as_one_table():
    header = "| Situation | Relevante Runbooks | Kommentar |\n| --- | --- | --- |"
    text = (
        f"{text_of()}\n<<<<<<< "
        f"a\n{header}\n{situation('One')}\n=======\n{header}\n{situation('Two')}\n>>>>>>> b\n"
    )
    landscape = read_landscape(text, conflicts=ConflictChoice.UNION)
    assert [found.title for found in landscape.situations] == ["Pump stands still", "One", "Two"]
    assert SITUATION_HEADER not in {found.title for found in landscape.situations}


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        (("<<<<<<< a", PUMP), "<<<<"),
        (("<<<<<<< a", PUMP, "======="), "<<<<"),
        ((PUMP, ">>>>>>> b"), ">>>>"),
        (("<<<<<<< a", PUMP, ">>>>>>> b"), ">>>>"),
        (("<<<<<<< a", PUMP, "<<<<<<< inner", "=======", ">>>>>>> b"), "inner"),
        (("<<<<<<< a", "=======", "<<<<<<< inner", ">>>>>>> b"), "inner"),
        (("<<<<<<< a", PUMP, "=======", "=======  ", ">>>>>>> b"), "=======  "),
    ],
)
@pytest.mark.parametrize("choice", list(ConflictChoice))
def test_a_marker_without_its_partner_is_an_error_whatever_the_choice(lines, wrong, choice):
    text = text_of(lines)
    with pytest.raises(LandscapeError) as refusal:
        read_landscape(text, conflicts=choice)
    assert not isinstance(refusal.value, UnresolvedConflicts)
    assert refusal.value.line == line_of(text, wrong)
    assert "marker" in str(refusal.value)


def test_equals_signs_below_a_title_are_no_conflict():
    landscape = read_landscape(text_of(title="Plant\n======="))
    assert landscape.title == "Plant"
    assert landscape.conflicts == ()


@pytest.mark.parametrize(
    "line", ["<<<<<<", "<<<<<<<no space", "=======", " =======", "|||||||", "> > > > > > > deep"]
)
def test_lines_that_only_resemble_markers_are_text(line):
    assert read_landscape(text_of(chapters=f"\n{line}\n")).conflicts == ()


def block_of(size=7, prefix=""):
    return tuple(
        prefix + line
        for line in (
            "<" * size + " HEAD",
            VALVE,
            "|" * size + " base",
            TANK,
            "=" * size,
            LEAK,
            ">" * size + " b",
        )
    )


@pytest.mark.parametrize("size", [7, 8, 32])
@pytest.mark.parametrize("prefix", ["", "  ", "\t", "> ", "> > ", ">> "])
def test_markers_of_any_width_stop_behind_spaces_and_quote_marks_as_well(size, prefix):
    text = text_of((PUMP, *block_of(size, prefix), row("Boiler Check", "`docs/boiler.md`")))
    with pytest.raises(UnresolvedConflicts) as refusal:
        read_landscape(text)
    (block,) = refusal.value.blocks
    assert (block.ours_label, block.theirs_label, block.first_line) == (
        "HEAD",
        "b",
        line_of(text, "<<<<<<<"),
    )
    assert [line.text for line in block.ours] == [prefix + VALVE]
    assert [line.text for line in block.theirs] == [prefix + LEAK]


def test_the_opener_says_how_wide_the_markers_of_its_block_are():
    text = text_of(
        (PUMP, *block_of(9)), chapters="<<<<<<<< a\nTitle\n=======\n\n========\n>>>>>>>> b\n"
    )
    assert titles(ConflictChoice.THEIRS, text) == ["Pump Restart Runbook", "Leak Notes"]
    second = read_landscape(text, conflicts=ConflictChoice.OURS).conflicts[1]
    assert [line.text for line in second.ours] == ["Title", "=======", ""]


def test_a_wider_conflict_inside_the_common_ancestor_is_dropped_with_it():
    lines = ("<<<<<<< a", VALVE, "||||||| base", *block_of(9), "=======", LEAK, ">>>>>>> b")
    text = text_of((PUMP, *lines))
    assert titles(ConflictChoice.UNION, text) == [
        "Pump Restart Runbook",
        "Valve Calibration",
        "Leak Notes",
    ]


@pytest.mark.parametrize(
    "line", ["<<<<<<<< wider", "  <<<<<<< indented", "> >>>>>>> quoted", ">>>>>>>> wider"]
)
@pytest.mark.parametrize("before", [("<<<<<<< a",), ("<<<<<<< a", "=======")])
def test_a_marker_of_another_width_or_place_in_a_side_is_refused(line, before):
    text = text_of((*before, line, *block_of()[1:]))
    with pytest.raises(LandscapeError) as refusal:
        read_landscape(text, conflicts=ConflictChoice.UNION)
    assert refusal.value.line == line_of(text, line)


def test_equals_signs_with_a_text_part_no_sides():
    text = text_of((PUMP, "<<<<<<< a", VALVE, "======= aside", TANK, "=======", ">>>>>>> b"))
    assert titles(ConflictChoice.OURS, text) == [
        "Pump Restart Runbook",
        "Valve Calibration",
        "Tank Alarm",
    ]


def test_a_marker_inside_a_code_block_counts_as_one():
    with pytest.raises(UnresolvedConflicts):
        read_landscape(text_of(chapters="```text\n<<<<<<< a\n=======\n>>>>>>> b\n```"))


def test_the_choice_may_be_its_word_and_an_unknown_word_is_refused():
    assert titles("union")[1] == "Valve Calibration"
    with pytest.raises(UnresolvedConflicts):
        read_landscape(CONFLICTED, conflicts="stop")
    with pytest.raises(ValueError, match="both"):
        read_landscape(CONFLICTED, conflicts="both")


# ---- a side for each block


TWO_CONFLICTS = (
    "# Plant\r\n<<<<<<< a\nOne\n=======\nTwo\r\n>>>>>>> b\nBetween\n"
    "<<<<<<< a\nThree\n||||||| base\nOld\n=======\nFour\n>>>>>>> b\r\nEnd"
)


@pytest.mark.parametrize(
    ("choices", "settled"),
    [
        ("ours", "# Plant\r\nOne\nBetween\nThree\nEnd"),
        ("theirs", "# Plant\r\nTwo\r\nBetween\nFour\nEnd"),
        ("union", "# Plant\r\nOne\nTwo\r\nBetween\nThree\nFour\nEnd"),
        ({2: "ours", 8: "theirs"}, "# Plant\r\nOne\nBetween\nFour\nEnd"),
        ({8: "union", 2: "theirs"}, "# Plant\r\nTwo\r\nBetween\nThree\nFour\nEnd"),
    ],
)
def test_the_settled_file_keeps_every_byte_beside_the_blocks(choices, settled):
    assert settled_text(TWO_CONFLICTS, choices) == settled


@pytest.mark.parametrize(("end", "left"), [("", ""), ("\n", ""), ("\r\n", ""), ("\n\n", "\n")])
def test_a_block_at_the_end_of_the_file_leaves_what_follows_it(end, left):
    text = f"One\n<<<<<<< a\nTwo\n=======\nThree\n>>>>>>> b{end}"
    assert settled_text(text, "ours") == f"One\nTwo\n{left}"


@pytest.mark.parametrize("choices", [{8: "ours"}, {8: "ours", 2: "stop"}])
def test_a_block_without_a_choice_of_its_own_is_asked_about(choices):
    with pytest.raises(UnresolvedConflicts) as refusal:
        settled_text(TWO_CONFLICTS, choices)
    assert [block.first_line for block in refusal.value.blocks] == [2]


@pytest.mark.parametrize("lines", [(3,), (3, 9), (9, 3)])
def test_a_choice_for_a_line_on_which_no_conflict_begins_is_refused(lines):
    """The line may be one of another version of the file, so that the choices are in doubt."""
    choices = {2: "ours", 8: "ours", **dict.fromkeys(lines, "ours")}
    with pytest.raises(LandscapeError) as refusal:
        settled_text(TWO_CONFLICTS, choices)
    assert (refusal.value.line, str(refusal.value)[:7]) == (3, "Line 3:")


def test_as_many_sides_are_chosen_as_there_are_blocks():
    lines = split_lines(TWO_CONFLICTS)
    blocks = find_conflicts(lines)
    with pytest.raises(ValueError, match="shorter"):
        settle_conflicts(lines, blocks, (ConflictChoice.OURS,))
