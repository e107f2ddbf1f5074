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


def confirm_password(*, by: User, password: str, signs: bool = True, at: datetime | None = None) -> None:
    """See that whoever acts knows the account's password now.

    Every form that asks for it again comes here: else one of them is where it is tried out.

    The slow hashing is done outside of the ledger's lock; the counting inside, so that many guesses at once are counted
    one by one. Behind the limit the answer is the same for a right password and a wrong one.

    :param signs: for a signature, which waits after somebody else set the password; setting one's own does not wait.
    :param at: when (aware; now by default).
    :raises ActionRefused: the password is wrong, the account is locked, or it cools down.
    """
    moment = at or timezone.now()
    account = User.objects.get(pk=by.pk)
    is_right = bool(password) and account.check_password(password)
    with ledger.governed():
        known = person(account, at=moment)
        against = policy.reasons_against_confirming(known, house=house(), at=moment)
        refuse_for(against if signs else policy.reasons_against_guessing(known))
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
