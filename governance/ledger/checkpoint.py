"""A checkpoint: the state of the ledger at a moment, kept outside of the database.

A chain that was truncated, recomputed, or restored from an old backup is consistent in itself, but
does not contain the row of an earlier checkpoint. The file is JSON. With a key, it contains an
HMAC-SHA256 of the canonical JSON of the other members (RFC 2104), so that only an owner of the key
can create one.
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
    """The file is not a checkpoint, or not one of this ledger. The message states the reason."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The last row at a moment.

    :ivar sequence: the row's sequence, which equals ``count``.
    :ivar recorded_at: the time of the row (UTC).
    :ivar taken_at: the time of the checkpoint (UTC).
    """

    sequence: int
    hash: str
    count: int
    recorded_at: str
    taken_at: str
    format: str = FORMAT
    signature: str = ""

    def to_json(self) -> str:
        """Return the text of the file."""
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"


def take_checkpoint(*, key: str, at: datetime) -> Checkpoint:
    """Return a checkpoint of the ledger's current state.

    Verify the ledger first: a checkpoint of a broken chain proves nothing.

    :param key: signs the checkpoint; if empty, the checkpoint is unsigned.
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
    """Return the checkpoint in a file's text.

    :param key: if set, the checkpoint must have a valid signature.
    :raises CheckpointError: the text is not a checkpoint, or the signature is wrong or missing.
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
    """Return the contradiction between a valid chain and a checkpoint, or an empty string.

    Empty if the chain contains the checkpoint's row, or if a person has accepted the loss.

    :param verified: the verification of a chain that is consistent in itself.
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
