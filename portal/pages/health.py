"""Health checks: ``/healthz`` and ``/readyz``."""

from typing import Any

from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse

from governance import ledger
from governance.assurance import database_writes
from governance.assurance.alarms import integrity_alarms, notes
from governance.assurance.renewal import last_tick


def healthz(request: HttpRequest) -> HttpResponse:
    """Return 200 while this process answers (``/healthz``). Does not use the database."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    """Return 200 if the database takes a write and there is no integrity alarm (``/readyz``).

    Otherwise return 503 with the reasons.
    """
    try:
        database_writes.try_to_write()
        seen = ledger.look()
        alarms, told = integrity_alarms(seen), notes(seen)
        ledger.follow(seen)
        finished_at = last_tick()
    except Error:
        return JsonResponse(
            {"ready": False, "reason": "The database is not responding."}, status=503
        )
    answer: dict[str, Any] = {"ready": not alarms, **({"notes": told} if told else {})}
    if finished_at:
        answer["last_tick"] = finished_at.isoformat()
    if alarms:
        answer["reason"] = " ".join(alarm.detail for alarm in alarms)
        answer["reasons"] = [alarm.reason.value for alarm in alarms]
    return JsonResponse(answer, status=503 if alarms else 200)
