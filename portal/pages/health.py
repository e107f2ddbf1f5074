"""``/healthz`` and ``/readyz``."""

from typing import Any

from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse

from governance import ledger
from governance.assurance import database_writes
from governance.assurance.alarms import integrity_alarms, notes


def healthz(request: HttpRequest) -> HttpResponse:
    """``/healthz``: this process answers. Asks nothing of the database."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    """``/readyz``: the database answers and takes a write, and there is no integrity alarm. 503 with the reasons where not."""
    try:
        database_writes.try_to_write()
        seen = ledger.look()
        alarms, told = integrity_alarms(seen), notes(seen)
        ledger.follow(seen)
    except Error:
        return JsonResponse(
            {"ready": False, "reason": "The database is not responding."}, status=503
        )
    answer: dict[str, Any] = {"ready": not alarms, **({"notes": told} if told else {})}
    if alarms:
        answer["reason"] = " ".join(alarm.detail for alarm in alarms)
        answer["reasons"] = [alarm.reason.value for alarm in alarms]
    return JsonResponse(answer, status=503 if alarms else 200)
