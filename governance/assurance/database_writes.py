"""Find out whether the database accepts writes. If it does not, no readiness can be taken down.

A verdict writes nothing to find out: it asks the database and the file system. ``note_failure``
records a write that failed. From then on each question tries a write and rolls it back, until one
succeeds.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.contrib.sessions.models import Session
from django.db import DatabaseError, connection, transaction
from django.utils.crypto import get_random_string

from governance.ledger.high_water_mark import mark_path

# Below this, the next change may not fit: a downgrade with its ledger row takes about 20 kB.
MIN_FREE_BYTES = 1_000_000
# Longer than a page of SQLite, so that it needs a new one.
PROBE_CHARACTERS = 8_000
SQLITE_BUSY_MILLISECONDS = 1_000
SQLITE_CODES = frozenset(
    {sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}
)
SQLITE_PRIMARY_CODE = 0xFF
# read_only_sql_transaction, disk_full, io_error
POSTGRESQL_STATES = frozenset({"25006", "53100", "58030"})
# The answer is a key of ``_PROBLEMS`` if the connection accepts no writes, otherwise empty.
MODE_SQL = {
    "sqlite": "SELECT CASE query_only WHEN 0 THEN '' ELSE 'query only' END FROM pragma_query_only",
    "postgresql": "SELECT CASE WHEN pg_is_in_recovery() THEN 'standby'"
    " WHEN current_setting('transaction_read_only') = 'on' THEN 'read only' ELSE '' END",
}
_PROBLEMS = {
    "query only": "The database is open for reading alone.",
    "standby": "The database server is a standby: it takes no writes.",
    "read only": "The database server takes no writes from this account.",
}


@dataclass(slots=True)
class _Failed:
    """Whether a write of this process failed, with none that succeeded since."""

    lately: bool = False


_failed = _Failed()


def is_write_failure(error: BaseException | None) -> bool:
    """Return whether an error means that nothing can be written: a full or read-only disk."""
    while error is not None:
        if getattr(error, "sqlstate", None) in POSTGRESQL_STATES:
            return True
        code = getattr(error, "sqlite_errorcode", None)
        if code is not None and code & SQLITE_PRIMARY_CODE in SQLITE_CODES:
            return True
        error = error.__cause__
    return False


def note_failure() -> None:
    """Remember that a write failed.

    This process knows at once. Other processes of this host know by a file beside the high-water
    mark.
    """
    _failed.lately = True
    path = _note_path()
    if path is not None:
        with suppress(OSError):  # a full disk: each process finds out by itself then
            path.touch()


def write_problem(*, mode: str | None = None) -> str:
    """Return why nothing can be written; empty if nothing is wrong.

    It tries a write only if one failed earlier.

    :param mode: the answer of ``MODE_SQL``, if the caller has asked already.
    """
    problem = _PROBLEMS.get(_mode() if mode is None else mode, "")
    if not problem and connection.vendor == "sqlite":
        problem = _problem_of_sqlite()
    if problem or not _has_failed():
        return problem
    return try_to_write()


def try_to_write() -> str:
    """Write a row and roll it back. Return why it failed; empty if it succeeded."""
    try:
        with _no_long_wait(), transaction.atomic():
            Session.objects.create(
                session_key=get_random_string(40),
                session_data="x" * PROBE_CHARACTERS,
                expire_date=datetime(1970, 1, 1, tzinfo=UTC),
            )
            transaction.set_rollback(True)
    except DatabaseError as error:
        if _is_busy(error):
            return ""  # somebody else is writing
        note_failure()
        return f"A write to the database failed: {str(error).splitlines()[0]}."
    _forget()
    return ""


def _has_failed() -> bool:
    path = _note_path()
    return _failed.lately or (path is not None and path.exists())


def _forget() -> None:
    _failed.lately = False
    path = _note_path()
    if path is not None:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _note_path() -> Path | None:
    mark = mark_path()
    return None if mark is None else mark.with_name(f"{mark.name}.write_failed")


def _mode() -> str:
    with connection.cursor() as cursor:
        cursor.execute(MODE_SQL[connection.vendor])
        return str(cursor.fetchone()[0])


def _problem_of_sqlite() -> str:
    name = str(connection.settings_dict["NAME"])
    in_memory = ":memory:" in name or name.startswith("file:")
    return "" if in_memory else _problem_of_file(Path(name))


def _problem_of_file(file: Path) -> str:
    """Return why the file system does not let an SQLite file be written; empty if it does."""
    if not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)):
        return f"{file.name} or its folder cannot be written."
    if not hasattr(os, "statvfs"):  # Windows
        return ""
    disk = os.statvfs(file)
    if disk.f_flag & os.ST_RDONLY:
        return f"{file.name} is on a disk that is read-only."
    if disk.f_bavail * disk.f_frsize < MIN_FREE_BYTES:
        return f"The disk of {file.name} is full."
    return ""


@contextmanager
def _no_long_wait() -> Iterator[None]:
    """Wait at most one second for another writer: a probe must not hang behind an import."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        usual = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {SQLITE_BUSY_MILLISECONDS}")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {usual}")


def _is_busy(error: DatabaseError) -> bool:
    cause: Any = error.__cause__
    code = getattr(cause, "sqlite_errorcode", None)
    return code is not None and code & SQLITE_PRIMARY_CODE in (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
    )
