"""A locked sign-in is told in the ledger, within limits: strangers decide how often it happens."""

from datetime import timedelta
from logging import getLogger
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from governance import ledger
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from governance.ledger.snapshot import subject_of

# One row for an account in an hour, and so many for all accounts together. The log has every lock.
SAME_ACCOUNT = timedelta(hours=1)
MAX_ROWS_PER_HOUR = 20

log = getLogger(__name__)


def record_locked_sign_in(*, username: str, **_: Any) -> None:
    """Receiver of ``axes.signals.user_locked_out``. A name that no account has leaves no row."""
    account = User.objects.filter(username=str(username).replace("\x00", "")).first()
    if account is None:
        return
    log.warning("Sign-in locked: account %d.", account.pk)
    if not _is_worth_a_row(account):  # asked before the ledger's lock too: a flood waits for nobody
        return
    with ledger.atomic():
        if not _is_worth_a_row(account):
            return
        ledger.append(
            ledger.Record(
                actor=ledger.SYSTEM,
                action=Action.SIGN_IN_LOCKED,
                subject=subject_of(account),
                subject_title=str(account),
            )
        )


def _is_worth_a_row(account: User) -> bool:
    """Return whether the change log tells neither of this account's lock nor of too many yet."""
    rows = ChangeLogEntry.objects.filter(
        action=Action.SIGN_IN_LOCKED, recorded_at__gt=timezone.now() - SAME_ACCOUNT
    )
    return (
        not rows.filter(subject=subject_of(account)).exists() and rows.count() < MAX_ROWS_PER_HOUR
    )
