"""The whole journey through the real server: import, request, two signatures, visible result."""

import threading
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from governance import ledger
from governance.ledger.models import ChangeLogEntry
from governance.signoff.models import StatusChangeRequest
from runbooks.models import Runbook
from tests import cast
from tests.journeys.visitor import Visitor

pytestmark = pytest.mark.django_db(transaction=True)
FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
SLUG = "live-risk-severity-integration"
YEAR = timezone.localdate().year


@pytest.fixture
def landscape(transactional_db, people):
    call_command(
        "import_landscape", str(FIXTURES / "landscape.md"), docs_root=FIXTURES, stdout=StringIO()
    )


@pytest.fixture
def visit(live_server, people):
    """``visit("rita")``: that person, signed in."""

    def signed_in(name):
        visitor = Visitor(live_server.url)
        visitor.sign_in(name, cast.PASSWORD)
        return visitor

    return signed_in


def request_change(editor, *, level="ready", year=YEAR):
    runbook = Runbook.objects.get(slug=SLUG)
    editor.get("/admin/governance/statuschangerequest/add/")
    return editor.post(
        "/admin/governance/statuschangerequest/add/",
        runbook=runbook.pk,
        to_level=level,
        to_year=year,
        rationale="Drilled twice; see the logs.",
        evidence="https://evidence.example/drill/1\nhttps://evidence.example/drill/2",
    )


def decide(owner, pk, *, password=cast.PASSWORD, decision="approve"):
    page = owner.get(f"/admin/governance/statuschangerequest/{pk}/change/")
    seen = owner.hidden("seen")
    owner.post(
        f"/admin/governance/statuschangerequest/{pk}/decide/",
        seen=seen,
        decision=decision,
        comment="Read in full.",
        password=password,
    )
    return page


def test_from_import_to_signed_readiness(landscape, visit):
    operator = visit("otto")
    assert "not signed for live use" in operator.get(f"/runbooks/{SLUG}/")
    assert operator.json(f"/api/v1/runbooks/{SLUG}/")["live_ready"] is False

    assert "It needs 2 signatures" in request_change(visit("ed"))
    request = StatusChangeRequest.objects.get()

    rita = visit("rita")
    inbox = rita.get("/admin/governance/statuschangerequest/?inbox=awaiting")
    assert f"Live Risk Severity Integration → {YEAR}-ready" in inbox
    page = decide(rita, request.pk)
    assert request.document_sha256 in page
    assert "Decisions" in page
    assert operator.json(f"/api/v1/runbooks/{SLUG}/")["live_ready"] is False

    assert "rita" in decide(visit("rolf"), request.pk)

    # Everybody sees it at the next request.
    assert "not signed for live use" not in operator.get(f"/runbooks/{SLUG}/")
    assert f"{YEAR}-ready" in operator.get(f"/runbooks/?readiness=ready&year={YEAR}")
    assert f"{YEAR}-ready" in operator.get("/changes/")
    answer = operator.json(f"/api/v1/runbooks/{SLUG}/")
    assert (answer["readiness_level"], answer["readiness_year"], answer["live_ready"]) == (
        "ready",
        YEAR,
        True,
    )
    feed = operator.json(f"/api/v1/changes/?subject=runbook:{SLUG}")["results"]
    assert [row["action"] for row in feed][-4:] == [
        "request_submitted",
        "request_signed",
        "request_signed",
        "readiness_changed",
    ]
    out = StringIO()
    call_command("verify_ledger", stdout=out)
    assert "The chain is whole" in out.getvalue()


def test_a_revoke_is_visible_to_the_next_request(landscape, visit):
    runbook = cast.make_ready(Runbook.objects.get(slug=SLUG))
    operator, rita = visit("otto"), visit("rita")
    assert operator.json(f"/api/v1/runbooks/{SLUG}/")["live_ready"] is True
    rita.get(f"/admin/runbooks/runbook/{runbook.pk}/downgrade/")
    rita.post(
        f"/admin/runbooks/runbook/{runbook.pk}/downgrade/",
        level="shadow",
        reason="Step 4 is wrong.",
    )
    assert operator.json(f"/api/v1/runbooks/{SLUG}/")["live_ready"] is False
    assert "not signed for live use" in operator.get(f"/runbooks/{SLUG}/")


def test_no_other_way_leads_to_a_readiness(landscape, visit):
    runbook = Runbook.objects.get(slug=SLUG)
    editor = visit("ed")
    editor.get(f"/admin/runbooks/runbook/{runbook.pk}/change/")
    shown = editor.post(
        f"/admin/runbooks/runbook/{runbook.pk}/change/",
        title=runbook.title,
        position=runbook.position,
        opened_on=editor.hidden("opened_on"),
        readiness_level="ready",
        readiness_year=YEAR,
        **{"aliases-TOTAL_FORMS": 0, "aliases-INITIAL_FORMS": 0},
    )
    assert "was changed successfully" in shown
    runbook.refresh_from_db()
    assert runbook.readiness_level == "unassessed"

    sentence = "A readiness moves by an approved request alone"
    with pytest.raises(IntegrityError, match=sentence):
        Runbook.objects.filter(slug=SLUG).update(readiness_level="ready", readiness_year=YEAR)
    with (
        pytest.raises(IntegrityError, match=sentence),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "UPDATE runbooks_runbook SET readiness_level = 'shadow' WHERE slug = %s", [SLUG]
        )
    assert visit("otto").json(f"/api/v1/runbooks/{SLUG}/")["readiness_level"] == "unassessed"


def test_eight_people_sign_at_once_and_it_changes_once(landscape, visit, people):
    owners = [cast.make_person(f"owner-{number}", group="Risk owners") for number in range(8)]
    request_change(visit("ed"))
    request = StatusChangeRequest.objects.get()
    visitors = [visit(owner.username) for owner in owners]
    for visitor in visitors:
        visitor.get(f"/admin/governance/statuschangerequest/{request.pk}/change/")
    statuses = []

    def sign(visitor):
        for _ in range(12):  # a stale page is shown anew and signed again, as a person would
            if visitor.hidden_or_none("seen") is None:
                return
            visitor.post(
                f"/admin/governance/statuschangerequest/{request.pk}/decide/",
                seen=visitor.hidden("seen"),
                decision="approve",
                comment="Read.",
                password=cast.PASSWORD,
            )
            statuses.append(visitor.status)
            if visitor.status != 409:
                return

    threads = [threading.Thread(target=sign, args=[visitor]) for visitor in visitors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    request.refresh_from_db()
    assert request.state == "approved"
    assert request.sign_offs.count() == 2
    assert set(statuses) <= {200, 403, 409}
    assert ChangeLogEntry.objects.filter(action="readiness_changed").count() == 1
    assert ledger.verify().is_whole
