"""A locked sign-in is told in the ledger: once for each time that an account is locked."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from governance import ledger
from governance.choices import Action
from governance.facts import subject_of
from governance.models import ChangeLogEntry


def note_locked_sign_in(*, username: str, **_: Any) -> None:
    """Receiver of ``axes.signals.user_locked_out``. A name that nobody bears leaves no row: anybody could fill the ledger."""
    account = User.objects.filter(username=str(username).replace("\x00", "")).first()
    if account is None:
        return
    cool_off: timedelta = settings.AXES_COOLOFF_TIME
    with ledger.governed():
        rows = ChangeLogEntry.objects.filter(subject=subject_of(account), action=Action.SIGN_IN_LOCKED)
        if rows.filter(recorded_at__gt=timezone.now() - cool_off).exists():
            return
        ledger.append(
            ledger.Record(
                actor=ledger.SYSTEM,
                action=Action.SIGN_IN_LOCKED,
                subject=subject_of(account),
                subject_title=str(account),
            )
        )
