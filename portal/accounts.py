"""Who may come in: the sign-in backend and the right to read."""

from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, User
from django.db.models import Exists, OuterRef

# Accounts whose passwords were printed on a screen. They exist in a demo alone.
DEMO_GROUP = "Demo people"
MAX_NAME_LENGTH = 150
IS_DEMO_PERSON = "is_demo_person"  # what an account that was read for a request brings along


class PortalBackend(ModelBackend):
    """Django's own backend, save that demo people are let in by a demo alone."""

    def authenticate(
        self, request: Any, username: Any = None, password: Any = None, **credentials: Any
    ) -> Any:
        """Nobody's name holds a null byte, and PostgreSQL fails when it is asked for one."""
        if "\x00" in str(username):
            return None
        return super().authenticate(request, username=username, password=password, **credentials)

    def user_can_authenticate(self, user: Any) -> bool:
        """Whether the account may sign in, or stay signed in, now."""
        if not super().user_can_authenticate(user):
            return False
        if settings.PORTAL_DEMO:
            return True
        known = user.__dict__.get(IS_DEMO_PERSON)
        return not (user.groups.filter(name=DEMO_GROUP).exists() if known is None else known)

    def get_user(self, user_id: Any) -> User | None:
        """The account of a session as it is now, read with its answer in one query; None where it may not stay signed in."""
        demo = Exists(Group.objects.filter(user=OuterRef("pk"), name=DEMO_GROUP))
        user = User.objects.annotate(**{IS_DEMO_PERSON: demo}).filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None


def tried_name(request: Any, credentials: Any = None) -> str:
    """The name that somebody tried to sign in with, as failed sign-ins are counted under it.

    Without null bytes, which PostgreSQL cannot store, and no longer than any name can be.
    """
    given = (credentials or {}).get("username") or request.POST.get("username", "")
    return str(given).replace("\x00", "\ufffd")[:MAX_NAME_LENGTH]


def may_read(user: Any) -> bool:
    """Whether this visitor may read pages and API: everybody where ``PORTAL_READ`` is public, else who has signed in."""
    return settings.PORTAL_READ == "public" or bool(user and user.is_authenticated)
