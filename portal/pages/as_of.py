"""Pages of another day: ``?as_of=`` on the list, a runbook and the readiness report. ``portal.middleware`` leads here.

Each is a template of its own, without a green sign: what was permitted then must not look like a
permission now.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from governance.assurance import reports
from governance.assurance.as_of import AS_OF, AsOfError, filtered_as_of, moment_of, runbooks_as_of
from runbooks.models import Runbook, RunbookAlias

ROWS_PER_PAGE = 50


def page_as_of(request: HttpRequest, view_name: str, **values: Any) -> HttpResponse:
    """The page of another moment that stands for an address, or 400 with what to write instead."""
    page = PAGES.get(view_name)
    try:
        moment = moment_of(request.GET[AS_OF])
    except AsOfError as error:
        return render(request, "governance/past_refused.html", {"problem": error}, status=400)
    if page is None:
        return render(request, "governance/past_refused.html", {"problem": None}, status=400)
    return page(request, moment, **values)


def runbook_list_as_of(request: HttpRequest, moment: datetime) -> HttpResponse:
    """``/runbooks/?as_of=``: the list with the readiness of then."""
    data = request.GET.copy()
    data.pop(AS_OF)
    found, rows = filtered_as_of(data, moment)
    page = Paginator(rows, ROWS_PER_PAGE).get_page(request.GET.get("page"))
    return render(
        request, "governance/runbooks_then.html", {"moment": moment, "filter": found, "page": page}
    )


def runbook_as_of(request: HttpRequest, moment: datetime, slug: str) -> HttpResponse:
    """``/runbooks/<slug>/?as_of=``: what was signed of one runbook, and the text that was. A former address leads on.

    :raises Http404: there is no such runbook, or there was none then.
    """
    try:
        runbook = get_object_or_404(Runbook.objects.with_catalogue(), slug=slug)
    except Http404:
        renamed = RunbookAlias.runbook_named(slug)
        if renamed is None:
            raise
        return redirect(f"{renamed.get_absolute_url()}?{request.GET.urlencode()}")
    rows = runbooks_as_of([runbook], moment)
    if not rows:
        raise Http404("This runbook was made later.")
    then = rows[0]
    return render(
        request,
        "governance/runbook_then.html",
        {"moment": moment, "then": then, "document": then.signed_document()},
    )


def readiness_report_as_of(request: HttpRequest, moment: datetime) -> HttpResponse:
    """``/reports/readiness/?as_of=``: every runbook as it stood; ``&format=csv`` as a file."""
    rows = runbooks_as_of(Runbook.objects.with_catalogue(), moment)
    if request.GET.get("format") == "csv":
        return reports.past_csv(rows, moment)
    held = sum(row.verdict.go for row in rows)
    context = {"moment": moment, "rows": rows, "held": held, "not_held": len(rows) - held}
    return render(request, "governance/readiness_report_then.html", context)


PAGES: dict[str, Callable[..., HttpResponse]] = {
    "runbooks": runbook_list_as_of,
    "runbook": runbook_as_of,
    "readiness-report": readiness_report_as_of,
}
