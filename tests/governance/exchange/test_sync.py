"""Documents from a source: every version kept, runbooks updated, one row in the ledger."""

from io import StringIO
from unicodedata import normalize

import pytest
from django.core.management import CommandError, call_command

from governance import ledger
from governance.assurance.evidence import verdict_on
from governance.exchange import sync as exchange_sync
from governance.exchange.sync import sync_documents
from governance.findings import source_checks
from governance.findings.choices import Detector, FindingKind
from governance.findings.models import Finding
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from governance.signoff.choices import RequestState
from governance.signoff.models import StatusChangeRequest
from runbooks.documents.sources.folder import MAXIMUM_BYTES, FolderSource, SourceError
from runbooks.models import Document, Runbook
from runbooks.validity import Reason
from tests import cast
from tests.runbooks.documents.repositories import Repository
from tests.runbooks.scene import state_of_everything

pytestmark = pytest.mark.django_db
STEPS = "# Steps\n\n1. Look.\n2. Act.\n"


@pytest.fixture
def pump(people):
    """A runbook whose document is stored already, and a second one without a text."""
    cast.make_runbook("Valve", document_path="docs/valve.md", text=None)
    return cast.make_runbook("Pump", document_path="docs/pump.md", text=STEPS)


@pytest.fixture
def folder(tmp_path):
    """Both documents as files."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/pump.md").write_text(STEPS)
    (tmp_path / "docs/valve.md").write_text("# Valve\n\n1. Turn.\n")
    return tmp_path


def sync(root, *, by=ledger.SYSTEM):
    return sync_documents(source=FolderSource(root), by=by, name="docs")


def run(*arguments):
    out = StringIO()
    call_command("sync_documents", *arguments, stdout=out)
    return out.getvalue()


def open_kinds(family=Detector.DOCUMENTS):
    return set(
        Finding.objects.filter(resolved_at__isnull=True, noticed_by=family).values_list(
            "kind", flat=True
        )
    )


def actions_since(before):
    return list(
        ChangeLogEntry.objects.order_by("sequence").values_list("action", flat=True)[before:]
    )


# ---- what it takes over


def test_a_runbook_gets_the_text_that_stands_at_its_path(pump, folder):
    synced = sync(folder)
    valve = Runbook.objects.get(title="Valve")
    assert (synced.read, synced.stored, synced.changed, synced.gone) == (2, 1, 1, 0)
    assert valve.document.text == "# Valve\n\n1. Turn.\n"


def test_every_version_is_kept_and_the_runbook_shows_the_one_that_stands_there(pump, folder):
    texts = [STEPS, "# Second\n", "# Third\n", STEPS]
    for text in texts:
        (folder / "docs/pump.md").write_text(text)
        sync(folder)
        pump.refresh_from_db()
        assert pump.document.text == text
    assert pump.versions().count() == 3


def test_a_second_sync_writes_nothing_at_all(pump, folder):
    sync(folder)
    before = state_of_everything()
    assert not sync(folder)
    assert state_of_everything() == before


def test_the_sync_as_a_whole_is_one_row_beside_those_of_what_it_changed(pump, folder, people):
    sync(folder)
    (folder / "docs/pump.md").write_text("# Other\n\n1. Look [there](none.md).\n")
    before = ChangeLogEntry.objects.count()
    sync(folder, by=people["ed"])
    assert actions_since(before) == [
        Action.DOCUMENT_STORED,
        Action.CHANGED,
        Action.DOCUMENTS_SYNCED,
    ]
    row = ChangeLogEntry.objects.first()
    assert row.actor == "ed"
    told = {name: change["after"] for name, change in row.changes.items()}
    assert (told["stored"], told["runbooks"], told["findings"]) == (1, 1, 1)
    assert ledger.verify().is_whole


def test_a_changed_text_takes_the_go_away_and_lapses_what_waits(pump, folder, people):
    sync(folder)
    cast.make_ready(pump)
    valve = Runbook.objects.get(title="Valve")
    waiting = cast.ask(valve, by=people["ed"])
    assert verdict_on(Runbook.objects.get(pk=pump.pk)).go
    for name in ("pump", "valve"):
        (folder / f"docs/{name}.md").write_text("# Other\n")
    sync(folder)
    assert verdict_on(Runbook.objects.get(pk=pump.pk)).reasons == (Reason.DOCUMENT_CHANGED.value,)
    assert StatusChangeRequest.objects.get(pk=waiting.pk).state == RequestState.LAPSED


def test_a_text_that_is_put_back_is_the_signed_one_again(pump, folder):
    cast.make_ready(pump)
    for text, go in (("# Other\n", False), (STEPS, True)):
        (folder / "docs/pump.md").write_text(text)
        sync(folder)
        assert verdict_on(Runbook.objects.get(pk=pump.pk)).go is go


def test_two_runbooks_may_share_a_document(pump, folder):
    other = cast.make_runbook("Other pump", document_path="docs/pump.md", text=None)
    sync(folder)
    other.refresh_from_db()
    assert other.document == Runbook.objects.get(pk=pump.pk).document


def test_a_path_that_was_edited_since_the_source_was_looked_at_is_let_be(pump, folder, monkeypatch):
    real = exchange_sync._store_new

    def edit_meanwhile(*arguments, **options):
        Runbook.objects.filter(pk=pump.pk).update(document_path="docs/elsewhere.md")
        return real(*arguments, **options)

    monkeypatch.setattr(exchange_sync, "_store_new", edit_meanwhile)
    sync(folder)
    assert Runbook.objects.get(pk=pump.pk).document_id == pump.document_id


def test_a_file_that_goes_away_while_it_is_stored_stops_nothing(pump, folder, monkeypatch):
    real = FolderSource.origins

    def remove(self, paths):
        (folder / "docs/valve.md").unlink(missing_ok=True)
        return real(self, paths)

    monkeypatch.setattr(FolderSource, "origins", remove)
    assert sync(folder).stored == 0


def test_a_sync_that_fails_half_way_moves_no_runbook(pump, folder, monkeypatch):
    (folder / "docs/pump.md").write_text("# Other\n")

    def fail(*arguments, **options):
        raise ZeroDivisionError

    monkeypatch.setattr(exchange_sync, "reconcile", fail)
    with pytest.raises(ZeroDivisionError):
        sync(folder)
    assert Runbook.objects.get(pk=pump.pk).document_id == pump.document_id
    assert not Finding.objects.exists()


# ---- what it finds


def test_a_document_that_is_gone_is_a_finding_and_leaves_the_runbook_without_a_text(pump, folder):
    (folder / "docs/pump.md").unlink()
    sync(folder)
    finding = Finding.objects.get(kind=FindingKind.MISSING_DOCUMENT)
    assert (finding.subject, finding.file, finding.runbook, finding.severity) == (
        "docs/pump.md",
        "docs/pump.md",
        pump,
        "error",
    )
    assert Runbook.objects.get(pk=pump.pk).document is None
    (folder / "docs/pump.md").write_text(STEPS)
    sync(folder)
    assert Finding.objects.get(kind=FindingKind.MISSING_DOCUMENT).resolved_at
    assert Runbook.objects.get(pk=pump.pk).document == pump.document


def test_what_the_import_had_found_missing_is_not_told_twice_and_settled_when_it_is_there(
    pump, folder
):
    (folder / "docs/pump.md").unlink()
    from django.utils import timezone

    Finding.objects.create(
        kind=FindingKind.MISSING_DOCUMENT,
        subject="docs/pump.md",
        message="x",
        file="landscape.md",
        line=7,
        first_seen=timezone.now(),
    )
    sync(folder)
    assert (
        Finding.objects.filter(kind=FindingKind.MISSING_DOCUMENT, resolved_at__isnull=True).count()
        == 1
    )
    (folder / "docs/pump.md").write_text(STEPS)
    sync(folder)
    assert not Finding.objects.filter(
        kind=FindingKind.MISSING_DOCUMENT, resolved_at__isnull=True
    ).exists()


@pytest.mark.parametrize("to", ["archive/pump.md", "docs/runbooks/RENAMED.md"])
def test_a_document_that_moved_is_told_with_where_it_seems_to_be(pump, folder, to):
    (folder / to).parent.mkdir(exist_ok=True)
    (folder / "docs/pump.md").rename(folder / to)
    sync(folder)
    finding = Finding.objects.get(kind=FindingKind.PATH_MOVED)
    assert to in finding.message
    assert not Finding.objects.filter(kind=FindingKind.MISSING_DOCUMENT).exists()


def test_a_text_that_went_to_any_other_document_is_found_at_every_sync(pump, folder):
    (folder / "docs/pump.md").rename(folder / "docs/c.md")
    for _ in range(2):
        sync(folder)
        finding = Finding.objects.get(subject="docs/pump.md", resolved_at__isnull=True)
        assert (finding.kind, "docs/c.md" in finding.message) == (FindingKind.PATH_MOVED, True)


def test_two_files_with_the_text_of_a_missing_one_are_named_and_not_guessed_between(pump, folder):
    for name in ("c", "d"):
        (folder / f"docs/{name}.md").write_text(STEPS)
    (folder / "docs/pump.md").unlink()
    sync(folder)
    finding = Finding.objects.get(kind=FindingKind.MISSING_DOCUMENT)
    assert "These files have its text: docs/c.md, docs/d.md" in finding.message


def test_what_looks_like_a_runbook_is_compared_first_and_no_more_than_can_be_waited_for(
    pump, folder, monkeypatch
):
    monkeypatch.setattr(source_checks, "MAX_COMPARED", 1)
    (folder / "docs/a.md").write_text(STEPS)
    (folder / "docs/z_runbook.md").write_text(STEPS)
    (folder / "docs/pump.md").unlink()
    sync(folder)
    assert "docs/z_runbook.md" in Finding.objects.get(kind=FindingKind.PATH_MOVED).message


@pytest.mark.parametrize(("in_the_row", "on_disk"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_composed_and_decomposed_letters_in_a_path_are_the_same(
    people, folder, in_the_row, on_disk
):
    row, lies = (normalize(form, "Übung/Prüfung_runbook.md") for form in (in_the_row, on_disk))
    (folder / lies).parent.mkdir()
    (folder / lies).write_text(f"# A\n\n1. Look [here](<../{row}>).\n")
    runbook = cast.make_runbook("Prüfung", document_path=row, text=None)
    sync(folder)
    runbook.refresh_from_db()
    assert runbook.document.path == row
    assert not Finding.objects.filter(
        noticed_by=Detector.DOCUMENTS, resolved_at__isnull=True
    ).exists()


def test_two_files_with_the_name_of_a_missing_one_are_named_and_not_guessed_between(pump, folder):
    for name in ("a", "b"):
        (folder / name).mkdir()
        (folder / name / "pump.md").write_text("x")
    (folder / "docs/pump.md").unlink()
    sync(folder)
    assert "a/pump.md, b/pump.md" in Finding.objects.get(kind=FindingKind.MISSING_DOCUMENT).message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a" * (MAXIMUM_BYTES + 1), "larger than 2 MB"),
        (b"a\x00b", "binary"),
        (b"\xff", "not UTF-8"),
    ],
)
def test_what_cannot_be_stored_is_a_finding_and_no_text(pump, folder, content, words):
    (folder / "docs/pump.md").write_bytes(content)
    sync(folder)
    assert words in Finding.objects.get(kind=FindingKind.UNREADABLE_DOCUMENT).message
    assert Runbook.objects.get(pk=pump.pk).document is None


def test_a_path_that_leads_out_and_a_ring_of_links_are_findings(pump, folder, tmp_path):
    cast.make_runbook("Out", document_path="../../etc/passwd", text=None)
    cast.make_runbook("Ring", document_path="docs/ring.md", text=None)
    (folder / "docs/ring.md").symlink_to("ring.md")
    (folder / "docs/loop").symlink_to(folder, target_is_directory=True)
    sync(folder)
    missing = Finding.objects.filter(kind=FindingKind.MISSING_DOCUMENT).values_list(
        "subject", flat=True
    )
    assert set(missing) == {"../../etc/passwd", "docs/ring.md"}


def test_a_dead_link_is_a_finding_at_its_line_and_settled_when_the_file_is_there(pump, folder):
    (folder / "docs/pump.md").write_text("# A\n\n1. See [it](none.md) and [that](valve.md).\n")
    sync(folder)
    finding = Finding.objects.get(kind=FindingKind.DEAD_LINK)
    assert (finding.subject, finding.place, finding.runbook) == ("none.md", "docs/pump.md:3", pump)
    (folder / "docs/none.md").write_text("# Here\n")
    sync(folder)
    finding.refresh_from_db()
    assert finding.resolved_at


def test_what_looks_like_a_runbook_and_stands_in_no_row_is_a_finding(pump, folder):
    (folder / "docs/runbooks").mkdir()
    for name in (
        "runbooks/tank.md",
        "RUNBOOK_TANK.md",
        "runbooks/README.md",
        "notes.md",
        "LANDSCAPE_runbooks.md",
        "runbook.txt",
    ):
        (folder / "docs" / name).write_text("# A\n")
    sync(folder)
    found = Finding.objects.filter(kind=FindingKind.UNLISTED_DOCUMENT).values_list(
        "file", flat=True
    )
    assert set(found) == {"docs/runbooks/tank.md", "docs/RUNBOOK_TANK.md"}


# ---- the source as a whole


def test_a_source_that_holds_none_of_the_documents_is_refused_and_moves_nothing(pump, tmp_path):
    with pytest.raises(SourceError, match="None of the documents were found"):
        sync(tmp_path)
    assert Runbook.objects.get(pk=pump.pk).document == pump.document
    assert not Finding.objects.exists()


def test_an_empty_catalogue_is_synced_from_anything(db, tmp_path):
    assert not sync(tmp_path)


def test_too_many_files_are_refused(pump, folder, monkeypatch):
    monkeypatch.setattr("runbooks.documents.sources.folder.MAX_FILES", 1)
    with pytest.raises(SourceError, match="more than 1 files"):
        sync(folder)


# ---- the command


def test_the_command_reads_a_bare_repository_with_commit_and_author_date(pump, tmp_path):
    repository = Repository(tmp_path / "docs")
    first = repository.commit(docs__pump=STEPS, docs__valve="# Valve\n")
    second = repository.commit(docs__pump="# Pump, better\n")
    bare = repository.bare()
    assert second[:12] in run("--docs-root", str(bare))
    document = Runbook.objects.get(pk=pump.pk).document
    assert (document.text, document.source_revision) == ("# Pump, better\n", second)
    assert document.authored_at.isoformat() == "2026-01-02T11:00:00+00:00"
    assert Document.objects.get(path="docs/valve.md").source_revision == first
    assert "nothing was written" in run("--docs-root", str(bare))
    assert str(tmp_path) not in "".join(ChangeLogEntry.objects.values_list("subject", flat=True))


def test_the_command_takes_root_and_ref_from_the_settings(pump, tmp_path, settings):
    repository = Repository(tmp_path / "docs")
    repository.commit(docs__pump="# One\n", docs__valve="# Valve\n")
    repository.git("branch", "released")
    repository.commit(docs__pump="# Two\n")
    settings.DOCS_ROOT, settings.DOCS_REF = str(repository.root), "released"
    run()
    assert Runbook.objects.get(pk=pump.pk).document.text == "# One\n"
    run("--ref", "main")
    assert Runbook.objects.get(pk=pump.pk).document.text == "# Two\n"


def test_the_importer_of_documents_is_named(pump, folder, people):
    run("--docs-root", str(folder), "--as", "ed")
    assert ChangeLogEntry.objects.filter(action=Action.DOCUMENTS_SYNCED, actor="ed").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Say where the documents are"),
        (("--docs-root", "/nowhere"), "is not a folder"),
        (("--docs-root", ".", "--as", "nobody"), "no active account"),
        (("--docs-root", "FOLDER", "--ref", "main"), "is no git repository"),
        (("--docs-root", "REPOSITORY", "--ref=--upload-pack=touch x"), "is no name of a branch"),
        (("--docs-root", "REPOSITORY", "--ref", "nowhere"), "There is no branch, tag or commit"),
    ],
)
def test_what_cannot_be_used_is_told_and_nothing_is_written(
    pump, folder, tmp_path, arguments, words
):
    repository = Repository(tmp_path / "repository")
    repository.commit(docs__pump=STEPS)
    before = state_of_everything()
    places = {"FOLDER": str(folder), "REPOSITORY": str(repository.root)}
    with pytest.raises(CommandError, match=words):
        run(*(places.get(argument, argument) for argument in arguments))
    assert state_of_everything() == before


def test_the_import_reads_its_documents_from_a_repository_too(db, tmp_path):
    from tests.governance.exchange.test_import import FIXTURES, LANDSCAPE

    repository = Repository(tmp_path / "docs")
    for path in (FIXTURES / "docs").rglob("*.md"):
        repository.write(path.relative_to(FIXTURES).as_posix(), path.read_bytes())
    repository.commit()
    call_command("import_landscape", str(LANDSCAPE), docs_root=repository.bare(), stdout=StringIO())
    assert Document.objects.count() == 16
    with pytest.raises(CommandError, match="There is no branch"):
        call_command(
            "import_landscape",
            str(LANDSCAPE),
            docs_root=repository.root,
            ref="nowhere",
            stdout=StringIO(),
        )
