"""``tick``: reminders once each, requests that ran out, and the ledger's state."""

from datetime import datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import CommandError, call_command
from django.utils import timezone

from governance import guards
from governance.assurance import reminders
from governance.assurance.models import Reminder
from governance.assurance.reminders import CLAIM, due_reminders, send_due_reminders
from governance.assurance.standings import standing_of
from governance.editing.audited_edit import audited_edit
from governance.findings.models import Finding
from governance.ledger.models import ChangeLogEntry
from runbooks.models import Runbook
from tests import cast

pytestmark = pytest.mark.django_db
YEAR = timezone.localdate().year
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def addresses(people, settings):
    settings.PORTAL_URL = "https://portal.example"
    for name in ("rita", "rolf", "otto", "ed"):
        User.objects.filter(username=name).update(email=f"{name}@portal.example")
    return people


def before_the_end(days):
    return datetime(YEAR, 12, 31, 12, tzinfo=BERLIN) - timedelta(days=days)


def sent_to():
    return sorted(message.to[0].partition("@")[0] for message in mail.outbox)


@pytest.mark.parametrize(
    ("days", "number"),
    [(61, 0), (60, 2), (59, 2), (31, 2), (30, 2), (8, 2), (7, 2), (1, 2), (0, 2), (-1, 0)],
)
def test_risk_owners_are_told_sixty_thirty_and_seven_days_before_the_end(
    ready_runbook, addresses, days, number
):
    assert send_due_reminders(at=before_the_end(days)).sent == number
    assert sent_to() == ["rita", "rolf"][:number]


def test_each_step_is_told_once(ready_runbook, addresses):
    sent = [
        send_due_reminders(at=before_the_end(days)).sent for days in (60, 60, 45, 30, 29, 7, 3, 0)
    ]
    assert sent == [2, 0, 0, 2, 0, 2, 0, 0]
    assert Reminder.objects.count() == 6


def test_a_renewed_runbook_is_left_in_peace(ready_runbook, addresses):
    request = cast.ask(ready_runbook, by=addresses["ed"], year=YEAR + 1)
    for name in ("rita", "rolf"):
        cast.approve(request, by=addresses[name])
    assert send_due_reminders(at=before_the_end(30)).sent == 0


def test_an_email_says_what_ends_when_and_where_to_go(ready_runbook, addresses):
    send_due_reminders(at=before_the_end(7))
    message = mail.outbox[0]
    assert f"{YEAR}-ready ends on {YEAR}-12-31" in message.subject
    assert f"https://portal.example{ready_runbook.get_absolute_url()}" in message.body
    assert "in 7 days" in message.body
    assert "&" not in message.body


def test_an_email_about_what_is_not_for_live_use_says_so(ready_runbook, addresses):
    ready_runbook.document = cast.store(ready_runbook.document_path, "# Other steps\n")
    ready_runbook.save()
    send_due_reminders(at=before_the_end(7))
    body = mail.outbox[0].body
    assert "It is not for live use now:" in body
    assert "changed since" in body


def test_whoever_could_sign_is_told_of_a_waiting_request_once(runbook, addresses):
    cast.ask(runbook, by=addresses["rita"])
    assert send_due_reminders().sent == 1
    assert sent_to() == ["rolf"]
    assert "Your signature is needed" in mail.outbox[0].subject
    assert send_due_reminders().sent == 0


def test_whoever_has_signed_or_left_is_not_told(runbook, addresses):
    request = cast.ask(runbook, by=addresses["ed"])
    cast.approve(request, by=addresses["rita"])
    User.objects.filter(username="rolf").update(is_active=False)
    assert send_due_reminders().sent == 0


def test_an_email_that_fails_is_tried_again_and_holds_up_no_other(
    ready_runbook, addresses, monkeypatch
):
    from django.core.mail import EmailMessage

    real = EmailMessage.send

    def fails_for_rita(self, *args, **kwargs):
        if "rita@" in self.to[0]:
            raise ConnectionRefusedError("no mail server")
        return real(self, *args, **kwargs)

    monkeypatch.setattr(EmailMessage, "send", fails_for_rita)
    outcome = send_due_reminders(at=before_the_end(7))
    assert (outcome.sent, len(outcome.failed)) == (1, 1)
    monkeypatch.setattr(EmailMessage, "send", real)
    assert send_due_reminders(at=before_the_end(7)).sent == 1
    assert sent_to() == ["rita", "rolf"]


def test_an_email_is_sent_outside_of_any_transaction(ready_runbook, addresses, monkeypatch):
    from django.core.mail import EmailMessage
    from django.db import connection

    open_before, real, depths = len(connection.savepoint_ids), EmailMessage.send, []

    def send(self, *args, **kwargs):
        depths.append(len(connection.savepoint_ids) - open_before)
        return real(self, *args, **kwargs)

    monkeypatch.setattr(EmailMessage, "send", send)
    assert send_due_reminders(at=before_the_end(7)).sent == 2
    assert depths == [0, 0]


def test_what_was_claimed_and_never_marked_is_sent_when_the_claim_has_run_out(
    ready_runbook, addresses, monkeypatch
):
    """After a kill between claiming and marking, nothing is lost or sent twice in a row."""
    from django.core.mail import EmailMessage

    class Killed(BaseException):
        pass

    def die(self, *args, **kwargs):
        raise Killed

    moment = before_the_end(7)
    with monkeypatch.context() as patch, time_machine.travel(moment, tick=False):
        patch.setattr(EmailMessage, "send", die)
        with pytest.raises(Killed):
            send_due_reminders()
    with time_machine.travel(moment + timedelta(minutes=1), tick=False):
        assert send_due_reminders().sent == 1  # the other one, which nobody had claimed
    assert sent_to() == ["rolf"]
    with time_machine.travel(moment + CLAIM, tick=False):
        assert send_due_reminders().sent == 1
        assert send_due_reminders().sent == 0
    assert sent_to() == ["rita", "rolf"]
    assert not Reminder.objects.filter(sent_at__isnull=True).exists()


def test_a_claim_of_another_process_is_respected(ready_runbook, addresses):
    moment = before_the_end(7)
    (first, second) = due_reminders(at=moment)
    with time_machine.travel(moment, tick=False):
        assert reminders._claim(first, moment) is not None
        assert reminders._claim(first, moment) is None
        assert [draft.recipient for draft in due_reminders(at=moment)] == [second.recipient]


def test_a_mail_server_that_is_silent_is_waited_for_a_few_times_and_not_for_each_email(
    runbook, addresses, monkeypatch
):
    from django.core.mail import EmailMessage

    for number in range(6):
        cast.ask(cast.make_runbook(f"Waiting {number}"), by=addresses["ed"])
    tried = []

    def silent(self, *args, **kwargs):
        tried.append(self.to)
        raise TimeoutError("timed out")

    with monkeypatch.context() as patch:
        patch.setattr(EmailMessage, "send", silent)
        outcome = send_due_reminders()
    assert (outcome.sent, len(outcome.failed), len(tried)) == (0, 12, reminders.MAX_SILENT)
    assert not Reminder.objects.exists()
    assert send_due_reminders().sent == 12


def test_a_title_with_line_breaks_breaks_no_header(people, addresses):
    runbook = cast.make_ready(cast.make_runbook("Pump\nBcc: everybody@portal.example"))
    outcome = send_due_reminders(at=before_the_end(7))
    assert outcome.sent + len(outcome.failed) == 2
    assert all("\n" not in message.subject for message in mail.outbox)
    assert standing_of(Runbook.objects.get(pk=runbook.pk)).is_live_ready


def test_the_command_does_all_of_it_and_may_run_as_often_as_one_likes(runbook, addresses):
    cast.ask(runbook, by=addresses["ed"])
    out = StringIO()
    call_command("tick", stdout=out)
    assert "Reminders sent: 2" in out.getvalue()
    rows = ChangeLogEntry.objects.count()
    call_command("tick", stdout=out)
    assert "Reminders sent: 0" in out.getvalue()
    assert ChangeLogEntry.objects.count() == rows
    with time_machine.travel(datetime(YEAR + 1, 1, 2, tzinfo=BERLIN)):
        call_command("tick", stdout=out)
    assert "Lapsed: 1" in out.getvalue()


def test_the_command_notices_a_broken_ledger_and_says_so(ready_runbook):
    guards.remove()
    ChangeLogEntry.objects.filter(sequence=2).update(reason="nicer")
    guards.install()
    with pytest.raises(CommandError, match="column reason"):
        call_command("tick", stdout=StringIO())
    assert Finding.objects.get(kind="broken_ledger").resolved_at is None


# ---- the reports


def test_the_readiness_report_gives_each_runbook_with_its_verdict(ready_runbook, people, sign_in):
    cast.make_runbook("Unsigned pump", owner="=cmd|' /C calc'!A0")
    page = sign_in("otto").get("/reports/readiness/").content.decode()
    assert page.count('<th scope="row">') == 2
    assert "1 go, 1 no-go, as of now." in page
    table = sign_in("otto").get("/reports/readiness/?format=csv")
    lines = table.content.decode("utf-8-sig").splitlines()
    assert table.headers["Content-Type"].startswith("text/csv")
    assert len(lines) == 3
    assert f",{YEAR}-12-31,False,go," in lines[1]
    assert "'=cmd" in lines[2]


def test_the_report_of_what_is_overdue_names_all_three_kinds(people, sign_in):
    drifted = cast.make_ready(cast.make_runbook("Drifted"))
    with audited_edit(drifted, by=people["ed"]):
        drifted.scope = "Another."
        drifted.save()
    ending = cast.make_ready(cast.make_runbook("Ending"))
    cast.ask(cast.make_runbook("Waiting"), by=people["ed"])
    with time_machine.travel(before_the_end(10)):
        client = sign_in("otto")
        page = client.get("/reports/overdue/").content.decode()
        lines = client.get("/reports/overdue/?format=csv").content.decode("utf-8-sig").splitlines()
    kinds = [line.split(",")[:2] for line in lines[1:]]
    assert ["no_longer_holds", drifted.slug] in kinds
    assert ["ends_soon", ending.slug] in kinds
    assert (["waits_long", "pump-restart"] in [[kind, slug[:12]] for kind, slug in kinds]) is (
        before_the_end(10) - timezone.now() > timedelta(days=7)
    )
    assert "None: everything signed is still valid." not in page


def test_empty_reports_say_so(people, sign_in):
    assert "No runbooks yet." in sign_in("otto").get("/reports/readiness/").content.decode()
    assert (
        "everything signed is still valid"
        in sign_in("otto").get("/reports/overdue/").content.decode()
    )
