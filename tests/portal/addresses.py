"""Every address of the portal, walked from the resolver, so that no test can forget a new one."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver, reverse


@dataclass(frozen=True)
class Route:
    """One pattern of the URLconf: its full name (may be empty) and the parameters that it takes."""

    name: str
    namespaces: tuple[str, ...]
    parameters: frozenset[str]
    callback: object

    def __str__(self) -> str:
        name = self.name or getattr(self.callback, "__name__", self.callback)
        return f"{name}({','.join(sorted(self.parameters))})"

    @property
    def is_api(self) -> bool:
        """Whether a view of the REST framework answers."""
        return hasattr(self.callback, "cls")

    def address(self, values: dict[str, dict[str, object]]) -> str:
        """The path, with parameters from ``values`` under the route's name, or under ``""``."""
        given = {**values.get("", {}), **values.get(self.name, {})}
        return reverse(self.name, kwargs={name: given[name] for name in self.parameters})


def every_route() -> list[Route]:
    """Every pattern, in the order of the URLconf."""
    return list(_walk(get_resolver().url_patterns, (), frozenset()))


def _walk(
    patterns: list, namespaces: tuple[str, ...], parameters: frozenset[str]
) -> Iterator[Route]:
    for pattern in patterns:
        taken = parameters | set(pattern.pattern.regex.groupindex)
        if isinstance(pattern, URLResolver):
            inner = (*namespaces, pattern.namespace) if pattern.namespace else namespaces
            yield from _walk(pattern.url_patterns, inner, taken)
        elif isinstance(pattern, URLPattern):
            name = ":".join((*namespaces, pattern.name)) if pattern.name else ""
            yield Route(name, namespaces, frozenset(taken), pattern.callback)
