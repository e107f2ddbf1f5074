"""What the ledger tells the subjects above it."""

from django.dispatch import Signal

# Sent once before the outermost block of a governed change commits, with ``entries``: the rows that
# the change appended, as stored. A receiver that fails undoes the change.
entries_recorded = Signal()
