"""Unlock a sign-in that wrong passwords have locked."""

from axes.models import AccessAttempt
from django.contrib.auth.models import User

from governance import ledger
from governance.ledger.choices import Action
from governance.ledger.snapshot import subject_of


def unlock_sign_in(*, user: User, addresses_too: bool = False, by: ledger.Actor) -> int:
    """Forget the failed sign-ins of an account, from every address and device.

    The limit on wrong passwords at signing is not touched: only the account's own session gets
    there, and it ends after a quarter of an hour.

    :param addresses_too: also forget every other name's failures from the addresses that failed for
        this account, where somebody there tried many names.
    :returns: how many failures were forgotten. Where there were none, nothing is written.
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
