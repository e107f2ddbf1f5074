"""Create the proof of a runbook's approval: the ledger rows from its request up to a checkpoint.

A proof is checked without the portal: ``docs/verify_proof.py`` needs only Python. The format is
described in ``docs/ledger.md``.
"""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from governance import ledger
from governance.ledger.checkpoint import take_checkpoint
from governance.ledger.models import ChangeLogEntry
from governance.ledger.snapshot import subject_of
from governance.signoff.changes import last_move
from governance.signoff.choices import Decision
from runbooks.models import Runbook

FORMAT = "runbook-portal-proof/1"


class NothingToProve(LookupError):
    """The runbook was never approved, or the ledger is broken. The message says which."""


def proof_of(runbook: Runbook, *, at: datetime | None = None) -> dict[str, Any]:
    """Return the proof as JSON values.

    It holds every ledger row since the request was opened, including rows about other runbooks,
    because the chain contains all of them.

    :raises NothingToProve: there is no approval, or the ledger does not verify.
    """
    approval = last_move(runbook)
    if approval is None:
        raise NothingToProve(f"{runbook.slug} was never approved for anything.")
    verified = ledger.verify()
    if not verified.is_whole:
        raise NothingToProve("The ledger is broken: run 'manage.py verify_ledger'.")
    about = ChangeLogEntry.objects.filter(
        subject=subject_of(runbook), changes__request__after=approval.pk
    )
    first = about.order_by("sequence").values_list("sequence", flat=True).first() or 1
    if any(sequence >= first for sequence in verified.accepted):
        raise NothingToProve(
            f"Ledger entries after the approval of {runbook.slug} are not valid. Sign it again."
        )
    # Rows up to the checkpoint never change: what is added meanwhile is behind it, and no lock is
    # needed.
    checkpoint = take_checkpoint(key=settings.CHECKPOINT_KEY, at=at or timezone.now())
    rows = ChangeLogEntry.objects.filter(sequence__gte=first, sequence__lte=checkpoint.sequence)
    return {
        "format": FORMAT,
        "runbook": runbook.slug,
        "request": approval.pk,
        "metadata": approval.metadata,
        "statements": [
            {"signer": sign_off.signer.get_username(), "statement": sign_off.statement}
            for sign_off in approval.sign_offs.filter(decision=Decision.APPROVE).select_related(
                "signer"
            )
        ],
        "entries": [row_as_json(row) for row in rows.order_by("sequence")],
        "checkpoint": asdict(checkpoint),
    }


def row_as_json(row: ChangeLogEntry) -> dict[str, Any]:
    """Return a ledger row with the members that its hash covers, and the hash."""
    values = {name: getattr(row, name) for name in ledger.HASHED_FIELDS}
    values["recorded_at"] = ledger.canonical_time(row.recorded_at)
    if row.digests:
        values["digests"] = row.digests
    return values | {"hash": row.hash}
