"""The paths of landscape files: a document may link to the file that the whole catalogue came from.

The catalogue does not keep it: whoever imports it registers how to look.
"""

from collections.abc import Callable, Iterable
from typing import Any

Lookup = Callable[[Iterable[str]], Any]

_lookup: list[Lookup] = []


def register(lookup: Lookup) -> None:
    """Look here from now on, in the place of what was registered before.

    :param lookup: takes paths, gives a queryset of rows of one column: those that are landscape
        files.
    """
    _lookup[:] = [lookup]


def landscape_files(paths: Iterable[str]) -> list[Any]:
    """The queryset of those of the paths that are landscape files, to be united with others; none where nobody registered."""
    return [lookup(paths) for lookup in _lookup]


def is_landscape_file(path: str) -> bool:
    """Whether an imported landscape lay at this path. One query."""
    return any(found.exists() for found in landscape_files([path]))
