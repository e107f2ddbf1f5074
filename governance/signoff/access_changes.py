"""Changes of signing rights or rules: which are pending, until when, and who is notified.

The ledger is the only record: pending, confirmed and refused changes are read from its rows.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.dispatch import receiver
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from governance.accounts.roles import RISK_OWNERS
from governance.accounts.signals import account_changed
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from governance.mail import send_after_commit
from governance.signoff import policy
from governance.signoff.eligibility import sign_off_settings
from governance.signoff.signers import (
    change_settled_by,
    gained_groups,
    is_activated,
    is_set_by_another,
    lost_groups,
    makers_of,
    person,
    signing_groups,
)

ACCOUNT, RULE = "user:", "signoffrule:"
# How long a change is shown after it is no longer pending.
SHOWN = timedelta(days=7)
SETTLING = (Action.CHANGE_CONFIRMED, Action.CHANGE_REFUSED)
CAN_WAIT = (Action.CREATED, Action.CHANGED, *SETTLING)
# The fact in a ledger row when an account's e-mail address has changed. The address itself is
# personal data and is not recorded.
ADDRESS_CHANGED = "email_changed"


@dataclass(frozen=True, slots=True)
class AccessChange:
    """One change of signing rights or of a rule.

    :ivar entry: the ledger row that records it.
    :ivar waits_until: when it takes effect by itself (aware); None if it needs no waiting time.
    :ivar settled: the row by which a risk owner confirmed or refused it; None if there is none.
    """

    entry: ChangeLogEntry
    waits_until: datetime | None
    settled: ChangeLogEntry | None

    @property
    def about(self) -> str:
        """Return the user name of the account that it concerns; empty for a rule."""
        return (
            self.entry.subject.removeprefix(ACCOUNT)
            if self.entry.subject.startswith(ACCOUNT)
            else ""
        )

    def is_waiting(self, *, at: datetime | None = None) -> bool:
        """Return whether a second risk owner may still confirm or refuse the change.

        :param at: the time to check (aware; now by default).
        """
        return (
            self.settled is None
            and self.waits_until is not None
            and (at or timezone.now()) < self.waits_until
        )


def recent_changes(
    *, settings: policy.SignOffSettings, at: datetime | None = None
) -> list[AccessChange]:
    """Return the recent changes of signing rights and rules, newest first.

    These are all pending changes and those that took effect within ``SHOWN``.
    """
    return _changes_since(
        (at or timezone.now()) - max(SHOWN, settings.cool_down), settings=settings
    )


def _changes_since(
    since: datetime, *, settings: policy.SignOffSettings, actions: Collection[Action] = ()
) -> list[AccessChange]:
    """Return the changes recorded after a time, newest first.

    :param actions: only rows of these; of all by default.
    """
    about = Q(subject__startswith=ACCOUNT) | Q(subject__startswith=RULE)
    if actions:
        about &= Q(action__in=actions)
    rows = list(ChangeLogEntry.objects.filter(about, recorded_at__gt=since).order_by("-sequence"))
    settled = {change_settled_by(row): row for row in rows if row.action in SETTLING}
    groups = signing_groups()
    return [
        AccessChange(row, _waits_until(row, groups, settings), settled.get(row.sequence))
        for row in rows
        if concerns_signing(row, groups)
    ]


def change_of(entry: ChangeLogEntry, *, settings: policy.SignOffSettings) -> AccessChange:
    """Return the change that a ledger row records."""
    rows = ChangeLogEntry.objects.filter(
        subject=entry.subject, action__in=SETTLING, changes__change__after=entry.pk
    )
    return AccessChange(entry, _waits_until(entry, signing_groups(), settings), rows.first())


def changes_to_settle(user: User, *, at: datetime | None = None) -> list[AccessChange]:
    """Return the changes that this account may confirm or refuse now.

    Empty for an account that is not a risk owner; the ledger is not read for it.
    """
    if not settings.SIGNING_COOL_DOWN_HOURS or not user.groups.filter(name=RISK_OWNERS).exists():
        return []
    moment = at or timezone.now()
    rules = sign_off_settings(at=moment)
    if rules.first_day:
        return []
    # Every page asks for this number: only rows that can wait are read.
    changes = _changes_since(moment - rules.cool_down, settings=rules, actions=CAN_WAIT)
    waiting = [change for change in changes if change.is_waiting(at=moment)]
    if not waiting:
        return []
    known = person(user, at=moment)
    makers = makers_of({known.username, *(change.entry.actor for change in waiting)}, at=moment)
    return [
        change
        for change in waiting
        if not reasons_against_settling(change, known, makers=makers, settings=rules, at=moment)
    ]


def reasons_against_settling(
    change: AccessChange,
    known: policy.Person,
    *,
    makers: dict[str, frozenset[str]] | None = None,
    settings: policy.SignOffSettings,
    at: datetime,
) -> tuple[policy.Refusal, ...]:
    """Return why this person may not confirm or refuse a change at a time (aware).

    :param makers: the makers of both accounts (``signers.makers_of``), if already read.
    """
    actor = change.entry.actor
    makers = makers or makers_of({actor, known.username}, at=at)
    return policy.reasons_against_settling(
        known,
        made_by=makers[actor],
        behind=makers[known.username],
        about=change.about,
        is_waiting=change.is_waiting(at=at),
        settings=settings,
        at=at,
    )


def _waits_until(
    row: ChangeLogEntry, groups: Iterable[str], settings: policy.SignOffSettings
) -> datetime | None:
    if (
        settings.first_day
        or not settings.cool_down
        or row.action not in (Action.CREATED, Action.CHANGED)
    ):
        return None
    if row.subject.startswith(RULE):
        waits = bool((row.changes.get("effective_from") or {}).get("after")) and not _is_in_force(
            row
        )
    else:
        waits = is_activated(row) or bool(gained_groups(row) & set(groups))
    return row.recorded_at + settings.cool_down if waits else None


def _is_in_force(row: ChangeLogEntry) -> bool:
    return (row.changes.get("in_force") or {}).get("after") is True


def concerns_signing(
    row: ChangeLogEntry, groups: Iterable[str], *, holds: Iterable[str] | None = None
) -> bool:
    """Return whether a ledger row records a change of signing rights or of a rule.

    :param groups: the groups whose members may request or sign.
    :param holds: the account's current groups, if known; changes without effect on them are
        ignored.
    """
    if row.action in SETTLING or row.subject.startswith(RULE):
        return row.action in (Action.CREATED, Action.CHANGED)
    touched = (gained_groups(row) | lost_groups(row)) & set(groups)
    by_name = "is_superuser" in row.changes or ADDRESS_CHANGED in row.changes
    matters = holds is None or bool(set(holds) & set(groups))
    switched = row.action != Action.CREATED and "is_active" in row.changes and matters
    password = is_set_by_another(row, row.subject.removeprefix(ACCOUNT)) and matters
    return bool(touched or by_name or switched or password)


def announce(
    entry: ChangeLogEntry, *, account: User | None = None, addresses: Iterable[str] = ()
) -> None:
    """E-mail all risk owners about a change of signing rights or of a rule, after the commit.

    Other ledger rows are ignored.

    :param account: the account that the change concerns.
    :param addresses: additional recipients: a risk owner who was removed, or the previous address
        of one whose address has changed.
    """
    groups = signing_groups()
    # The groups of a deleted account are in its last ledger row.
    holds = (
        account.groups.values_list("name", flat=True)
        if account is not None and account.pk
        else None
    )
    if entry.action not in SETTLING and not concerns_signing(entry, groups, holds=holds):
        return
    owners = User.objects.filter(is_active=True, groups__name=RISK_OWNERS).exclude(email="")
    to = {*owners.values_list("email", flat=True), *filter(None, addresses)}
    if account is not None and account.email and RISK_OWNERS in lost_groups(entry):
        to.add(account.email)
    if to:
        transaction.on_commit(lambda: _send(entry, sorted(to)), robust=True)


def _send(entry: ChangeLogEntry, to: list[str]) -> None:
    """Send one e-mail to each recipient.

    A failed delivery is logged. It is not critical, because the inbox shows the change as well.
    """
    with override(settings.LANGUAGE_CODE):
        subject = _("Who may sign has changed: %(subject)s") % {
            "subject": entry.subject_title or entry.subject
        }
        body = render_to_string(
            "governance/mail/access_change.txt",
            {
                "entry": entry,
                "portal": settings.PORTAL_URL,
                "hours": settings.SIGNING_COOL_DOWN_HOURS,
            },
        )
    send_after_commit(subject=subject, body=body, to=to)


@receiver(account_changed)
def _announce_account(entry: ChangeLogEntry, account: User, **_: Any) -> None:
    announce(entry, account=account)
