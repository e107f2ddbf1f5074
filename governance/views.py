"""The pages that tell what was decided. They read; decisions are made in the admin."""

from itertools import groupby
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.views.generic import DetailView
from django_filters.views import FilterView

from governance import reports
from governance.choices import Action, RequestState
from governance.facts import subject_of
from governance.filters import FindingFilterSet
from governance.ledger.disclosure import disclosed, disclosed_findings
from governance.models import ChangeLogEntry, Finding, Release, SignOffRule, StatusChangeRequest
from governance.people import may_read_security_entries
from runbooks.models import Document, Runbook

ROWS_PER_PAGE = 50


def changes(request: HttpRequest) -> HttpResponse:
    """``/changes/``: the change log. What the landscape's releases noted, grouped by release; below, every recorded change."""
    entries = _entries_for(request)
    notes = entries.filter(action=Action.RELEASE_NOTED).order_by("release", "sequence")
    by_release = {name: list(entries) for name, entries in groupby(notes, key=lambda entry: entry.release)}
    releases = [(release, by_release.get(release.version, [])) for release in Release.objects.all()]
    context = {
        "releases": releases,
        "page": _page(request, entries.exclude(action=Action.RELEASE_NOTED)),
    }
    return render(request, "governance/change_list.html", context)


class ChangeDetail(DetailView):
    """``/changes/<sequence>/``: one ledger row with before, after and its place in the chain."""

    model = ChangeLogEntry
    pk_url_kwarg = "sequence"
    template_name = "governance/change_detail.html"
    context_object_name = "entry"

    def get_queryset(self) -> QuerySet[ChangeLogEntry]:
        """Return the entries as the reader may see them."""
        return _entries_for(self.request)


def _entries_for(request: HttpRequest) -> QuerySet[ChangeLogEntry]:
    """Return the whole ledger, with a placeholder for each entry that this reader may not read."""
    return disclosed(ChangeLogEntry.objects.all(), security=may_read_security_entries(request.user))


def runbook_history(request: HttpRequest, slug: str) -> HttpResponse:
    """``/runbooks/<slug>/history/``: every ledger row about one runbook."""
    runbook = get_object_or_404(Runbook, slug=slug)
    entries = _entries_for(request).filter(subject=subject_of(runbook))
    context = {"runbook": runbook, "page": _page(request, entries)}
    return render(request, "governance/runbook_history.html", context)


def sign_offs(request: HttpRequest) -> HttpResponse:
    """``/sign-offs/``: what waits, what was decided, and the rules in force."""
    requests = StatusChangeRequest.objects.select_related("runbook", "requested_by").prefetch_related(
        "sign_offs__signer"
    )
    context = {
        "waiting": requests.filter(state=RequestState.OPEN),
        "page": _page(request, requests.exclude(state=RequestState.OPEN)),
        "rules": SignOffRule.objects.filter(in_force=True).select_related("group"),
    }
    return render(request, "governance/sign_off_list.html", context)


class SignOffDetail(DetailView):
    """``/sign-offs/<id>/``: one request with what it pins and who decided what."""

    template_name = "governance/sign_off_detail.html"
    context_object_name = "status_change_request"

    def get_queryset(self) -> QuerySet[StatusChangeRequest]:
        """One request with its decisions."""
        return StatusChangeRequest.objects.select_related("runbook", "requested_by", "rule__group").prefetch_related(
            "sign_offs__signer"
        )


def signed_document(request: HttpRequest, pk: int) -> HttpResponse:
    """``/sign-offs/<id>/document/``: exactly the text that a request pins, wherever the runbook points by now."""
    found = get_object_or_404(StatusChangeRequest.objects.select_related("runbook"), pk=pk)
    document = get_object_or_404(Document, path=found.document_path, sha256=found.document_sha256)
    runbook = found.runbook
    context = {"runbook": runbook, "document": document, "reasons": runbook.reasons_against_live()}
    return render(request, "runbooks/runbook_version.html", context)


class FindingList(FilterView):
    """``/reports/findings/``: what imports and checks noticed; the open ones, where nothing else is asked for.

    ``?format=csv`` gives all that the filters leave as a file.
    """

    filterset_class = FindingFilterSet
    template_name = "governance/finding_list.html"
    context_object_name = "findings"
    paginate_by = ROWS_PER_PAGE
    strict = True

    def get_queryset(self) -> QuerySet[Finding]:
        """All that the reader may see, the open ones first."""
        security = may_read_security_entries(self.request.user)
        return disclosed_findings(Finding.objects.select_related("runbook"), security=security)

    def get_filterset_kwargs(self, filterset_class: Any) -> dict[str, Any]:
        """A visitor who does not say which is shown the open ones."""
        kwargs = super().get_filterset_kwargs(filterset_class)
        kwargs["data"] = QueryDict(self.request.GET.urlencode(), mutable=True)
        kwargs["data"].setdefault("resolved", "false")
        return kwargs

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """The page, or the file; filters that make no sense are told on the page alone."""
        found = context["filter"]
        if _wants_csv(self.request) and found.is_valid():
            return reports.findings_csv(found.qs)
        return super().render_to_response(context, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Adds the query without its page, for the address of the file."""
        parameters = self.request.GET.copy()
        parameters.pop("page", None)
        parameters["format"] = "csv"
        return super().get_context_data(csv_query=parameters.urlencode(), **kwargs)


def readiness_report(request: HttpRequest) -> HttpResponse:
    """``/reports/readiness/``: every runbook with its verdict now; ``?format=csv`` as a file."""
    rows = reports.readiness_rows()
    if _wants_csv(request):
        return reports.readiness_csv(rows)
    go = sum(row.verdict.go for row in rows)
    return render(request, "governance/readiness_report.html", {"rows": rows, "go": go, "no_go": len(rows) - go})


def overdue_report(request: HttpRequest) -> HttpResponse:
    """``/reports/overdue/``: what no longer holds, ends soon or waits; ``?format=csv`` as a file."""
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


def _page(request: HttpRequest, rows: QuerySet[Any]) -> Page[Any]:
    """The page that was asked for; the last one for a number too high, the first for what is no number."""
    return Paginator(rows, ROWS_PER_PAGE).get_page(request.GET.get("page"))
