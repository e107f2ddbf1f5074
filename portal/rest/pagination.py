"""Pagination of the API.

The ledger is paginated by sequence, so that no row is skipped or repeated while rows are added.
"""

from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination, PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

ROWS = 200
MAX_ROWS = 1000
MAX_NUMBER = 2**63 - 1
MAX_DIGITS = 19


class SequencePagination(BasePagination):
    """Pagination by sequence: ``?after=<sequence>&page_size=<n>``, in ascending order.

    ``after`` is exclusive. A page has 200 rows by default and at most 1,000.
    """

    parameters = frozenset({"after", "page_size"})

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """Return the next rows, and store whether there are more.

        :raises ValidationError: ``after`` or ``page_size`` is not a whole number within its limits.
        """
        self.request = request
        after = _whole_number(request, "after", default=0, least=0, most=MAX_NUMBER)
        size = _whole_number(request, "page_size", default=ROWS, least=1, most=MAX_ROWS)
        rows = list(queryset.filter(sequence__gt=after)[: size + 1])
        self.has_more = len(rows) > size
        rows = rows[:size]
        # Without new rows, the client asks from the same number again.
        self.last = rows[-1].sequence if rows else after
        return rows

    def get_paginated_response(self, data: Any) -> Response:
        """Return the page: ``next`` is null on the last one, ``last`` is the next ``after``."""
        link = (
            replace_query_param(self.request.build_absolute_uri(), "after", self.last)
            if self.has_more
            else None
        )
        return Response({"next": link, "last": self.last, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the OpenAPI schema of a page."""
        return {
            "type": "object",
            "required": ["next", "last", "results"],
            "properties": {
                "next": {"type": "string", "format": "uri", "nullable": True},
                "last": {"type": "integer"},
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Return the OpenAPI parameters ``after`` and ``page_size``."""
        return [
            {
                "name": "after",
                "in": "query",
                "required": False,
                "schema": {"type": "integer", "minimum": 0},
            },
            {
                "name": "page_size",
                "in": "query",
                "required": False,
                "schema": {"type": "integer", "minimum": 1, "maximum": MAX_ROWS},
            },
        ]


def _whole_number(request: Request, name: str, *, default: int, least: int, most: int) -> int:
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not (
        text.isascii()
        and text.isdecimal()
        and len(text) <= MAX_DIGITS
        and least <= int(text) <= most
    ):
        raise ValidationError({name: f"{name} is a whole number from {least} to {most}."})
    return int(text)


class PagePagination(PageNumberPagination):
    """Pagination by page number: ``?page=<n>&page_size=<n>``, by default 50 rows, at most 1,000."""

    page_size = 50
    max_page_size = 1000
    page_size_query_param = "page_size"
    parameters = frozenset({"page", "page_size"})
