"""Responses for a busy or unreachable database: status 503 with a sentence, not an error page.

``handler500`` handles every exception that nothing else has handled. It therefore covers middleware
(the session is stored there after a sign-in) as well as views.
"""

import sys
from typing import Any

from django.db import Error, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.views.defaults import server_error

from governance.assurance import database_writes
from portal.gate import database_unreachable

RETRY_SECONDS = 5
MAX_CAUSES = 10  # of an exception that are followed
# PostgreSQL: lock timeout, statement cancelled, deadlock, serialization failure, too many
# connections, and a server that starts, stops or crashed. Class 08 is a connection failure.
BUSY_CODES = frozenset({"55P03", "57014", "40P01", "40001", "53300", "57P01", "57P02", "57P03"})
SQLITE_BUSY = ("database is locked", "database table is locked", "database is busy")


def is_busy(error: BaseException | None) -> bool:
    """Return whether an exception or its cause means that a later attempt may succeed."""
    for _attempt in range(MAX_CAUSES):
        if error is None:
            break
        if isinstance(error, InterfaceError) or (
            isinstance(error, OperationalError) and _says_busy(error)
        ):
            return True
        error = error.__cause__ or error.__context__
    return False


def _says_busy(error: OperationalError) -> bool:
    cause: Any = error.__cause__
    code = getattr(cause, "sqlstate", None)
    if code is not None:
        return code in BUSY_CODES or code.startswith("08")
    if type(cause).__module__.startswith("psycopg"):
        return True  # no code: the connection was refused or lost
    return str(error).startswith(SQLITE_BUSY)


def handler500(request: HttpRequest) -> HttpResponse:
    """Return 503 if the database does not answer or takes no change, otherwise Django's own 500.

    In the API, every database error is answered with 503 as JSON.
    """
    error = sys.exc_info()[1]
    if database_writes.is_write_failure(error):
        database_writes.note_failure()
        return _told(request, "not_writable.html")
    if is_busy(error) or (request.path_info.startswith("/api/") and isinstance(error, Error)):
        return busy_response(request)
    return server_error(request)


def busy_response(request: HttpRequest) -> HttpResponse:
    """Return the 503 response for a person or a machine, without using the database."""
    return _told(request, "503.html")


def _told(request: HttpRequest, template: str) -> HttpResponse:
    headers = {"Retry-After": str(RETRY_SECONDS), "Cache-Control": "no-store"}
    if request.path_info.startswith("/api/"):
        response = database_unreachable()
        for name, value in headers.items():
            response.headers[name] = value
        return response
    content = loader.get_template(template).render({"retry_seconds": RETRY_SECONDS})
    return HttpResponse(content, status=503, headers=headers)
