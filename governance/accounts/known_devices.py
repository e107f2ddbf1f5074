"""Devices on which a user has signed in before.

An attacker can cause failed sign-ins for any user name, but cannot obtain the cookie of a device on
which that user has signed in. Failures from elsewhere therefore do not count against such a device
(OWASP, "Slow Down Online Guessing Attacks with Device Cookies").
"""

import secrets
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

COOKIE = "known_device"
SALT = "governance.accounts.known_devices"
MAX_AGE = 180 * 24 * 60 * 60
MAX_PEOPLE = 8  # per shared device; the user whose sign-in is longest ago is dropped first
SIGNED_IN = "_signed_in_now"


def device_of(request: HttpRequest, name: str) -> str:
    """Return the device's identifier if ``name`` has signed in on it before, otherwise ""."""
    known = _cookie(request)
    return known["device"] if _digest(name) in known["people"] else ""


def remember_signed_in(*, request: HttpRequest, user: Any, **_: Any) -> None:
    """Mark the request so that its response sets the device cookie.

    Receiver of ``user_logged_in``.
    """
    setattr(request, SIGNED_IN, user.get_username())


def remember_device(request: HttpRequest, response: HttpResponse) -> None:
    """Set the device cookie on the response if a user has signed in with this request."""
    name = getattr(request, SIGNED_IN, None)
    if name is None:
        return
    known = _cookie(request)
    digest = _digest(name)
    people = [digest, *(other for other in known["people"] if other != digest)][:MAX_PEOPLE]
    response.set_cookie(
        COOKIE,
        signing.dumps(
            {"device": known["device"] or secrets.token_urlsafe(12), "people": people}, salt=SALT
        ),
        max_age=MAX_AGE,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )


def _cookie(request: HttpRequest) -> dict[str, Any]:
    """Return the cookie's content, or an unknown device if it is missing, forged or expired."""
    try:
        known = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=MAX_AGE)
    except signing.BadSignature:
        known = None
    return known if isinstance(known, dict) else {"device": "", "people": []}


def _digest(name: str) -> str:
    """Return the keyed digest that represents a name in the cookie.

    The cookie must not reveal who uses the device.
    """
    return salted_hmac(SALT, name).hexdigest()[:24]
