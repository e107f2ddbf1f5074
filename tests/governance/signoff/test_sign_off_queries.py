"""The queries of a decision: each once, after the lock, and not more over the years."""

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance import ledger
from governance.accounts.roles import RISK_OWNERS
from governance.editing.audited_edit import audited_edit
from governance.errors import ActionRefused
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from governance.signoff.choices import RequestState
from governance.signoff.decide import form_etag, reject, sign
from governance.signoff.downgrade import downgrade
from governance.signoff.models import SignOff
from governance.signoff.policy import Refusal
from governance.signoff.rules import replace_rule
from governance.signoff.submit import withdraw
from tests import cast

pytestmark = pytest.mark.django_db
YEAR = timezone.localdate().year
CONTROL = ("SAVEPOINT", "RELEASE", "ROLLBACK")
LOCK = "SELECT set_config('lock_timeout'"
ADMIN = "/admin/governance/statuschangerequest"


def asked(call) -> list[str]:
    """Every query but the marks of a transaction and PostgreSQL's lock, which is asked for once."""
    with CaptureQueriesContext(
        connection,
    ) as captured:
        call()
    queries = [query["sql"] for query in captured if not query["sql"].startswith(CONTROL)]
    locks = [query for query in queries if query.startswith(LOCK)]
    assert len(locks) <= 1
    return [query for query in queries if not query.startswith(LOCK)]


def decision(request, who, act=sign):
    """A decision whose token is made before it is counted."""
    seen = form_etag(request)
    return lambda: act(
        request=request, comment="Read in full.", seen=seen, password=cast.PASSWORD, by=who
    )


@pytest.fixture
def request_(runbook, people):
    return cast.ask(runbook, by=people["ed"])


def test_a_first_signature_takes_eight_queries_and_a_completing_one_twelve(request_, people):
    assert len(asked(decision(request_, people["rita"]))) == 8
    assert len(asked(decision(request_, people["rolf"]))) == 12
    request_.refresh_from_db()
    assert request_.state == RequestState.APPROVED


def test_it_takes_no_more_for_the_fifth_signer_nor_after_much_has_happened(runbook, people):
    replace_rule(
        target_level="ready",
        required_signatures=5,
        group=Group.objects.get(name=RISK_OWNERS),
        evidence_required=False,
        by=people["sue"],
    )
    signers = [cast.make_person(f"owner-{number}", group=RISK_OWNERS) for number in range(5)]
    for number in range(5):
        with audited_edit(runbook, by=people["ed"]):
            runbook.scope = f"Restart pump {number}."
            runbook.save()
    request = cast.ask(runbook, by=people["ed"])
    counted = [len(asked(decision(request, signer))) for signer in signers]
    assert counted == [8, 8, 8, 8, 12]


def test_everything_that_decides_is_read_after_the_lock(request_, people):
    decide = decision(request_, people["rita"])
    with CaptureQueriesContext(connection) as captured:
        decide()
    first, *rest = [query["sql"] for query in captured if not query["sql"].startswith("SAVEPOINT")]
    if connection.vendor == "postgresql":
        assert first.startswith(LOCK)
        first, *rest = rest
        assert first.endswith('FOR UPDATE OF "runbooks_runbook"')  # always the runbook first
        assert rest[0].endswith('FOR UPDATE OF "governance_statuschangerequest"')
    assert 'FROM "runbooks_runbook"' in first
    assert 'FROM "governance_statuschangerequest"' in rest[0]


def test_the_other_moves_ask_each_thing_once(runbook, people):
    request = cast.ask(runbook, by=people["ed"])
    counted = {"reject": len(asked(decision(request, people["rita"], reject)))}
    counted["submit"] = len(asked(lambda: cast.ask(runbook, by=people["ed"])))
    request = runbook.status_change_requests.get(state=RequestState.OPEN)
    counted["withdraw"] = len(asked(lambda: withdraw(request=request, reason="x", by=people["ed"])))
    cast.make_ready(runbook)
    cast.ask(runbook, by=people["ed"], year=YEAR + 1)
    counted["downgrade"] = len(
        asked(lambda: downgrade(runbook=runbook, level="shadow", reason="x", by=people["rita"]))
    )
    assert counted == {"reject": 9, "submit": 14, "withdraw": 8, "downgrade": 15}


def test_the_page_and_its_form_in_the_admin(request_, people, sign_in):
    """Besides the decision: session, account with its demo mark, request, two for permissions."""
    client = sign_in("rita")
    page = f"{ADMIN}/{request_.pk}/change/"
    seen = client.get(page).context["form"].initial["seen"]
    assert len(asked(lambda: client.get(page))) == 20
    values = {"seen": seen, "decision": "approve", "comment": "Read.", "password": cast.PASSWORD}
    assert len(asked(lambda: client.post(f"{ADMIN}/{request_.pk}/decide/", values))) == 5 + 8
    # Those who decided come with their names and groups: no query for each.
    other = sign_in("rolf")
    other.get(page)
    assert len(asked(lambda: other.get(page))) == 20


# ---- one transaction for the password and the decision


def test_a_password_that_changes_between_the_hashing_and_the_lock_is_looked_at_anew(
    request_, people
):
    """What was read before the lock decides nothing, neither way."""
    stale = User.objects.get(username="rita")
    people["rita"].set_password("another-horse-battery")
    people["rita"].save()
    with pytest.raises(ActionRefused) as caught:
        decision(request_, stale)()
    assert caught.value.reasons == (Refusal.WRONG_PASSWORD,)
    assert ChangeLogEntry.objects.first().action == Action.CONFIRMATION_FAILED
    sign(
        request=request_,
        comment="Read.",
        seen=form_etag(request_),
        password="another-horse-battery",
        by=stale,
    )
    assert SignOff.objects.count() == 1


def test_a_wrong_password_does_nothing_but_leave_its_row(request_, runbook, people):
    """It does not even lapse the request, although its text has changed."""
    runbook.document = cast.store(runbook.document_path, "# Other steps\n")
    runbook.save()
    rows = ChangeLogEntry.objects.count()
    with pytest.raises(ActionRefused) as caught:
        sign(
            request=request_,
            comment="x",
            seen=form_etag(request_),
            password="wrong",
            by=people["rita"],
        )
    assert caught.value.reasons == (Refusal.WRONG_PASSWORD,)
    request_.refresh_from_db()
    assert (request_.state, ChangeLogEntry.objects.count()) == (RequestState.OPEN, rows + 1)


def test_the_rows_of_a_completing_signature_tell_one_moment_in_their_order(request_, people):
    cast.approve(request_, by=people["rita"])
    cast.approve(request_, by=people["rolf"])
    signed, moved = ChangeLogEntry.objects.order_by("-sequence")[:2][::-1]
    assert (signed.action, moved.action) == (Action.REQUEST_SIGNED, Action.READINESS_CHANGED)
    assert (signed.recorded_at, signed.hash) == (moved.recorded_at, moved.previous_hash)
    assert (signed.reason, moved.reason) == ("Read in full.", "Drilled.")
    assert ledger.verify().is_whole


def test_a_lock_that_was_given_up_with_a_savepoint_is_asked_for_again():
    record = ledger.Record(actor=ledger.SYSTEM, action=Action.CHANGED, subject="runbook:x")
    with transaction.atomic(), CaptureQueriesContext(connection) as captured:
        with pytest.raises(ZeroDivisionError), ledger.atomic():
            raise ZeroDivisionError
        ledger.append(record)
        with ledger.atomic(), ledger.atomic():
            ledger.append(record)
        ledger.append(record)
    locks = [query["sql"] for query in captured if query["sql"].startswith(LOCK)]
    # For each block that is the outermost, and for what stands outside of any. SQLite's transaction
    # is its lock.
    assert len(locks) == (4 if connection.vendor == "postgresql" else 0)
