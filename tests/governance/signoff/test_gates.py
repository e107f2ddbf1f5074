"""What signers see beside the request: an R&D-only claim that was edited away stays visible."""

import pytest

from governance.editing.audited_edit import audited_edit
from governance.errors import ActionRefused
from governance.signoff.models import StatusChangeRequest
from governance.signoff.policy import Refusal
from runbooks.models import Runbook
from tests import cast
from tests.governance.admin.test_admin import admin_url
from tests.governance.exchange.test_landscape_history import (
    VERSIONS,
    run,
)

pytestmark = pytest.mark.django_db
CLAIM = "it R&D only"
RND = VERSIONS[0].replace("✅ 2026-ready |", "⚠️ R&D only (kein Live) |", 1)


@pytest.fixture
def claim(sign_in):
    """The check about the claim on the signing page of a request; None if it is missing."""

    def shown(request):
        gates = (
            sign_in("rita")
            .get(admin_url(StatusChangeRequest, "change", request.pk))
            .context["gates"]
        )
        return next((gate for gate in gates if CLAIM in str(gate.title)), None)

    return shown


def with_document(title="Pump Restart Runbook"):
    runbook = Runbook.objects.get(title=title)
    runbook.document = cast.store(runbook.document_path, "# Steps\n\n1. Turn it.\n")
    runbook.save()
    return runbook


def test_a_runbook_that_was_declared_rnd_only_opens_a_gate_once_the_cell_was_edited(
    file, people, claim
):
    run("import_landscape", file(RND), username="ed")
    runbook = with_document()
    with pytest.raises(ActionRefused) as refusal:
        cast.ask(runbook, by=people["ed"])
    assert Refusal.RND_ONLY_CANNOT_BE_READY in refusal.value.reasons
    run("import_landscape", file(VERSIONS[0]), username="ed")
    gate = claim(cast.ask(Runbook.objects.get(pk=runbook.pk), by=people["ed"]))
    assert not gate.passed
    assert not gate.required
    assert str(gate.title) == "The landscape declared it R&D only in the past"
    assert "by ed" in str(gate.hint)


def test_the_signing_page_shows_it(file, people, sign_in):
    for text in (RND, VERSIONS[0]):
        run("import_landscape", file(text), username="ed")
    request = cast.ask(with_document(), by=people["ed"])
    page = (
        sign_in("rita").get(admin_url(StatusChangeRequest, "change", request.pk)).content.decode()
    )
    assert "The landscape declared it R&amp;D only in the past" in page
    assert "Find out what has been proven since" in page


def test_a_runbook_that_never_was_passes_and_another_level_is_not_asked(file, people, claim):
    run("import_landscape", file(RND), username="ed")
    valve = with_document("Valve Calibration")
    assert claim(cast.ask(valve, by=people["ed"])).passed
    assert claim(cast.ask(with_document(), by=people["ed"], level="track")) is None


def test_each_check_is_titled_by_its_outcome(runbook, people, sign_in):
    """A check that failed never carries the title of one that passed."""
    request = cast.ask(runbook, by=people["ed"])

    def titles():
        page = sign_in("rita").get(admin_url(StatusChangeRequest, "change", request.pk))
        return {str(gate.title): gate.passed for gate in page.context["gates"]}

    before = titles()
    with audited_edit(runbook, by=people["ed"]):
        runbook.owner = "" if runbook.owner else "Ops"
        runbook.escalation_contact = "" if runbook.escalation_contact else "Ops"
        runbook.save()
    after = titles()
    assert {"Owner named", "No owner named"} <= {*before, *after}
    assert {"Escalation contact named", "No escalation contact named"} <= {*before, *after}
    for shown in (before, after):
        assert shown["Document present and unaltered"]
        assert shown.get("Owner named", True)
        assert not shown.get("No owner named", False)
