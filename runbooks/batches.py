"""Batches of a list, for queries that take a limited number of values."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

# SQLite accepts at least 32,766 values in one query.
BATCH_SIZE = 5_000

T = TypeVar("T")


def batched(values: Sequence[T], size: int = BATCH_SIZE) -> Iterator[Sequence[T]]:
    """Yield slices of at most ``size`` values, in order.

    ``itertools`` provides this from Python 3.12 on.
    """
    return (values[start : start + size] for start in range(0, len(values), size))
