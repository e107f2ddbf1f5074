"""Walking the chain: is every row what it was when it was written?"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Func, TextField

from governance.ledger.canonical import DIGEST_LENGTH, DIGESTED_FIELDS, GENESIS, HASHED_FIELDS, digests_of, hash_of
from governance.models import ChangeLogEntry

UNREADABLE = "(the whole row)"
VERIFY_CHUNK = 2_000


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


class StoredRow(NamedTuple):
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


def verify(after: Verification | None = None) -> Verification:
    """Walk the chain from the first row and stop at the first that does not hold, or cannot be read at all.

    :param after: what was verified a moment ago, without the ledger's lock. Only the rows behind it are
        walked: so the lock is held for those alone.
    """
    if after is not None and not after.is_whole:
        return after
    done, last_hash = (after.count, after.last_hash) if after else (0, GENESIS)
    # Plain tuples with names: a model's instance for each row would take longer than all of the hashing.
    rows = (
        ChangeLogEntry.objects.filter(sequence__gt=done)
        .order_by("sequence")
        .annotate(stored_at=_AsStored("recorded_at"))
    )
    tuples = rows.values_list(*("stored_at" if name == "recorded_at" else name for name in StoredRow._fields))
    entries = map(StoredRow._make, tuples.iterator(chunk_size=VERIFY_CHUNK))
    found = verify_entries(entries, expected=done + 1, previous_hash=last_hash)
    if found.column != UNREADABLE:
        return found
    # Many rows are fetched at once: one by one tells which of them it is.
    singly = map(StoredRow._make, _one_by_one(tuples, start=found.count + 1))
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
