"""Who set a password: a row in the ledger, whichever door it came through, and never the password.

A password that somebody else set starts a waiting time before that account may sign
(``policy.SignOffSettings.cool_down``).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from governance import ledger
from governance.accounts.roles import OLD_CONFIRMED
from governance.accounts.signals import account_changed
from governance.ledger.choices import Action
from governance.ledger.snapshot import subject_of

_acting: ContextVar[HttpRequest | None] = ContextVar("acting", default=None)
_confirmed: ContextVar[bool] = ContextVar("confirmed", default=False)


@contextmanager
def acting(request: HttpRequest | None) -> Iterator[None]:
    """Passwords that are set inside are set by whoever is signed in at this request."""
    token = _acting.set(request)
    try:
        yield
    finally:
        _acting.reset(token)


@contextmanager
def old_password_confirmed() -> Iterator[None]:
    """Passwords that are set inside replace one that was just asked for: whoever is signed in sets their own.

    A session that was left open is not its owner: without the old password, one's own counts as set
    by another.
    """
    token = _confirmed.set(True)
    try:
        yield
    finally:
        _confirmed.reset(token)


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
        return _(
            "Whoever sets another person's password starts a waiting time before that "
            "account may sign."
        )

    def password_changed(self, password: str, user: object = None) -> None:
        """Write the row: who set whose password, and whether the old one was asked for."""
        if isinstance(user, User) and user.pk is not None:
            record_password(user, **{OLD_CONFIRMED: True} if _confirmed.get() else {})


def record_password(user: User, **facts: bool) -> None:
    """Write the row that an account's password was set, or taken away, by whoever acts now."""
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
