"""Oddities of real and hostile files: read, or a message with a line; no crash, no endless loop."""

import pytest

from runbooks.landscape.parse.reader import read_landscape
from runbooks.landscape.schema import ClusterMention, ConflictChoice, LandscapeError
from tests.runbooks.landscape.samples import (
    PUMP,
    RUNBOOK_HEADER,
    VALVE,
    delimiter,
    kinds,
    line_of,
    read,
    read_row,
    row,
    situation,
    text_of,
)


def test_an_entity_marks_a_path_as_illustrative_in_a_code_span_too():
    runbook, noticed = read_row(path="`docs&#47;ops&#x2F;pump.md`")
    assert runbook.document_path == "docs/ops/pump.md"
    assert noticed == ["illustrative_path"]


def test_a_hyphen_that_does_not_break_is_a_hyphen():
    landscape = read(row("Finish‑C Track"), situations=(situation(names="finish-c track"),))
    assert landscape.situations[0].runbooks == ("Finish‑C Track",)


@pytest.mark.parametrize("dash", ["-", "–", "—", "‑", "−"])
def test_a_range_may_have_any_dash(dash):
    runbook, noticed = read_row(cluster=f"Cluster 82{dash}85 (Alerts)")
    assert runbook.primary_cluster == ClusterMention("cluster", 82, 85, "", "Alerts")
    assert noticed == []


def test_two_clusters_in_a_cell_are_a_primary_and_a_related_one():
    runbook, _ = read_row(cluster="Phase 25 (Governance & Safety), Phase 56 (Drills)")
    assert runbook.primary_cluster.title == "Governance & Safety"
    assert [mention.title for mention in runbook.related_clusters] == ["Drills"]


def test_a_version_may_be_two_phases_and_quotes_may_be_typographic():
    runbook, noticed = read_row(version="Phase 25/56", scope="„Finish“-Definition \\| NO‑LIVE")
    assert (runbook.version, runbook.scope) == ("Phase 25/56", "„Finish“-Definition | NO‑LIVE")
    assert noticed == []


def test_german_and_english_headers_may_be_mixed():
    text = text_of((PUMP,)).replace("Pfad", "Path").replace("Kommentar", "Comment")
    assert read_landscape(text).runbooks[0].document_path == "docs/pump.md"
    assert kinds(read_landscape(text)) == []


def test_a_chapter_that_points_above_leads_to_its_runbook():
    chapters = "## 3. Alarms\n\n### 3.1 Pump Restart (siehe oben)\n\n* Again.\n"
    (section,) = read(chapters=chapters).sections
    assert section.entries[0].runbook == "Pump Restart Runbook"


def test_rows_in_the_middle_other_orders_and_other_numbers_change_no_title():
    first, second = read(PUMP, VALVE), read(VALVE, row("New", "`n.md`"), PUMP)
    assert {found.title for found in first.runbooks} < {found.title for found in second.runbooks}


@pytest.mark.parametrize(
    ("lines", "where"),
    [
        (("<<<<<<< a", "<<<<<<< b", "=======", ">>>>>>> c"), 1),
        (("<<<<<<< a", ">>>>>>> c"), 1),
        ((">>>>>>> c",), 0),
        (("<<<<<<< a", "======="), 0),
        (("<<<<<<< a", "=======", "=======", ">>>>>>> c"), 2),
    ],
)
def test_markers_that_do_not_match_are_refused_with_their_line(lines, where):
    text = text_of((PUMP, *lines))
    with pytest.raises(LandscapeError) as refusal:
        read_landscape(text, conflicts=ConflictChoice.UNION)
    assert refusal.value.line == line_of(text, PUMP) + 1 + where
    assert "Restore the marker" in str(refusal.value)


def test_an_empty_side_is_a_side():
    text = text_of((PUMP, "<<<<<<< a", VALVE, "=======", ">>>>>>> b"))
    assert len(read_landscape(text, conflicts=ConflictChoice.OURS).runbooks) == 2
    assert len(read_landscape(text, conflicts=ConflictChoice.THEIRS).runbooks) == 1


def test_each_oddity_of_a_table_has_its_line_and_what_to_do():
    text = text_of(
        (
            PUMP,
            "| **Short** | `s.md` |",
            "| | | | | | | |",
            row(path="`../../etc/passwd`", title="Out"),
        )
    )
    text = text.replace(" Layer |", " Colour |").replace("Version", "Remark")
    landscape = read_landscape(text)
    assert {"missing_column", "unknown_column", "ragged_row", "unsafe_path"} <= set(
        kinds(landscape)
    )
    assert all(notice.line and notice.message.endswith(".") for notice in landscape.notices)
    out = next(found for found in landscape.runbooks if found.title == "Out")
    assert out.document_path == ""


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x.md", "a/../../x.md", "C:\\x.md", "file:///x", "a/%2e%2e/x.md"]
)
def test_no_path_leaves_the_repository(path):
    runbook, noticed = read_row(path=f"`{path}`")
    assert runbook.document_path == ""
    assert "unsafe_path" in noticed


@pytest.mark.parametrize(
    "text",
    ["", "\n", "# A list\n\n* milk\n", "a,b\n1,2\n", "\0\1\2", "{}", "| a | b |\n| - | - |\n"],
)
def test_what_is_no_landscape_is_refused_whole(text):
    with pytest.raises(LandscapeError):
        read_landscape(text)


# No clock below: whatever is worse than linear would take hours, and the run would show it.


@pytest.mark.parametrize(
    "sign", ["x", "|", "| a ", "`a` | ", "&#47;", "<<<<<<< ", "**", "\\|", "(", "Cluster 1–"]
)
def test_ten_megabytes_on_one_line_are_read_or_refused(sign):
    endless = sign * (10_000_000 // len(sign))
    for text in (endless, text_of((PUMP, endless)), text_of((f"| {endless}",))):
        assert what_is_said(text)


def what_is_said(text):
    """The refusal's sentence, or the kinds of what was noticed."""
    try:
        return kinds(read_landscape(text, conflicts=ConflictChoice.UNION))
    except LandscapeError as refusal:
        return str(refusal)


def test_a_hundred_thousand_rows_are_read():
    header = f"# P\n\n{RUNBOOK_HEADER}\n{delimiter(RUNBOOK_HEADER)}\n"
    rows = "\n".join(row(f"Pump {number}", f"`docs/{number}.md`") for number in range(100_000))
    assert len(read_landscape(header + rows).runbooks) == 100_000
