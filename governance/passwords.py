"""Who set a password: a row in the ledger, whichever door it came through, and never the password.

A password that somebody else set starts a waiting time before that account may sign (``policy.House.cool_down``).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from governance import ledger
from governance.choices import Action
from governance.facts import subject_of

_acting: ContextVar[HttpRequest | None] = ContextVar("acting", default=None)


@contextmanager
def acting(request: HttpRequest | None) -> Iterator[None]:
    """Passwords that are set inside are set by whoever is signed in at this request."""
    token = _acting.set(request)
    try:
        yield
    finally:
        _acting.reset(token)


class ActingMiddleware:
    """Remembers the request while it is answered: Django's hook for a set password does not say who set it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        with acting(request):
            return self.get_response(request)


class RecordedPassword:
    """A password validator that refuses nothing. Django calls ``password_changed`` after every ``set_password`` and save."""

    def validate(self, password: str, user: object = None) -> None:
        """Every password is fine."""

    def get_help_text(self) -> str:
        """What a form says below the field."""
        return _("Whoever sets another person's password starts a waiting time before that account may sign.")

    def password_changed(self, password: str, user: object = None) -> None:
        """Write the row: who set whose password."""
        if not isinstance(user, User) or user.pk is None:
            return
        with ledger.governed():
            ledger.append(
                ledger.Record(
                    actor=_actor(),
                    action=Action.PASSWORD_SET,
                    subject=subject_of(user),
                    subject_title=str(user),
                )
            )


def _actor() -> ledger.Actor:
    request = _acting.get()
    user = getattr(request, "user", None)
    return user if isinstance(user, User) else ledger.SYSTEM
