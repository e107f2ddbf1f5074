"""The password again, at each signature: failures are limited, and each is a row in the ledger."""

from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import User
from django.utils import timezone

from governance import ledger
from governance.accounts.roles import account_of
from governance.errors import refuse_for
from governance.ledger.choices import Action
from governance.ledger.history import history_of
from governance.ledger.snapshot import subject_of
from governance.signoff import policy
from governance.signoff.eligibility import sign_off_settings
from governance.signoff.signers import person_of


@dataclass(frozen=True, slots=True)
class Given:
    """A password as it was given, and what became of it when it was hashed: whether ``encoded`` is its hash."""

    password: str = field(repr=False)
    encoded: str = field(repr=False)
    is_right: bool

    def is_right_for(self, account: User) -> bool:
        """Whether it is the account's. Hashed once more only where the stored hash is another one than before."""
        return (
            self.is_right
            if account.password == self.encoded
            else _is_right(self.password, account.password)
        )


def _is_right(password: str, encoded: str) -> bool:
    return bool(password) and check_password(password, encoded)


def hashed(password: str, *, by: User) -> Given:
    """Hash a password that was given, which is slow on purpose: outside of the ledger's lock.

    What was read before the lock decides nothing: ``is_confirmed`` holds it against the hash that
    is stored then.
    """
    return Given(password, by.password, _is_right(password, by.password))


def confirm_password(
    *, by: User, password: str, signs: bool = True, at: datetime | None = None
) -> None:
    """See that whoever acts knows the account's password now.

    Every form that asks for it again comes here, and a signature by the two halves of it: else one
    of them is where it is tried out.

    The slow hashing is done outside of the ledger's lock; the counting inside, so that many guesses
    at once are counted one by one. Behind the limit the answer is the same for a right password and
    a wrong one.

    :param signs: for a signature, which waits after somebody else set the password; setting one's
        own does not wait.
    :param at: when (aware; now by default).
    :raises ActionRefused: the password is wrong, the account is locked, or it cools down.
    """
    moment = at or timezone.now()
    given = hashed(password, by=by)
    with ledger.atomic():
        account = account_of(by)
        known = person_of(
            account, history_of([subject_of(account.user)]), signing_group_id=None, at=moment
        )
        is_right = is_confirmed(given, account=account.user, known=known, signs=signs, at=moment)
    # Raised after the commit: the row must stay.
    if not is_right:
        refuse_for([policy.Refusal.WRONG_PASSWORD])


def is_confirmed(
    given: Given,
    *,
    account: User,
    known: policy.Person,
    at: datetime,
    rules: policy.SignOffSettings | None = None,
    signs: bool = True,
) -> bool:
    """Whether the password is the account's; a wrong one becomes a row, which the caller must let stay (and then refuse).

    :param account: as it is stored, read under the ledger's lock, like ``known``.
    :param rules: the policy's settings, where it has been read already.
    :raises ActionRefused: the account is locked, or it cools down.
    """
    if signs:
        refuse_for(
            policy.reasons_against_confirming(
                known, settings=rules or sign_off_settings(at=at), at=at
            )
        )
    else:
        refuse_for(policy.reasons_against_guessing(known))
    is_right = given.is_right_for(account)
    if not is_right:
        ledger.append(
            ledger.Record(
                actor=account,
                action=Action.CONFIRMATION_FAILED,
                subject=subject_of(account),
                subject_title=str(account),
            ),
            at=at,
        )
    return is_right
