"""Read a stored JSON cell only where SQL and Python read the same value from it. Pure.

SQLite keeps JSON as the text that was written. Of ``{"request": 1, "request": 2}`` its functions
take the first value and Python the last (RFC 8259 leaves it open); it finds no key that is spelled
with an escape. PostgreSQL's ``jsonb`` stores the value and not the text.
"""

import json
from typing import Any

DUPLICATE = "names a key twice: SQL reads one value and Python another"
NOT_WHOLE = "holds a number that is not whole"
OTHERWISE = "is the same value in another spelling than the portal writes"
NOT_TEXT = "is stored as bytes, not as text"
NOT_JSON = "is not JSON that can be read"


class Misspelled:
    """Stands in for a value that must not be read; ``problem`` completes a sentence about its column."""

    __slots__ = ("problem",)

    def __init__(self, problem: str) -> None:
        self.problem = problem


class _Refused(ValueError):
    """A key that is named twice, or a number that is not whole."""


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _Refused(DUPLICATE)
    return members


def _refuse_number(text: str) -> Any:
    raise _Refused(NOT_WHOLE)


# Made once: ``json.loads`` and ``json.dumps`` with options make them anew for each cell.
_read = json.JSONDecoder(
    object_pairs_hook=_members, parse_float=_refuse_number, parse_constant=_refuse_number
).raw_decode
# As Django's JSONField writes it.
_written = json.JSONEncoder().encode


def read_stored(text: Any, *, as_written: bool) -> Any:
    """Return the value of a stored JSON cell, or a ``Misspelled`` that says why it must not be read.

    :param text: what the database returned, unconverted.
    :param as_written: whether the database keeps the text as it was written (SQLite).
    """
    if type(text) is not str:
        return Misspelled(NOT_TEXT)
    try:
        value, end = _read(text)
        # Without an escape there is one spelling of each name and text.
        if end == len(text) and ("\\" not in text or not as_written or _written(value) == text):
            return value
    except _Refused as refused:
        return Misspelled(str(refused))
    except (ValueError, RecursionError):
        return Misspelled(NOT_JSON)
    return Misspelled(OTHERWISE if end == len(text) else NOT_JSON)
