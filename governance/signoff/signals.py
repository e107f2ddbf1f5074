"""What the sign-off tells the subjects above it."""

from django.dispatch import Signal

# Sent in the transaction of a signature that completed a request and moved the readiness, with
# ``request`` (its runbook as stored now), ``decisions`` (all of them, each with request and signer)
# and ``rows`` (the ledger's about the request and the document, oldest first). A receiver that
# fails undoes the signature.
readiness_applied = Signal()
