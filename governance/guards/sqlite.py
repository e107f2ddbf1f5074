"""The guards as SQLite triggers."""

from collections.abc import Iterator
from functools import cache

from governance.guards.rules import GUARDS

LIST_SQL = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'guard\\_%' ESCAPE '\\'"


@cache
def expected() -> dict[str, str]:
    """The text of every trigger by name, as SQLite keeps it."""
    return {
        name: f"CREATE TRIGGER {name} {event} ON {table} FOR EACH ROW WHEN {_spelled(condition)}"
        f" BEGIN SELECT RAISE(ABORT, '{_quoted(message)}'); END"
        for name, event, table, condition, message in GUARDS
    }


def create_statements() -> Iterator[str]:
    """The statements that create all of them."""
    yield from expected().values()


def remove_statements() -> Iterator[str]:
    """The statements that remove all of them; harmless where there are none."""
    for name in expected():
        yield f"DROP TRIGGER IF EXISTS {name}"


def _quoted(message: str) -> str:
    return message.replace("'", "''")


def _spelled(condition: str) -> str:
    return condition.replace("!==", "IS NOT").replace("===", "IS")
