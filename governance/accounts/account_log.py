"""Ledger entries for accounts that a command has created, outside the admin."""

from collections.abc import Iterable

from django.contrib.auth.models import User

from governance import ledger
from governance.accounts.signals import account_changed
from governance.ledger.choices import Action
from governance.ledger.snapshot import diff, snapshot, subject_of


def record_new_accounts(accounts: Iterable[User], *, by: ledger.Actor, reason: str) -> None:
    """Append one ledger entry for each account that a command has created."""
    with ledger.atomic(), ledger.canonical_language():
        for account in accounts:
            entry = ledger.append(
                ledger.Record(
                    actor=by,
                    action=Action.CREATED,
                    subject=subject_of(account),
                    subject_title=str(account),
                    reason=reason,
                    changes=diff(None, snapshot(account)),
                )
            )
            account_changed.send(sender=User, entry=entry, account=account)
