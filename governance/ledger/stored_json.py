"""Read a stored JSON value only if SQL and Python read the same value from it. Pure.

SQLite stores JSON as the written text. For ``{"request": 1, "request": 2}``, its functions return
the first value and Python the last (RFC 8259 permits both). They also do not find a key that is
written with an escape. PostgreSQL's ``jsonb`` stores the value and not the text.
"""

import json
from typing import Any

DUPLICATE = "names a key twice: SQL reads one value and Python another"
NOT_WHOLE = "holds a number that is not whole"
OTHERWISE = "is the same value in another spelling than the portal writes"
NOT_TEXT = "is stored as bytes, not as text"
NOT_JSON = "is not JSON that can be read"


class Misspelled:
    """A placeholder for a value that must not be read.

    :ivar problem: completes a sentence whose subject is the column.
    """

    __slots__ = ("problem",)

    def __init__(self, problem: str) -> None:
        self.problem = problem


class _Refused(ValueError):
    """The JSON has a duplicate key or a number that is not whole."""


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _Refused(DUPLICATE)
    return members


def _refuse_number(text: str) -> Any:
    raise _Refused(NOT_WHOLE)


# Created once: ``json.loads`` and ``json.dumps`` with options would create them for each value.
_read = json.JSONDecoder(
    object_pairs_hook=_members, parse_float=_refuse_number, parse_constant=_refuse_number
).raw_decode
# The form in which Django's JSONField writes it.
_written = json.JSONEncoder().encode


def read_stored(text: Any, *, as_written: bool) -> Any:
    """Return the value of stored JSON, or a ``Misspelled`` with the reason why it must not be read.

    :param text: the database's value, unconverted.
    :param as_written: whether the database stores the text as it was written (SQLite).
    """
    if type(text) is not str:
        return Misspelled(NOT_TEXT)
    try:
        value, end = _read(text)
        # Without an escape there is only one way to write each key and text.
        if end == len(text) and ("\\" not in text or not as_written or _written(value) == text):
            return value
    except _Refused as refused:
        return Misspelled(str(refused))
    except (ValueError, RecursionError):
        return Misspelled(NOT_JSON)
    return Misspelled(OTHERWISE if end == len(text) else NOT_JSON)
