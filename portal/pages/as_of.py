"""Pages that show another moment: the list, a runbook and the readiness report with ``?as_of=``.

Each has its own template, without green, because what was permitted then must not look like a
permission now. Every other page refuses ``as_of`` (``now_only``), so that no page shows the present
to a reader who asked about another moment.
"""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render

from governance.assurance import reports
from governance.assurance.as_of import AS_OF, AsOfError, filtered_as_of, moment_of, runbooks_as_of
from portal.pages.documents import document_html
from portal.pages.paging import ROWS_PER_PAGE
from runbooks.models import Runbook, RunbookAlias


def page(show: Callable[..., HttpResponse], request: HttpRequest, **values: Any) -> HttpResponse:
    """Return the page of another moment, or status 400 with a hint on what to write instead.

    :param show: the function of this module that renders the page.
    """
    try:
        moment = moment_of(request.GET[AS_OF])
    except AsOfError as error:
        return _refused(request, error)
    return show(request, moment, **values)


def now_only(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Wrap the view of a page that shows only the present, so that ``as_of`` gets status 400."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if AS_OF not in request.GET:
            return view(request, *args, **kwargs)
        try:
            moment_of(request.GET[AS_OF])
        except AsOfError as error:
            return _refused(request, error)
        return _refused(request, None)

    return answer


def _refused(request: HttpRequest, problem: AsOfError | None) -> HttpResponse:
    return render(request, "governance/past_refused.html", {"problem": problem}, status=400)


def runbook_list(request: HttpRequest, moment: datetime) -> HttpResponse:
    """Return the list with the readiness of another moment (``/runbooks/?as_of=``)."""
    data = request.GET.copy()
    data.pop(AS_OF)
    found, rows = filtered_as_of(data, moment)
    page = Paginator(rows, ROWS_PER_PAGE).get_page(request.GET.get("page"))
    return render(
        request, "governance/runbooks_then.html", {"moment": moment, "filter": found, "page": page}
    )


def runbook(request: HttpRequest, moment: datetime, slug: str) -> HttpResponse:
    """Return one runbook as signed at another moment (``/runbooks/<slug>/?as_of=``).

    The page shows what was signed and the text that was signed. A former slug redirects to the
    present one.

    :raises Http404: there is no such runbook, or it did not exist at that moment.
    """
    try:
        found = get_object_or_404(Runbook.objects.with_catalogue(), slug=slug)
    except Http404:
        renamed = RunbookAlias.runbook_named(slug)
        if renamed is None:
            raise
        return redirect(f"{renamed.get_absolute_url()}?{request.GET.urlencode()}")
    rows = runbooks_as_of([found], moment)
    if not rows:
        raise Http404("This runbook was created later.")
    then = rows[0]
    document = then.signed_document()
    context = {
        "moment": moment,
        "then": then,
        "document": document,
        "html": document_html(document) if document else "",
    }
    return render(request, "governance/runbook_then.html", context)


def readiness_report(request: HttpRequest, moment: datetime) -> HttpResponse:
    """Return every runbook's readiness at another moment (``/reports/readiness/?as_of=``).

    ``&format=csv`` returns it as a file.
    """
    rows = runbooks_as_of(Runbook.objects.with_catalogue(), moment)
    if request.GET.get("format") == "csv":
        return reports.past_csv(rows, moment)
    held = sum(row.verdict.go for row in rows)
    context = {"moment": moment, "rows": rows, "held": held, "not_held": len(rows) - held}
    return render(request, "governance/readiness_report_then.html", context)
