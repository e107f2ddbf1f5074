"""A downgrade is immediate and approves nothing: the signed text stays the signed text."""

from datetime import date

import pytest
from django.utils import timezone

from governance.assurance.evidence import verdict_on
from governance.editing.audited_edit import audited_edit
from governance.signoff.changes import since_last_approval
from governance.signoff.downgrade import downgrade
from governance.signoff.models import SignOff
from runbooks.models import Runbook
from tests import cast
from tests.governance.admin.test_admin import text_of

pytestmark = pytest.mark.django_db
NEWER = "# Steps\n\n1. Open every valve.\n"


def replace_text(runbook, text=NEWER):
    runbook.document = cast.store(runbook.document_path, text)
    with audited_edit(runbook, by=cast.ledger.SYSTEM):
        runbook.save()


@pytest.fixture
def drifted(ready_runbook):
    """Signed ready, and then another text came."""
    replace_text(ready_runbook)
    return Runbook.objects.get(pk=ready_runbook.pk)


def taken_down(runbook, people, level="shadow"):
    downgrade(runbook=runbook, level=level, reason="Not for now.", by=people["rita"])
    return Runbook.objects.get(pk=runbook.pk)


@pytest.mark.parametrize("level", ["shadow", "unassessed", "retired"])
def test_a_text_that_nobody_was_shown_is_not_signed_by_a_downgrade(drifted, people, sign_in, level):
    signed = drifted.signed_document_sha256
    lower = taken_down(drifted, people, level)
    assert lower.readiness_level == level
    assert lower.signed_document_sha256 == signed
    document = sign_in("otto").get(f"/api/v1/runbooks/{lower.slug}/document/").json()
    assert (
        document["is_signed"],
        document["is_current"],
        "Open every valve" in document["text"],
    ) == (
        True,
        False,
        False,
    )


def test_the_sentence_of_a_downgrade_approves_no_text(drifted, people):
    taken_down(drifted, people)
    said = SignOff.objects.order_by("-pk").first().statement
    assert "I downgrade “" in said
    assert "I approve" not in said
    assert "sha256" not in said


def test_whoever_signs_after_a_downgrade_is_shown_what_changed_since_a_text_was_approved(
    drifted, people, sign_in
):
    lower = taken_down(drifted, people)
    request = cast.ask(lower, by=people["ed"])
    assert not since_last_approval(request).is_unchanged
    page = text_of(
        sign_in("rolf").get(f"/admin/governance/statuschangerequest/{request.pk}/change/")
    )
    assert "Open every valve" in page
    assert "text and metadata are identical" not in page


def test_what_was_never_signed_is_retired_without_a_signed_text(runbook, people):
    retired = taken_down(runbook, people, "retired")
    assert (retired.signed_document_sha256, retired.signed_metadata_sha256) == ("", "")
    assert retired.signed_at is not None


def test_a_downgrade_without_a_change_keeps_the_signature_on_the_text(ready_runbook, people):
    lower = taken_down(ready_runbook, people)
    assert lower.signature_holds()
    assert not lower.text_changed


def test_a_signature_anew_after_a_renewal_goes_on_covering_the_running_year(ready_runbook, people):
    year = timezone.localdate().year
    renewal = cast.ask(ready_runbook, by=people["ed"], year=year + 1)
    for name in ("rita", "rolf"):
        cast.approve(renewal, by=people[name])
    replace_text(
        Runbook.objects.get(pk=ready_runbook.pk),
        "# Steps\n\n1. Look.\n2. Act.\n3. Tell the desk.\n",
    )
    anew = cast.ask(Runbook.objects.get(pk=ready_runbook.pk), by=people["ed"], year=year + 1)
    for name in ("rita", "rolf")[: anew.required_signatures]:
        cast.approve(anew, by=people[name])
    signed = Runbook.objects.get(pk=ready_runbook.pk)
    assert signed.signed_from_year == year
    verdict = verdict_on(signed)
    assert (verdict.go, verdict.valid_until) == (True, date(year + 1, 12, 31))
