"""The import guesses nothing and loses nothing.

The fixtures are our own landscape with the properties of a real one.
"""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from governance import ledger
from governance.assurance.standings import standing_of
from governance.editing.audited_edit import audited_edit
from governance.findings.choices import Detector, FindingKind
from governance.findings.models import Finding
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry, Release
from governance.signoff.choices import RequestState
from runbooks.models import Cluster, CodeReference, Document, Layer, Runbook, Section, Situation
from tests import cast

pytestmark = pytest.mark.django_db
FIXTURES = Path(__file__).resolve().parents[3] / "fixtures"
LANDSCAPE, CONFLICTED = FIXTURES / "landscape.md", FIXTURES / "conflicted.md"
COUNTED = (
    Runbook,
    Cluster,
    Layer,
    Section,
    Situation,
    CodeReference,
    Document,
    Release,
    Finding,
    ChangeLogEntry,
)


def import_file(path=LANDSCAPE, *, root=FIXTURES, **options):
    out, err = StringIO(), StringIO()
    call_command("import_landscape", str(path), docs_root=root, stdout=out, stderr=err, **options)
    return out.getvalue() + err.getvalue()


def of_the_file():
    """The findings of the import itself; the check of the catalogue after it has its own."""
    return Finding.objects.filter(noticed_by=Detector.OTHER)


def counts():
    return {model.__name__: model.objects.count() for model in COUNTED}


@pytest.fixture
def imported(db):
    return import_file()


@pytest.fixture
def copy(tmp_path):
    """A landscape file to edit, beside the same documents."""
    path = tmp_path / "landscape.md"
    path.write_bytes(LANDSCAPE.read_bytes())
    return path


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_the_whole_landscape_comes_in(imported):
    assert Runbook.objects.count() == 16
    assert Situation.objects.count() == 12
    assert list(Section.objects.values_list("number", flat=True)) == [2, 3, 4, 5, 6]
    assert Document.objects.count() == 16
    assert CodeReference.objects.count() == 6
    assert of_the_file().count() == 0


def test_declared_levels_are_kept_as_declared_and_sign_nothing(imported):
    assert set(Runbook.objects.values_list("readiness_level", flat=True)) == {"unassessed"}
    runbook = Runbook.objects.get(slug="live-risk-severity-integration")
    assert (runbook.declared_level, runbook.declared_year) == ("ready", 2026)
    assert not standing_of(runbook).is_live_ready


def test_the_tick_does_not_mean_live(imported):
    declared = dict(Runbook.objects.values_list("slug", "declared_level"))
    assert declared["offline-realtime-pipeline-runbook"] == "safety_sandbox"
    assert declared["runbooks-and-incident-handling"] == "shadow"
    assert declared["finish-c-pointer-broker-adapter-and-live-ops"] == "track"
    assert list(declared.values()).count("rnd_only") == 3


def test_clusters_have_ranges_and_related_ones_are_linked(imported):
    runbook = Runbook.objects.get(slug="executionpipeline-governance-and-risk-runbook")
    assert str(runbook.primary_cluster) == "Phase 16A (ExecutionPipeline)"
    assert [str(cluster) for cluster in runbook.related_clusters.all()] == [
        "Cluster 82–85 (Live Alerts & Escalation)"
    ]
    assert {found.slug for found in Runbook.objects.covering("83")} == {
        "executionpipeline-governance-and-risk-runbook",
        "live-alert-pipeline-runbook",
        "go-no-go-2026-live-alerts-and-escalation",
    }


def test_layers_are_split_from_bold_comma_lists(imported):
    runbook = Runbook.objects.get(slug="live-risk-severity-integration")
    assert [layer.title for layer in runbook.layers.all()] == ["Live-Risk", "Monitoring", "Web-UI"]


def test_situations_lead_to_their_runbooks_in_order_by_short_names(imported):
    red = Situation.objects.get(title__startswith="RED Severity")
    assert [step.runbook.slug for step in red.steps.all()] == [
        "live-risk-severity-integration",
        "incident-runbook-integration",
        "go-no-go-2026-live-alerts-and-escalation",
    ]
    study = Situation.objects.get(title__startswith="R&D-Strategie")
    assert [step.runbook.title.split()[0] for step in study.steps.all()] == [
        "R&D-Runbook",
        "R&D-Playbook",
    ]


def test_a_runbook_stands_in_two_sections_with_a_role_in_each(imported):
    entries = Runbook.objects.get(slug="incident-runbook-integration").section_entries.order_by(
        "section__number"
    )
    assert [entry.section.number for entry in entries] == [2, 4]
    assert all(entry.role_html for entry in entries)


def test_releases_carry_their_entries_oldest_first_in_the_ledger(imported):
    assert list(Release.objects.order_by("position").values_list("version", "year", "month")) == [
        ("v1.0", 2025, 12),
        ("v1.1", 2025, 12),
        ("v1.2", 2026, 1),
    ]
    notes = ChangeLogEntry.objects.filter(action=Action.RELEASE_NOTED).order_by("sequence")
    assert (
        list(notes.values_list("release", flat=True)) == ["v1.0"] * 4 + ["v1.1"] * 4 + ["v1.2"] * 2
    )


def test_code_references_are_tied_to_the_runbook_they_name(imported):
    code = CodeReference.objects.get(path="src/execution/")
    assert [runbook.slug for runbook in code.runbooks.all()] == [
        "executionpipeline-governance-and-risk-runbook"
    ]


def test_a_second_import_changes_nothing_and_writes_nothing(imported):
    before = counts()
    assert "Nothing changed" in import_file()
    assert counts() == before
    assert ledger.verify().is_whole


def test_a_dry_run_prints_the_plan_and_writes_nothing(db):
    before = counts()
    printed = import_file(dry_run=True)
    assert "add runbook Live Risk Severity Integration" in printed
    assert "Dry run: nothing was written." in printed
    assert counts() == before


def test_conflicts_stop_the_import_and_show_both_sides(db):
    before, err = counts(), StringIO()
    with pytest.raises(CommandError, match="--conflicts ours"):
        call_command("import_landscape", str(CONFLICTED), docs_root=FIXTURES, stderr=err)
    shown = err.getvalue()
    assert shown.count("merge conflict") == 2
    assert "--conflicts ours keeps" in shown
    assert "--conflicts theirs keeps" in shown
    assert "(nothing)" in shown
    assert counts() == before


def test_union_keeps_both_sides_and_finds_the_duplicates(db):
    import_file(CONFLICTED, conflicts="union")
    kinds = list(Finding.objects.values_list("kind", flat=True))
    assert kinds.count(FindingKind.DUPLICATE_ROW) == 2
    assert kinds.count(FindingKind.CONFLICT_MARKER) == 2
    assert all(finding.line for finding in of_the_file())


@pytest.mark.parametrize("choice", ["ours", "theirs"])
def test_a_side_can_be_chosen(db, choice):
    import_file(CONFLICTED, conflicts=choice)
    assert not Finding.objects.filter(kind=FindingKind.DUPLICATE_ROW).exists()


def test_a_missing_document_is_a_finding_with_its_row(db, copy):
    edit(
        copy, "`docs/runbooks/LIVE_RISK_SEVERITY_INTEGRATION.md`", "`docs/runbooks/NO_SUCH_FILE.md`"
    )
    import_file(copy)
    finding = Finding.objects.get(kind=FindingKind.MISSING_DOCUMENT)
    assert finding.runbook.slug == "live-risk-severity-integration"
    assert finding.line > 1
    assert finding.runbook.document is None


def test_a_finding_is_resolved_when_the_file_is_mended(db, copy):
    edit(
        copy, "`docs/runbooks/LIVE_RISK_SEVERITY_INTEGRATION.md`", "`docs/runbooks/NO_SUCH_FILE.md`"
    )
    import_file(copy)
    copy.write_bytes(LANDSCAPE.read_bytes())
    import_file(copy, accept_renames=True)
    assert Finding.objects.get(kind=FindingKind.MISSING_DOCUMENT).resolved_at
    assert not of_the_file().filter(resolved_at__isnull=True).exists()


def test_one_changed_cell_is_one_changed_runbook(imported, copy):
    edit(copy, "| v1.0            |", "| v1.7            |")
    before = ChangeLogEntry.objects.count()
    import_file(copy)
    rows = ChangeLogEntry.objects.order_by("sequence")[before:]
    assert [row.action for row in rows] == [
        Action.CHANGED,
        Action.LANDSCAPE_IMPORTED,
        Action.CATALOGUE_CHECKED,
    ]
    assert list(rows[0].changes) == ["version"]


def test_a_runbook_that_the_file_no_longer_names_is_left_and_found(imported, copy):
    lines = copy.read_text().splitlines(keepends=True)
    copy.write_text(
        "".join(line for line in lines if "**Runbooks & Incident Handling**" not in line)
    )
    import_file(copy)
    assert Runbook.objects.count() == 16
    assert (
        Finding.objects.get(kind=FindingKind.MISSING_ROW).runbook.slug
        == "runbooks-and-incident-handling"
    )


def test_an_import_that_changes_a_signed_runbook_turns_it_no_longer_live_ready(
    imported, people, copy
):
    runbook = Runbook.objects.get(slug="live-risk-severity-integration")
    cast.make_ready(runbook)
    assert standing_of(runbook).is_live_ready
    edit(copy, "**Live-Risk, Monitoring, Web-UI**", "**Live-Risk, Monitoring, Cockpit**")
    import_file(copy)
    runbook = Runbook.objects.get(pk=runbook.pk)
    assert [reason.value for reason in standing_of(runbook).reasons] == ["metadata_changed"]
    assert runbook.readiness_level == "ready"


def test_an_import_lapses_the_open_request_it_changes(imported, people, copy):
    runbook = Runbook.objects.get(slug="live-risk-severity-integration")
    request = cast.ask(runbook, by=people["ed"])
    edit(copy, "**Live-Risk, Monitoring, Web-UI**", "**Live-Risk, Monitoring, Cockpit**")
    import_file(copy)
    request.refresh_from_db()
    assert request.state == RequestState.LAPSED


def test_what_an_editor_added_stays(imported, people, copy):
    runbook = Runbook.objects.get(slug="live-risk-severity-integration")
    with audited_edit(runbook, by=people["ed"]):
        runbook.owner, runbook.escalation_contact = "Live risk desk", "extension 1"
        runbook.save()
    edit(copy, "| v1.0            |", "| v1.7            |")
    import_file(copy)
    runbook.refresh_from_db()
    assert (runbook.owner, runbook.version) == ("Live risk desk", "v1.7")


def test_an_import_that_fails_half_way_changes_nothing_of_the_catalogue(db, monkeypatch):
    before = counts()
    with monkeypatch.context() as patch:
        patch.setattr("governance.exchange.importing.apply._store_findings", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            import_file()
    # Each stored document is a fact by itself, with its row in the ledger; no runbook shows it.
    after = counts()
    stored = after["Document"] - before["Document"]
    assert stored == after["ChangeLogEntry"] - before["ChangeLogEntry"] > 0
    assert after == before | {name: after[name] for name in ("Document", "ChangeLogEntry")}
    import_file()
    assert counts()["Document"] == after["Document"]
    assert Runbook.objects.filter(document__isnull=False).exists()


def test_the_importer_is_named_in_the_ledger(db, people):
    import_file(username="ed")
    assert ChangeLogEntry.objects.get(action=Action.LANDSCAPE_IMPORTED).actor == "ed"
    with pytest.raises(CommandError, match="no active account named 'nobody'"):
        import_file(username="nobody")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"# A shopping list\n\n* milk\n", "Nothing was written"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"", "Nothing was written"),
        (b"\x00\x01\x02", "Nothing was written"),
    ],
)
def test_a_file_that_is_no_landscape_is_refused_whole(db, tmp_path, content, words):
    path = tmp_path / "list.md"
    path.write_bytes(content)
    with pytest.raises(CommandError, match=words):
        import_file(path)


def test_a_file_or_folder_that_is_not_there_gets_a_sentence(db, tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        import_file(tmp_path / "none.md")
    with pytest.raises(CommandError, match="is not a folder"):
        import_file(root=tmp_path / "none")


def test_two_titled_clusters_with_one_number_are_not_guessed_between(db, copy):
    edit(copy, "Cluster 84 (Incident Runbook Integration)", "Cluster 82–85 (Another title)")
    import_file(copy)
    finding = Finding.objects.get(kind=FindingKind.AMBIGUOUS_CLUSTER)
    assert "Another title" in finding.message
    runbook = Runbook.objects.get(slug="executionpipeline-governance-and-risk-runbook")
    assert [str(cluster) for cluster in runbook.related_clusters.all()] == ["Cluster 82–85"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("**Live Risk Severity Integration**", f"**Live Risk {'x' * 300}**"),
        ("Cluster 80–81 (Live Risk & Severity)", f"Cluster 80–81 ({'y' * 300})"),
        ("**Live-Risk, Monitoring, Web-UI**", f"**{'z' * 300}**"),
    ],
)
def test_what_fits_no_field_is_refused_with_a_sentence(db, copy, old, new):
    before = counts()
    edit(copy, old, new)
    with pytest.raises(CommandError, match="Nothing was written"):
        import_file(copy)
    assert counts() == before
