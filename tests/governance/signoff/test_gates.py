"""What signers see beside the request: an R&D-only claim that was edited away stays visible."""

import pytest

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
CLAIM = "The landscape never declared it R&D only"
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
        return next((gate for gate in gates if str(gate.title) == CLAIM), None)

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
    assert "by ed" in str(gate.hint)


def test_the_signing_page_shows_it(file, people, sign_in):
    for text in (RND, VERSIONS[0]):
        run("import_landscape", file(text), username="ed")
    request = cast.ask(with_document(), by=people["ed"])
    page = (
        sign_in("rita").get(admin_url(StatusChangeRequest, "change", request.pk)).content.decode()
    )
    assert "The landscape never declared it R&amp;D only" in page
    assert "Find out what was proven since" in page


def test_a_runbook_that_never_was_passes_and_another_level_is_not_asked(file, people, claim):
    run("import_landscape", file(RND), username="ed")
    valve = with_document("Valve Calibration")
    assert claim(cast.ask(valve, by=people["ed"])).passed
    assert claim(cast.ask(with_document(), by=people["ed"], level="track")) is None
