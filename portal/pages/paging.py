"""Pagination of the pages."""

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

ROWS_PER_PAGE = 50


def _page(request: HttpRequest, rows: QuerySet[Any]) -> Page[Any]:
    """Return the requested page.

    A number that is too high gives the last page; a value that is not a number gives the first.
    """
    return Paginator(rows, ROWS_PER_PAGE).get_page(request.GET.get("page"))
