"""Middleware that runs before every page."""

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

# Views that are needed before signing in or that machines request. The admin and the API check
# access themselves.
OPEN_VIEWS = frozenset({"login", "logout", "set_language", "healthz", "readyz"})
OPEN_NAMESPACES = frozenset({"admin"})

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

# An alert must lead somewhere whatever its labels contain, because its reader is in a hurry.
ALERT_ADDRESS = re.compile(r"/a/|/api/v1/resolve/?\Z")


class UnstorableTextMiddleware:
    """Rejects text that a database cannot store: null bytes and halves of surrogate pairs.

    It applies to URLs, cookies and forms.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Process the request.

        :raises BadRequest: there is a null byte in the path or the query, or the body is not in
            UTF-8.
        """
        _read_as_utf8(request)
        # Browsers do not send null bytes, and PostgreSQL raises an error for a session key with
        # one.
        request.COOKIES = {
            name: value for name, value in request.COOKIES.items() if "\x00" not in value
        }
        if ALERT_ADDRESS.match(request.path_info):
            return self.get_response(request)  # labels are not used in database queries
        if "\x00" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
            raise BadRequest("The address contains a null byte.")
        return self.get_response(request)


def _read_as_utf8(request: HttpRequest) -> None:
    """Read the URL as UTF-8, whatever charset the request names.

    Django accepts every charset that Python knows: ``unicode_escape`` turns plain letters into half
    a surrogate pair.

    :raises BadRequest: the body is in another charset.
    """
    if not request.encoding or codecs.lookup(request.encoding).name == "utf-8":
        return
    if request.method not in SAFE_METHODS:
        raise BadRequest("The body of a request must be in UTF-8.")
    request.encoding = "utf-8"


class KnownDeviceMiddleware:
    """Remembers the device of a new sign-in (``governance.accounts.known_devices``)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Process the request, and set the cookie on the response after a sign-in."""
        response = self.get_response(request)
        known_devices.remember_device(request, response)
        return response


class FreshMiddleware:
    """Forbids caches between portal and reader, so that a revoke affects the next request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Process the request. A view may set its own ``Cache-Control``."""
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "private, no-cache")
        return response


class ReadAccessMiddleware:
    """Redirects a visitor without read access to the sign-in page, which leads back afterwards."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on. The work is done in ``process_view``."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Require read access unless the view is listed as open or belongs to the API.

        The API checks access with ``MayRead``.
        """
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
