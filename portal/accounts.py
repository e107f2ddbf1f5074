"""Who may come in: the sign-in backend and the right to read."""

from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend

# Accounts whose passwords were printed on a screen. They exist in a demo alone.
DEMO_GROUP = "Demo people"
LONGEST_NAME = 150


class PortalBackend(ModelBackend):
    """Django's own backend, save that demo people are let in by a demo alone."""

    def authenticate(self, request: Any, username: Any = None, password: Any = None, **credentials: Any) -> Any:
        """Nobody's name holds a null byte, and PostgreSQL fails when it is asked for one."""
        if "\x00" in str(username):
            return None
        return super().authenticate(request, username=username, password=password, **credentials)

    def user_can_authenticate(self, user: Any) -> bool:
        """Whether the account may sign in, or stay signed in, now."""
        if not super().user_can_authenticate(user):
            return False
        return settings.PORTAL_DEMO or not user.groups.filter(name=DEMO_GROUP).exists()


def tried_name(request: Any, credentials: Any = None) -> str:
    """The name that somebody tried to sign in with, as failed sign-ins are counted under it.

    Without null bytes, which PostgreSQL cannot store, and no longer than any name can be.
    """
    given = (credentials or {}).get("username") or request.POST.get("username", "")
    return str(given).replace("\x00", "\ufffd")[:LONGEST_NAME]


def may_read(user: Any) -> bool:
    """Whether this visitor may read pages and API: everybody where ``PORTAL_READ`` is public, else who has signed in."""
    return settings.PORTAL_READ == "public" or bool(user and user.is_authenticated)
