"""Require the password for each signature. Failures are limited and recorded in the ledger."""

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
    """A password that was entered, and the result of checking it.

    :ivar encoded: the stored hash that it was checked against.
    :ivar is_right: whether it matches ``encoded``.
    """

    password: str = field(repr=False)
    encoded: str = field(repr=False)
    is_right: bool

    def is_right_for(self, account: User) -> bool:
        """Return whether it is the account's password.

        It is hashed again only if the stored hash has changed since.
        """
        return (
            self.is_right
            if account.password == self.encoded
            else _is_right(self.password, account.password)
        )


def _is_right(password: str, encoded: str) -> bool:
    return bool(password) and check_password(password, encoded)


def hashed(password: str, *, by: User) -> Given:
    """Check an entered password.

    Hashing is slow on purpose, so this must run outside of the ledger's lock. The result alone
    decides nothing: ``is_confirmed`` compares it with the hash that is stored then.
    """
    return Given(password, by.password, _is_right(password, by.password))


def confirm_password(
    *, by: User, password: str, signs: bool = True, at: datetime | None = None
) -> None:
    """Check that the current user knows the account's password.

    Every form that asks for it again calls this; a signature calls the two halves, ``hashed`` and
    ``is_confirmed``. Otherwise the limit on failures could be bypassed through one of the forms.

    Hashing is done outside of the ledger's lock and counting inside, so that simultaneous attempts
    are counted one by one. Beyond the limit, a right and a wrong password give the same answer.

    :param signs: whether the password confirms a signature, which has a waiting time after somebody
        else set the password; changing one's own password has none.
    :param at: the time of the attempt (aware; now by default).
    :raises ActionRefused: the password is wrong, the account is locked, or its waiting time is not
        over.
    """
    moment = at or timezone.now()
    given = hashed(password, by=by)
    with ledger.atomic():
        account = account_of(by)
        known = person_of(
            account, history_of([subject_of(account.user)]), signing_group_id=None, at=moment
        )
        is_right = is_confirmed(given, account=account.user, known=known, signs=signs, at=moment)
    # Raised after the commit, so that the ledger entry is kept.
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
    """Return whether the password is the account's.

    A wrong one is recorded in the ledger. The caller must commit that entry and then refuse.

    :param account: the stored account, read under the ledger's lock, as must be ``known``.
    :param rules: the settings for the policy, if already read.
    :raises ActionRefused: the account is locked, or its waiting time is not over.
    """
    if signs:
        rules = rules or sign_off_settings(at=at)
        refuse_for(
            policy.reasons_against_confirming(known, settings=rules, at=at),
            until=policy.waits_until(known, settings=rules, at=at),
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
