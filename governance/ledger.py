"""The ledger: canonical bytes, append, verify. The only writer of ``ChangeLogEntry``.

The bytes that are hashed are specified in ``docs/ledger.md``: a JSON object of the fields below,
keys sorted, UTF-8, no white space, times in UTC with microseconds. No number but integers occurs.
Each row also carries a short digest of each column, under the same hash: they tell which one was altered.
"""

import hashlib
import json
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from json.encoder import encode_basestring
from typing import Any, NamedTuple

from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction
from django.db.models import Func, TextField
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
# Those that a digest of their own stands for, in this order. The hash of the row before is compared with that row.
DIGESTED_FIELDS = HASHED_FIELDS[:-1]
DIGEST_LENGTH = 8
# Any number will do, as long as nothing else in this database takes the same advisory lock.
POSTGRESQL_LOCK = 7_261_940_118
UNREADABLE = "(the whole row)"
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
    """What ``verify`` found. ``bad_sequence``, ``column`` and ``problem`` name the first bad row; None when all is whole."""

    count: int
    last_hash: str
    bad_sequence: int | None = None
    column: str = ""
    problem: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether every row is what it was when it was written."""
        return self.bad_sequence is None

    @property
    def sentence(self) -> str:
        """What is wrong, for people; empty when nothing is."""
        if self.is_whole:
            return ""
        return f"The ledger is broken at row {self.bad_sequence}, column {self.column}: {self.problem}."


def canonical_time(moment: datetime | str) -> str:
    """An aware time as the ledger hashes it: ``2026-01-31T09:30:00.000000Z``.

    :param moment: an aware time, or what SQLite holds of one (see ``_time_of_text``).
    """
    if not isinstance(moment, datetime):
        return _time_of_text(str(moment))
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return in_utc.isoformat("T", "microseconds")[: -len("+00:00")] + "Z"


def _time_of_text(text: str) -> str:
    """The same of a text in UTC as Django stores it on SQLite: making a time of it only to write it again took the longest.

    Another spelling of a time is read as one. What is no time stays as it is: no row of ours ever held it.
    """
    if len(text) == len("2026-01-31 09:30:00.000000"):
        return f"{text[:10]}T{text[11:]}Z"
    if len(text) == len("2026-01-31 09:30:00"):
        return f"{text[:10]}T{text[11:]}.000000Z"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return canonical_time(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


# What the encoder below makes of a text, without its detours.
_text = encode_basestring
# Made once: ``json.dumps`` would make it anew for each row. A value that holds itself ends in a RecursionError.
_encode = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False
).encode


def _whole(columns: Sequence[str], previous_hash: str, digests: str) -> bytes:
    """The row as one JSON object, its members sorted by name.

    :param columns: the canonical JSON of the digested columns, in the order of ``DIGESTED_FIELDS``.
    """
    sequence, recorded_at, actor, action, subject, subject_title, reason, release, changes = columns
    member = f'"digests":{_text(digests)},' if digests else ""
    return (
        f'{{"action":{action},"actor":{actor},"changes":{changes},{member}"previous_hash":{_text(previous_hash)},'
        f'"reason":{reason},"recorded_at":{recorded_at},"release":{release},"sequence":{sequence},'
        f'"subject":{subject},"subject_title":{subject_title}}}'
    ).encode()


def _columns(entry: Any) -> tuple[str, ...]:
    """The canonical JSON of each digested column, in the order of ``DIGESTED_FIELDS``."""
    return (
        f"{entry.sequence:d}",
        _text(canonical_time(entry.recorded_at)),
        _text(entry.actor),
        _text(entry.action),
        _text(entry.subject),
        _text(entry.subject_title),
        _text(entry.reason),
        _text(entry.release),
        _encode(entry.changes),
    )


def canonical_bytes(entry: Any) -> bytes:
    """The bytes of one entry that its hash covers. A row without digests (of an earlier format) has no such member."""
    return _whole(_columns(entry), entry.previous_hash, entry.digests)


def hash_of(entry: Any) -> str:
    """The sha256 (hex) of an entry's canonical bytes."""
    return hashlib.sha256(canonical_bytes(entry)).hexdigest()


def digests_of(entry: Any) -> str:
    """The first eight hex digits of the sha256 of each column's canonical JSON, one after the other."""
    return _digests(_columns(entry))


def _digests(columns: Sequence[str]) -> str:
    return "".join(hashlib.sha256(column.encode()).hexdigest()[:DIGEST_LENGTH] for column in columns)


@contextmanager
def governed() -> Iterator[None]:
    """The transaction of one governed change: it holds the ledger's lock from its first statement on.

    Every change takes this lock before any row's, so that no two wait for each other in a ring, and what is
    read inside is what is changed. May be nested.
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
    columns = _columns(entry)
    entry.digests = _digests(columns)
    entry.hash = hashlib.sha256(_whole(columns, previous_hash, entry.digests)).hexdigest()
    return entry


class _Lock(threading.local):
    """Whether this thread, and so its connection, is inside of ``governed``: the lock is held to the end of it at least.

    A savepoint that is rolled back gives up the locks taken behind it; those of ``governed`` were taken before.
    """

    is_held = False


_lock = _Lock()


def _lock_the_end() -> None:
    """One writer at a time, asked for once. SQLite's transactions are IMMEDIATE: the lock is held already."""
    if connection.vendor == "postgresql" and not _lock.is_held:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [POSTGRESQL_LOCK])


class _Row(NamedTuple):
    """What is read of a row to verify it, under the names that an instance has."""

    sequence: int
    recorded_at: datetime | str
    actor: str
    action: str
    subject: str
    subject_title: str
    reason: str
    release: str
    changes: Any
    previous_hash: str
    digests: str
    hash: str


class _AsStored(Func):
    """A time as the database gives it: on SQLite the text itself, of which nobody has made a time yet."""

    template = "%(expressions)s"
    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        """A plus changes nothing, but what it gives has no declared type that the driver would convert."""
        return self.as_sql(compiler, connection, template="+%(expressions)s", **extra)


def verify() -> Verification:
    """Walk the chain from the first row and stop at the first that does not hold, or cannot be read at all."""
    # Plain tuples with names: a model's instance for each row would take longer than all of the hashing.
    rows = ChangeLogEntry.objects.order_by("sequence").annotate(stored_at=_AsStored("recorded_at"))
    tuples = rows.values_list(*("stored_at" if name == "recorded_at" else name for name in _Row._fields))
    found = verify_entries(map(_Row._make, tuples.iterator(chunk_size=VERIFY_CHUNK)))
    if found.column != UNREADABLE:
        return found
    # Many rows are fetched at once: one by one tells which of them it is.
    singly = map(_Row._make, _one_by_one(tuples, start=found.count + 1))
    return verify_entries(singly, expected=found.count + 1, previous_hash=found.last_hash)


def _one_by_one(tuples: Any, *, start: int) -> Iterator[tuple[Any, ...]]:
    while row := tuples.filter(sequence__gte=start).first():
        yield row
        start = row[0] + 1


def verify_entries(entries: Iterator[Any], *, expected: int = 1, previous_hash: str = GENESIS) -> Verification:
    """The same for entries from anywhere, in the order of their sequence: instances, or tuples with the fields' names.

    :param expected: the number of the first of them; with it, the hash of the one before.
    """
    while True:
        try:
            entry = next(entries, None)
        except Exception as error:  # whatever it is: a chain that cannot be read is not whole
            return Verification(expected - 1, previous_hash, expected, UNREADABLE, f"cannot be read: {error}")
        if entry is None:
            break
        column, problem = _problem_with(entry, expected=expected, previous_hash=previous_hash)
        if problem:
            return Verification(expected - 1, previous_hash, entry.sequence, column, problem)
        expected, previous_hash = expected + 1, entry.hash
    return Verification(expected - 1, previous_hash)


def _problem_with(entry: Any, *, expected: int, previous_hash: str) -> tuple[str, str]:
    """The column and what is wrong with it; two empty texts when nothing is."""
    if entry.sequence != expected:
        missing = entry.sequence - expected
        return "sequence", f"expected {expected}, so {missing} row(s) are missing"
    try:
        is_itself = hash_of(entry) == entry.hash
    except Exception:  # half a surrogate pair, NaN, a time that is none: no row of ours ever held one
        is_itself = False
    if not is_itself:
        return _altered_column(entry, previous_hash), "is not what it was when the row was written"
    if entry.previous_hash != previous_hash:
        return (
            "previous_hash",
            "is not the hash of the row before: rows were exchanged, or the chain was made anew from here",
        )
    return "", ""


def _altered_column(entry: Any, previous_hash: str) -> str:
    """Which column of a row was altered, as its digests tell."""
    if entry.previous_hash != previous_hash:
        return "previous_hash"
    try:
        now = digests_of(entry)
    except Exception:  # see above
        return "changes"
    if not entry.digests:
        return "digests" if _hash_with(entry, now) == entry.hash else "a column"
    if len(now) != len(entry.digests):
        return "digests"
    steps = range(0, len(now), DIGEST_LENGTH)
    altered = [
        name
        for name, start in zip(DIGESTED_FIELDS, steps, strict=True)
        if now[start : start + DIGEST_LENGTH] != entry.digests[start : start + DIGEST_LENGTH]
    ]
    if not altered:
        return "hash"
    # One altered digest looks like one altered column. Put back the digest, and the hash tells which it was.
    return "digests" if _hash_with(entry, now) == entry.hash else ", ".join(altered)


def _hash_with(entry: Any, digests: str) -> str:
    return hash_of(ChangeLogEntry(**{name: getattr(entry, name) for name in HASHED_FIELDS}, digests=digests))
