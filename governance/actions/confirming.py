"""The password again, at each signature: failures are limited, and each is a row in the ledger."""

from datetime import datetime

from django.contrib.auth.models import User
from django.utils import timezone

from governance import ledger, policy
from governance.actions.errors import refuse_for
from governance.actions.requests import house
from governance.choices import Action
from governance.facts import subject_of
from governance.people import person


def confirm_password(*, by: User, password: str, at: datetime | None = None) -> None:
    """See that whoever acts knows the account's password now.

    The slow hashing is done outside of the ledger's lock; the counting inside, so that many guesses at once are counted
    one by one. Behind the limit the answer is the same for a right password and a wrong one.

    :param at: when (aware; now by default).
    :raises ActionRefused: the password is wrong, the account is locked, or it cools down.
    """
    moment = at or timezone.now()
    account = User.objects.get(pk=by.pk)
    is_right = bool(password) and account.check_password(password)
    with ledger.governed():
        refuse_for(policy.reasons_against_confirming(person(account, at=moment), house=house(), at=moment))
        if not is_right:
            ledger.append(
                ledger.Record(
                    actor=account,
                    action=Action.CONFIRMATION_FAILED,
                    subject=subject_of(account),
                    subject_title=str(account),
                ),
                at=moment,
            )
    # Raised after the commit: the row must stay.
    if not is_right:
        refuse_for([policy.Refusal.WRONG_PASSWORD])
