"""Paging for the pages."""

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

ROWS_PER_PAGE = 50


def _page(request: HttpRequest, rows: QuerySet[Any]) -> Page[Any]:
    """The page that was asked for; the last one for a number too high, the first for what is no number."""
    return Paginator(rows, ROWS_PER_PAGE).get_page(request.GET.get("page"))
