"""Devices on which somebody has signed in before.

A stranger can make a name look attacked; a stranger cannot have the cookie of a device on which
that name has signed in. So wrong passwords of strangers do not count against such a device
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
MAX_PEOPLE = 8  # of a device that is shared; who signed in longest ago is forgotten first
SIGNED_IN = "_signed_in_now"


def device_of(request: HttpRequest, name: str) -> str:
    """Return the device's identifier if ``name`` has signed in on it before; empty otherwise."""
    known = _cookie(request)
    return known["device"] if _digest(name) in known["people"] else ""


def remember_signed_in(*, request: HttpRequest, user: Any, **_: Any) -> None:
    """Receiver of ``user_logged_in``: has the answer to this request remember the device."""
    setattr(request, SIGNED_IN, user.get_username())


def remember_device(request: HttpRequest, response: HttpResponse) -> None:
    """Put the cookie on an answer, if somebody has signed in with its request."""
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
    """Return what the cookie says; an unknown device where it is missing, forged or too old."""
    try:
        known = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=MAX_AGE)
    except signing.BadSignature:
        known = None
    return known if isinstance(known, dict) else {"device": "", "people": []}


def _digest(name: str) -> str:
    """Return what stands for a name in the cookie, which tells nobody who uses the device."""
    return salted_hmac(SALT, name).hexdigest()[:24]
