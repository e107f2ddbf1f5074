"""Pages that belong to no subject: home and health."""

import sys

from django.db import Error
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views import defaults
from drf_spectacular.generators import SchemaGenerator

from governance import guards
from portal.gate import database_unreachable
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


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an error that nobody caught: the API's clients learn in JSON that the database does not answer."""
    if request.path_info.startswith("/api/") and isinstance(sys.exc_info()[1], Error):
        return database_unreachable()
    return defaults.server_error(request)


def healthz(request: HttpRequest) -> HttpResponse:
    """``/healthz``: this process answers. Asks nothing of the database."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    """``/readyz``: the database answers, and every guard stands in it. 503 with the reason where not."""
    try:
        missing = guards.missing()
    except Error:
        return JsonResponse({"ready": False, "reason": "The database does not answer."}, status=503)
    if missing:
        return JsonResponse({"ready": False, "reason": f"Guards are missing: {', '.join(missing)}."}, status=503)
    return JsonResponse({"ready": True})
