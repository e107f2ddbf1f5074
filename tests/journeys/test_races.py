"""Many at once, in real threads on the real database: nobody waits in a ring, nothing is half done.

The suite runs a few rounds. ``RACES=200`` runs as many of each as one likes.
"""

import os
import threading

import pytest
from django.db import connection

from governance import guards, ledger
from governance.editing.audited_edit import audited_edit
from governance.errors import ActionRefused, RequestLapsed, StaleForm
from governance.exchange.documents import render_documents_anew
from governance.exchange.sync import sync_documents
from governance.ledger.models import ChangeLogEntry
from governance.signoff import decide
from governance.signoff.decide import form_etag, reject
from governance.signoff.downgrade import downgrade
from governance.signoff.models import StatusChangeRequest
from governance.signoff.submit import withdraw
from runbooks.documents import RENDERER
from runbooks.documents.sources.folder import FolderSource
from runbooks.models import Document, Layer, Runbook
from tests import cast

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = int(os.environ.get("RACES", "2"))
AT_ONCE = 50
EXPECTED = (ActionRefused, StaleForm, RequestLapsed)


def all_at_once(*calls):
    """Run every call in its own thread; return the errors other than expected refusals."""
    start, problems = threading.Barrier(len(calls)), []

    def run(call):
        start.wait()
        try:
            call()
        except EXPECTED:
            pass
        except Exception as problem:
            problems.append(repr(problem))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return problems


def rename(layer, title, by):
    with audited_edit(layer, by=by):
        layer.title = title
        layer.save()


@pytest.mark.parametrize("round_", range(5))
def test_signing_against_a_rename_that_lapses(people, round_):
    runbook = cast.make_runbook()
    request = cast.ask(runbook, by=people["ed"])
    layer = Layer.objects.get(slug="pumps")
    problems = all_at_once(
        lambda: cast.approve(request, by=people["rita"]),
        lambda: cast.approve(request, by=people["rolf"]),
        lambda: rename(layer, f"Pumps {round_}", people["ed"]),
        lambda: withdraw(request=request, reason="x", by=people["ed"]),
    )
    assert problems == []
    request.refresh_from_db()
    runbook = Runbook.objects.get(pk=runbook.pk)
    assert (request.state == "approved") == (runbook.readiness_level == "ready")
    if request.state == "approved":
        assert request.metadata_sha256 == runbook.signed_metadata_sha256
    assert ledger.verify().is_whole


def test_one_person_who_clicks_twenty_times_signs_once(people):
    runbook = cast.make_runbook()
    request = cast.ask(runbook, by=people["ed"])
    assert all_at_once(*[lambda: cast.approve(request, by=people["rita"])] * 20) == []
    assert request.sign_offs.count() == 1
    assert ChangeLogEntry.objects.filter(action="request_signed").count() == 1


def test_twenty_who_ask_at_once_open_one_request(people):
    runbook = cast.make_runbook()
    assert all_at_once(*[lambda: cast.ask(runbook, by=people["ed"])] * 20) == []
    assert StatusChangeRequest.objects.filter(state="open").count() == 1


def test_two_edits_at_once_are_both_kept_and_both_told(people):
    runbook = cast.make_runbook()

    def change(field):
        def call():
            with ledger.atomic():
                fresh = Runbook.objects.get(pk=runbook.pk)
                with audited_edit(fresh, by=people["ed"]):
                    setattr(fresh, field, f"new {field}")
                    fresh.save()

        return call

    fields = ("scope", "owner", "version", "escalation_contact")
    assert all_at_once(*[change(field) for field in fields]) == []
    runbook.refresh_from_db()
    assert [getattr(runbook, field) for field in fields] == [f"new {field}" for field in fields]
    told = [
        entry.changes
        for entry in ChangeLogEntry.objects.filter(action="changed", subject__startswith="runbook:")
    ]
    assert sorted(name for changes in told for name in changes) == sorted(fields)


def test_fifty_who_sign_at_once_change_the_readiness_exactly_once(people):
    owners = [cast.make_person(f"owner-{number}", group="Risk owners") for number in range(AT_ONCE)]
    for _ in range(ROUNDS):
        runbook = cast.make_runbook()
        request = cast.ask(runbook, by=people["ed"])

        def sign(owner, request=request):
            for _ in range(AT_ONCE):  # a stale page is looked at again, as a person would
                try:
                    cast.approve(request, by=owner)
                except StaleForm:
                    continue
                return

        assert all_at_once(*[lambda owner=owner: sign(owner) for owner in owners]) == []
        request.refresh_from_db()
        assert (request.state, request.sign_offs.count()) == ("approved", 2)
        changed = ChangeLogEntry.objects.filter(
            action="readiness_changed", changes__request__after=request.pk
        )
        assert changed.count() == 1
    assert ledger.verify().is_whole


@pytest.mark.parametrize("rival", ["edit", "withdraw", "downgrade", "reject"])
def test_an_approval_against_a_rival_exactly_one_wins(people, rival):
    for _ in range(ROUNDS * 2):
        runbook = cast.make_runbook()
        request = cast.ask(runbook, by=people["ed"], level="shadow")
        shown = request.document_sha256

        def edit(runbook=runbook):
            with ledger.atomic():
                fresh = Runbook.objects.get(pk=runbook.pk)
                with audited_edit(fresh, by=people["ed"]):
                    fresh.document = cast.store(
                        fresh.document_path, "# Steps\n\n1. Something that nobody was shown.\n"
                    )
                    fresh.save()

        rivals = {
            "edit": edit,
            "withdraw": lambda request=request: withdraw(
                request=request, reason="x", by=people["ed"]
            ),
            "downgrade": lambda runbook=runbook: downgrade(
                runbook=runbook, level="retired", reason="x", by=people["ruth"]
            ),
            "reject": lambda request=request: reject(
                request=request,
                comment="No.",
                seen=form_etag(request),
                password=cast.PASSWORD,
                by=people["rolf"],
            ),
        }
        assert (
            all_at_once(
                lambda request=request: cast.approve(request, by=people["rita"]), rivals[rival]
            )
            == []
        )
        request.refresh_from_db()
        now = Runbook.objects.get(pk=runbook.pk)
        assert request.state in (
            "approved",
            {"edit": "lapsed", "withdraw": "withdrawn", "downgrade": "lapsed"}.get(
                rival, "rejected"
            ),
        )
        if rival != "downgrade":
            assert (now.readiness_level == "shadow") is (request.state == "approved")
        if request.state == "approved" and rival != "downgrade":
            assert now.signed_document_sha256 == shown
        assert request.sign_offs.filter(decision="approve").count() == (request.state == "approved")
    assert ledger.verify().is_whole


def test_many_wrong_passwords_at_once_are_counted_one_by_one(people):
    request = cast.ask(cast.make_runbook(), by=people["ed"])
    seen = form_etag(request)

    def guess(password):
        decide.sign(request=request, comment="x", seen=seen, password=password, by=people["rita"])

    assert all_at_once(*[lambda: guess("wrong")] * 20) == []
    assert ChangeLogEntry.objects.filter(action="confirmation_failed").count() == 5
    with pytest.raises(ActionRefused):
        guess(cast.PASSWORD)


def test_three_syncs_at_once_keep_each_version_once_and_none_fails(people, tmp_path):
    for number in range(20):
        cast.make_runbook(f"Pump {number}", document_path=f"pump_{number}.md", text=None)
        (tmp_path / f"pump_{number}.md").write_text(f"# Pump {number}\n\n1. Look.\n")
    synced = []

    def sync():
        synced.append(sync_documents(source=FolderSource(tmp_path), by=people["ed"], name="docs"))

    assert all_at_once(*[sync] * 3) == []
    assert (
        Document.objects.count()
        == ChangeLogEntry.objects.filter(action="document_stored").count()
        == 20
    )
    assert not Runbook.objects.filter(document__isnull=True).exists()
    # What another stored is not told as one's own: the rows of the ledger add up.
    assert sum(one.stored for one in synced) == 20
    assert ledger.verify().is_whole


def test_two_migrations_at_once_show_each_text_anew_once(people):
    for number in range(5):
        cast.make_runbook(f"Pump {number}")
    guards.remove()
    Document.objects.update(html="<p>old</p>", renderer=RENDERER - 1)
    guards.install()
    shown = []
    assert all_at_once(*[lambda: shown.append(render_documents_anew(by=ledger.SYSTEM))] * 2) == []
    assert sum(shown) == Document.objects.filter(renderer=RENDERER).count() == 5
    assert ledger.verify().is_whole
