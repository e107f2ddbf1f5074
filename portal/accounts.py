"""The sign-in backend and the permission to read."""

from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, User
from django.db.models import Exists, OuterRef

# Accounts whose passwords were printed on a screen. They are only accepted in a demo.
DEMO_GROUP = "Demo people"
MAX_NAME_LENGTH = 150
IS_DEMO_PERSON = "is_demo_person"  # the attribute that caches the answer on an account


class PortalBackend(ModelBackend):
    """Django's own backend, except that demo accounts are only accepted in a demo."""

    def authenticate(
        self, request: Any, username: Any = None, password: Any = None, **credentials: Any
    ) -> Any:
        """Authenticate, but refuse names with null bytes, for which PostgreSQL raises an error."""
        if "\x00" in str(username):
            return None
        return super().authenticate(request, username=username, password=password, **credentials)

    def user_can_authenticate(self, user: Any) -> bool:
        """Return whether the account may sign in, or stay signed in, now."""
        if not super().user_can_authenticate(user):
            return False
        if settings.PORTAL_DEMO:
            return True
        known = user.__dict__.get(IS_DEMO_PERSON)
        return not (user.groups.filter(name=DEMO_GROUP).exists() if known is None else known)

    def get_user(self, user_id: Any) -> User | None:
        """Return the account of a session, read with its demo mark in one query.

        None if it may not stay signed in.
        """
        demo = Exists(Group.objects.filter(user=OuterRef("pk"), name=DEMO_GROUP))
        user = User.objects.annotate(**{IS_DEMO_PERSON: demo}).filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None


def tried_name(request: Any, credentials: Any = None) -> str:
    """Return the name of a sign-in attempt, under which failures are counted.

    Null bytes, which PostgreSQL cannot store, are replaced, and the name is truncated to the
    maximum length.
    """
    given = (credentials or {}).get("username") or request.POST.get("username", "")
    return str(given).replace("\x00", "\ufffd")[:MAX_NAME_LENGTH]


def may_read(user: Any) -> bool:
    """Return whether this visitor may read pages and API.

    Everyone may if ``PORTAL_READ`` is public, otherwise all who are signed in.
    """
    return settings.PORTAL_READ == "public" or bool(user and user.is_authenticated)
