"""The unresolved incidents: damage of the ledger that is neither repaired nor accepted.

Anyone who can write with the application's database user can mark an incident as settled. The mark
is therefore checked against the ledger each time.
"""

from django.db.models import Q, QuerySet

from governance.ledger.acceptance import acceptance_of_loss, accepted_breaks, stored_sha256
from governance.ledger.models import ChangeLogEntry, LedgerIncident
from governance.ledger.verification import verify_row

# An incident of the chain itself, and an incident that a checkpoint has revealed.
OF_THE_CHAIN, BY_A_CHECKPOINT = Q(hash=""), ~Q(hash="")


def standing_incidents() -> list[LedgerIncident]:
    """Return the unresolved incidents, oldest first. Nearly always empty."""
    return [incident for incident in LedgerIncident.objects.all() if _stands(incident)]


def open_incidents(kind: Q) -> QuerySet[LedgerIncident]:
    """Return the incidents of a kind that are not marked as settled."""
    return LedgerIncident.objects.filter(kind, settled_at__isnull=True)


def is_back(incident: LedgerIncident) -> bool:
    """Return whether the ledger again contains the row that a checkpoint recorded."""
    return ChangeLogEntry.objects.filter(sequence=incident.sequence, hash=incident.hash).exists()


def _stands(incident: LedgerIncident) -> bool:
    if incident.settled_at is None:
        return True
    if incident.hash:
        return not is_back(incident) and acceptance_of_loss(incident.hash) is None
    return _is_bad(incident.sequence)


def _is_bad(sequence: int) -> bool:
    """Return whether a row exists, is invalid, and is not accepted as it is."""
    if (
        not ChangeLogEntry.objects.filter(sequence=sequence).exists()
        or verify_row(sequence).is_whole
    ):
        return False
    accepted = {(each.sequence, each.stored_sha256) for each in accepted_breaks()}
    return (sequence, stored_sha256(sequence)) not in accepted
