"""The home page."""

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from governance.assurance.alarms import alarm_reasons
from governance.assurance.standings import add_standings_to_steps, live_ready
from runbooks.models import Runbook, Situation
from runbooks.models.runbook import readiness_label


def home(request: HttpRequest) -> HttpResponse:
    """Return the home page (``/``): situations first, a search field, and counts by readiness."""
    counted = (
        Runbook.objects.order_by()
        .values("readiness_level", "readiness_year")
        .annotate(number=Count("pk"))
    )
    glance = [
        {
            "level": row["readiness_level"],
            "year": row["readiness_year"],
            "label": readiness_label(row["readiness_level"], row["readiness_year"]),
            "number": row["number"],
        }
        for row in sorted(counted, key=lambda row: -row["number"])
    ]
    alarms = alarm_reasons()
    context = {
        "situations": add_standings_to_steps(Situation.objects.with_steps(), alarms=alarms),
        "glance": glance,
        "total": sum(row["number"] for row in glance),
        "live_ready": live_ready(alarms=alarms),
    }
    return render(request, "portal/home.html", context)
