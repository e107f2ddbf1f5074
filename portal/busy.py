"""The answer where the database is busy or does not answer: 503 with a sentence, never an error page.

It is the handler of every exception that nothing else has answered, so that it covers middleware
(the session is stored there at a sign-in) as well as views.
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
MAX_CAUSES = 10  # how far an exception's causes are followed
# PostgreSQL: a lock was waited for too long, a statement was ended, a ring of locks was broken, no
# connection is left, the server starts, stops, or went away (class 08).
BUSY_CODES = frozenset({"55P03", "57014", "40P01", "40001", "53300", "57P01", "57P02", "57P03"})
SQLITE_BUSY = ("database is locked", "database table is locked", "database is busy")


def is_busy(error: BaseException | None) -> bool:
    """Whether an exception, or what caused it, says that the database may answer a later attempt."""
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
        return True  # without a code: the connection was refused or is lost
    return str(error).startswith(SQLITE_BUSY)


def handler500(request: HttpRequest) -> HttpResponse:
    """Answer 503 where the database does not answer or takes no change, and Django's own 500 otherwise.

    Every error of the database in the API is told as JSON.
    """
    error = sys.exc_info()[1]
    if database_writes.is_write_failure(error):
        database_writes.note_failure()
        return _told(request, "not_writable.html")
    if is_busy(error) or (request.path_info.startswith("/api/") and isinstance(error, Error)):
        return busy_response(request)
    return server_error(request)


def busy_response(request: HttpRequest) -> HttpResponse:
    """Return the answer for a person or a machine. It reads nothing of the database."""
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
