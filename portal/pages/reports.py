"""The reports on readiness, overdue items and findings, as pages and as CSV."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django_filters.views import FilterView

from governance.accounts.roles import may_read_security_entries
from governance.assurance import reports
from governance.assurance.as_of import AS_OF
from governance.findings.disclosure import disclosed_findings
from governance.findings.filters import FindingFilterSet
from governance.findings.models import Finding
from portal.pages import as_of
from portal.pages.paging import ROWS_PER_PAGE


class FindingList(FilterView):
    """The page ``/reports/findings/``: findings of imports and checks, by default the open ones.

    ``?format=csv`` returns every finding that matches the filters as a file.
    """

    filterset_class = FindingFilterSet
    template_name = "governance/finding_list.html"
    context_object_name = "findings"
    paginate_by = ROWS_PER_PAGE
    strict = True

    def get_queryset(self) -> QuerySet[Finding]:
        """Return every finding that the reader may see, the open ones first."""
        security = may_read_security_entries(self.request.user)
        return disclosed_findings(Finding.objects.select_related("runbook"), security=security)

    def get_filterset_kwargs(self, filterset_class: Any) -> dict[str, Any]:
        """Return the filter set's arguments; without ``resolved``, only open findings match."""
        kwargs = super().get_filterset_kwargs(filterset_class)
        kwargs["data"] = QueryDict(self.request.GET.urlencode(), mutable=True)
        kwargs["data"].setdefault("resolved", "false")
        return kwargs

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """Return the page or the CSV file. Invalid filters give the page with their errors."""
        found = context["filter"]
        if _wants_csv(self.request) and found.is_valid():
            return reports.findings_csv(found.qs)
        return super().render_to_response(context, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the query of the CSV file: the current one without its page."""
        parameters = self.request.GET.copy()
        parameters.pop("page", None)
        parameters["format"] = "csv"
        return super().get_context_data(csv_query=parameters.urlencode(), **kwargs)


def readiness_report(request: HttpRequest) -> HttpResponse:
    """Return every runbook with its present verdict (``/reports/readiness/``).

    ``?format=csv`` returns it as a file; ``?as_of=`` returns the report of another moment.
    """
    if AS_OF in request.GET:
        return as_of.page(as_of.readiness_report, request)
    rows = reports.readiness_rows()
    if _wants_csv(request):
        return reports.readiness_csv(rows)
    go = sum(row.verdict.go for row in rows)
    return render(
        request,
        "governance/readiness_report.html",
        {"rows": rows, "go": go, "no_go": len(rows) - go},
    )


def overdue_report(request: HttpRequest) -> HttpResponse:
    """Return what no longer holds, ends soon or waits for long (``/reports/overdue/``).

    ``?format=csv`` returns it as a file.
    """
    rows = reports.overdue_rows()
    if _wants_csv(request):
        return reports.overdue_csv(rows)
    context = {
        "lapsed": [row for row in rows if row.why == reports.Overdue.NO_LONGER_HOLDS],
        "ending": [row for row in rows if row.why == reports.Overdue.ENDS_SOON],
        "waiting": [row for row in rows if row.why == reports.Overdue.WAITS_LONG],
        "soon": reports.SOON,
        "long": reports.WAITS_LONG,
    }
    return render(request, "governance/overdue_report.html", context)


def _wants_csv(request: HttpRequest) -> bool:
    return request.GET.get("format") == "csv"
