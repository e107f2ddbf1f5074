"""Append rows to the end of the chain, one writer at a time."""

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
from governance.ledger.signals import entries_recorded

# How long a writer waits for another one before it fails. SQLite's ``timeout`` is the same
# (``portal.connection_urls.sqlite_settings``).
LOCK_SECONDS = 20
# An arbitrary number that no other advisory lock in this database uses.
POSTGRESQL_LOCK = 7_261_940_118


@dataclass(frozen=True, slots=True)
class SystemActor:
    """An actor that is not a person: an import without ``--as``, the demo data, a migration."""

    name: str

    def __str__(self) -> str:
        return self.name


# No account can take this name: the user name validator does not allow parentheses.
SYSTEM = SystemActor("(system)")


def canonical_language() -> override:
    """Return a context manager that activates English, for code that creates records.

    The ledger is always written in English, so that a change has the same bytes whoever makes it.
    ``governance.ledger.labels`` translates entries when they are shown.
    """
    return override("en")


Actor = AbstractBaseUser | SystemActor


@dataclass(frozen=True, slots=True)
class Record:
    """The content of a ledger row, without its place in the chain."""

    actor: Actor
    action: Action
    subject: str
    subject_title: str = ""
    reason: str = ""
    release: str = ""
    changes: dict[str, Any] = field(default_factory=dict)


@contextmanager
def atomic() -> Iterator[None]:
    """Open a transaction that holds the ledger's lock from its first statement on.

    Every governed change runs in it. The lock is taken before any row lock, so that two changes
    cannot deadlock and rows that are read inside do not change before they are written. Calls may
    be nested.
    """
    with transaction.atomic():
        _lock_the_end()
        is_outermost, _lock.is_held = not _lock.is_held, True
        try:
            yield
            if is_outermost:
                _announce(_lock.recorded)
        finally:
            if is_outermost:
                _lock.is_held, _lock.recorded = False, []


def append(record: Record, *, at: datetime | None = None) -> ChangeLogEntry:
    """Append one row to the chain. See ``append_all``."""
    return append_all([record], at=at)[0]


def append_all(records: Iterable[Record], *, at: datetime | None = None) -> list[ChangeLogEntry]:
    """Append rows to the chain, in the transaction of the change that they describe.

    :param at: the time of the change (aware; now by default). The stored time is never earlier than
        that of the row before.
    :returns: the rows as stored.
    :raises TransactionManagementError: there is no transaction, so the change could be stored
        without its row.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(
            "The ledger is written in the transaction of the change itself."
        )
    _lock_the_end()
    # Reads no other columns: a forged row must not prevent anyone from downgrading a runbook.
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
    if _lock.is_held:
        _lock.recorded += stored
    else:
        _announce(stored)
    return stored


def _announce(entries: list[ChangeLogEntry]) -> None:
    if entries:
        entries_recorded.send(ChangeLogEntry, entries=tuple(entries))


def entry_of(
    record: Record, *, sequence: int, recorded_at: datetime, previous_hash: str
) -> ChangeLogEntry:
    """Return the unsaved row for a record at a place in the chain."""
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
    """State of a thread, and so of its connection: inside ``atomic`` or not, and what it recorded.

    The lock is held at least to the end of ``atomic``: a savepoint that is rolled back releases
    only the locks that were taken after it, and this one was taken before.
    """

    def __init__(self) -> None:
        self.is_held = False
        self.recorded: list[ChangeLogEntry] = []


_lock = _Lock()


def _lock_the_end() -> None:
    """Take the lock for the end of the chain, once per ``atomic``.

    SQLite needs no lock: its transactions are IMMEDIATE and have one writer at a time.
    """
    if connection.vendor == "postgresql" and not _lock.is_held:
        with connection.cursor() as cursor:
            # One statement: the timeout applies to the wait for the lock and ends with the
            # transaction.
            cursor.execute(
                "SELECT set_config('lock_timeout', %s, true), pg_advisory_xact_lock(%s)",
                [f"{LOCK_SECONDS}s", POSTGRESQL_LOCK],
            )
