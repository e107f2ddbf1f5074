"""What was typed into a form while the session ended goes through the sign-in and comes back.

It is kept in a signed hidden field of the sign-in page, so that a stranger fills no storage.
Passwords are never kept.
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
MAX_AGE = 12 * 60 * 60  # seconds: a night
MAX_CHARACTERS = 256 * 1024
# No field whose name has one of these in it is kept.
NEVER_KEPT = ("password", "csrfmiddlewaretoken", "secret", FIELD)


@dataclass(frozen=True, slots=True)
class KeptForm:
    """A form as it was sent: where to, and its fields in their order."""

    path: str
    fields: list[tuple[str, str]]

    @property
    def typed(self) -> list[tuple[str, str]]:
        """The fields that hold more than a word, which the page shows."""
        return [(name, value) for name, value in self.fields if len(value.split()) > 1]


def form_sent(request: HttpRequest) -> KeptForm | None:
    """The form that a request sends; None where nothing is worth keeping.

    No field holds more than a word.
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
    """The form as a signed text for a hidden field."""
    return signing.dumps([form.path, form.fields], salt=SALT, compress=True)


def unsealed(text: str, *, path: str) -> KeptForm | None:
    """The form behind a signed text.

    None where it is forged, too old, or was sent to another address.
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
    """The page that shows what was typed and sends it again at a click, with a fresh token."""
    return render(request, "portal/kept_form.html", {"kept": form}, status=status)


class KeptFormMiddleware:
    """Answers a form that is sent after the session has ended with the sign-in page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
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
    """A form whose token is too old, because somebody signed in again meanwhile.

    What was typed is handed back.

    Only where the browser says that the form came from the portal's own pages.
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
