"""Limits on failed sign-ins, per name, address and device.

| counted by | limit per 15 minutes | then |
|---|---|---|
| name and address | ``AXES_FAILURE_LIMIT`` | locked until 15 minutes after the last failure |
| address, all names | ``ADDRESS_LIMIT`` | locked too: one password is tried on many names |
| name, all addresses | ``NAME_LIMIT`` | one attempt per ``PAUSE``: an attack locks nobody out |
| name and known device | ``AXES_FAILURE_LIMIT`` | locked like name and address |

A known device (``governance.accounts.known_devices``) is counted by its own failures only. Attempts
from elsewhere therefore do not lock out a person on a device where they have signed in before. A
refused attempt is not counted, so repeated attempts do not prolong a lock. If the address is
unknown (a Unix socket and ``TRUSTED_PROXIES=0``), clients cannot be told apart, and only the limit
by name applies.

The rows are those of django-axes. Clients choose their ``user_agent`` freely, so that column stores
the device instead.
"""

from datetime import datetime, timedelta
from logging import getLogger
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_username
from axes.models import AccessAttempt
from axes.signals import user_locked_out
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Max, QuerySet, Sum
from django.http import HttpRequest

from governance.accounts.known_devices import device_of

ADDRESS_LIMIT = 50
NAME_LIMIT = 50
PAUSE = timedelta(seconds=10)
STRANGER = ""

log = getLogger(__name__)


class SignInLimits(AxesDatabaseHandler):
    """The handler that ``AXES_HANDLER`` names."""

    def is_locked(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
        """Return whether the attempt is refused without checking the password."""
        return self._is_locked(request, credentials) or self._is_slowed(request, credentials)

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """Return the number of failures of this name from this address or device."""
        return _sum_of(self._own(request, credentials))

    def user_login_failed(
        self, sender: Any, credentials: dict[str, Any], request: Any = None, **kwargs: Any
    ) -> None:
        """Count a wrong password, and report the lock if it causes one."""
        if request is None:
            return
        request.axes_credentials = credentials
        if request.axes_locked_out:  # refused before the password was checked: not counted
            return
        AccessAttempt.objects.filter(attempt_time__lte=_threshold(request)).delete()
        name = get_client_username(request, credentials)
        _count(
            name, request.axes_ip_address, device_of(request, name), at=request.axes_attempt_time
        )
        if self._is_locked(request, credentials):
            log.warning("Sign-in locked after repeated wrong passwords.%s", _hint(request))
            request.axes_locked_out = True
            user_locked_out.send(
                "axes", request=request, username=name, ip_address=request.axes_ip_address
            )

    def user_logged_in(self, sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
        """Delete the failures of this name from this address or device.

        Failures of other names are kept. Otherwise an attacker could reset the count for an address
        by signing in with their own account.
        """
        self._own(request, {"username": user.get_username()}).delete()

    def user_logged_out(self, sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
        """Do nothing: sign-outs are not stored."""

    def _is_locked(self, request: Any, credentials: dict[str, Any] | None) -> bool:
        is_known = bool(device_of(request, get_client_username(request, credentials)))
        if request.axes_ip_address is None and not is_known:
            return False
        if self.get_failures(request, credentials) >= settings.AXES_FAILURE_LIMIT:
            return True
        if is_known:
            return False
        from_here = _lately(request).filter(ip_address=request.axes_ip_address, user_agent=STRANGER)
        return _sum_of(from_here) >= ADDRESS_LIMIT

    def _is_slowed(self, request: Any, credentials: dict[str, Any] | None) -> bool:
        name = get_client_username(request, credentials)
        if device_of(request, name):
            return False
        found = _lately(request).filter(username=name, user_agent=STRANGER)
        totals = found.aggregate(failures=Sum("failures_since_start"), last=Max("attempt_time"))
        return (totals["failures"] or 0) >= NAME_LIMIT and totals[
            "last"
        ] > request.axes_attempt_time - PAUSE

    def _own(self, request: Any, credentials: dict[str, Any] | None) -> QuerySet[AccessAttempt]:
        name = get_client_username(request, credentials)
        device = device_of(request, name)
        rows = _lately(request).filter(username=name, user_agent=device)
        return rows if device else rows.filter(ip_address=request.axes_ip_address)


def _hint(request: Any) -> str:
    """Return a configuration hint if an uncounted proxy seems to be in front of the portal."""
    if settings.TRUSTED_PROXIES or "HTTP_X_FORWARDED_FOR" not in request.META:
        return ""
    return " The request came with X-Forwarded-For: behind a proxy, set TRUSTED_PROXIES=1."


def _threshold(request: Any) -> datetime:
    return request.axes_attempt_time - settings.AXES_COOLOFF_TIME


def _lately(request: Any) -> QuerySet[AccessAttempt]:
    return AccessAttempt.objects.order_by().filter(attempt_time__gt=_threshold(request))


def _sum_of(attempts: QuerySet[AccessAttempt]) -> int:
    return attempts.aggregate(failures=Sum("failures_since_start"))["failures"] or 0


def _count(name: str, address: str | None, device: str, *, at: datetime) -> None:
    """Add one failure to the row of this name, address and device."""
    row = AccessAttempt.objects.filter(username=name, ip_address=address, user_agent=device)
    if row.update(failures_since_start=F("failures_since_start") + 1, attempt_time=at):
        return
    try:
        with transaction.atomic():
            attempt = AccessAttempt.objects.create(
                username=name, ip_address=address, user_agent=device, failures_since_start=1
            )
            AccessAttempt.objects.filter(pk=attempt.pk).update(attempt_time=at)
    except IntegrityError:  # a concurrent attempt created the row
        row.update(failures_since_start=F("failures_since_start") + 1, attempt_time=at)
