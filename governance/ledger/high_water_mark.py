"""The high-water mark: how far this host has seen the ledger, kept in a file outside of the database.

A restored backup verifies in itself; the mark knows of rows that it lacks. The file also keeps the
latest time that was seen, so that a clock that is set back is noticed. It moves forward alone: a
row that does not verify is never passed, so everything up to the mark was verified once.
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
# The latest time is written down at most this often, so that a verdict rarely writes a file.
SEEN_EVERY = timedelta(minutes=5)
LOCK_ATTEMPTS, LOCK_PAUSE_SECONDS = 20, 0.05


class MarkUnreadable(Exception):
    """The file is there, but no mark can be read from it. The message says why."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far the ledger was seen.

    :ivar seen_at: the latest time that was seen (aware).
    :ivar made_anew_at: when the mark was taken of a ledger that had rows already (aware), which
        no mark vouches for; None where the mark is as old as the ledger.
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
    """What the end of the ledger looks like from this host's mark.

    :ivar mark: the mark as it was; None where there is none.
    :ivar unreadable: why the mark cannot be read; empty where it can.
    :ivar newest: the newest row; None where the ledger is empty.
    :ivar reached: the row up to which the ledger is verified, and its hash.
    :ivar verified: the verification of the rows after the mark; None where there were none.
    :ivar is_restored: the ledger lacks the mark's row, or has another in its place.
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
    """Return where the mark of this host's database is kept; None where none is kept.

    ``LEDGER_MARK`` names the file. Otherwise it lies beside the file of an SQLite database, and
    under ``var/`` for PostgreSQL, with a name of its own for each database. A database in memory
    has no mark, nor does one whose setting is None (tests).
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
    """Return this host's mark; None where there is none.

    :raises MarkUnreadable: the file cannot be read, or holds no mark.
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
    """Look at the end of the ledger. Reads one small row where nothing was added since the mark."""
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
    """Verify the rows behind one that is known."""
    verified = verify(expected=sequence + 1, previous_hash=digest)
    return replace(found, verified=verified, reached=(verified.count, verified.last_hash))


def _newest() -> Newest | None:
    """Return no more of the newest row than is needed: a forged one must not stop the alarm."""
    rows = ChangeLogEntry.objects.order_by("-sequence").values_list(*Newest._fields)
    row = rows.first()
    return Newest(*row) if row else None


def follow(found: Look, *, is_new: bool = False, at: datetime | None = None) -> None:
    """Move this host's mark to where the ledger is verified, and note the time.

    Where there is no mark, one is made of the ledger as it stands. A mark that cannot be written
    changes nothing else: ``write_problem`` tells, and the next call tries again.

    :param found: what ``look`` has found just now.
    :param is_new: the ledger has just got its first row.
    :param at: now (aware).
    """
    path = mark_path()
    if path is None or found.unreadable or found.is_restored or found.newest is None:
        return
    if connection.in_atomic_block and _is_behind(found):
        # Nothing may be written down before the commit, and whoever asks in a transaction each time
        # (``portal.database_deadline``) would verify more and more rows.
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
    """Whether there is no mark, or the ledger is verified up to another row than the mark's."""
    mark = found.mark
    return mark is None or found.reached not in (None, (mark.sequence, mark.hash))


def _wanted(found: Look, *, is_new: bool, at: datetime) -> Mark | None:
    """Return the mark that should stand; None where there is none and none can be taken now."""
    mark, newest = found.mark, found.newest
    # What is not committed yet may never be.
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
    """Whether a person has accepted that the mark's time is wrong, in a row behind it up to this one."""
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
        draft.replace(path)  # all of it, or the one before
        _sync_folder(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make the new name last through a loss of power, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock of the mark's file.

    :raises OSError: another process does not give it back; nobody waits for that long.
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
    """Open the file that is locked. It may belong to the account that migrates: reading is enough."""
    lock = path.with_name(f".{path.name}.lock")
    try:
        return lock.open("a")
    except PermissionError:
        return lock.open()


def write_problem() -> str:
    """Return why this host's mark cannot be written; empty where it can be, or none is kept."""
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
    """Once the rows of this transaction are committed, move the mark to them. Called once or often.

    :param is_new: the transaction writes the ledger's first row.
    """
    waiting = any(
        getattr(each[1], "func", None) is _follow_committed for each in connection.run_on_commit
    )
    if mark_path() is not None and not waiting:
        # Robust: what is committed stays committed, whatever happens to the mark.
        transaction.on_commit(partial(_follow_committed, is_new=is_new), robust=True)


def _follow_committed(*, is_new: bool) -> None:
    follow(look(), is_new=is_new)
