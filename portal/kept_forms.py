"""Forms that are sent after the session has ended, and returned after the next sign-in.

The form is kept in a signed hidden field of the sign-in page, so that anonymous visitors cannot
fill any storage. Passwords are never kept.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.forms import AuthenticationForm
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.views.csrf import csrf_failure as plain_csrf_failure

SALT = "portal.kept_forms"
FIELD = "kept"
MAX_AGE = 12 * 60 * 60  # seconds: one night
MAX_CHARACTERS = 256 * 1024
# A field is not kept if its name contains one of these.
NEVER_KEPT = ("password", "csrfmiddlewaretoken", "secret", FIELD)


@dataclass(frozen=True, slots=True)
class KeptForm:
    """A form as it was sent: its address, and its fields in order."""

    path: str
    fields: list[tuple[str, str]]

    @property
    def typed(self) -> list[tuple[str, str]]:
        """Return the fields with more than one word, which the page shows."""
        return [(name, value) for name, value in self.fields if len(value.split()) > 1]


def form_sent(request: HttpRequest) -> KeptForm | None:
    """Return the form that a request sends, or None if there is nothing to keep.

    A form is kept if a field has more than one word, and if it is not longer than
    ``MAX_CHARACTERS``.
    """
    if request.method != "POST":
        return None
    fields = [
        (name, value)
        for name, values in request.POST.lists()
        if not any(part in name.lower() for part in NEVER_KEPT)
        for value in values
    ]
    form = KeptForm(request.get_full_path(), fields)
    size = sum(len(name) + len(value) for name, value in fields)
    return form if form.typed and size <= MAX_CHARACTERS else None


def sealed(form: KeptForm) -> str:
    """Return the form as a signed text for a hidden field."""
    return signing.dumps([form.path, form.fields], salt=SALT, compress=True)


def unsealed(text: str, *, path: str) -> KeptForm | None:
    """Return the form in a signed text.

    None if the text is forged or older than ``MAX_AGE``, or if the form was sent to another
    address.
    """
    try:
        kept_path, fields = signing.loads(text, salt=SALT, max_age=MAX_AGE)
    except (signing.BadSignature, ValueError):
        return None
    return (
        KeptForm(kept_path, [(name, value) for name, value in fields])
        if kept_path == path
        else None
    )


def hand_back(request: HttpRequest, form: KeptForm, *, status: int = 200) -> HttpResponse:
    """Return a page that shows what was typed and sends it again with a fresh CSRF token."""
    return render(request, "portal/kept_form.html", {"kept": form}, status=status)


class KeptFormMiddleware:
    """Middleware that answers a form sent after the end of the session with the sign-in page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Process the request."""
        response = self.get_response(request)
        if request.user.is_authenticated or not _leads_to_sign_in(response):
            return response
        form = form_sent(request)
        if form is None:
            return response
        context = {"form": AuthenticationForm(request), "next": form.path, FIELD: sealed(form)}
        return render(request, "portal/login.html", context, status=403)


def _leads_to_sign_in(response: HttpResponse) -> bool:
    if not isinstance(response, HttpResponseRedirect):
        return False
    return urlsplit(response.url).path in (resolve_url("login"), reverse("admin:login"))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Return the typed form with a fresh token, or Django's own CSRF failure page.

    A token is too old if the user has signed in again since the form was opened. The form is only
    returned if the browser states that it came from the portal's own pages.
    """
    form = form_sent(request) if request.user.is_authenticated and _is_from_here(request) else None
    return (
        plain_csrf_failure(request, reason=reason)
        if form is None
        else hand_back(request, form, status=403)
    )


def _is_from_here(request: Any) -> bool:
    source = request.META.get("HTTP_ORIGIN") or request.META.get("HTTP_REFERER", "")
    parts = urlsplit(source)
    return (parts.scheme, parts.netloc) == (request.scheme, request.get_host())
