"""The context processor of the portal."""

from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest

from governance.signoff.access_changes import changes_to_settle
from governance.signoff.eligibility import awaiting


def portal(request: HttpRequest) -> dict[str, Any]:
    """Return whether this is the demo, and functions that count what waits for the reader.

    ``awaiting_you`` counts the requests to decide, ``changes_awaiting_you`` the changes to confirm
    or refuse. They run their queries only when a template calls them, and only once.
    """
    user: User | AnonymousUser = getattr(request, "user", AnonymousUser())
    return {
        "portal_demo": settings.PORTAL_DEMO,
        "awaiting_you": cache(lambda: len(awaiting(user)) if user.is_authenticated else 0),
        "changes_awaiting_you": cache(
            lambda: len(changes_to_settle(user)) if user.is_authenticated else 0
        ),
    }
