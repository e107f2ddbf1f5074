"""Middleware that makes the addresses on which a deployment acts fail closed.

Any response that is not a verdict becomes a no-go. ``curl --fail`` treats a redirect and an empty
response as success, so neither may come from these addresses.
"""

import re
from collections.abc import Callable
from typing import Any

from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse

from portal.database_deadline import within_deadline
from portal.rest.verdict import VerdictResponse, no_go_body
from runbooks.choices import REASON_TEXTS
from runbooks.validity import Reason

VERDICT_ADDRESS = re.compile(r"^/api/v1/runbooks/(?P<slug>[^/]*)/(?:gate|verdict)/?$")
READINESS_ADDRESS = "/readyz"
# The reason for a no-go, by status of a response that is not a verdict. Any other status is an
# error of the portal.
REASON_OF_STATUS = {
    400: Reason.BAD_REQUEST,
    401: Reason.NOT_PERMITTED,
    403: Reason.NOT_PERMITTED,
    404: Reason.UNKNOWN_RUNBOOK,
    405: Reason.BAD_REQUEST,
    429: Reason.NOT_PERMITTED,
    503: Reason.DATABASE_UNREACHABLE,
}
STALE_HEADERS = ("Content-Length", "Content-Language", "ETag", "Last-Modified", "Location")


class GateMiddleware:
    """Middleware that limits the time of ``gate/``, ``verdict/`` and ``/readyz``.

    It also turns every response of the first two that is not a verdict into a no-go. It must be the
    first middleware, so that errors and redirects of the others pass through it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Process the request."""
        asked = VERDICT_ADDRESS.match(request.path_info)
        if asked is None and request.path_info != READINESS_ADDRESS:
            return self.get_response(request)
        try:
            response = within_deadline(lambda: self.get_response(request))
        except Error:
            response = database_unreachable()
        if asked is not None and request.method != "OPTIONS":
            _fail_closed(response, asked["slug"])
        return response


def database_unreachable() -> HttpResponse:
    """Return the 503 response that a machine gets if the database does not answer."""
    sentence = "The database is not responding."
    return JsonResponse({"ready": False, "reason": sentence, "detail": sentence}, status=503)


def _fail_closed(response: HttpResponse, slug: str) -> None:
    """Turn a response that is not a verdict into a no-go.

    Its status is kept if it is listed in ``REASON_OF_STATUS``; otherwise it becomes 500.
    """
    response.headers["Cache-Control"] = "no-store"
    if isinstance(response, VerdictResponse):
        return
    if response.status_code not in REASON_OF_STATUS:
        response.status_code = 500
    reason = REASON_OF_STATUS.get(response.status_code, Reason.DOUBT)
    body = no_go_body(
        slug, reason, detail=_sentences(getattr(response, "data", None)) or REASON_TEXTS[reason]
    )
    for name in STALE_HEADERS:
        response.headers.pop(name, None)
    response.content = JsonResponse(body).content
    response.headers["Content-Type"] = "application/json"


def _sentences(data: Any) -> str:
    """Return the messages of an API error in one line, each with the name of its parameter."""
    if isinstance(data, dict):
        named = ((name, _sentences(text)) for name, text in data.items())
        return " ".join(text if name == "detail" else f"{name}: {text}" for name, text in named)
    if isinstance(data, list):
        return " ".join(map(_sentences, data))
    return str(data or "")
