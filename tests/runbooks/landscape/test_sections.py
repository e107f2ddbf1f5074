"""Topic chapters: which runbook plays which role, in the author's Markdown."""

import pytest

from runbooks.landscape.parse.reader import read_landscape
from tests.runbooks.landscape.samples import PUMP, VALVE, kinds, line_of, read, text_of

ENTRY = """\
### 3.1 Pump Restart Runbook (v1.1)

* **Pfad:** `docs/pump.md`
* **Rolle:** First stop when **nothing** moves:

  * Look at the pump
    * twice
  * Start it

"""


def sections(chapters, *runbooks):
    return read(*(runbooks or (PUMP, VALVE)), chapters=chapters).sections


def entry(chapters, *runbooks):
    return sections(chapters, *runbooks)[0].entries[0]


def test_a_chapter_has_a_number_a_title_and_entries_in_order():
    text = f"## 3. Pumps & Valves\n\n{ENTRY}### 3.2 Valve Calibration\n\nText.\n"
    (section,) = sections(text)
    assert (section.number, section.title) == (3, "Pumps & Valves")
    assert [(found.number, found.heading, found.runbook) for found in section.entries] == [
        ("3.1", "Pump Restart Runbook (v1.1)", "Pump Restart Runbook"),
        ("3.2", "Valve Calibration", "Valve Calibration"),
    ]
    assert section.line == line_of(text_of((PUMP, VALVE), chapters=text), "## 3.")


def test_a_role_is_its_first_sentence_and_its_list_as_the_author_saw_them():
    role = entry(f"## 3. Pumps\n\n{ENTRY}---\n").role
    assert role == (
        "First stop when **nothing** moves:\n\n* Look at the pump\n  * twice\n* Start it"
    )


def test_a_list_directly_below_the_sentence_stays_a_list():
    assert (
        entry("## 3. P\n### 3.1 Pump Restart\n* **Role:** Do:\n  * one\n  * two\n").role
        == "Do:\n\n* one\n* two"
    )


def test_a_sentence_may_be_wrapped_and_other_bullets_may_follow():
    role = entry(
        "## 3. P\n### 3.1 Pump Restart\n- **Rolle**: Do\n  this.\n- **Hint:** Slowly\n"
    ).role
    assert role == "Do\nthis.\n- **Hint:** Slowly"


def test_an_entry_without_labels_keeps_its_list():
    role = entry("## 3. P\n### 3.1 Pump Restart (siehe oben)\n\n* Ask:\n\n  * why\n").role
    assert role == "* Ask:\n\n  * why"


def test_code_in_a_role_is_kept_as_it_is():
    code = "```sh\n### no heading\n> no quote\n---\n**Pfad:** no path\n```"
    found = entry(f"## 3. P\n### 3.1 Pump Restart\n\nRun:\n\n{code}\n")
    assert found.role == f"Run:\n\n{code}"


def test_an_entry_is_found_by_its_path_first():
    found = entry(
        "## 3. P\n### 3.1 The big one\n* **Path:** [here](docs/valve.md)\n* **Role:** x\n"
    )
    assert found.runbook == "Valve Calibration"


def test_an_entry_without_a_path_is_found_by_its_heading():
    landscape = read(PUMP, VALVE, chapters="## 3. P\n### 3.1 Valve (siehe oben)\n")
    assert landscape.sections[0].entries[0].runbook == "Valve Calibration"
    assert landscape.sections[0].entries[0].heading == "Valve (siehe oben)"
    assert landscape.notices == ()


def test_an_entry_that_fits_no_runbook_is_kept_without_one_and_noted():
    landscape = read(chapters="## 3. P\n### 3.1 Teapot\n\nShort and stout.\n")
    assert landscape.sections[0].entries[0].runbook is None
    assert landscape.sections[0].entries[0].role == "Short and stout."
    assert [(notice.kind, notice.subject) for notice in landscape.notices] == [
        ("unresolved_name", "Teapot")
    ]


@pytest.mark.parametrize("path", ["docs/teapot.md", "docs/valve.md"])
def test_a_path_that_disagrees_with_the_heading_is_noted(path):
    landscape = read(PUMP, VALVE, chapters=f"## 3. P\n### 3.1 Pump Restart\n* **Pfad:** `{path}`\n")
    assert [(notice.kind, notice.subject) for notice in landscape.notices] == [("other", path)]


def test_an_unsafe_path_in_an_entry_is_noted_and_the_heading_decides():
    landscape = read(chapters="## 3. P\n### 3.1 Pump Restart\n* **Pfad:** `../pump.md`\n")
    assert landscape.sections[0].entries[0].runbook == "Pump Restart Runbook"
    assert kinds(landscape) == ["unsafe_path"]


def test_quotes_make_the_note_of_the_chapter_wherever_they_stand():
    text = f"## 3. P\n\n> Before.\n> Still.\n\n{ENTRY}> **After:** lazy\ngoes on.\n\nLast words.\n"
    (section,) = sections(text)
    assert section.note == "Before.\nStill.\n\n**After:** lazy\ngoes on."
    assert section.entries[0].role.endswith("Last words.")
    assert ">" not in section.entries[0].role


def test_chapters_keep_the_numbers_that_they_are_given():
    numbers = [
        section.number
        for section in sections("## 7) P\n### Pump Restart\n## 12 V\n### Valve Calibration\n")
    ]
    assert numbers == [7, 12]


def test_a_chapter_or_entry_without_a_number_takes_its_place():
    (section,) = sections("## Pumps\n### Pump Restart\n### Valve Calibration\n")
    assert section.number == 3
    assert [found.number for found in section.entries] == ["3.1", "3.2"]


def test_a_place_that_another_chapter_has_as_its_number_is_not_taken():
    found = sections("## Pumps\n### Pump Restart\n## 3. Valves\n### Valve Calibration\n")
    assert [(section.title, section.number) for section in found] == [("Pumps", 4), ("Valves", 3)]


def test_two_chapters_with_one_number_are_both_read_and_noted():
    landscape = read(
        PUMP, VALVE, chapters="## 3. A\n### Pump Restart\n## 3. B\n### Valve Calibration\n"
    )
    assert [section.number for section in landscape.sections] == [3, 3]
    assert kinds(landscape) == ["other"]


def test_a_chapter_or_entry_that_is_repeated_is_kept_once_and_noted():
    twice = "## 3. P\n### 3.1 Pump Restart\nfirst\n### 3.2 Pump Restart Runbook\nsecond\n"
    landscape = read(chapters=f"{twice}## 4. P\n### 4.1 Pump Restart\n")
    assert [section.number for section in landscape.sections] == [3]
    assert [found.role for found in landscape.sections[0].entries] == ["first"]
    assert kinds(landscape) == ["other", "other"]
    assert all("already" in notice.message for notice in landscape.notices)


def test_a_chapter_without_entries_is_no_section():
    landscape = read(chapters="## 3. Preface\n\nWelcome.\n\n> Quote\n")
    assert landscape.sections == ()
    assert landscape.notices == ()


def test_entries_in_a_chapter_of_tables_are_not_read_and_noted():
    text = text_of().replace("## 2. Situations", f"{ENTRY}\n## 2. Situations")
    landscape = read_landscape(text)
    assert landscape.sections == ()
    assert [(notice.kind, notice.subject) for notice in landscape.notices] == [
        ("other", "Runbooks")
    ]


def test_an_entry_whose_heading_is_too_deep_is_noted_with_its_chapter():
    text = f"## 3. Pumps\n\n#{ENTRY}"
    landscape = read(chapters=text)
    assert landscape.sections == ()
    (notice,) = landscape.notices
    assert (notice.kind, notice.subject, notice.line) == (
        "other",
        "Pumps",
        line_of(text_of(chapters=text), "## 3."),
    )
    assert "###" in notice.message


def test_a_chapter_whose_heading_is_too_high_is_noted():
    text = f"# 3. Pumps\n\n{ENTRY}# 4. Valves\n\n# Appendix\n\nText.\n"
    landscape = read(chapters=text)
    assert landscape.sections == ()
    assert [(notice.kind, notice.subject, notice.line) for notice in landscape.notices] == [
        ("other", "Pumps", line_of(text_of(chapters=text), "# 3.")),
        ("other", "Valves", line_of(text_of(chapters=text), "# 4.")),
    ]
    assert "##" in landscape.notices[0].message


def test_a_heading_that_is_too_high_and_holds_a_path_is_noted_without_a_number_too():
    landscape = read(chapters=f"# Pumps\n\n{ENTRY}## 4. Valves\n\n### Valve Calibration\n")
    assert [notice.subject for notice in landscape.notices if notice.kind == "other"] == ["Pumps"]


def test_an_entry_that_the_one_above_swallows_is_noted_at_its_path():
    text = f"## 3. P\n\n{ENTRY}#### 3.2 Valve Calibration\n\n* **Pfad:** `docs/valve.md`\n"
    landscape = read(PUMP, VALVE, chapters=text)
    (notice,) = landscape.notices
    assert (notice.kind, notice.line) == (
        "other",
        line_of(text_of((PUMP, VALVE), chapters=text), "**Pfad:** `docs/valve"),
    )
    assert "Pump Restart Runbook (v1.1)" in notice.message


def test_an_entry_that_is_too_deep_in_a_chapter_of_tables_is_noted_too():
    landscape = read_landscape(text_of().replace("## 2. Situations", f"#{ENTRY}\n## 2. Situations"))
    assert [(notice.kind, notice.subject) for notice in landscape.notices] == [
        ("other", "Runbooks")
    ]


def test_a_path_in_code_asks_for_no_entry():
    assert read(chapters="## 3. How to write\n\n```\n* **Pfad:** `docs/x.md`\n```\n").notices == ()


def test_headings_are_read_without_what_nobody_sees_and_noted():
    landscape = read(PUMP, chapters="## 3. Pu\u00admps\n\n### Pump\u200b Restart\n")
    assert (landscape.sections[0].title, landscape.sections[0].entries[0].heading) == (
        "Pumps",
        "Pump Restart",
    )
    assert [notice.subject for notice in landscape.notices] == ["3. Pumps", "Pump Restart"]


def test_underlined_chapters_and_closed_headings_are_read():
    (first, second) = sections(
        "Pumps\n-----\n### 3.1 Pump Restart ###\n\n## 4. Valves ##\n### Valve Calibration\n"
    )
    assert (first.number, first.title, first.entries[0].heading) == (3, "Pumps", "Pump Restart")
    assert (second.number, second.title) == (4, "Valves")


@pytest.mark.parametrize("above", ["* a", "1. a", "  a", "> a", "a | b", "#### a", "---"])
def test_a_rule_below_a_list_a_quote_or_a_row_is_no_chapter(above):
    (section,) = sections(f"## 3. P\n### 3.1 Pump Restart\n\n{above}\n---\nAfter.\n")
    assert section.entries[0].role.endswith("After.")
