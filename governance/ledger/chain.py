"""Adding rows to the end of the chain, one writer at a time."""

import hashlib
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import override

from governance.ledger.canonical import GENESIS, bytes_of_columns, columns_of, digests_of_columns
from governance.ledger.choices import Action
from governance.ledger.high_water_mark import follow_after_commit
from governance.ledger.models import ChangeLogEntry

# A writer waits so long for another one, then gives up: as SQLite's ``timeout`` has it
# (portal.connection_urls.sqlite_settings).
LOCK_SECONDS = 20
# Any number will do, as long as nothing else in this database takes the same advisory lock.
POSTGRESQL_LOCK = 7_261_940_118


@dataclass(frozen=True, slots=True)
class SystemActor:
    """A doer that is no person: an import without ``--as``, the seed of the demo, a migration."""

    name: str

    def __str__(self) -> str:
        return self.name


# No account can take this name: the validator of usernames allows no brackets.
SYSTEM = SystemActor("(system)")


def canonical_language() -> override:
    """``with ledger.canonical_language():`` around the making of a record.

    The ledger is written in English, whoever acts, and shown in the reader's language by
    ``governance.ledger.labels``: the same change must be the same bytes.
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


@contextmanager
def atomic() -> Iterator[None]:
    """The transaction of one governed change: it holds the ledger's lock from its first statement on.

    Every change takes this lock before any row's, so that no two wait for each other in a ring, and
    what is read inside is what is changed. May be nested.
    """
    with transaction.atomic():
        _lock_the_end()
        held_before, _lock.is_held = _lock.is_held, True
        try:
            yield
        finally:
            _lock.is_held = held_before


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
        raise transaction.TransactionManagementError(
            "The ledger is written in the transaction of the change itself."
        )
    _lock_the_end()
    # No more of it than is needed: a row that was forged must not keep anybody from taking a
    # readiness down.
    last = (
        ChangeLogEntry.objects.order_by("-sequence")
        .values_list("sequence", "hash", "recorded_at")
        .first()
    )
    start, previous_hash = (last[0] + 1, last[1]) if last else (1, GENESIS)
    moment = max(at or timezone.now(), last[2]) if last else (at or timezone.now())
    entries = []
    for sequence, record in enumerate(records, start=start):
        entry = entry_of(record, sequence=sequence, recorded_at=moment, previous_hash=previous_hash)
        entries.append(entry)
        previous_hash = entry.hash
    stored = ChangeLogEntry.objects.bulk_create(entries)
    follow_after_commit(is_new=last is None)
    return stored


def entry_of(
    record: Record, *, sequence: int, recorded_at: datetime, previous_hash: str
) -> ChangeLogEntry:
    """The row that a record becomes at a place in the chain, not stored yet."""
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
    columns = columns_of(entry)
    entry.digests = digests_of_columns(columns)
    entry.hash = hashlib.sha256(bytes_of_columns(columns, previous_hash, entry.digests)).hexdigest()
    return entry


class _Lock(threading.local):
    """Whether this thread, and so its connection, is inside of ``governed``: the lock is held to the end of it at least.

    A savepoint that is rolled back gives up the locks taken behind it; those of ``governed`` were
    taken before.
    """

    is_held = False


_lock = _Lock()


def _lock_the_end() -> None:
    """One writer at a time, asked for once. SQLite's transactions are IMMEDIATE: the lock is held already."""
    if connection.vendor == "postgresql" and not _lock.is_held:
        with connection.cursor() as cursor:
            # In one statement: the setting ends with the transaction, and the lock is waited for
            # under it.
            cursor.execute(
                "SELECT set_config('lock_timeout', %s, true), pg_advisory_xact_lock(%s)",
                [f"{LOCK_SECONDS}s", POSTGRESQL_LOCK],
            )
