"""Titles, layers, scopes and paths: what a reader sees, and nothing that leaves the repository."""

import pytest

from runbooks.landscape.cells import plain_text, read_layers
from tests.landscape.samples import kinds, read, read_row, row


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
        "[Pump](docs/%2e%2e/secret.md)",
        "`docs/&#46;&#46;/secret.md`",
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
