"""Many at once, in real threads on the real database: nobody waits in a ring, nothing is half done."""

import threading

import pytest
from django.db import connection

from governance import actions, ledger
from governance.models import ChangeLogEntry, StatusChangeRequest
from runbooks.models import Layer, Runbook
from tests import cast

pytestmark = pytest.mark.django_db(transaction=True)
EXPECTED = (actions.ActionRefused, actions.StaleForm, actions.RequestLapsed)


def all_at_once(*calls):
    """Run every call in a thread of its own; returns what went wrong beside the refusals that are expected."""
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
    with actions.governed_edit(layer, by=by):
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
        lambda: actions.withdraw(request=request, reason="x", by=people["ed"]),
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
            with ledger.governed():
                fresh = Runbook.objects.get(pk=runbook.pk)
                with actions.governed_edit(fresh, by=people["ed"]):
                    setattr(fresh, field, f"new {field}")
                    fresh.save()

        return call

    fields = ("scope", "owner", "version", "escalation_contact")
    assert all_at_once(*[change(field) for field in fields]) == []
    runbook.refresh_from_db()
    assert [getattr(runbook, field) for field in fields] == [f"new {field}" for field in fields]
    told = [entry.changes for entry in ChangeLogEntry.objects.filter(action="changed", subject__startswith="runbook:")]
    assert sorted(name for changes in told for name in changes) == sorted(fields)
