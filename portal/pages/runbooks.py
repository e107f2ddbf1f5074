"""A runbook, its versions and the difference between two; the filtered list."""

from itertools import zip_longest
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.generic import DetailView
from django_filters.views import FilterView

from portal.pages.paging import ROWS_PER_PAGE
from runbooks.documents.diff import difference
from runbooks.filters import RunbookFilterSet, offer_names
from runbooks.landscape_files import is_landscape_file
from runbooks.models import (
    CodeReference,
    Document,
    Runbook,
    RunbookAlias,
)


class RunbookList(FilterView):
    """``/runbooks/``: the filtered list. A filter that makes no sense shows its error and no rows."""

    filterset_class = RunbookFilterSet
    template_name = "runbooks/runbook_list.html"
    context_object_name = "runbooks"
    paginate_by = ROWS_PER_PAGE
    strict = True

    def get_queryset(self) -> QuerySet[Runbook]:
        """All runbooks in the order of the landscape."""
        return Runbook.objects.with_catalogue()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Adds the query without its page, for the links to other pages."""
        parameters = self.request.GET.copy()
        parameters.pop("page", None)
        offer_names(self.filterset.form)
        return super().get_context_data(query=parameters.urlencode(), **kwargs)


class RunbookDetail(DetailView):
    """``/runbooks/<slug>/``: what an operator follows."""

    template_name = "runbooks/runbook_detail.html"
    context_object_name = "runbook"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The page; a former address leads to the present one."""
        try:
            return super().get(request, *args, **kwargs)
        except Http404:
            renamed = RunbookAlias.runbook_named(kwargs["slug"])
            if renamed is None:
                raise
            return redirect(renamed)

    def get_queryset(self) -> QuerySet[Runbook]:
        """One runbook with all that its page shows."""
        return Runbook.objects.with_page()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Adds its roles in sections, and the text that is shown: the signed one first."""
        sections = {section.pk: section for section in self.object.related("sections")}
        entries = self.object.related("section_entries")
        for entry in entries:
            entry.section = sections[entry.section_id]
        return super().get_context_data(
            entries=entries, shown=self.object.shown_document(), **kwargs
        )


def runbook_versions(request: HttpRequest, slug: str) -> HttpResponse:
    """``/runbooks/<slug>/versions/``: every text that stands or stood behind a runbook, the one seen last first."""
    runbook = get_object_or_404(Runbook.objects.with_page(), slug=slug)
    versions = runbook.versions().defer("text", "html", "contents")
    page = Paginator(versions, ROWS_PER_PAGE).get_page(request.GET.get("page"))
    shown = list(page.object_list)
    rows = list(zip_longest(shown, shown[1:]))
    return render(
        request, "runbooks/runbook_versions.html", {"runbook": runbook, "page": page, "rows": rows}
    )


def runbook_version(request: HttpRequest, slug: str, sha256: str) -> HttpResponse:
    """``/runbooks/<slug>/versions/<sha256>/``: one version of the text that stands or stood behind a runbook."""
    runbook = get_object_or_404(Runbook.objects.with_page(), slug=slug)
    context = {
        "runbook": runbook,
        "document": _version(runbook, sha256),
        "reasons": runbook.reasons_against_live(),
    }
    return render(request, "runbooks/runbook_version.html", context)


def runbook_difference(request: HttpRequest, slug: str, before: str, after: str) -> HttpResponse:
    """``/runbooks/<slug>/diff/<sha256>..<sha256>/``: two versions of a runbook's text, line by line."""
    runbook = get_object_or_404(Runbook.objects.with_catalogue(), slug=slug)
    old, new = _version(runbook, before), _version(runbook, after)
    context = {
        "runbook": runbook,
        "old": old,
        "new": new,
        "difference": difference(old.text, new.text),
    }
    return render(request, "runbooks/runbook_difference.html", context)


def _version(runbook: Runbook, sha256: str) -> Document:
    """One version of a runbook's text.

    :raises Http404: there is no such version.
    """
    document = runbook.versions().filter(sha256=sha256).first()
    if document is None:
        raise Http404("There is no such version of this runbook's document.")
    return document


def document_at_path(request: HttpRequest, document_path: str) -> HttpResponse:
    """``/documents/<path>``: where a link from one document to another leads, as the catalogue stands now.

    To the runbook whose document it is, the code reference, or the landscape; to a choice, where
    several share a path.
    """
    runbooks = list(Runbook.objects.with_catalogue().filter(document_path=document_path))
    if len(runbooks) == 1:
        return redirect(runbooks[0])
    reference = CodeReference.objects.filter(path=document_path).first()
    if reference and not runbooks:
        return redirect(reference)
    if not runbooks and is_landscape_file(document_path):
        return redirect("landscape")
    context = {"document_path": document_path, "runbooks": runbooks}
    return render(
        request, "runbooks/document_at_path.html", context, status=200 if runbooks else 404
    )
