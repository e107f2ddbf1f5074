"""A time limit for database queries that a machine waits for.

A stopped PostgreSQL server still accepts what is sent, and neither ``statement_timeout`` nor TCP's
own timers end the wait. A watcher thread therefore shuts down the connection's socket on this side
when the time is up.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, transaction

Answer = TypeVar("Answer")

# The total is below five seconds: one second to check a kept connection, ``CONNECT_TIMEOUT`` of
# ``portal.connection_urls`` to open another (both end before DEADLINE), and the time to answer.
DEADLINE = 4.2
HEALTH_CHECK_SECONDS = 1.0
# SQLite waits only for locks. Two consecutive waits stay below five seconds.
SQLITE_BUSY_SECONDS = 2
RETRY_SECONDS = 0.1


def within_deadline(answer: Callable[[], Answer]) -> Answer:
    """Return ``answer()``, which uses the default database for at most ``DEADLINE`` seconds.

    The limits apply only to this call; queries of other threads and processes are not cut off.

    :raises django.db.Error: the database cannot be reached, or the transaction cannot be ended.
    """
    if connections[DEFAULT_DB_ALIAS].vendor == "postgresql":
        return _on_postgresql(answer)
    return _on_sqlite(answer)


def _on_postgresql(answer: Callable[[], Answer]) -> Answer:
    wrapper = connections[DEFAULT_DB_ALIAS]
    with _cut_off_after(DEADLINE):
        if wrapper.in_atomic_block:
            return answer()
        _drop_dead_connection()
        # In a transaction, so that the limit ends with it, even behind a connection pooler.
        with transaction.atomic():
            with wrapper.cursor() as cursor:
                limit = f"{int(DEADLINE * 1000)}ms"
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [limit])
            return answer()


def _drop_dead_connection() -> None:
    """Close a kept connection that does not answer, so that the time left is spent on a new one."""
    wrapper: Any = connections[DEFAULT_DB_ALIAS]
    if wrapper.connection is None:
        return
    with _cut_off_after(HEALTH_CHECK_SECONDS):
        is_usable = wrapper.is_usable()
    if is_usable:
        wrapper.health_check_done = True
    else:
        wrapper.close()


@contextmanager
def _cut_off_after(seconds: float) -> Iterator[None]:
    """Shut the socket of this thread's connection if the block takes longer than ``seconds``."""
    done = threading.Event()
    arguments = (connections[DEFAULT_DB_ALIAS], done, seconds)
    watcher = threading.Thread(target=_watch, args=arguments, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()


def _watch(wrapper: Any, done: threading.Event, seconds: float) -> None:
    while not done.wait(seconds):
        _shut(wrapper.connection)
        seconds = RETRY_SECONDS  # a connection that was opened too late is shut too


def _shut(connection: Any) -> None:
    """Shut down the socket, which ends every wait on it with an error.

    The connection's owner closes it.
    """
    try:
        duplicate = socket.fromfd(connection.pgconn.socket, socket.AF_INET, socket.SOCK_STREAM)
        with duplicate:
            duplicate.shutdown(socket.SHUT_RDWR)
    except Exception:  # no connection, a closed one, or one that libpq is still opening
        return


def _on_sqlite(answer: Callable[[], Answer]) -> Answer:
    wrapper = connections[DEFAULT_DB_ALIAS]
    settings = wrapper.settings_dict
    options = settings["OPTIONS"]
    wrapper.settings_dict = {**settings, "OPTIONS": {**options, "timeout": SQLITE_BUSY_SECONDS}}
    try:
        wrapper.ensure_connection()
        _set_busy_timeout(wrapper, SQLITE_BUSY_SECONDS)
        return answer()
    finally:
        wrapper.settings_dict = settings
        if wrapper.connection is not None:
            _set_busy_timeout(wrapper, options.get("timeout", 5))


def _set_busy_timeout(wrapper: Any, seconds: float) -> None:
    wrapper.connection.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
