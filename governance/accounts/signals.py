"""Signals about accounts: whoever governs signing listens."""

from django.dispatch import Signal

# Sent with ``entry`` (the ledger entry) and ``account`` after a change of an account was recorded,
# in the transaction of the change.
account_changed = Signal()
