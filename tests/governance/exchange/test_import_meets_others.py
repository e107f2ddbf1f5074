"""Others work during an import: it blocks nobody, and writes nothing that was not planned."""

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from benchmarks.import_landscape import landscape
from governance import ledger
from governance.editing.audited_edit import audited_edit
from governance.exchange.importing import (
    CatalogueChanged,
    LandscapeFile,
    apply,
    apply_plan,
    plan_import,
)
from governance.findings.models import Finding
from governance.ledger.models import ChangeLogEntry
from governance.signoff.downgrade import downgrade
from runbooks.documents.sources.folder import FolderSource
from runbooks.models import Document, Layer, Runbook
from tests import cast
from tests.governance.admin.test_import_page import hidden, upload, words

pytestmark = pytest.mark.django_db
URL = "/admin/runbooks/runbook/import/"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "docs").mkdir()
    for number in range(30):
        (tmp_path / "docs" / f"{number}.md").write_text(f"# Runbook {number}\n\n1. Look.\n")
    (tmp_path / "landscape.md").write_text(landscape(30))
    return tmp_path


def planned(folder):
    file = LandscapeFile("landscape.md", (folder / "landscape.md").read_bytes())
    return plan_import(file, documents=FolderSource(folder))


def add_layer(title="Layer 3"):
    """Somebody else adds what the file would add."""
    layer = Layer(slug="another", title=title)
    with audited_edit(layer, by=ledger.SYSTEM):
        layer.save()


def between(monkeypatch, work, *, before="rendered_fragments"):
    """Have somebody else do something while the import is at its slow work."""
    original, done = getattr(apply, before), []

    def watched(*args, **kwargs):
        if not done:
            done.append(1)
            work()
        return original(*args, **kwargs)

    monkeypatch.setattr(apply, before, watched)


def test_a_plan_that_no_longer_holds_changes_no_runbook(folder, monkeypatch):
    plan = planned(folder)
    between(monkeypatch, add_layer)
    with pytest.raises(CatalogueChanged, match="no runbook shows them") as refused:
        apply_plan(plan, by=ledger.SYSTEM)
    assert not Runbook.objects.exists()
    assert Document.objects.count() == 30
    apply_plan(refused.value.plan, by=ledger.SYSTEM)
    assert Runbook.objects.filter(document__isnull=False).count() == 30


def test_a_change_that_the_plan_does_not_rest_on_is_looked_at_and_does_not_stop_it(
    folder, monkeypatch
):
    again, asked = apply.Plan.again, []
    monkeypatch.setattr(apply.Plan, "again", lambda plan: asked.append(1) or again(plan))
    between(monkeypatch, lambda: add_layer("Elsewhere"))
    apply_plan(planned(folder), by=ledger.SYSTEM)
    assert asked == [1]
    assert Runbook.objects.count() == 30


def test_signatures_and_downgrades_meanwhile_need_no_second_look(folder, people, monkeypatch):
    other = cast.make_ready(cast.make_runbook("Other"))
    plan = planned(folder)
    monkeypatch.setattr(apply.Plan, "again", lambda plan: pytest.fail("It was planned again."))
    between(
        monkeypatch, lambda: downgrade(runbook=other, level="shadow", reason="x", by=people["rita"])
    )
    apply_plan(plan, by=ledger.SYSTEM)
    assert Runbook.objects.get(pk=other.pk).readiness_level == "shadow"
    assert Runbook.objects.count() == 31


def test_every_action_that_needs_no_second_look_changes_nothing_that_a_plan_reads():
    """A new ledger action makes an import check again, until somebody decides otherwise."""
    assert set(apply.LEAVES_THE_CATALOGUE) == {
        "document_stored", "request_submitted", "request_signed", "request_rejected",
        "request_withdrawn", "request_lapsed", "readiness_changed", "confirmation_failed",
        "sign_in_locked", "password_set", "token_created", "token_revoked",
    }  # fmt: skip


def run(folder, **options):
    out = StringIO()
    call_command(
        "import_landscape",
        folder / "landscape.md",
        docs_root=folder,
        stdout=out,
        stderr=StringIO(),
        **options,
    )
    return out.getvalue()


def test_the_command_shows_the_new_plan_and_applies_it(folder, monkeypatch):
    between(monkeypatch, add_layer)
    said = run(folder)
    assert "The plan was made again" in said
    assert "Imported." in said
    assert Runbook.objects.count() == 30
    assert Layer.objects.get(title="Layer 3").slug == "another"


def test_the_command_applies_no_other_plan_than_the_one_that_was_asked_for(folder, monkeypatch):
    digest = planned(folder).digest
    between(monkeypatch, add_layer)
    with pytest.raises(CommandError, match="Review the new plan"):
        run(folder, plan=digest)
    assert not Runbook.objects.exists()


def test_the_page_says_so_and_shows_the_new_plan(folder, people, sign_in, monkeypatch, settings):
    settings.DOCS_ROOT = str(folder)
    client = sign_in("ed")
    shown = upload(client, (folder / "landscape.md").read_text())
    assert "add Layer 3" in words(shown)
    between(monkeypatch, add_layer)
    refused = client.post(URL, {**hidden(shown), "apply": "1"})
    assert refused.status_code == 409
    assert "No runbook was changed" in words(refused)
    assert "add Layer 3" not in words(refused)
    assert client.post(URL, {**hidden(refused), "apply": "1"}).status_code == 302
    assert Runbook.objects.count() == 30


# ---- in parts


@pytest.fixture
def in_parts(monkeypatch):
    monkeypatch.setattr(apply, "MAX_IN_ONE", 10)
    monkeypatch.setattr(apply, "STEPS_IN_A_PART", 10)


def told():
    """The content of the ledger without a release's primary key.

    PostgreSQL assigns none twice, even after a rollback.
    """
    rows = ChangeLogEntry.objects.exclude(action="document_stored").order_by("sequence")
    return [
        (row.action, re.sub(r"^(release):\d+$", r"\1", row.subject), row.changes)
        for row in rows
        if row.action != "landscape_imported"
    ]


def test_many_parts_say_what_one_says(folder, monkeypatch):
    with transaction.atomic():
        apply_plan(planned(folder), by=ledger.SYSTEM)
        whole, source = told(), ChangeLogEntry.objects.get(action="landscape_imported").changes
        transaction.set_rollback(True)
    monkeypatch.setattr(apply, "MAX_IN_ONE", 10)
    monkeypatch.setattr(apply, "STEPS_IN_A_PART", 10)
    apply_plan(planned(folder), by=ledger.SYSTEM)
    assert told() == whole
    assert ChangeLogEntry.objects.get(action="landscape_imported").changes == source
    assert ledger.verify().is_whole
    assert planned(folder).is_empty


def test_a_part_that_meets_a_change_goes_on_where_the_rest_is_as_planned(
    folder, in_parts, monkeypatch
):
    written = apply._write_steps

    def then_somebody_works(*args, **kwargs):
        written(*args, **kwargs)
        if Runbook.objects.exists() and not Layer.objects.filter(title="Elsewhere").exists():
            monkeypatch.setattr(apply, "_write_steps", written)
            edits.append(1)

    edits = []
    monkeypatch.setattr(apply, "_write_steps", then_somebody_works)
    step = apply._Application._is_as_planned_and_written

    def step_and_edit(self):
        if edits:
            edits.clear()
            add_layer("Elsewhere")
        return step(self)

    monkeypatch.setattr(apply._Application, "_is_as_planned_and_written", step_and_edit)
    apply_plan(planned(folder), by=ledger.SYSTEM)
    assert Runbook.objects.count() == 30
    assert not Finding.objects.filter(kind="unfinished_import", resolved_at=None).exists()


def test_an_import_that_stops_between_parts_is_a_finding_until_it_is_completed(
    folder, in_parts, monkeypatch
):
    step, calls = apply._Application._is_as_planned_and_written, []

    def stop(self):
        calls.append(1)
        if len(calls) == 7:
            raise RuntimeError("power cut")
        return step(self)

    with monkeypatch.context() as patch:
        patch.setattr(apply._Application, "_is_as_planned_and_written", stop)
        with pytest.raises(RuntimeError):
            apply_plan(planned(folder), by=ledger.SYSTEM)
    finding = Finding.objects.get(kind="unfinished_import", resolved_at=None)
    assert (finding.subject, finding.severity) == ("landscape.md", "error")
    assert 0 < Runbook.objects.count() < 30
    apply_plan(planned(folder), by=ledger.SYSTEM)
    assert Runbook.objects.count() == 30
    finding.refresh_from_db()
    assert finding.resolved_at is not None
