"""What the REST framework's settings name: who may read, paging, and strict filters.

Apart from ``portal.api``, because the framework imports these while it is being imported itself.
"""

from typing import Any

from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import PageNumberPagination
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from portal.accounts import may_read


class MayRead(BasePermission):
    """The API's side of ``may_read``."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether this visitor may read; no route of the API writes."""
        return may_read(request.user)


class PagePagination(PageNumberPagination):
    """``?page=<n>&page_size=<n>``: 50 rows, at most 1,000."""

    page_size = 50
    max_page_size = 1000
    page_size_query_param = "page_size"
    parameters = frozenset({"page", "page_size"})


class StrictFilterBackend(DjangoFilterBackend):
    """Filters, and refuses a parameter that it does not know: a misspelt filter must not mean "everything"."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        """The filtered rows.

        :raises ValidationError: a value makes no sense, or a parameter is unknown; names the known ones.
        """
        is_list = view.action == "list"
        known = {"format"} | getattr(view, "parameters", frozenset())
        if is_list:  # one row is neither filtered nor paged
            filterset_class = self.get_filterset_class(view, queryset)
            known |= set(filterset_class.base_filters if filterset_class else ())
            known |= getattr(view.pagination_class, "parameters", frozenset())
        unknown = sorted(set(request.query_params) - known)
        if unknown:
            raise ValidationError({name: f"Unknown parameter. Known: {', '.join(sorted(known))}." for name in unknown})
        return super().filter_queryset(request, queryset, view) if is_list else queryset
