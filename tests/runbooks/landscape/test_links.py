"""A link in a landscape file leads where a forge would lead; a bare path starts at the root."""

from dataclasses import replace

import pytest

from runbooks.documents.checks.links import relative_links
from runbooks.documents.links import DOCUMENT_ROUTE, resolved
from runbooks.landscape.parse.notices import NoticeLog
from runbooks.landscape.parse.paths import FilePlace, read_stated_path
from runbooks.landscape.parse.reader import read_landscape
from runbooks.landscape.write.writer import write_landscape
from tests.runbooks.landscape.samples import VALVE, row, text_of

INDEX = "docs/runbooks/INDEX.md"
# What is written in the file at INDEX -> the path from the root of the repository.
LINKS = {
    "[x](README.md)": "docs/runbooks/README.md",
    "[x](./README.md)": "docs/runbooks/README.md",
    "[x](../pump.md)": "docs/pump.md",
    "[x](../../README.md)": "README.md",
    "[x](../runbooks/a.md)": "docs/runbooks/a.md",
    "[x](%2e%2e/b.md)": "docs/b.md",
    "[x](a/../b.md)": "docs/runbooks/b.md",
    "[x](/README.md)": "README.md",
    "[x](/docs/x.md)": "docs/x.md",
    "[x](a%20b.md)": "docs/runbooks/a b.md",
    "[x](<a b.md>)": "docs/runbooks/a b.md",
    "[x](a.md#start)": "docs/runbooks/a.md",
    "[x](a.md?plain=1)": "docs/runbooks/a.md",
    "[x](a.md?plain=1#start)": "docs/runbooks/a.md",
    '[x](a.md "The title")': "docs/runbooks/a.md",
    "[x](<a b.md> 'The title')": "docs/runbooks/a b.md",
    "[`docs/x.md`](a.md)": "docs/runbooks/a.md",
    "[x][pump]": "docs/pumps/p.md",
    "[x][Pump]": "docs/pumps/p.md",
    "[pump][]": "docs/pumps/p.md",
    "[pump]": "docs/pumps/p.md",
    "[x][angled]": "docs/runbooks/a b.md",
    "`docs/x.md`": "docs/x.md",
    "`README.md`": "README.md",
    "docs/x.md": "docs/x.md",
    "[x](../../../etc/passwd)": "",
    "[x](https://example.org/a.md)": "",
    "[x](//example.org/a.md)": "",
    "[x](C:%5Ca.md)": "",
    "[x](..%2f..%2f..%2fa.md)": "",
    "`/README.md`": "",
    "`../x.md`": "",
}
DEFINITIONS = "\n[pump]: ../pumps/p.md\n[Angled]: <a b.md>\n[pump]: other.md\n"


@pytest.mark.parametrize(("cell", "path"), LINKS.items(), ids=LINKS)
def test_a_path_is_the_one_that_a_forge_leads_to(cell, path):
    text = text_of((VALVE, row("Leak Search", cell)), chapters=DEFINITIONS)
    assert read_landscape(text, path=INDEX).runbooks[1].document_path == path


@pytest.mark.parametrize(
    "cell", [cell for cell, path in LINKS.items() if cell.startswith("[x](") and path]
)
def test_rows_documents_and_the_search_for_dead_links_resolve_alike(cell):
    path = LINKS[cell]
    target = cell[4:-1].split(" '")[0].split(' "')[0].strip("<>")
    address = resolved(target.replace(" ", "%20"), document_path=INDEX)
    assert address.partition("#")[0] == DOCUMENT_ROUTE + path.replace(" ", "%20")
    assert [link.path for link in relative_links(cell, INDEX)] == [path]


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("* [`src/a.py`](../../src/a.py) – text", "src/a.py"),
        ("* [`a.py`](../src/a.py) – text", "docs/src/a.py"),
        ("* [`src/`](../../src/) – text", "src/"),
        ("* [`src/a.py`](https://example.org/a) – text", "src/a.py"),
        ("* `src/a.py` – text", "src/a.py"),
    ],
)
def test_a_code_reference_is_resolved_like_any_link(line, path):
    text = text_of(chapters=f"## 3. Code references\n\n{line}\n")
    assert [found.path for found in read_landscape(text, path=INDEX).code_references] == [path]


@pytest.mark.parametrize(
    "stated", ["[x](../pump.md)", "`docs/pump.md`", "[x](/docs/pump.md)", "[x][p]"]
)
def test_an_entry_finds_its_runbook_by_a_link(stated):
    chapter = (
        f"## 3. Pumps\n\n### 3.1 Whatever it is called\n\n* **Pfad:** {stated}\n\n[p]: ../pump.md\n"
    )
    (section,) = read_landscape(text_of(chapters=chapter), path=INDEX).sections
    assert section.entries[0].runbook == "Pump Restart Runbook"


def test_a_link_to_the_file_itself_names_no_document():
    read = read_stated_path("[x](#start)", line=1, notices=NoticeLog(), place=FilePlace(INDEX))
    assert (read.path, read.link) == ("", "#start")


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        ("[x](../pump.md)", "[x](../new/p%20q.md)"),
        ('[x](../pump.md "Title")', "[x](../new/p%20q.md)"),
        ("`docs/pump.md`", "`docs/new/p q.md`"),
        ("[p]", "`docs/new/p q.md`"),
    ],
)
def test_a_path_that_moved_is_written_so_that_it_leads_there(cell, wanted):
    text = text_of((row(path=cell),), chapters="\n[p]: ../pump.md\n")
    read = read_landscape(text, path=INDEX)
    assert write_landscape(text, read, path=INDEX).text == text
    moved = replace(read, runbooks=(replace(read.runbooks[0], document_path="docs/new/p q.md"),))
    result = write_landscape(text, moved, path=INDEX)
    assert (result.unwritten, wanted in result.text) == ((), True)
    assert read_landscape(result.text, path=INDEX).runbooks[0].document_path == "docs/new/p q.md"
