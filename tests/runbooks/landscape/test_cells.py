"""Titles, layers, scopes and paths: what a reader sees, and nothing that leaves the repository."""

import unicodedata

import pytest

from runbooks.landscape.parse.cells import INVISIBLE, plain_text, read_layers
from tests.runbooks.landscape.samples import kinds, read, read_row, row, situation


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("**Pump & Valve**", "Pump & Valve"),
        ("__Pump__", "Pump"),
        ("*Pump*", "Pump"),
        ("**Pump** Restart", "Pump Restart"),
        ("[**Pump**](docs/pump.md)", "Pump"),
        ("`pump` Restart", "pump Restart"),
        ("R&amp;D  Notes", "R&D Notes"),
        (r"Pump \[old\]", "Pump [old]"),
        ("pump_restart_notes", "pump_restart_notes"),
        ("*a* and *b*", "*a* and *b*"),
        (r"\`v1\`", "`v1`"),
        (r"`C:\\`", "C:\\"),
        ("Live<br>Alert", "Live Alert"),
        ("Live<BR />Alert", "Live Alert"),
        ("the `<br>` mark", "the <br> mark"),
        (r"a \<br> b", "a <br> b"),
        ("Pump<!-- old --> Restart", "Pump Restart"),
        ("Pu\u00admp\u200b Re\u202estart", "Pump Restart"),
        ("&shy;**Pump**", "Pump"),
        ("⚠\ufe0f Pump", "⚠\ufe0f Pump"),
        ("&#" + "9" * 5000 + ";", "&#" + "9" * 5000 + ";"),
    ],
)
def test_plain_text_is_what_a_reader_sees(written, seen):
    assert plain_text(written) == seen


@pytest.mark.parametrize(
    ("cell", "layers"),
    [
        ("**Execution & Environments, Governance**", ("Execution & Environments", "Governance")),
        ("**Operations**", ("Operations",)),
        ("**Operations**, **Quality**", ("Operations", "Quality")),
        ("Operations (day, night), Quality", ("Operations (day, night)", "Quality")),
        ("Operations, operations,, Quality", ("Operations", "Quality")),
        ("Operations (day, Quality", ("Operations (day", "Quality")),
        ("**Alerts<br>Monitoring**", ("Alerts", "Monitoring")),
        ("Alerts, <br/>Monitoring", ("Alerts", "Monitoring")),
        ("–", ()),
        ("", ()),
    ],
)
def test_layers_are_parted_by_commas_and_by_nothing_else(cell, layers):
    assert read_layers(cell) == layers


def test_scope_and_comment_keep_their_markdown():
    landscape = read(row(scope="Ticks (`synthetic=True`) and **more**"))
    assert landscape.runbooks[0].scope == "Ticks (`synthetic=True`) and **more**"


@pytest.mark.parametrize(
    ("cell", "path"),
    [
        ("`docs/pump.md`", "docs/pump.md"),
        ("``docs/pump.md``", "docs/pump.md"),
        ("docs/pump.md", "docs/pump.md"),
        ("`./docs/pump.md`", "docs/pump.md"),
        ("[Pump](docs/pump.md)", "docs/pump.md"),
        ("[`Pump`](docs/pump%20two.md#start)", "docs/pump two.md"),
        ('[Pump](docs/pump.md "The pump")', "docs/pump.md"),
        ("[Pump](docs/pump_(v1).md)", "docs/pump_(v1).md"),
        ("`docs/v1..v2.md`", "docs/v1..v2.md"),
        ("`docs/a:b.md`", "docs/a:b.md"),
        ("`docs/pump.md#start`", "docs/pump.md"),
        ("docs/pump.md#start", "docs/pump.md"),
        ("`docs/c#.md`", "docs/c#.md"),
        ("`docs//plant/./pump.md`", "docs/plant/pump.md"),
        ("`././docs/pump.md`", "docs/pump.md"),
        ("[`docs/pump.md`](docs/pump.md)", "docs/pump.md"),
        ("`docs/pump.md` (`v2`)", "docs/pump.md"),
        ("[Pump](docs/pump.md), `docs/pump.md`", "docs/pump.md"),
    ],
)
def test_a_path_is_read_from_a_code_span_a_link_or_plain_text(cell, path):
    runbook, noticed = read_row(path=cell)
    assert runbook.document_path == path
    assert noticed == []


@pytest.mark.parametrize(
    "cell",
    [
        "`../secret.md`",
        "`docs/../../secret.md`",
        "`docs/%2e%2e/secret.md`",
        "[Pump](docs/%2e%2e/%2e%2e/secret.md)",
        "[Pump](../secret.md)",
        "`docs/&#46;&#46;/secret.md`",
        "`docs/.&shy;./secret.md`",
        "`&shy;/etc/passwd`",
        "`././/../secret.md`",
        "`././~/secret.md`",
        "`././file:///etc/passwd`",
        "`/etc/passwd`",
        "`&#47;etc/passwd`",
        "`//host/share`",
        "`~/notes.md`",
        r"`docs\pump.md`",
        r"`C:\pump.md`",
        "`file:///etc/passwd`",
        "`javascript:alert(1)`",
        "[Pump](https://example.org/pump.md)",
    ],
)
def test_a_path_that_leaves_the_repository_is_read_as_empty_and_noted(cell):
    runbook, noticed = read_row(path=cell)
    assert runbook.document_path == ""
    assert noticed == ["unsafe_path"]


def test_a_path_written_with_entities_is_decoded_and_noted_as_illustrative():
    landscape = read(row(path="`docs&#47;plant&#x2F;pump.md`"))
    assert landscape.runbooks[0].document_path == "docs/plant/pump.md"
    (notice,) = landscape.notices
    assert (notice.kind, notice.subject) == ("illustrative_path", "docs/plant/pump.md")


@pytest.mark.parametrize("cell", ["", "``", "–", "-", "` `"])
def test_a_row_without_a_path_is_read_and_noted(cell):
    landscape = read(row(path=cell))
    assert landscape.runbooks[0].document_path == ""
    assert kinds(landscape) == ["missing_path"]
    assert landscape.notices[0].subject == "Pump Restart Runbook"


def test_a_path_with_idle_steps_is_a_duplicate_of_the_plain_one():
    landscape = read(row(), row("Other", "`docs//./pump.md`"))
    assert kinds(landscape) == ["duplicate_row"]


@pytest.mark.parametrize(
    "cell",
    ["`docs/a.md` `docs/b.md`", "`docs/a.md`<br>`docs/b.md`", "[A](docs/a.md), [B](docs/b.md)"],
)
def test_a_second_path_is_noted_and_the_first_one_counts(cell):
    landscape = read(row(path=cell))
    assert landscape.runbooks[0].document_path == "docs/a.md"
    (notice,) = landscape.notices
    assert (notice.kind, notice.subject) == ("other", "docs/b.md")


def test_characters_that_nobody_sees_name_nothing_and_are_noted():
    landscape = read(
        row("Pu\u00admp", "`docs/pu\u200bmp.md`", version="v\u20601", layer="Ops\u200b"),
        situations=(),
    )
    (runbook,) = landscape.runbooks
    assert (runbook.title, runbook.document_path, runbook.version, runbook.layers) == (
        "Pump",
        "docs/pump.md",
        "v1",
        ("Ops",),
    )
    assert [notice.subject for notice in landscape.notices] == ["Pump", "v1", "Ops", "docs/pump.md"]
    assert "(U+00AD)" in landscape.notices[0].message


def test_an_unseen_character_that_is_written_as_an_entity_is_noted_too():
    landscape = read(row("Pu&shy;mp"), situations=(situation(names="Pump"),))
    assert [(notice.kind, notice.subject) for notice in landscape.notices] == [("other", "Pump")]


@pytest.mark.parametrize(
    "cell", ["`docs/.\u200b./secret.md`", "`\u00ad/etc/passwd`", "`fi\u2060le:///etc/passwd`"]
)
def test_nothing_unseen_hides_that_a_path_leaves_the_repository(cell):
    runbook, noticed = read_row(path=cell)
    assert runbook.document_path == ""
    assert noticed == ["unsafe_path"]


def test_a_scope_keeps_what_nobody_sees():
    landscape = read(row(scope="a\u00adb e\u0301"))
    assert landscape.runbooks[0].scope == "a\u00adb e\u0301"
    assert landscape.notices == ()


def test_every_invisible_character_is_a_format_character():
    assert {
        unicodedata.category(chr(sign)) for sign in range(0x110000) if INVISIBLE.match(chr(sign))
    } <= {"Cf", "Cn"}


@pytest.mark.parametrize("title", ["~~Pump~~", "<del>Pump</del>", "Pump <!-- a < b -->"])
def test_a_title_that_is_struck_through_or_holds_html_is_noted(title):
    landscape = read(row(title), situations=(situation(names=title),))
    assert kinds(landscape) == ["other"]
    assert "struck through" in landscape.notices[0].message


def test_a_line_break_in_a_scope_or_comment_is_one_outside_of_code_alone():
    landscape = read(
        row(scope=r"a<br>b <BR/>c `<br>` \<br>"), situations=(situation(comment="a<br />b"),)
    )
    assert landscape.runbooks[0].scope == "a\nb \nc `<br>` \\<br>"
    assert landscape.situations[0].comment == "a\nb"


def test_a_line_break_parts_the_runbooks_of_a_situation():
    landscape = read(
        row(),
        row("Valve", "`docs/v.md`"),
        situations=(situation(names="Pump Restart Runbook<br>Valve"),),
    )
    assert landscape.situations[0].runbooks == ("Pump Restart Runbook", "Valve")
