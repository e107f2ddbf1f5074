"""A check opens findings and settles those whose cause is gone.

A finding that a person has set aside stays so while its cause exists.
"""

import re
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone

from governance import ledger
from governance.assurance.standings import live_ready_keys
from governance.findings.catalogue_checks import conflict_line
from governance.findings.choices import SEVERITY_OF_KIND, Detector, FindingKind, Severity
from governance.findings.models import Finding
from governance.findings.reconcile import check_catalogue
from governance.findings.resolve import resolve_findings
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from governance.signoff.downgrade import downgrade
from runbooks.documents.checks.header_mismatch import DisagreementKind
from runbooks.models import Runbook, Situation, SituationRunbook
from tests import cast

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[3]


def check(at=None):
    return check_catalogue(live=live_ready_keys(at=at), by=ledger.SYSTEM, at=at)


def of(runbook):
    """The kinds that are open about a runbook."""
    return set(runbook.findings.filter(resolved_at__isnull=True).values_list("kind", flat=True))


def lead_to(runbook):
    situation = Situation.objects.create(slug=f"s-{runbook.pk}", title=f"Facing {runbook.title}")
    SituationRunbook.objects.create(situation=situation, runbook=runbook, position=1)
    return situation


@pytest.fixture
def whole(people):
    """A runbook that lacks nothing."""
    runbook = cast.make_runbook("Whole", owner="Desk", escalation_contact="Desk lead")
    lead_to(runbook)
    return cast.make_ready(runbook)


def with_text(runbook, text, **fields):
    Runbook.objects.filter(pk=runbook.pk).update(
        document=cast.store(runbook.document_path, text), **fields
    )
    check()
    return of(runbook)


# ---- what is noticed


def test_a_runbook_that_lacks_nothing_is_no_finding(whole):
    assert not check()
    assert not Finding.objects.exists()


@pytest.mark.parametrize(
    ("field", "kind"),
    [("owner", FindingKind.NO_OWNER), ("escalation_contact", FindingKind.NO_ESCALATION)],
)
def test_nobody_who_answers_and_nobody_to_call_are_findings(whole, field, kind):
    Runbook.objects.filter(pk=whole.pk).update(**{field: ""})
    check()
    assert of(whole) == {kind}


def test_a_runbook_that_no_situation_leads_to_is_a_finding(whole):
    Situation.objects.all().delete()
    check()
    assert of(whole) == {FindingKind.NO_SITUATION}


def test_a_situation_that_leads_to_nothing_live_is_a_finding_from_the_day_on_that_it_is_so(whole):
    assert not check()
    next_year = timezone.now() + timedelta(days=366)
    check(at=next_year)
    finding = Finding.objects.get(kind=FindingKind.SITUATION_NOT_LIVE)
    assert (finding.subject, finding.first_seen) == ("Facing Whole", next_year)


def test_a_situation_without_any_runbook_is_one_too(db):
    Situation.objects.create(slug="s", title="Nothing here")
    check()
    assert Finding.objects.get().kind == FindingKind.SITUATION_NOT_LIVE


def test_the_head_of_a_document_is_held_against_its_row(whole):
    claims = {"declared_level": "ready", "declared_year": 2026}
    text = "# A (v2)\n\n**Status:** Draft\n**Scope:** NO-LIVE\n**Datum:** 2025-01-01\n\n1. Look.\n"
    assert with_text(whole, text, version="v1.0 (Jan 2026)", **claims) >= {
        FindingKind.VERSION_DISAGREES,
        FindingKind.DATE_DISAGREES,
        FindingKind.LEVEL_DISAGREES,
        FindingKind.DOCUMENT_NOT_IN_FORCE,
    }
    severity_override = Finding.objects.get(kind=FindingKind.DOCUMENT_NOT_IN_FORCE)
    assert (severity_override.severity, severity_override.place) == (
        Severity.ERROR,
        f"{whole.document_path}:3",
    )


def test_what_is_signed_counts_where_it_permits_more_than_what_is_declared(whole):
    kinds = with_text(whole, "# A\n\n**Scope:** NO-LIVE\n\n1. Look.\n", declared_level="track")
    assert FindingKind.LEVEL_DISAGREES in kinds


def test_a_stub_and_a_conflict_in_a_document_are_findings(whole):
    assert FindingKind.STUB in with_text(whole, "# A\n\nStub.\n")
    text = "# A\n\n<<<<<<< ours\n1. Open.\n=======\n1. Close.\n>>>>>>> theirs\n"
    assert FindingKind.CONFLICT_MARKER in with_text(whole, text)
    assert Finding.objects.get(kind=FindingKind.CONFLICT_MARKER).line == 3


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# A\n<<<<<<< HEAD\n", 2),
        ("# A\n\n>>>>>>> b\n", 3),
        (">>>>>>> b\n<<<<<<< a\n", 1),
        ("<<<<<<<<\n", 1),
        (f"{'<' * 32} HEAD\n", 1),
    ],
)
def test_half_a_conflict_is_one_whatever_its_width(text, line):
    assert conflict_line(text) == line


@pytest.mark.parametrize(
    "text", ["", "Title\n=======\n", "<<<<<<<a\n", ">>> quote\n", "  <<<<<<< a\n  >>>>>>> b\n"]
)
def test_a_text_or_an_example_is_no_conflict(text):
    assert conflict_line(text) == 0


def test_taking_one_marker_away_settles_no_conflict(whole):
    with_text(whole, "# A\n\n<<<<<<< ours\n1. Open.\n=======\n1. Close.\n>>>>>>> theirs\n")
    assert FindingKind.CONFLICT_MARKER in with_text(whole, "# A\n\n<<<<<<< ours\n1. Open.\n")


def test_a_retired_runbook_is_let_be(whole, people):
    downgrade(runbook=whole, level="retired", reason="Gone.", by=people["rita"])
    Runbook.objects.filter(pk=whole.pk).update(owner="")
    check()
    assert of(whole) == set()


# ---- opening and settling


def test_a_finding_is_settled_when_its_cause_has_gone_and_opened_anew_when_it_comes_back(whole):
    for owner, opened in (("", 1), ("Desk", 1), ("", 2)):
        Runbook.objects.filter(pk=whole.pk).update(owner=owner)
        check()
        assert Finding.objects.filter(kind=FindingKind.NO_OWNER).count() == opened
    assert Finding.objects.filter(resolved_at__isnull=True).count() == 1


def test_a_second_look_writes_nothing(whole):
    Runbook.objects.filter(pk=whole.pk).update(owner="")
    assert check()
    rows = ChangeLogEntry.objects.count()
    assert not check()
    assert ChangeLogEntry.objects.count() == rows


def test_the_look_as_a_whole_is_one_row(whole):
    Runbook.objects.filter(pk=whole.pk).update(owner="", escalation_contact="")
    rows = ChangeLogEntry.objects.count()
    check()
    row = ChangeLogEntry.objects.first()
    assert (ChangeLogEntry.objects.count(), row.action) == (rows + 1, Action.CATALOGUE_CHECKED)
    assert row.changes["findings"]["after"] == 2


def test_a_finding_that_moved_to_another_line_keeps_its_first_day(whole):
    with_text(whole, "# A (v2)\n\n1. Look.\n", version="v1.0")
    first = Finding.objects.get(kind=FindingKind.VERSION_DISAGREES)
    with_text(whole, "# A\n\nVersion: v2\n\n1. Look.\n")
    again = Finding.objects.get(kind=FindingKind.VERSION_DISAGREES)
    assert (again.pk, again.first_seen, again.line) == (first.pk, first.first_seen, 3)


def test_what_a_person_has_resolved_stays_so_while_its_cause_stands(whole, people):
    Runbook.objects.filter(pk=whole.pk).update(owner="")
    check()
    resolve_findings(Finding.objects.all(), by=people["ed"])
    assert not check()
    assert not Finding.objects.filter(resolved_at__isnull=True).exists()
    Runbook.objects.filter(pk=whole.pk).update(owner="Desk")
    check()
    Runbook.objects.filter(pk=whole.pk).update(owner="")
    assert check().opened == 1


def test_what_a_person_has_resolved_is_told_anew_when_it_is_another_matter(whole, people):
    with_text(whole, "# A\n\nVersion: v2\n\n1. Look.\n", version="v1.0")
    resolve_findings(Finding.objects.all(), by=people["ed"])
    with_text(whole, "# A\n\nVersion: v3\n\n1. Look.\n")
    assert (
        "version 3.0"
        in Finding.objects.get(resolved_at__isnull=True, kind=FindingKind.VERSION_DISAGREES).message
    )


def test_a_check_settles_nothing_that_another_has_opened(whole):
    for family in (Detector.OTHER, Detector.DOCUMENTS):
        Finding.objects.create(
            kind=FindingKind.DEAD_LINK,
            subject=family,
            message="x",
            first_seen=timezone.now(),
            noticed_by=family,
        )
    check()
    assert Finding.objects.filter(resolved_at__isnull=True).count() == 2


def test_what_a_person_resolves_is_a_row_in_the_ledger(whole, people):
    Runbook.objects.filter(pk=whole.pk).update(owner="")
    check()
    resolve_findings(Finding.objects.all(), by=people["ed"])
    assert ChangeLogEntry.objects.first().actor == "ed"


def test_tick_checks_the_catalogue(whole):
    Runbook.objects.filter(pk=whole.pk).update(owner="")
    out = StringIO()
    call_command("tick", stdout=out)
    assert "Findings opened: 1" in out.getvalue()


def test_subjects_that_no_field_holds_are_cut(db):
    from governance.findings.drafts import FindingDraft
    from governance.findings.reconcile import reconcile

    long = [FindingDraft(FindingKind.DEAD_LINK, "x" * 1_000, "m", "f" * 1_000)]
    for opened in (1, 0):
        assert reconcile(long, family=Detector.DOCUMENTS).opened == opened


# ---- the vocabulary


def test_each_kind_is_explained_in_the_documentation():
    text = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
    explained = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+) \| (.+) \|$", text, re.M)
    assert [kind for kind, *_ in explained] == sorted(FindingKind.values)
    for kind, severity, meaning, remedy in explained:
        assert severity == SEVERITY_OF_KIND.get(FindingKind(kind), Severity.WARNING).value, kind
        assert len(meaning) > 15, kind
        assert len(remedy) > 10, kind


def test_every_disagreement_is_a_kind_of_finding():
    assert {kind.value for kind in DisagreementKind} <= set(FindingKind.values)


def test_many_new_findings_are_opened_in_portions_once_each_and_told_in_one_row(
    people, monkeypatch
):
    monkeypatch.setattr("governance.findings.reconcile.MAX_OPENED", 2)
    monkeypatch.setattr("governance.findings.reconcile.BREATH", 0)
    for number in range(4):
        cast.make_runbook(f"Pump {number}")
    before = ChangeLogEntry.objects.count()
    checked = check_catalogue(live=live_ready_keys(), by=ledger.SYSTEM)
    opened = Finding.objects.filter(noticed_by=Detector.CATALOGUE, resolved_at__isnull=True)
    assert (
        checked.opened
        == opened.count()
        == opened.values("kind", "subject").distinct().count()
        == 12
    )
    (row,) = ChangeLogEntry.objects.order_by("sequence")[before:]
    assert row.changes["findings"]["after"] == 12
    assert not check_catalogue(live=live_ready_keys(), by=ledger.SYSTEM)
