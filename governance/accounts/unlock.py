"""Unlock a sign-in that wrong passwords have locked."""

from axes.models import AccessAttempt
from django.contrib.auth.models import User

from governance import ledger
from governance.ledger.choices import Action
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
