"""Filters that refuse unknown parameters."""

from typing import Any

from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

# Parameters that filter nothing.
PLAIN = frozenset({"format", "page", "page_size"})


class StrictFilterBackend(DjangoFilterBackend):
    """Filters, and refuses a parameter that it does not know: a misspelt filter must not mean "everything"."""

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: Any
    ) -> QuerySet[Any]:
        """The filtered rows.

        :raises ValidationError: a value makes no sense, or a parameter is unknown; names the known
            ones.
        """
        is_list = view.action == "list"
        known = {"format"} | getattr(view, "parameters", frozenset())
        if is_list:  # one row is neither filtered nor paged
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
