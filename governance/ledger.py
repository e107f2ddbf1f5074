"""The ledger: canonical bytes, append, verify. The only writer of ``ChangeLogEntry``.

The bytes that are hashed are specified in ``docs/ledger.md``: a JSON object of the fields below,
keys sorted, UTF-8, no white space, times in UTC with microseconds. No number but integers occurs.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import override

from governance.choices import Action
from governance.models import ChangeLogEntry

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
# Any number will do, as long as nothing else in this database takes the same advisory lock.
POSTGRESQL_LOCK = 7_261_940_118
VERIFY_CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class SystemActor:
    """A doer that is no person: an import without ``--as``, the seed of the demo, a migration."""

    name: str

    def __str__(self) -> str:
        return self.name


# No account can take this name: the validator of usernames allows no brackets.
SYSTEM = SystemActor("(system)")


def in_its_language() -> override:
    """``with ledger.in_its_language():`` around the making of a record.

    The ledger is written in English, whoever acts, and shown in the reader's language by ``governance.words``:
    the same change must be the same bytes.
    """
    return override("en")


Actor = AbstractBaseUser | SystemActor


@dataclass(frozen=True, slots=True)
class Record:
    """What is to be written: everything but the place in the chain."""

    actor: Actor
    action: Action
    subject: str
    subject_title: str = ""
    reason: str = ""
    release: str = ""
    changes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verification:
    """What ``verify`` found. ``bad_sequence`` and ``problem`` name the first bad row; None when the chain is whole."""

    count: int
    last_hash: str
    bad_sequence: int | None = None
    problem: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether every row is what it was when it was written."""
        return self.bad_sequence is None


def canonical_time(moment: datetime) -> str:
    """An aware time as the ledger hashes it: ``2026-01-31T09:30:00.000000Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def canonical_bytes(entry: ChangeLogEntry) -> bytes:
    """The bytes of one entry that its hash covers."""
    values = {name: getattr(entry, name) for name in HASHED_FIELDS}
    values["recorded_at"] = canonical_time(entry.recorded_at)
    return json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(
        "utf-8"
    )


def hash_of(entry: ChangeLogEntry) -> str:
    """The sha256 (hex) of an entry's canonical bytes."""
    return hashlib.sha256(canonical_bytes(entry)).hexdigest()


@contextmanager
def governed() -> Iterator[None]:
    """The transaction of one governed change: it holds the ledger's lock from its first statement on.

    Every change takes this lock before any row's, so that no two wait for each other in a ring, and what is
    read inside is what is changed. May be nested.
    """
    with transaction.atomic():
        _lock_the_end()
        yield


def append(record: Record, *, at: datetime | None = None) -> ChangeLogEntry:
    """Write one row at the end of the chain. See ``append_all``."""
    return append_all([record], at=at)[0]


def append_all(records: Iterable[Record], *, at: datetime | None = None) -> list[ChangeLogEntry]:
    """Write rows at the end of the chain, in the transaction of the change that they speak of.

    :param at: when it happened (aware; now by default). Never earlier than the row before.
    :returns: the rows as stored.
    :raises TransactionManagementError: outside a transaction, where change and row could part.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("The ledger is written in the transaction of the change itself.")
    _lock_the_end()
    last = ChangeLogEntry.objects.order_by("-sequence").first()
    start, previous_hash = (last.sequence + 1, last.hash) if last else (1, GENESIS)
    moment = max(at or timezone.now(), last.recorded_at) if last else (at or timezone.now())
    entries = []
    for sequence, record in enumerate(records, start=start):
        entry = _entry(record, sequence=sequence, recorded_at=moment, previous_hash=previous_hash)
        entries.append(entry)
        previous_hash = entry.hash
    return ChangeLogEntry.objects.bulk_create(entries)


def _entry(record: Record, *, sequence: int, recorded_at: datetime, previous_hash: str) -> ChangeLogEntry:
    entry = ChangeLogEntry(
        sequence=sequence,
        recorded_at=recorded_at,
        actor=str(record.actor),
        action=record.action,
        subject=record.subject,
        subject_title=record.subject_title[:300],
        reason=record.reason,
        release=record.release,
        changes=record.changes,
        previous_hash=previous_hash,
    )
    entry.hash = hash_of(entry)
    return entry


def _lock_the_end() -> None:
    """One writer at a time. SQLite's transactions are IMMEDIATE: the lock is held already."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [POSTGRESQL_LOCK])


def verify() -> Verification:
    """Walk the chain from the first row and stop at the first that does not hold."""
    return verify_entries(ChangeLogEntry.objects.order_by("sequence").iterator(chunk_size=VERIFY_CHUNK))


def verify_entries(entries: Iterator[ChangeLogEntry]) -> Verification:
    """The same for entries from anywhere, in the order of their sequence."""
    expected, previous_hash = 1, GENESIS
    for entry in entries:
        problem = _problem_with(entry, expected=expected, previous_hash=previous_hash)
        if problem:
            return Verification(expected - 1, previous_hash, entry.sequence, problem)
        expected, previous_hash = expected + 1, entry.hash
    return Verification(expected - 1, previous_hash)


def _problem_with(entry: ChangeLogEntry, *, expected: int, previous_hash: str) -> str:
    if entry.sequence != expected:
        return f"sequence: expected {expected}, so {entry.sequence - expected} row(s) are missing"
    if entry.previous_hash != previous_hash:
        return "previous_hash: is not the hash of the row before"
    if hash_of(entry) != entry.hash:
        return "hash: the row is not what it was when it was written"
    return ""
