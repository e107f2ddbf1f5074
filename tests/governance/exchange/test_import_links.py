"""An import binds the document that a link leads to, and no other."""

import pytest

from governance.findings.models import Finding
from runbooks.models import Runbook
from tests.governance.exchange.test_landscape_history import run
from tests.runbooks.landscape.samples import PUMP, row, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def repository(tmp_path):
    """Documents, and a function that writes the landscape into a folder of them and imports it."""
    root = tmp_path / "repository"

    def bring_in(cell, *, files, at="docs/runbooks/INDEX.md", outside=False):
        for path in ("docs/pump.md", *files):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(f"# {path}\n")
        place = tmp_path / "INDEX.md" if outside else root / at
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text_of((PUMP, row("Overview", cell))))
        run("import_landscape", str(place), docs_root=root, accept_renames=True)
        runbook = Runbook.objects.get(title="Overview")
        return runbook.document_path, runbook.document.text if runbook.document else None

    return bring_in


def of_the_file():
    """What an import noticed about links and documents."""
    return list(Finding.objects.filter(kind__in=["missing_document", "other"], resolved_at=None))


def test_a_link_binds_the_document_beside_the_file_and_not_the_one_at_the_root(repository):
    bound = repository("[overview](README.md)", files=("README.md", "docs/runbooks/README.md"))
    assert bound == ("docs/runbooks/README.md", "# docs/runbooks/README.md\n")
    assert not of_the_file()


def test_a_bare_path_binds_the_document_below_the_root(repository):
    assert (
        repository("`README.md`", files=("README.md", "docs/runbooks/README.md"))[0] == "README.md"
    )


def test_a_link_that_leads_nowhere_binds_nothing_and_both_files_are_named(repository):
    assert repository("[overview](docs/x.md)", files=("docs/x.md",)) == (
        "docs/runbooks/docs/x.md",
        None,
    )
    (finding,) = of_the_file()
    assert finding.kind == "missing_document"
    assert '"docs/runbooks/docs/x.md", where there is no file' in finding.message
    assert 'it would be "docs/x.md", which is there' in finding.message


def test_a_link_in_a_file_without_a_known_place_is_noted(repository):
    assert repository("[overview](README.md)", files=("README.md",), outside=True)[0] == "README.md"
    (finding,) = of_the_file()
    assert "nobody told where in it this file lies" in finding.message


def test_a_file_that_comes_again_without_its_folder_keeps_its_place(repository):
    files = ("README.md", "docs/runbooks/README.md")
    repository("[overview](README.md)", files=files)
    assert (
        repository("[overview](README.md)", files=files, outside=True)[0]
        == "docs/runbooks/README.md"
    )
    assert not of_the_file()


def test_an_export_leaves_a_link_as_it_is(repository, tmp_path):
    repository("[overview](README.md)", files=("docs/runbooks/README.md",))
    source = (tmp_path / "repository/docs/runbooks/INDEX.md").read_text()
    assert run("export_landscape", declared=True) == source
