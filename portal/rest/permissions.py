"""Permission to read through the API."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from portal.accounts import may_read


class MayRead(BasePermission):
    """Permission that applies ``portal.accounts.may_read`` to the API."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return whether this visitor may read. No route of the API writes."""
        return may_read(request.user)
