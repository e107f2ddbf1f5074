"""Pages that belong to no subject: home and health."""

from typing import Any

from django.db import Error
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from drf_spectacular.generators import SchemaGenerator

from governance import ledger
from governance.assurance import database_writes
from governance.assurance.alarms import integrity_alarms, notes
from runbooks.models import Runbook
from runbooks.models.runbook import readiness_label
from runbooks.views import situations_in_order


def home(request: HttpRequest) -> HttpResponse:
    """``/``: situations first, a search field, readiness at a glance."""
    counted = Runbook.objects.order_by().values("readiness_level", "readiness_year").annotate(number=Count("pk"))
    glance = [
        {
            "level": row["readiness_level"],
            "year": row["readiness_year"],
            "label": readiness_label(row["readiness_level"], row["readiness_year"]),
            "number": row["number"],
        }
        for row in sorted(counted, key=lambda row: -row["number"])
    ]
    context = {
        "situations": situations_in_order(),
        "glance": glance,
        "total": sum(row["number"] for row in glance),
        "live_ready": Runbook.objects.live_ready(),
    }
    return render(request, "portal/home.html", context)


def api_documentation(request: HttpRequest) -> HttpResponse:
    """``/api/docs/``: the OpenAPI schema as a plain page, readable without JavaScript."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    routes = [
        {"path": path, "description": operation.get("description", ""), "parameters": operation.get("parameters", [])}
        for path, operations in schema["paths"].items()
        for operation in operations.values()
    ]
    return render(request, "portal/api_documentation.html", {"routes": routes})


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
        return JsonResponse({"ready": False, "reason": "The database does not answer."}, status=503)
    answer: dict[str, Any] = {"ready": not alarms, **({"notes": told} if told else {})}
    if alarms:
        answer["reason"] = " ".join(alarm.detail for alarm in alarms)
        answer["reasons"] = [alarm.reason.value for alarm in alarms]
    return JsonResponse(answer, status=503 if alarms else 200)
