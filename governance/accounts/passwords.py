"""Ledger entries for password changes from any source, without the password.

After another person has set an account's password, the account must wait before it may sign
(``policy.SignOffSettings.cool_down``).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.utils.translation import ngettext

from governance import ledger
from governance.accounts.roles import OLD_CONFIRMED
from governance.accounts.signals import account_changed
from governance.ledger.choices import Action
from governance.ledger.snapshot import subject_of

_acting: ContextVar[HttpRequest | None] = ContextVar("acting", default=None)
_confirmed: ContextVar[bool] = ContextVar("confirmed", default=False)


@contextmanager
def acting(request: HttpRequest | None) -> Iterator[None]:
    """Attribute passwords that are set in this context to the user of the request."""
    token = _acting.set(request)
    try:
        yield
    finally:
        _acting.reset(token)


@contextmanager
def old_password_confirmed() -> Iterator[None]:
    """Record passwords that are set in this context as confirmed with the old password.

    An unattended session may be used by someone else. Without the old password, a change of one's
    own password is therefore treated like a change by another person.
    """
    token = _confirmed.set(True)
    try:
        yield
    finally:
        _confirmed.reset(token)


class ActingMiddleware:
    """Middleware that keeps the current request.

    Django's ``password_changed`` hook does not receive the user who changed the password.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Process the request."""
        with acting(request):
            return self.get_response(request)


class RecordedPassword:
    """A password validator that accepts every password and records changes.

    Django calls ``password_changed`` after every ``set_password`` and save.
    """

    def validate(self, password: str, user: object = None) -> None:
        """Accept every password."""

    def get_help_text(self) -> str:
        """Return the help text that a form shows below the field."""
        hours = settings.SIGNING_COOL_DOWN_HOURS
        return ngettext(
            "If you set another person's password, their account cannot sign for %(hours)s hour.",
            "If you set another person's password, their account cannot sign for %(hours)s hours.",
            hours,
        ) % {"hours": hours}

    def password_changed(self, password: str, user: object = None) -> None:
        """Record who set whose password, and whether the old one was confirmed."""
        if isinstance(user, User) and user.pk is not None:
            record_password(user, **{OLD_CONFIRMED: True} if _confirmed.get() else {})


def record_password(user: User, **facts: bool) -> None:
    """Record that the current actor set or removed an account's password."""
    with ledger.atomic():
        entry = ledger.append(
            ledger.Record(
                actor=_actor(),
                action=Action.PASSWORD_SET,
                subject=subject_of(user),
                subject_title=str(user),
                changes={name: {"before": None, "after": value} for name, value in facts.items()},
            )
        )
        account_changed.send(sender=User, entry=entry, account=user)


def _actor() -> ledger.Actor:
    request = _acting.get()
    user = getattr(request, "user", None)
    return user if isinstance(user, User) else ledger.SYSTEM
