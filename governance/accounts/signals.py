"""Signals about accounts, received by the sign-off package."""

from django.dispatch import Signal

# Sent with ``entry`` (the ledger entry) and ``account`` after a change to an account was recorded,
# in the transaction of the change.
account_changed = Signal()
