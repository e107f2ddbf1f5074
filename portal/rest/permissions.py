"""Who may read through the API."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from portal.accounts import may_read


class MayRead(BasePermission):
    """The API's side of ``may_read``."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether this visitor may read; no route of the API writes."""
        return may_read(request.user)
