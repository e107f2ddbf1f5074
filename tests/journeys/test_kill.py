"""Kill the process during signing or an import: acknowledged work is stored, none half done.

The suite kills a few times; ``KILLS=50`` sets another number.
"""

import os
import random
import signal
import time
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection, connections

from benchmarks.import_landscape import landscape
from governance import guards, ledger
from governance.assurance.evidence import verdict_on
from governance.exchange.importing import apply
from governance.findings.models import Finding
from governance.ledger.models import ChangeLogEntry
from governance.signoff.models import SignOff, StatusChangeRequest
from runbooks.models import Document, Runbook
from runbooks.search import index
from tests import cast

pytestmark = pytest.mark.django_db(transaction=True)
KILLS = int(os.environ.get("KILLS", "5"))


def sign_one_after_the_other(acknowledge, requests, people):
    """In the child: two signatures for each request; a line for each that has returned."""
    for request in requests:
        for name in ("rita", "rolf"):
            cast.approve(request, by=people[name])
            os.write(acknowledge, f"{request.pk} {name}\n".encode())


def killed_in_the_middle(requests, people, *, after):
    """The signatures acknowledged before a kill at a random time after some of them."""
    reading, acknowledge = os.pipe()
    connections.close_all()  # a connection is not shared with a child
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            sign_one_after_the_other(acknowledge, requests, people)
        finally:
            os._exit(0)
    os.close(acknowledge)
    with os.fdopen(reading, "rb") as pipe:
        # Counted and not timed: on a busy machine a signature takes as long as it takes.
        lines = [pipe.readline() for _ in range(after)]
        time.sleep(random.uniform(0.0, 0.06))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        lines += pipe.read().splitlines()
    return [tuple(line.decode().split()) for line in lines if len(line.split()) == 2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system knows no fork")
def test_a_kill_loses_nothing_that_was_acknowledged_and_leaves_nothing_half_done(people):
    acknowledged, number = [], 0
    for kill in range(KILLS):
        requests = []
        for _ in range(8):
            number += 1
            requests.append(cast.ask(cast.make_runbook(f"Killed {number}"), by=people["ed"]))
        acknowledged += killed_in_the_middle(requests, people, after=kill % 4)
        assert ledger.verify().is_whole
        for pk, name in acknowledged:
            assert SignOff.objects.filter(request=pk, signer__username=name).exists()
        agree()
    assert acknowledged or KILLS == 1
    assert guards.missing() == []
    assert connection.is_usable()


# Where an import is killed: what it is about to call, or has just called.
STAGES = {
    "after a document": (apply, "store_document", True),
    "before the catalogue": (apply._Application, "write", False),
    "within a part": (apply, "_write_steps", True),
    "between parts": (apply._Application, "_is_as_planned_and_written", True),
    "before the check": (apply, "check_catalogue", False),
    "before the index": (index, "catch_up", False),
}


def import_a_landscape(acknowledge, folder, stage):
    """In the child: an import that reports a stage and then waits to be killed there."""
    owner, name, is_after = STAGES[stage]
    original = getattr(owner, name)

    def watched(*args, **kwargs):
        if is_after:
            original(*args, **kwargs)
        os.write(acknowledge, b"here\n")
        time.sleep(60)

    setattr(owner, name, watched)
    import_again(folder)


def import_again(folder):
    silence = StringIO()
    call_command(
        "import_landscape",
        folder / "landscape.md",
        docs_root=folder,
        stdout=silence,
        stderr=silence,
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system knows no fork")
@pytest.mark.parametrize("stage", STAGES)
def test_an_import_that_is_killed_is_completed_by_the_next_and_shows_nothing_half_done(
    db, monkeypatch, tmp_path, stage
):
    monkeypatch.setattr("governance.exchange.importing.apply.MAX_IN_ONE", 10)
    monkeypatch.setattr("governance.exchange.importing.apply.STEPS_IN_A_PART", 10)
    monkeypatch.setattr("runbooks.search.index.MAX_AT_ONCE", 2)
    for number in range(12):
        (tmp_path / f"docs/{number}.md").parent.mkdir(exist_ok=True)
        (tmp_path / f"docs/{number}.md").write_text(
            f"# Runbook {number}\n\n1. Turn wheel{number}x.\n"
        )
    (tmp_path / "landscape.md").write_text(landscape(12))
    killed_at(stage, tmp_path)

    assert ledger.verify().is_whole
    # Each runbook that is there is whole: with the text that stands at its path, and a row that
    # tells of it.
    for runbook in Runbook.objects.select_related("document"):
        assert runbook.document.text == (tmp_path / runbook.document_path).read_text()
        assert runbook.layers.count() == 2
        assert (
            ChangeLogEntry.objects.filter(
                subject=f"runbook:{runbook.slug}", action="created"
            ).count()
            == 1
        )
        assert not verdict_on(runbook).go
    unfinished = Finding.objects.filter(kind="unfinished_import", resolved_at=None).count()
    assert unfinished == (stage in ("between parts", "before the index"))
    if stage == "before the index":
        assert index.staleness()

    import_again(tmp_path)
    call_command("tick", stdout=StringIO())
    assert Runbook.objects.filter(document__isnull=False).count() == 12
    created = ChangeLogEntry.objects.filter(action="created", subject__startswith="runbook:")
    assert created.count() == created.values("subject").distinct().count() == 12
    assert (
        Document.objects.count()
        == ChangeLogEntry.objects.filter(action="document_stored").count()
        == 12
    )
    assert not Finding.objects.filter(kind="unfinished_import", resolved_at=None).exists()
    assert index.staleness(thoroughly=True) == []
    assert ledger.verify().is_whole
    before = ChangeLogEntry.objects.count()
    import_again(tmp_path)
    assert ChangeLogEntry.objects.count() == before


def killed_at(stage, folder):
    """Import in a process of its own, and kill it when it has come to a stage."""
    reading, acknowledge = os.pipe()
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            import_a_landscape(acknowledge, folder, stage)
        finally:
            os._exit(0)
    os.close(acknowledge)
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.readline() == b"here\n", stage
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def agree():
    """Readiness, requests, decisions and ledger say the same."""
    for request in StatusChangeRequest.objects.prefetch_related("sign_offs"):
        about = ChangeLogEntry.objects.filter(changes__request__after=request.pk)
        told = list(about.order_by("sequence").values_list("action", flat=True))
        signatures = request.sign_offs.count()
        assert told.count("request_signed") == signatures
        ready = Runbook.objects.get(pk=request.runbook_id).readiness_level == "ready"
        assert (
            ready
            is (request.state == "approved")
            is (signatures == 2)
            is ("readiness_changed" in told)
        )
