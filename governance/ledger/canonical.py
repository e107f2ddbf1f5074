"""The bytes of a ledger row that are hashed, as ``docs/ledger.md`` specifies them.

A JSON object of the fields below: sorted keys, UTF-8, no white space, times in UTC with
microseconds, and integers as the only numbers. Each row also contains a short digest of each
column, covered by the same hash. The digests identify the altered column.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from json.encoder import encode_basestring
from typing import Any

GENESIS = "0" * 64
HASHED_FIELDS = (
    "sequence",
    "recorded_at",
    "actor",
    "action",
    "subject",
    "subject_title",
    "reason",
    "release",
    "changes",
    "previous_hash",
)
# The fields with a digest of their own, in this order. ``previous_hash`` needs none: it is compared
# with the row before.
DIGESTED_FIELDS = HASHED_FIELDS[:-1]
DIGEST_LENGTH = 8


def canonical_time(moment: datetime | str) -> str:
    """Return a time as the ledger hashes it: ``2026-01-31T09:30:00.000000Z``.

    :param moment: an aware time, or its text as SQLite stores it (see ``_time_of_text``).
    """
    if not isinstance(moment, datetime):
        return _time_of_text(str(moment))
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return in_utc.isoformat("T", "microseconds")[: -len("+00:00")] + "Z"


def canonical_value(value: Any) -> Any:
    """Return a column's value as the ledger writes it: times and dates become text."""
    if isinstance(value, datetime):
        return canonical_time(value)
    return value.isoformat() if isinstance(value, date) else value


def _time_of_text(text: str) -> str:
    """Return the canonical form of a UTC time that Django stored on SQLite, without parsing it.

    Django writes one form only: a space before the time, and six digits for the microseconds or
    none if they are zero. Any other form is returned unchanged, so that its hash differs: SQL
    compares the stored text, and would order another form of the same time differently from Python.
    """
    if text[10:11] == " ":
        if len(text) == len("2026-01-31 09:30:00.000001") and not text.endswith(".000000"):
            return f"{text[:10]}T{text[11:]}Z"
        if len(text) == len("2026-01-31 09:30:00"):
            return f"{text[:10]}T{text[11:]}.000000Z"
    return text


# The function that the encoder below calls for text, without the encoder's overhead.
_text = encode_basestring
# Created once, because ``json.dumps`` would create an encoder for each row. A value that contains
# itself raises RecursionError.
encode = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False
).encode


def bytes_of_columns(columns: Sequence[str], previous_hash: str, digests: str) -> bytes:
    """Return a row as one JSON object with its members sorted by name.

    :param columns: the canonical JSON of the digested columns, in the order of ``DIGESTED_FIELDS``.
    """
    sequence, recorded_at, actor, action, subject, subject_title, reason, release, changes = columns
    member = f'"digests":{_text(digests)},' if digests else ""
    return (
        f'{{"action":{action},"actor":{actor},"changes":{changes},{member}'
        f'"previous_hash":{_text(previous_hash)},'
        f'"reason":{reason},"recorded_at":{recorded_at},"release":{release},"sequence":{sequence},'
        f'"subject":{subject},"subject_title":{subject_title}}}'
    ).encode()


def columns_of(entry: Any) -> tuple[str, ...]:
    """Return the canonical JSON of each digested column, in the order of ``DIGESTED_FIELDS``."""
    return (
        f"{entry.sequence:d}",
        _text(canonical_time(entry.recorded_at)),
        _text(entry.actor),
        _text(entry.action),
        _text(entry.subject),
        _text(entry.subject_title),
        _text(entry.reason),
        _text(entry.release),
        encode(entry.changes),
    )


def canonical_bytes(entry: Any) -> bytes:
    """Return the bytes of an entry that its hash covers.

    A row of an earlier format has no digests; its JSON has no such member.
    """
    return bytes_of_columns(columns_of(entry), entry.previous_hash, entry.digests)


def hash_of(entry: Any) -> str:
    """Return the sha256 (hex) of an entry's canonical bytes."""
    columns = columns_of(entry)
    return hashlib.sha256(bytes_of_columns(columns, entry.previous_hash, entry.digests)).hexdigest()


def digests_of(entry: Any) -> str:
    """Return the concatenated digests of an entry's columns.

    A digest is the first eight hex digits of the sha256 of a column's canonical JSON.
    """
    return digests_of_columns(columns_of(entry))


def digests_of_columns(columns: Sequence[str]) -> str:
    """Return the concatenated digests of encoded columns in the order of ``DIGESTED_FIELDS``."""
    return "".join(
        hashlib.sha256(column.encode()).hexdigest()[:DIGEST_LENGTH] for column in columns
    )
