"""What stands before every page."""

import codecs
import re
from collections.abc import Callable
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url

from governance.accounts import known_devices
from portal.accounts import may_read

# Views that a visitor needs before signing in, or that a machine asks. The admin and the API look
# after themselves.
OPEN_VIEWS = frozenset({"login", "logout", "set_language", "healthz", "readyz"})
OPEN_NAMESPACES = frozenset({"admin"})

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

# An alert's labels may be anything, and its reader is in a hurry.
ALERT_ADDRESS = re.compile(r"/a/|/api/v1/resolve/?\Z")


class UnstorableTextMiddleware:
    """Keeps texts that no database takes out of addresses, cookies and forms: null bytes, halves of surrogate pairs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer 400, or pass on.

        :raises BadRequest: there is a null byte in the path or the query, or a body is not in
            UTF-8.
        """
        _read_as_utf8(request)
        # No browser keeps one, and PostgreSQL fails when asked for a session of such a name.
        request.COOKIES = {
            name: value for name, value in request.COOKIES.items() if "\x00" not in value
        }
        if ALERT_ADDRESS.match(request.path_info):
            return self.get_response(request)  # a label is looked up in no database
        if "\x00" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
            raise BadRequest("The address holds a null byte.")
        return self.get_response(request)


def _read_as_utf8(request: HttpRequest) -> None:
    """Read the address as UTF-8, whatever charset the request names.

    Django takes any that Python knows: ``unicode_escape`` makes half a surrogate pair of plain
    letters.

    :raises BadRequest: the body is in another charset.
    """
    if not request.encoding or codecs.lookup(request.encoding).name == "utf-8":
        return
    if request.method not in SAFE_METHODS:
        raise BadRequest("The body of a request must be in UTF-8.")
    request.encoding = "utf-8"


class KnownDeviceMiddleware:
    """Remembers the device on which somebody has just signed in (``governance.accounts.known_devices``)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request; put the cookie on the answer after a sign-in."""
        response = self.get_response(request)
        known_devices.remember_device(request, response)
        return response


class FreshMiddleware:
    """No answer is kept by a cache between the portal and its reader: a revoke is seen by the next request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request; a view that says something of its own about caches is heard."""
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "private, no-cache")
        return response


class ReadAccessMiddleware:
    """Sends a visitor who may not read to the sign-in page, and back afterwards."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on; the work is done in ``process_view``."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Fail closed: a view is shut unless it is named above or is the API's (which asks ``MayRead``)."""
        match = request.resolver_match
        is_api = hasattr(view, "cls")
        if (
            match is None
            or is_api
            or match.view_name in OPEN_VIEWS
            or OPEN_NAMESPACES & set(match.namespaces)
        ):
            return None
        if may_read(request.user):
            return None
        return redirect_to_login(request.get_full_path(), resolve_url("login"))
