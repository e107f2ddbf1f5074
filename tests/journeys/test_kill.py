"""The process is killed in the middle of signing: what was acknowledged is there, and nothing is half done.

The suite kills a few times. ``KILLS=50`` kills as often as one likes.
"""

import os
import random
import signal
import time

import pytest
from django.db import connection, connections

from governance import guards, ledger
from governance.models import ChangeLogEntry, SignOff, StatusChangeRequest
from runbooks.models import Runbook
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
    """The signatures that a process acknowledged before it was killed, at a random moment after so many of them."""
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


def agree():
    """Readiness, requests, decisions and ledger say the same."""
    for request in StatusChangeRequest.objects.prefetch_related("sign_offs"):
        about = ChangeLogEntry.objects.filter(changes__request__after=request.pk)
        told = list(about.order_by("sequence").values_list("action", flat=True))
        signatures = request.sign_offs.count()
        assert told.count("request_signed") == signatures
        ready = Runbook.objects.get(pk=request.runbook_id).readiness_level == "ready"
        assert ready is (request.state == "approved") is (signatures == 2) is ("readiness_changed" in told)
