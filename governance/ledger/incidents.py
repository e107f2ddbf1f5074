"""Which damage of the ledger stands: what was found once, and has not gone by itself or by a person's word.

The row that tells of an incident can be marked as settled by whoever may write as the application.
So the mark counts only where the ledger bears it out, at every question.
"""

from django.db.models import Q, QuerySet

from governance.ledger.acceptance import acceptance_of_loss, accepted_breaks, stored_sha256
from governance.ledger.models import ChangeLogEntry, LedgerIncident
from governance.ledger.verification import verify_row

# An incident of the chain itself, and one that a checkpoint has exposed.
OF_THE_CHAIN, BY_A_CHECKPOINT = Q(hash=""), ~Q(hash="")


def standing_incidents() -> list[LedgerIncident]:
    """Return the incidents that stand, the oldest first. Empty for nearly every portal."""
    return [incident for incident in LedgerIncident.objects.all() if _stands(incident)]


def open_incidents(kind: Q) -> QuerySet[LedgerIncident]:
    """Return the incidents of a kind that nothing has marked as settled."""
    return LedgerIncident.objects.filter(kind, settled_at__isnull=True)


def is_back(incident: LedgerIncident) -> bool:
    """Whether the ledger goes through the row again that a checkpoint had seen."""
    return ChangeLogEntry.objects.filter(sequence=incident.sequence, hash=incident.hash).exists()


def _stands(incident: LedgerIncident) -> bool:
    if incident.settled_at is None:
        return True
    if incident.hash:
        return not is_back(incident) and acceptance_of_loss(incident.hash) is None
    return _is_bad(incident.sequence)


def _is_bad(sequence: int) -> bool:
    """Whether a row is there and does not hold, and nobody has accepted it as it is."""
    if (
        not ChangeLogEntry.objects.filter(sequence=sequence).exists()
        or verify_row(sequence).is_whole
    ):
        return False
    accepted = {(each.sequence, each.stored_sha256) for each in accepted_breaks()}
    return (sequence, stored_sha256(sequence)) not in accepted
