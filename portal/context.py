"""What every template may use."""

from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest

from governance.signoff.access_changes import changes_to_settle
from governance.signoff.eligibility import awaiting


def portal(request: HttpRequest) -> dict[str, Any]:
    """Return whether this is the demo, and what waits for the reader.

    The two numbers are asked for where a template shows them, and once: ``awaiting_you`` requests
    to decide, and ``changes_awaiting_you`` to confirm or refuse.
    """
    user: User | AnonymousUser = getattr(request, "user", AnonymousUser())
    return {
        "portal_demo": settings.PORTAL_DEMO,
        "awaiting_you": cache(lambda: len(awaiting(user)) if user.is_authenticated else 0),
        "changes_awaiting_you": cache(
            lambda: len(changes_to_settle(user)) if user.is_authenticated else 0
        ),
    }
