"""The high-water mark: the last ledger row that this host has verified, kept in a file.

A restored backup is consistent in itself, but lacks rows that the mark knows. The file also stores
the latest time that was seen, so that a clock that is set back is detected. The mark moves forward
only and never past a row that does not verify, so all rows up to the mark were verified once.
"""

import hashlib
import json
import logging
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

from django.conf import settings
from django.core.files import locks
from django.db import connection, transaction
from django.utils import timezone

from governance.ledger.acceptance import acceptance_of_loss, clock_acceptance_counts
from governance.ledger.canonical import hash_of
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from governance.ledger.verification import Verification, verify

logger = logging.getLogger(__name__)
FORMAT = "runbook-portal-high-water-mark/1"
MAX_BYTES = 10_000
# The latest time is written at most this often, so that a verdict rarely writes a file.
SEEN_EVERY = timedelta(minutes=5)
LOCK_ATTEMPTS, LOCK_PAUSE_SECONDS = 20, 0.05


class MarkUnreadable(Exception):
    """The file exists, but no mark can be read from it. The message states the reason."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The last ledger row that this host has verified.

    :ivar seen_at: the latest time that was seen (aware).
    :ivar made_anew_at: the time when the mark was created for a ledger that already had rows
        (aware), which no mark covers; None if the mark is as old as the ledger.
    """

    sequence: int
    hash: str
    seen_at: datetime
    made_anew_at: datetime | None = None


class Newest(NamedTuple):
    """The newest row of the ledger."""

    sequence: int
    hash: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Look:
    """The end of the ledger, compared with this host's mark.

    :ivar mark: the mark before this look; None if there is none.
    :ivar unreadable: why the mark cannot be read; empty if it can.
    :ivar newest: the newest row; None if the ledger is empty.
    :ivar reached: sequence and hash of the row up to which the ledger is verified.
    :ivar verified: the verification of the rows after the mark; None if there were none.
    :ivar is_restored: the ledger lacks the mark's row, or has another row in its place.
    :ivar is_settled: a person has accepted the loss of the mark's row.
    """

    mark: Mark | None = None
    unreadable: str = ""
    newest: Newest | None = None
    reached: tuple[int, str] | None = None
    verified: Verification | None = None
    is_restored: bool = False
    is_settled: bool = False


def mark_path() -> Path | None:
    """Return the path of this host's mark, or None if no mark is kept.

    ``LEDGER_MARK`` names the file. By default it is beside the file of an SQLite database, and
    under ``var/`` for PostgreSQL, with a distinct name for each database. There is no mark for a
    database in memory, or if the setting is None (tests).
    """
    if settings.LEDGER_MARK is None:
        return None
    if settings.LEDGER_MARK:
        return Path(settings.LEDGER_MARK)
    database = connection.settings_dict
    name = str(database["NAME"])
    if connection.vendor == "sqlite":
        in_memory = ":memory:" in name or "mode=memory" in name
        return None if in_memory else Path(f"{name}.high_water_mark.json").absolute()
    identity = f"{database.get('HOST')}:{database.get('PORT')}/{name}"
    readable = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:60]
    digest = hashlib.sha256(identity.encode()).hexdigest()[:8]
    return Path(settings.VAR_DIR) / f"high_water_mark-{readable}-{digest}.json"


def read_mark() -> Mark | None:
    """Return this host's mark, or None if there is none.

    :raises MarkUnreadable: the file cannot be read or does not contain a mark.
    """
    path = mark_path()
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            return _parsed(file.read(MAX_BYTES))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MarkUnreadable(f"{path.name} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise MarkUnreadable(f"{path.name} holds no high-water mark.") from error


def _parsed(content: bytes) -> Mark:
    values = json.loads(content)
    anew = values["made_anew_at"]
    mark = Mark(
        sequence=values["sequence"],
        hash=values["hash"],
        seen_at=_time(values["seen_at"]),
        made_anew_at=_time(anew) if anew is not None else None,
    )
    is_one = (
        type(mark.sequence) is int and isinstance(mark.hash, str) and values["format"] == FORMAT
    )
    if not is_one or not 0 < mark.sequence < 2**63:
        raise ValueError("this is no mark")
    return mark


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without a time zone")
    return moment


def look() -> Look:
    """Compare the end of the ledger with the mark.

    Without new rows since the mark, this reads one small row.
    """
    newest = _newest()
    try:
        mark = read_mark()
    except MarkUnreadable as error:
        return Look(unreadable=str(error), newest=newest)
    if mark is None:
        return Look(newest=newest)
    if newest is not None and (newest.sequence, newest.hash) == (mark.sequence, mark.hash):
        return Look(mark, newest=newest, reached=(mark.sequence, mark.hash))
    row = (
        ChangeLogEntry.objects.filter(sequence=mark.sequence).values_list("hash", flat=True).first()
    )
    if row == mark.hash:
        return _look_on(Look(mark, newest=newest), mark.sequence, mark.hash)
    accepted = acceptance_of_loss(mark.hash)
    if accepted is None:
        return Look(mark, newest=newest, is_restored=True)
    entry = ChangeLogEntry.objects.get(sequence=accepted)
    settled = Look(mark, newest=newest, is_settled=True)
    return _look_on(settled, accepted, entry.hash if hash_of(entry) == entry.hash else "")


def _look_on(found: Look, sequence: int, digest: str) -> Look:
    """Verify the rows after a known row."""
    verified = verify(expected=sequence + 1, previous_hash=digest)
    return replace(found, verified=verified, reached=(verified.count, verified.last_hash))


def _newest() -> Newest | None:
    """Return the newest row.

    Reads no columns that are not needed, because a forged value in them must not stop the check.
    """
    rows = ChangeLogEntry.objects.order_by("-sequence").values_list(*Newest._fields)
    row = rows.first()
    return Newest(*row) if row else None


def follow(found: Look, *, is_new: bool = False, at: datetime | None = None) -> None:
    """Move this host's mark to the last verified row, and store the time.

    If there is no mark, one is created for the ledger as it is. A failed write has no other effect:
    ``write_problem`` reports it, and the next call tries again.

    :param found: the result of a ``look`` just before.
    :param is_new: the ledger has just received its first row.
    :param at: now (aware).
    """
    path = mark_path()
    if path is None or found.unreadable or found.is_restored or found.newest is None:
        return
    if connection.in_atomic_block and _is_behind(found):
        # The mark must not move before the commit. Without this, calls inside a transaction
        # (``portal.database_deadline``) would verify more rows each time.
        follow_after_commit(is_new=False)
    wanted = _wanted(found, is_new=is_new, at=at or timezone.now())
    if wanted is None or wanted == found.mark:
        return
    try:
        with _locked(path):
            _replace(path, found, wanted)
    except (OSError, MarkUnreadable) as error:
        logger.warning("The high-water mark could not be written: %s", error)


def _is_behind(found: Look) -> bool:
    """Return whether there is no mark, or the last verified row is not that of the mark."""
    mark = found.mark
    return mark is None or found.reached not in (None, (mark.sequence, mark.hash))


def _wanted(found: Look, *, is_new: bool, at: datetime) -> Mark | None:
    """Return the mark to store, or None if there is none and none can be created now."""
    mark, newest = found.mark, found.newest
    # Uncommitted rows may be rolled back.
    if connection.in_atomic_block:
        return replace(mark, seen_at=_seen(mark, at)) if mark else None
    if mark is None:
        if newest is None:
            return None
        return Mark(newest.sequence, newest.hash, seen_at=at, made_anew_at=None if is_new else at)
    sequence, digest = found.reached or (mark.sequence, mark.hash)
    seen_at = at if sequence > mark.sequence and _is_corrected(mark, sequence) else _seen(mark, at)
    return replace(mark, sequence=sequence, hash=digest, seen_at=seen_at)


def _is_corrected(mark: Mark, sequence: int) -> bool:
    """Return whether a row after the mark accepts that the mark's time is wrong.

    :param sequence: the last row to consider.
    """
    accepted = ChangeLogEntry.objects.filter(
        action=Action.CLOCK_ACCEPTED, sequence__gt=mark.sequence, sequence__lte=sequence
    )
    row = accepted.order_by("-sequence").values_list("sequence", flat=True).first()
    return row is not None and clock_acceptance_counts(row, latest=mark.seen_at)


def _seen(mark: Mark, at: datetime) -> datetime:
    return at if at - mark.seen_at > SEEN_EVERY else mark.seen_at


def _replace(path: Path, found: Look, wanted: Mark) -> None:
    """Write the mark, unless another process has moved it further meanwhile."""
    standing = read_mark()
    if standing != found.mark:
        if standing is None or standing.sequence >= wanted.sequence or found.is_settled:
            return
        seen_at = max(standing.seen_at, wanted.seen_at)
        wanted = replace(wanted, made_anew_at=standing.made_anew_at, seen_at=seen_at)
    _write(path, wanted)


def _write(path: Path, mark: Mark) -> None:
    values: dict[str, Any] = {
        "format": FORMAT,
        "sequence": mark.sequence,
        "hash": mark.hash,
        "seen_at": mark.seen_at.isoformat(),
        "made_anew_at": mark.made_anew_at.isoformat() if mark.made_anew_at else None,
    }
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with draft.open("w", encoding="ascii") as file:
            file.write(json.dumps(values, indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)  # atomic: readers see the old file or the new one
        _sync_folder(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make the new name survive a loss of power, if the operating system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock of the mark's file.

    :raises OSError: another process still holds the lock after ``LOCK_ATTEMPTS``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _lock_file(path) as file:
        for _ in range(LOCK_ATTEMPTS):
            if locks.lock(file, locks.LOCK_EX | locks.LOCK_NB):
                break
            time.sleep(LOCK_PAUSE_SECONDS)
        else:
            raise OSError(f"{file.name} is locked by another process")
        try:
            yield
        finally:
            locks.unlock(file)


def _lock_file(path: Path) -> IO[Any]:
    """Open the lock file, read-only if it belongs to the account that runs the migrations."""
    lock = path.with_name(f".{path.name}.lock")
    try:
        return lock.open("a")
    except PermissionError:
        return lock.open()


def write_problem() -> str:
    """Return why this host's mark cannot be written; empty if it can, or if no mark is kept."""
    path = mark_path()
    if path is None:
        return ""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.touch()
        draft.unlink()
    except OSError as error:
        return f"The high-water mark {path.name} cannot be written: {error.strerror}."
    return ""


def follow_after_commit(*, is_new: bool) -> None:
    """Move the mark after this transaction has committed. Repeated calls have no further effect.

    :param is_new: the transaction writes the ledger's first row.
    """
    waiting = any(
        getattr(each[1], "func", None) is _follow_committed for each in connection.run_on_commit
    )
    if mark_path() is not None and not waiting:
        # Robust: an error in the mark must not affect a change that is already committed.
        transaction.on_commit(partial(_follow_committed, is_new=is_new), robust=True)


def _follow_committed(*, is_new: bool) -> None:
    follow(look(), is_new=is_new)
