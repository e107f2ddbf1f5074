"""Send the e-mails that are due: a readiness ends soon, or a request waits. Each is sent once."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from smtplib import SMTPConnectError, SMTPServerDisconnected

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from governance.accounts.roles import RISK_OWNERS
from governance.assurance.choices import ReminderKind
from governance.assurance.evidence import verdict_on
from governance.assurance.models import Reminder
from governance.signoff.eligibility import survey
from runbooks.models import Runbook

# So many days before the last day, one e-mail each. Only the nearest step that is due is sent.
DAYS_BEFORE = (60, 30, 7)
# How long a process alone may send an e-mail that it has claimed. A mail server gets EMAIL_TIMEOUT
# seconds.
CLAIM = timedelta(minutes=10)
# After so many consecutive failures to reach the mail server, the rest waits for the next run.
MAX_SILENT = 3
UNREACHABLE = (TimeoutError, ConnectionError, SMTPServerDisconnected, SMTPConnectError)


@dataclass(frozen=True, slots=True)
class Draft:
    """An e-mail to one person.

    :ivar about: together with kind and recipient, identifies the e-mail, so that it is sent once.
    """

    kind: ReminderKind
    about: str
    recipient: User
    subject: str
    template: str
    context: dict[str, object]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many e-mails were sent, and why others failed. These are tried again at the next run."""

    sent: int
    failed: tuple[str, ...]


def due_reminders(*, at: datetime | None = None) -> Iterator[Draft]:
    """Yield every e-mail that is due, was not sent and is not claimed.

    :param at: the moment (aware; now by default).
    """
    moment = at or timezone.now()
    done = Reminder.objects.filter(Q(sent_at__isnull=False) | Q(claimed_until__gt=moment))
    told = set(done.values_list("kind", "about", "recipient_id"))
    for draft in _all_due(moment):
        if (draft.kind, draft.about, draft.recipient.pk) not in told:
            yield draft


def _all_due(moment: datetime) -> Iterator[Draft]:
    today = timezone.localdate(moment)
    owners = list(User.objects.filter(is_active=True, groups__name=RISK_OWNERS).exclude(email=""))
    for runbook in Runbook.objects.ending_soon(today=today, days=max(DAYS_BEFORE)):
        last_day = runbook.valid_until
        left = (last_day - today).days
        verdict = verdict_on(runbook, at=moment)
        step = min(days for days in DAYS_BEFORE if left <= days)
        for owner in owners:
            yield Draft(
                kind=ReminderKind.EXPIRY,
                about=f"{runbook.slug} {last_day} {step}",
                recipient=owner,
                subject=_("%(runbook)s: %(readiness)s ends on %(day)s")
                % {"runbook": runbook, "readiness": runbook.readiness, "day": last_day},
                template="governance/mail/expiry.txt",
                context={
                    "runbook": runbook,
                    "last_day": last_day,
                    "left": left,
                    "verdict": verdict,
                },
            )
    yield from _waiting(moment)


def _waiting(moment: datetime) -> Iterator[Draft]:
    found = survey(at=moment)
    for request in found.requests:
        for signer in found.signers(request):
            if signer.email:
                yield Draft(
                    kind=ReminderKind.WAITING,
                    about=f"request {request.pk}",
                    recipient=signer,
                    subject=_("Your signature is needed: %(runbook)s")
                    % {"runbook": request.runbook},
                    template="governance/mail/waiting.txt",
                    context={"found": request},
                )


def send_due_reminders(*, at: datetime | None = None) -> Outcome:
    """Send the e-mails that are due, in the portal's language. A failure does not delay the others.

    Each e-mail is claimed in a short transaction, sent outside of any, then marked as sent. After
    ``MAX_SILENT`` consecutive failures to reach the mail server, the rest waits for the next run.
    """
    moment = at or timezone.now()
    sent, failed, silent = 0, [], 0
    with override(settings.LANGUAGE_CODE):
        for draft in list(due_reminders(at=moment)):
            if silent >= MAX_SILENT:
                failed.append(
                    f"{draft.recipient}: {draft.subject}: the mail server cannot be reached"
                )
                continue
            try:
                sent += _send(draft, moment)
                silent = 0
            except (
                OSError,
                ValueError,
            ) as error:  # no answer, a refusal, or an invalid address
                silent += isinstance(error, UNREACHABLE)
                failed.append(f"{draft.recipient}: {draft.subject}: {error}")
    return Outcome(sent=sent, failed=tuple(failed))


def _send(draft: Draft, moment: datetime) -> bool:
    """Claim, send and mark an e-mail. Return whether this call sent it.

    If the process is killed between sending and marking, the e-mail is sent again when the claim
    has expired: an e-mail that arrives twice is better than one that never arrives.

    :raises OSError: the mail server does not accept it. The claim is given back.
    """
    body = render_to_string(draft.template, {**draft.context, "portal": settings.PORTAL_URL})
    message = EmailMessage(
        subject=" ".join(draft.subject.split()), body=body, to=[draft.recipient.email]
    )
    claimed = _claim(draft, moment)
    if claimed is None:
        return False  # another process is at it
    try:
        message.send()
    except Exception:
        claimed.delete()  # so that the next run tries again at once
        raise
    claimed.update(sent_at=moment)
    return True


def _claim(draft: Draft, moment: datetime) -> QuerySet[Reminder] | None:
    """Claim an e-mail. Return its row; None if another process holds a claim or has sent it."""
    key = {"kind": draft.kind, "about": draft.about, "recipient": draft.recipient}
    until = max(moment, timezone.now()) + CLAIM
    free = Reminder.objects.filter(sent_at__isnull=True, claimed_until__lte=moment, **key)
    if not free.update(claimed_until=until):
        try:
            with transaction.atomic():
                Reminder.objects.create(claimed_until=until, **key)
        except IntegrityError:
            return None
    return Reminder.objects.filter(sent_at__isnull=True, claimed_until=until, **key)
