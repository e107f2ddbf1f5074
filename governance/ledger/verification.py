"""Verify the chain: check that every row is unchanged since it was written."""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Func, TextField

from governance.ledger.acceptance import Break, accepted_breaks, stored_sha256
from governance.ledger.canonical import (
    DIGEST_LENGTH,
    DIGESTED_FIELDS,
    GENESIS,
    HASHED_FIELDS,
    digests_of,
    hash_of,
)
from governance.ledger.models import ChangeLogEntry
from governance.ledger.stored_json import Misspelled, read_stored

UNREADABLE = "(the whole row)"
TEXTS = ("actor", "action", "subject", "subject_title", "reason", "release", "digests", "hash")
VERIFY_CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of ``verify``.

    :ivar count: the sequence of the last valid row.
    :ivar last_hash: the hash of the last valid row.
    :ivar bad_sequence: the first invalid row; None if the chain is valid.
    :ivar column: the altered column of that row; empty if the chain is valid.
    :ivar problem: what is wrong with it; empty if the chain is valid.
    :ivar accepted: the invalid rows that a person has accepted as they are.
    """

    count: int
    last_hash: str
    bad_sequence: int | None = None
    column: str = ""
    problem: str = ""
    accepted: tuple[int, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Return whether every row is unchanged since it was written."""
        return self.bad_sequence is None

    @property
    def sentence(self) -> str:
        """Return the problem as a sentence for people; empty if there is none."""
        if self.is_whole:
            return ""
        return (
            f"The ledger is broken at row {self.bad_sequence}, column {self.column}: "
            f"{self.problem}."
        )


class StoredRow(NamedTuple):
    """The columns that verification reads, with the names of the model's attributes."""

    changes: Any
    sequence: int
    recorded_at: datetime | str
    actor: str
    action: str
    subject: str
    subject_title: str
    reason: str
    release: str
    previous_hash: str
    digests: str
    hash: str


class AsStored(Func):
    """A column as the database returns it, without Django's conversion.

    On SQLite a time or a JSON value is the stored text.
    """

    template = "%(expressions)s"
    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        """Prefix the column with a plus, so that SQLite's driver does not convert it.

        The unary plus does not change the value, but its result has no declared type.
        """
        return self.as_sql(compiler, connection, template="+%(expressions)s", **extra)


def verify(
    *,
    expected: int = 1,
    previous_hash: str = GENESIS,
    accepted: Container[Break] | None = None,
    after: Verification | None = None,
) -> Verification:
    """Walk the chain and stop at the first row that is invalid or cannot be read.

    A break that a person has accepted is skipped if it is unchanged since then.

    :param expected: the sequence of the first row to verify.
    :param previous_hash: the hash of the row before.
    :param accepted: the accepted breaks; by default those in the ledger.
    :param after: an earlier verification, made without the ledger's lock. Only the rows after it
        are verified, so that the lock is held only for those.
    """
    passed: list[int] = []
    if after is not None:
        if not after.is_whole:
            return after
        expected, previous_hash, passed = after.count + 1, after.last_hash, list(after.accepted)
    found = _walk(expected, previous_hash)
    while found.bad_sequence is not None:
        accepted = accepted_breaks() if accepted is None else accepted
        if break_found(found) not in accepted:
            break
        passed.append(found.bad_sequence)
        found = _walk(found.bad_sequence + 1, _stored_hash(found.bad_sequence))
    return replace(found, accepted=tuple(passed))


def break_found(found: Verification) -> Break:
    """Return the break at which a verification stopped."""
    sequence = found.bad_sequence or 0
    return Break(sequence, found.count + 1, found.last_hash, stored_sha256(sequence))


def _stored_hash(sequence: int) -> str:
    return ChangeLogEntry.objects.filter(sequence=sequence).values_list("hash", flat=True).get()


def verify_row(sequence: int) -> Verification:
    """Verify one row and its link to the row before, ignoring acceptances."""
    before = (
        ChangeLogEntry.objects.filter(sequence=sequence - 1).values_list("hash", flat=True).first()
    )
    rows = _parsed(_stored_rows(sequence=sequence).iterator())
    return verify_entries(
        rows, expected=sequence, previous_hash=GENESIS if sequence == 1 else before or ""
    )


def _walk(expected: int, previous_hash: str) -> Verification:
    """Walk the chain from one row on, ignoring acceptances."""
    tuples = _stored_rows(sequence__gte=expected)
    found = verify_entries(
        _parsed(tuples.iterator(chunk_size=VERIFY_CHUNK)),
        expected=expected,
        previous_hash=previous_hash,
    )
    if found.column != UNREADABLE:
        return found
    # An error in a bulk read does not tell which row caused it; reading row by row does.
    singly = _parsed(_one_by_one(tuples, start=found.count + 1))
    found = verify_entries(singly, expected=found.count + 1, previous_hash=found.last_hash)
    if found.column != UNREADABLE:
        return found
    unread = ChangeLogEntry.objects.filter(sequence__gt=found.count).order_by("sequence")
    return replace(found, bad_sequence=unread.values_list("sequence", flat=True).first())


def _stored_rows(**wanted: Any) -> Any:
    """Return a query for the rows that match, ordered by sequence, as plain tuples.

    Creating a model instance for each row would take longer than all the hashing.
    """
    rows = ChangeLogEntry.objects.filter(**wanted).order_by("sequence")
    rows = rows.annotate(stored_at=AsStored("recorded_at"), stored_changes=AsStored("changes"))
    stored = {"recorded_at": "stored_at", "changes": "stored_changes"}
    return rows.values_list(*(stored.get(name, name) for name in StoredRow._fields))


def _parsed(tuples: Iterable[tuple[Any, ...]]) -> Iterator[StoredRow]:
    """Yield stored rows with ``changes`` read from the stored text (``stored_json``)."""
    as_written = connection.vendor == "sqlite"
    for row in tuples:
        yield StoredRow(read_stored(row[0], as_written=as_written), *row[1:])


def _one_by_one(tuples: Any, *, start: int) -> Iterator[tuple[Any, ...]]:
    """Yield the rows from a sequence on, each read by its own query."""
    while row := tuples.filter(sequence__gte=start).first():
        yield row
        start = row[StoredRow._fields.index("sequence")] + 1


def verify_entries(
    entries: Iterator[Any], *, expected: int = 1, previous_hash: str = GENESIS
) -> Verification:
    """Verify entries from any source, in the order of their sequence.

    :param entries: model instances, or tuples with the names of the fields.
    :param expected: the sequence of the first entry.
    :param previous_hash: the hash of the entry before.
    """
    while True:
        try:
            entry = next(entries, None)
        except Exception as error:  # any error: a chain that cannot be read is not valid
            return Verification(
                expected - 1, previous_hash, expected, UNREADABLE, f"cannot be read: {error}"
            )
        if entry is None:
            break
        column, problem = _problem_with(entry, expected=expected, previous_hash=previous_hash)
        if problem:
            return Verification(expected - 1, previous_hash, entry.sequence, column, problem)
        expected, previous_hash = expected + 1, entry.hash
    return Verification(expected - 1, previous_hash)


def _problem_with(entry: Any, *, expected: int, previous_hash: str) -> tuple[str, str]:
    """Return the invalid column and its problem; two empty strings if the entry is valid."""
    if type(entry.sequence) is not int:  # SQLite can store text or bytes in a numeric column
        return "sequence", "is not a whole number"
    if entry.sequence != expected:
        missing = entry.sequence - expected
        return "sequence", f"expected {expected}, so {missing} row(s) are missing"
    try:
        hash_matches = hash_of(entry) == entry.hash
    # Half a surrogate pair, NaN, an invalid time: the portal never writes such a row.
    except Exception:
        hash_matches = False
    if not hash_matches:
        if isinstance(entry.changes, Misspelled):
            return "changes", entry.changes.problem
        return _altered_column(entry, previous_hash), "is not what it was when the row was written"
    if entry.previous_hash != previous_hash:
        return (
            "previous_hash",
            (
                "is not the hash of the row before: rows were exchanged, or the chain was made "
                "anew from here"
            ),
        )
    return "", ""


def _altered_column(entry: Any, previous_hash: str) -> str:
    """Return the column of a row that was altered, according to its digests."""
    # SQLite can store bytes in a text column.
    if bytes_in := next((name for name in TEXTS if not isinstance(getattr(entry, name), str)), ""):
        return bytes_in
    if entry.previous_hash != previous_hash:
        return "previous_hash"
    try:
        now = digests_of(entry)
    except Exception:  # as in ``_problem_with``: the portal never writes such a row
        return "changes"
    if not entry.digests:
        return "digests" if _hash_with(entry, now) == entry.hash else "a column"
    return _column_by_digest(entry, now)


def _column_by_digest(entry: Any, now: str) -> str:
    """Return the names of the columns whose digests have changed."""
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
    # An altered digest looks like an altered column. If the hash matches with the recomputed
    # digests, the digest itself was altered.
    return "digests" if _hash_with(entry, now) == entry.hash else ", ".join(altered)


def _hash_with(entry: Any, digests: str) -> str:
    return hash_of(
        ChangeLogEntry(**{name: getattr(entry, name) for name in HASHED_FIELDS}, digests=digests)
    )
