"""Filters that refuse unknown parameters."""

from typing import Any

from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

# Parameters that do not filter.
PLAIN = frozenset({"format", "page", "page_size"})


class StrictFilterBackend(DjangoFilterBackend):
    """Filter backend that refuses unknown parameters.

    A misspelled filter must not return everything.
    """

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: Any
    ) -> QuerySet[Any]:
        """Return the filtered rows.

        :raises ValidationError: a value is invalid, or a parameter is unknown; the message names
            the known parameters.
        """
        is_list = view.action == "list"
        known = {"format"} | getattr(view, "parameters", frozenset())
        if is_list:  # a single row is neither filtered nor paginated
            filterset_class = self.get_filterset_class(view, queryset)
            known |= set(filterset_class.base_filters if filterset_class else ())
            known |= getattr(view.pagination_class, "parameters", frozenset())
        unknown = sorted(set(request.query_params) - known)
        if unknown:
            raise ValidationError(
                {name: f"Unknown parameter. Known: {', '.join(sorted(known))}." for name in unknown}
            )
        # Without a parameter there is nothing to filter by, and a form costs as much as the rows.
        if not is_list or set(request.query_params) <= PLAIN:
            return queryset
        return super().filter_queryset(request, queryset, view)
