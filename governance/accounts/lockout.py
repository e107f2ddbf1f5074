"""Ledger entries for locked sign-ins, limited in number because anyone can cause a lock."""

from datetime import timedelta
from logging import getLogger
from typing import Any

from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.utils import timezone

from governance import ledger
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from governance.ledger.snapshot import subject_of


def unlock_sign_in(*, user: User, addresses_too: bool = False, by: ledger.Actor) -> int:
    """Delete the failed sign-ins of an account, from every address and device.

    The limit on wrong passwords at signing is not changed: only the account's own session can reach
    it, and it ends after 15 minutes.

    :param addresses_too: also delete the failures of other names from the addresses that failed for
        this account, for the case that many names were tried there.
    :returns: the number of deleted failures. With no failures, no ledger entry is written.
    """
    with ledger.atomic():
        found = AccessAttempt.objects.filter(username=user.get_username())
        if addresses_too:
            addresses = list(found.values_list("ip_address", flat=True))
            found = found | AccessAttempt.objects.filter(ip_address__in=addresses)
        failures = sum(found.order_by().values_list("failures_since_start", flat=True))
        if not failures:
            return 0
        AccessAttempt.objects.filter(pk__in=list(found.values_list("pk", flat=True))).delete()
        ledger.append(
            ledger.Record(
                actor=by,
                action=Action.SIGN_IN_UNLOCKED,
                subject=subject_of(user),
                subject_title=str(user),
                changes={"failed_sign_ins": {"before": failures, "after": 0}},
            )
        )
    return failures


# At most one row per account and hour, and a maximum for all accounts together. The log has every
# lock.
SAME_ACCOUNT = timedelta(hours=1)
MAX_ROWS_PER_HOUR = 20

log = getLogger(__name__)


def record_locked_sign_in(*, username: str, **_: Any) -> None:
    """Append a ledger entry for a locked sign-in. A name without an account adds no entry.

    Receiver of ``axes.signals.user_locked_out``.
    """
    account = User.objects.filter(username=str(username).replace("\x00", "")).first()
    if account is None:
        return
    log.warning("Sign-in locked: account %d.", account.pk)
    # Checked before the ledger's lock is taken as well, so that a flood of attempts does not wait
    # for it.
    if not _is_worth_a_row(account):
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
    """Return whether the lock may be recorded.

    False if this account's lock is recorded within the last hour, or if the maximum for all
    accounts is reached.
    """
    rows = ChangeLogEntry.objects.filter(
        action=Action.SIGN_IN_LOCKED, recorded_at__gt=timezone.now() - SAME_ACCOUNT
    )
    return (
        not rows.filter(subject=subject_of(account)).exists() and rows.count() < MAX_ROWS_PER_HOUR
    )
