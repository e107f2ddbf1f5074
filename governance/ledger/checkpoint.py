"""A checkpoint: where the ledger stood at a moment, to be kept outside of the database.

A chain that was cut, made anew, or restored from an old backup verifies in itself; it does not go
through a checkpoint that was taken before (DESIGN, promise 6). The file is JSON; with a key it
carries an HMAC-SHA256 of the other members' canonical JSON (RFC 2104), so that nobody without the
key can make one.
"""

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from governance import ledger
from governance.ledger.acceptance import acceptance_of_loss
from governance.ledger.models import ChangeLogEntry

FORMAT = "runbook-portal-checkpoint/1"


class CheckpointError(ValueError):
    """The file is no checkpoint, or not one of ours. The message says why."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The last row at a moment: its number (which is also the count), its hash, and when both were looked at (UTC)."""

    sequence: int
    hash: str
    count: int
    recorded_at: str
    taken_at: str
    format: str = FORMAT
    signature: str = ""

    def to_json(self) -> str:
        """The file's text."""
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"


def take_checkpoint(*, key: str, at: datetime) -> Checkpoint:
    """Where the ledger stands now. Verify it first: a checkpoint of a broken chain proves nothing.

    :param key: signs the checkpoint; empty leaves it unsigned.
    :param at: now (aware).
    """
    last = ChangeLogEntry.objects.order_by("-sequence").first()
    taken = Checkpoint(
        sequence=last.sequence if last else 0,
        hash=last.hash if last else ledger.GENESIS,
        count=ChangeLogEntry.objects.count(),
        recorded_at=ledger.canonical_time(last.recorded_at) if last else "",
        taken_at=ledger.canonical_time(at),
    )
    return replace(taken, signature=_signature(taken, key)) if key else taken


def read_checkpoint(text: str, *, key: str) -> Checkpoint:
    """The checkpoint in a file's text.

    :param key: where it is set, the signature must be there and be right.
    :raises CheckpointError: the text is no checkpoint, or the signature is wrong or missing.
    """
    try:
        values = json.loads(text)
        checkpoint = _typed(values)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise CheckpointError(
            "This is no checkpoint. Make one with 'manage.py checkpoint --output FILE'."
        ) from error
    if key and not checkpoint.signature:
        raise CheckpointError(
            "The checkpoint is not signed, although CHECKPOINT_KEY is set: anybody could "
            "have made it."
        )
    if checkpoint.signature and not key:
        raise CheckpointError(
            "The checkpoint is signed. Set CHECKPOINT_KEY, so that the signature can be checked."
        )
    if key and not hmac.compare_digest(
        checkpoint.signature.encode("utf-8", "replace"), _signature(checkpoint, key).encode()
    ):
        raise CheckpointError(
            "The checkpoint's signature is wrong: it was altered, or made with another key."
        )
    return checkpoint


def _typed(values: Any) -> Checkpoint:
    checkpoint = Checkpoint(**values)
    texts = (
        checkpoint.hash,
        checkpoint.recorded_at,
        checkpoint.taken_at,
        checkpoint.format,
        checkpoint.signature,
    )
    numbers = (checkpoint.sequence, checkpoint.count)
    if checkpoint.format != FORMAT or not all(isinstance(text, str) for text in texts):
        raise ValueError("a text is none")
    if not all(
        isinstance(number, int) and not isinstance(number, bool) and number >= 0
        for number in numbers
    ):
        raise ValueError("a number is none")
    return checkpoint


def compare(checkpoint: Checkpoint, verified: ledger.Verification) -> str:
    """What is wrong with a whole chain, seen from a checkpoint; empty when it goes through it, or when that was settled.

    :param verified: of a chain that is whole in itself.
    """
    problem = _problem(checkpoint, verified)
    return "" if problem and acceptance_of_loss(checkpoint.hash) is not None else problem


def _problem(checkpoint: Checkpoint, verified: ledger.Verification) -> str:
    if verified.count < checkpoint.sequence:
        return (
            f"The ledger ends at row {verified.count}, the checkpoint was taken at row "
            f"{checkpoint.sequence}: "
            "rows were cut off, or an old backup was restored."
        )
    if checkpoint.sequence == 0:
        return ""
    row = (
        ChangeLogEntry.objects.filter(sequence=checkpoint.sequence)
        .values_list("hash", flat=True)
        .first()
    )
    if row != checkpoint.hash:
        return (
            f"Row {checkpoint.sequence} is not the one of the checkpoint: the chain was made "
            "anew, or an old backup was "
            "restored and gone on with."
        )
    return ""


def _signature(checkpoint: Checkpoint, key: str) -> str:
    values = {name: value for name, value in asdict(checkpoint).items() if name != "signature"}
    message = json.dumps(values, sort_keys=True, separators=(",", ":")).encode()
    return hmac.new(key.encode(), message, hashlib.sha256).hexdigest()
