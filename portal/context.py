"""What every template may use."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def portal(request: HttpRequest) -> dict[str, Any]:
    """Whether this is the demo."""
    return {"portal_demo": settings.PORTAL_DEMO}
