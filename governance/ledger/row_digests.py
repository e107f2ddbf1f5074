"""Digests of stored rows for the ledger, to detect a changed column of a request or decision.

A digest is ``FORMAT:SHA256:COLUMNS``. SHA256 is that of the canonical JSON (``docs/ledger.md``,
rules 2 to 4) of an object with the listed columns. COLUMNS are the first eight hex digits of the
sha256 of each column's canonical JSON, in their order. The sha256 proves the row; the short digests
identify a column.
"""

from collections.abc import Sequence
from typing import Any

from governance.ledger.canonical import DIGEST_LENGTH, canonical_value, encode
from runbooks.digests import sha256_of_text

FORMAT = "1"
# A later format gets other tuples under another number, so that older digests stay valid.
REQUEST_COLUMNS = (
    "id",
    "runbook_id",
    "direction",
    "from_level",
    "from_year",
    "to_level",
    "to_year",
    "rationale",
    "evidence",
    "rule_id",
    "required_signatures",
    "independent",
    "valid_from_year",
    "valid_until",
    "document_path",
    "document_sha256",
    "metadata",
    "metadata_sha256",
    "requested_by_id",
    "requested_at",
)
CLOSING_COLUMNS = ("id", "state", "closed_at", "closed_reason", "applied_at", "dependence")
SIGN_OFF_COLUMNS = (
    "id",
    "request_id",
    "signer_id",
    "decision",
    "comment",
    "statement",
    "document_sha256",
    "metadata_sha256",
    "seen_sha256",
    "signed_at",
)
# The member of a ledger row's changes that stores a digest -> the columns that it covers.
COVERED = {
    "request_row": REQUEST_COLUMNS,
    "closing_row": CLOSING_COLUMNS,
    "sign_off_row": SIGN_OFF_COLUMNS,
}
UNREADABLE = "?" * DIGEST_LENGTH


def digest_of(row: Any, member: str) -> str:
    """Return the digest of a stored row.

    :param row: a model instance, or any object with the columns as attributes.
    :param member: a key of ``COVERED``.
    """
    columns = {name: canonical_value(getattr(row, name)) for name in COVERED[member]}
    try:
        whole = sha256_of_text(encode(columns))
    # Bytes in a text column: the portal never writes them.
    except (TypeError, ValueError, RecursionError):
        whole = UNREADABLE
    return f"{FORMAT}:{whole}:{''.join(_short(value) for value in columns.values())}"


def digest_change(row: Any, member: str) -> dict[str, dict[str, Any]]:
    """Return the digest of a row as a member of a ledger row's changes."""
    return {member: {"before": None, "after": digest_of(row, member)}}


def altered_columns(recorded: Any, row: Any, member: str) -> Sequence[str]:
    """Return the columns of a stored row that differ from the recorded digest; empty if none does.

    :param recorded: the digest in the ledger.
    """
    now, columns = digest_of(row, member), COVERED[member]
    if recorded == now:
        return ()
    recorded_parts, now_parts = str(recorded).split(":"), now.split(":")
    if len(recorded_parts) != len(now_parts) or len(recorded_parts[-1]) != len(now_parts[-1]):
        return columns
    starts = range(0, len(now_parts[-1]), DIGEST_LENGTH)
    altered = [
        name
        for name, start in zip(columns, starts, strict=True)
        if recorded_parts[-1][start : start + DIGEST_LENGTH]
        != now_parts[-1][start : start + DIGEST_LENGTH]
    ]
    return altered or columns  # the short digests collide, by chance or on purpose


def _short(value: Any) -> str:
    try:
        return sha256_of_text(encode(value))[:DIGEST_LENGTH]
    except (TypeError, ValueError, RecursionError):
        return UNREADABLE
