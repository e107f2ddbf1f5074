"""The writer changes what changed, in the style of its place, and nothing else."""

import difflib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runbooks.landscape.parse.reader import read_landscape
from runbooks.landscape.schema import (
    ClusterMention,
    CodeReferenceRow,
    DeclaredReadiness,
    ReleaseRow,
    RunbookRow,
    SectionEntryRow,
    SectionRow,
    SituationRow,
)
from runbooks.landscape.write.rows import status_text
from runbooks.landscape.write.writer import EMPTY, write_landscape
from tests.runbooks.landscape.samples import PUMP, VALVE, row, situation, text_of

FIXTURE = (Path(__file__).resolve().parents[3] / "fixtures" / "landscape.md").read_bytes().decode()
PLAIN = read_landscape(FIXTURE)


def changed_lines(before, after):
    """The lines that a diff of the two shows, with their signs."""
    diff = difflib.unified_diff(before.split("\n"), after.split("\n"), lineterm="", n=0)
    return [line for line in diff if line[:1] in "+-" and line[:3] not in ("+++", "---")]


def written(wanted, source=FIXTURE):
    result = write_landscape(source, wanted)
    assert result.unwritten == ()
    return result.text


def with_runbook(place, **changes):
    rows = list(PLAIN.runbooks)
    rows[place] = replace(rows[place], **changes)
    return replace(PLAIN, runbooks=tuple(rows))


def with_situation(place, **changes):
    rows = list(PLAIN.situations)
    rows[place] = replace(rows[place], **changes)
    return replace(PLAIN, situations=tuple(rows))


def with_section(place, **changes):
    rows = list(PLAIN.sections)
    rows[place] = replace(rows[place], **changes)
    return replace(PLAIN, sections=tuple(rows))


def with_entry(**changes):
    entries = PLAIN.sections[1].entries
    return with_section(1, entries=(replace(entries[0], **changes), *entries[1:]))


def with_code(place, **changes):
    rows = list(PLAIN.code_references)
    rows[place] = replace(rows[place], **changes)
    return replace(PLAIN, code_references=tuple(rows))


def forced(text):
    """What is wanted differs in a way that no line shows, so that the whole machinery runs."""
    return replace(read_landscape(text), title="another")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: f"\ufeff{text}",
        lambda text: text.rstrip("\n"),
        lambda text: f"{text}\n\n",
        lambda text: text.replace("\n", "\r\n", 40),
    ],
    ids=["plain", "crlf", "cr", "mark", "no end", "blank end", "mixed"],
)
def test_a_file_without_a_change_keeps_every_byte(change):
    text = change(FIXTURE)
    assert written(read_landscape(text), text) == text
    assert written(forced(text), text) == text


ROLE = PLAIN.sections[1].entries[0].role
ONE_LINE = {
    "version": with_runbook(0, version="v9.9"),
    "scope": with_runbook(1, scope="Read a | b, and more"),
    "long scope": with_runbook(1, scope="word " * 60 + "end"),
    "path": with_runbook(14, document_path="docs/ops/elsewhere.md"),
    "no path": with_runbook(14, document_path=""),
    "title": with_runbook(13, title="A new title"),
    "title with marks": with_runbook(13, title="A [new] _title_ & more"),
    "layers": with_runbook(0, layers=("Execution & Environments", "Quality")),
    "primary cluster": with_runbook(
        0, primary_cluster=ClusterMention("phase", 17, 17, "B", "Next")
    ),
    "related clusters": with_runbook(
        0, related_clusters=(ClusterMention("cluster", 3, 4, "", "Tanks"),)
    ),
    "no clusters": with_runbook(0, primary_cluster=None, related_clusters=()),
    "status": with_runbook(
        0, declared=DeclaredReadiness("rnd_only", None, "⚠️ R&D only (kein Live)")
    ),
    "situation title": with_situation(0, title="Another situation"),
    "situation comment": with_situation(0, comment="Look | twice"),
    "situation runbooks": with_situation(0, runbooks=PLAIN.situations[0].runbooks[::-1]),
    "one role line": with_entry(role=ROLE.replace("GREEN", "BLUE")),
    "entry heading": with_entry(heading="Another heading"),
    "note": with_section(3, note="One other note."),
    "code description": with_code(0, description="Another description."),
    "code path": with_code(0, path="src/other.py"),
    "release label": replace(
        PLAIN, releases=(replace(PLAIN.releases[0], label="2026-ready"), *PLAIN.releases[1:])
    ),
    "release date": replace(
        PLAIN, releases=(replace(PLAIN.releases[0], dated="März 2026"), *PLAIN.releases[1:])
    ),
}


@pytest.mark.parametrize("name", ONE_LINE)
def test_one_edited_field_is_one_line(name):
    before, after = changed_lines(FIXTURE, written(ONE_LINE[name]))
    assert (before[0], after[0]) == ("-", "+")


def test_a_cell_keeps_its_width_and_its_neighbours_their_bytes():
    line = next(line for line in FIXTURE.split("\n") if line.startswith("| **ExecutionPipeline"))
    new = next(
        line
        for line in written(with_runbook(0, version="v9")).split("\n")
        if line.startswith("| **Exec")
    )
    assert new == line.replace("v1.1 (Dez 2025)", "v9             ")


def test_a_path_is_changed_wherever_the_file_states_it():
    lines = changed_lines(FIXTURE, written(with_runbook(1, document_path="docs/moved.md")))
    assert [line.split("`")[1] for line in lines if line[0] == "+"] == ["docs/moved.md"] * 2
    assert len(lines) == 4


def test_a_new_title_is_followed_by_the_names_that_would_lead_nowhere():
    old, new = PLAIN.runbooks[4].title, "Release gate"
    wanted = with_runbook(4, title=new)
    names = {old: new}
    wanted = replace(
        wanted,
        situations=tuple(
            replace(each, runbooks=tuple(names.get(title, title) for title in each.runbooks))
            for each in wanted.situations
        ),
        sections=tuple(
            replace(
                each,
                entries=tuple(
                    replace(e, runbook=names.get(e.runbook, e.runbook)) for e in each.entries
                ),
            )
            for each in wanted.sections
        ),
    )
    text = written(wanted)
    assert "### 4.3 Release gate (siehe oben)" in text
    read = read_landscape(text)
    assert [each.runbooks for each in read.situations] == [
        each.runbooks for each in wanted.situations
    ]


def test_a_new_row_has_the_widths_and_the_style_of_the_table():
    new = RunbookRow(
        0,
        "Brand new",
        "docs/new.md",
        "v1",
        "Does it",
        None,
        (),
        ("Ops",),
        PLAIN.runbooks[0].declared,
    )
    text = written(replace(PLAIN, runbooks=(*PLAIN.runbooks, new)))
    (line,) = changed_lines(FIXTURE, text)
    header = next(line for line in FIXTURE.split("\n") if line.startswith("| Runbook "))
    assert line.startswith("+| **Brand new**   ")
    assert "| `docs/new.md`   " in line
    assert line.count("|") == header.count("|")


def test_a_row_that_is_gone_is_one_line_less_and_order_follows_what_is_wanted():
    assert [line[0] for line in changed_lines(text_of((PUMP, VALVE)), _without_the_valve())] == [
        "-"
    ]
    rows = PLAIN.runbooks
    moved = replace(PLAIN, runbooks=(rows[1], rows[0], *rows[2:]))
    assert sorted(line[0] for line in changed_lines(FIXTURE, written(moved))) == ["+", "-"]


def _without_the_valve():
    text = text_of((PUMP, VALVE))
    read = read_landscape(text)
    return written(replace(read, runbooks=read.runbooks[:1]), text)


def test_chapters_entries_references_and_releases_are_added_where_they_belong():
    title = PLAIN.runbooks[8].title
    entry = SectionEntryRow(0, "", "More", title, "For:\n\n* this\n* that")
    wanted = replace(
        PLAIN,
        sections=(*PLAIN.sections, SectionRow(0, 11, "Further", "Note well.", (entry,))),
        code_references=(*PLAIN.code_references, CodeReferenceRow(0, "src/new/", "New.", ())),
        releases=(
            ReleaseRow(0, "v2.0", "März 2026", 2026, 3, "", ("First\nsecond line", "Other")),
            *PLAIN.releases,
        ),
        situations=(*PLAIN.situations, SituationRow(0, "New case", (title,), (title,), "Look")),
    )
    lines = changed_lines(FIXTURE, written(wanted))
    assert "+## 11. Further" in lines
    assert "+* `src/new/` – New." in lines
    assert "+* **v2.0 – März 2026**" in lines
    assert any(line.startswith("+| **New case**") for line in lines)


def test_the_overview_is_drawn_anew_only_when_its_content_changed():
    drawn = read_landscape(written(with_section(0, title="Another chapter"))).overview
    assert "Another chapter" in drawn
    assert PLAIN.runbooks[0].title in drawn
    same = with_section(0, note="Another note")
    assert read_landscape(written(same)).overview == PLAIN.overview


def test_a_chapters_number_is_that_of_its_entries():
    lines = changed_lines(FIXTURE, written(with_section(1, number=9)))
    assert "+## 9. Live Risk & Severity Runbooks" in lines
    assert "+### 9.1 Live Risk Severity Integration" in lines


def test_what_the_file_has_no_place_for_is_named():
    text = text_of((PUMP,)).replace(" Version |", " Remark |").replace("situation", "x")
    read = read_landscape(text)
    result = write_landscape(
        text, replace(read, runbooks=(replace(read.runbooks[0], version="v2"),))
    )
    assert result.text == text
    assert result.unwritten == (
        'The runbook "Pump Restart Runbook" could not be written whole: version. Write it by hand.',
    )


SCOPES = ["a\nb", "a\n\nb", "- a | b\n- `c`", "line \n with blanks", "a `<br` b\nc", "ends in \\"]


@pytest.mark.parametrize("scope", SCOPES)
def test_a_line_break_in_a_cell_is_written_and_read_back_as_one(scope):
    text = written(with_runbook(0, scope=scope))
    assert read_landscape(text).runbooks[0].scope == scope
    assert len(changed_lines(FIXTURE, text)) == 2
    text = written(with_situation(0, comment=scope))
    assert read_landscape(text).situations[0].comment == scope


def test_a_line_break_is_written_as_the_cell_had_it():
    text = text_of((row(scope="a<br/>b"),))
    read = read_landscape(text)
    assert "a<br/>c<br/>d" in written(
        replace(read, runbooks=(replace(read.runbooks[0], scope="a\nc\nd"),)), text
    )


@pytest.mark.parametrize(
    "scope", ["a<br>b", "a\r\nb", "a\rb", "`a\nb`", r"a \| b", " a", "a\u2028b "]
)
def test_a_scope_that_would_be_read_back_otherwise_is_named_and_breaks_no_row(scope):
    result = write_landscape(FIXTURE, with_runbook(0, scope=scope))
    assert result.unwritten == (
        (
            f'The runbook "{PLAIN.runbooks[0].title}" could not be written whole: scope. Write '
            "it by hand."
        ),
    )
    again = read_landscape(result.text)
    assert len(again.runbooks) == len(PLAIN.runbooks)
    assert [notice for notice in again.notices if notice.kind == "ragged_row"] == []


def test_a_backslash_at_the_end_of_a_cell_does_not_join_it_to_the_next():
    text = "# P\n\n|Runbook|Path|Scope|\n|-|-|-|\n|Pump|`p.md`|a|\n"
    read = read_landscape(text)
    result = written(replace(read, runbooks=(replace(read.runbooks[0], scope="b\\"),)), text)
    assert read_landscape(result).runbooks[0].scope == "b\\"


@pytest.mark.parametrize("version", ["`v1`", "v1 <b>", "`", "a ** b", "<br>"])
def test_a_version_may_hold_any_mark(version):
    assert read_landscape(written(with_runbook(0, version=version))).runbooks[0].version == version


def test_a_carriage_return_in_a_role_or_note_begins_a_line_of_it():
    for wanted in (with_entry(role="a\rb\r\nc"), with_section(3, note="a\rb")):
        text = written(wanted)
        assert "\r" not in text


def test_a_file_with_line_breaks_and_unseen_characters_keeps_every_byte():
    rows = (
        row("Pu\u00admp", scope="a<br>b<BR />c", layer="A<br>B"),
        row("~~V~~", "`docs//./v.md#x`"),
    )
    text = text_of(rows, (situation(names="Pump<br>V", comment="a<br/>b"),))
    assert write_landscape(text, forced(text)).text == text


def test_a_portal_that_never_imported_starts_from_a_file_of_its_own():
    new = RunbookRow(
        0,
        "Pump",
        "docs/p.md",
        "v1",
        "Do",
        None,
        (),
        ("Ops",),
        DeclaredReadiness("shadow", None, "Shadow"),
    )
    read = read_landscape(EMPTY)
    text = written(
        replace(
            read,
            runbooks=(new,),
            situations=(SituationRow(0, "Flood", ("Pump",), ("Pump",), "Now"),),
        ),
        EMPTY,
    )
    assert [(found.title, found.document_path) for found in read_landscape(text).runbooks] == [
        ("Pump", "docs/p.md")
    ]
    assert read_landscape(text).situations[0].runbooks == ("Pump",)


@pytest.mark.parametrize(
    ("level", "year", "text"),
    [
        ("ready", 2027, "✅ 2027-ready"),
        ("rnd_only", None, "⚠️ R&D only (kein Live)"),
        ("track", None, "⚠️ Track (NO‑LIVE default)"),
        ("retired", None, "retired"),
        ("unassessed", None, "unassessed"),
    ],
)
def test_a_status_is_written_in_the_words_of_the_file(level, year, text):
    assert status_text(level, year, [found.declared for found in PLAIN.runbooks]) == text


# --- landscapes that nobody wrote ---------------------------------------------------------

SIGNS = st.sampled_from(
    [
        *"abc XYZ09-–&;#47|`*_[]()é✅/.,:\u2011\u00a0\\<>„“~\u00ad\u200b",
        "<br>",
        "<br/>",
        "<!--",
        "-->",
    ]
)
CELL = st.lists(SIGNS, max_size=25).map("".join)
ROWS = st.lists(st.tuples(CELL, CELL, CELL, CELL, CELL, CELL, CELL), min_size=1, max_size=5)
# Seven arrows at the margin are the end of a merge conflict, which stops an import.
PROSE_LINE = st.text(alphabet="ab #>*-`|~\t1.", max_size=20).filter(
    lambda line: not line.startswith(">" * 7)
)
PROSE = st.lists(PROSE_LINE, max_size=6)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])
PATIENT = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def made(rows, prose, end):
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |" for cells in rows]
    text = text_of((PUMP, *lines), (situation(),), "\n".join(prose))
    return text.replace("\n", end)


@PATIENT
@given(ROWS, PROSE, ENDS)
def test_any_landscape_comes_back_byte_for_byte(rows, prose, end):
    text = made(rows, prose, end)
    assert write_landscape(text, forced(text)).text == text


@PATIENT
@given(ROWS, PROSE, ENDS, CELL)
def test_any_edit_of_a_version_is_one_line_or_named(rows, prose, end, version):
    text = made(rows, prose, end)
    read = read_landscape(text)
    version = " ".join(version.split())
    first, *others = read.runbooks
    result = write_landscape(
        text, replace(read, runbooks=(replace(first, version=version), *others))
    )
    lines = changed_lines(text.replace(end, "\n"), result.text.replace(end, "\n"))
    assert len(lines) in (0, 2)
    again = read_landscape(result.text)
    assert again.runbooks[0].version == version or result.unwritten
    assert result.text.count(end) == text.count(end)
    assert again.runbooks[1:] == tuple(others) or result.unwritten


BREAKS = st.lists(
    st.sampled_from(["", "### R&D", "> Note", "Text.", "---", "* a", "<a>", "<!-- x -->"]),
    max_size=3,
)


@PATIENT
@given(st.lists(BREAKS, min_size=1, max_size=5))
def test_a_row_is_read_or_noted_whatever_stands_between_the_rows(breaks):
    lines: list[str] = []
    for place, between in enumerate(breaks):
        lines += [*between, row(f"Tank {place}", f"`docs/{place}.md`")]
    landscape = read_landscape(text_of((PUMP, *lines)))
    read = {found.title for found in landscape.runbooks}
    noted = [notice.subject for notice in landscape.notices if notice.kind == "ragged_row"]
    for place in range(len(breaks)):
        title = f"Tank {place}"
        assert title in read or any(title in subject for subject in noted)


def test_twenty_thousand_rows_are_written_in_reasonable_time():
    rows = tuple(row(f"Pump {number}", f"`docs/{number}.md`") for number in range(20_000))
    text = text_of(rows, (situation(names="Pump 7"),))
    read = read_landscape(text)
    wanted = replace(read, runbooks=(*read.runbooks[:-1], replace(read.runbooks[-1], version="v2")))
    assert len(changed_lines(text[-2000:], write_landscape(text, wanted).text[-2000:])) == 2
