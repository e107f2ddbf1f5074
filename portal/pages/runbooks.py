"""Pages of runbooks: the filtered list, one runbook, its versions and their differences."""

from functools import cache, partial
from itertools import zip_longest
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.generic import DetailView
from django_filters.views import FilterView

from governance.assurance.as_of import AS_OF
from governance.assurance.evidence import verdict_on
from governance.assurance.standings import add_standings, with_assurance
from portal.pages import as_of
from portal.pages.documents import document_html
from portal.pages.paging import ROWS_PER_PAGE
from portal.pages.runbook_context import record_of
from runbooks.digests import sha256_of_text
from runbooks.documents.diff import difference
from runbooks.filters import Names, RunbookFilterSet, names_to_offer, offer_names
from runbooks.models import (
    Document,
    Runbook,
    RunbookAlias,
)


class RunbookList(FilterView):
    """The page ``/runbooks/``: the filtered list. An invalid filter shows its error and no rows."""

    filterset_class = RunbookFilterSet
    template_name = "runbooks/runbook_list.html"
    context_object_name = "runbooks"
    paginate_by = ROWS_PER_PAGE
    strict = True

    def get_queryset(self) -> QuerySet[Runbook]:
        """Return all runbooks in the order of the landscape."""
        return with_assurance(Runbook.objects.with_catalogue())

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Return the present list, or with ``?as_of=`` the list of another moment."""
        if AS_OF in request.GET:
            return as_of.page(as_of.runbook_list, request)
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the standings, and the query without its page for the links to other pages."""
        parameters = self.request.GET.copy()
        parameters.pop("page", None)
        offered = names_to_offer()
        context = super().get_context_data(
            query=parameters.urlencode(),
            # Building and rendering the filters takes a third of the page's time: their HTML is
            # cached, and the form is built where it is not.
            form_key=sha256_of_text(repr((offered, self.request.GET.urlencode()))),
            filter_form=cache(partial(self._filter_form, offered)),
            **kwargs,
        )
        context["runbooks"] = add_standings(context["object_list"])
        return context

    def _filter_form(self, offered: Names) -> Any:
        form = self.filterset.form
        offer_names(form, offered)
        return form


class RunbookDetail(DetailView):
    """The page ``/runbooks/<slug>/``: the runbook that an operator follows."""

    template_name = "runbooks/runbook_detail.html"
    context_object_name = "runbook"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Return the present page, or with ``?as_of=`` another moment's; redirect a former slug."""
        if AS_OF in request.GET:
            return as_of.page(as_of.runbook, request, **kwargs)
        try:
            return super().get(request, *args, **kwargs)
        except Http404:
            renamed = RunbookAlias.runbook_named(kwargs["slug"])
            if renamed is None:
                raise
            return redirect(renamed)

    def get_queryset(self) -> QuerySet[Runbook]:
        """Return the runbook with everything that its page shows."""
        return Runbook.objects.with_page()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add its record, its roles in sections, and the text to show.

        This is the signed text if there is one.
        """
        record = record_of(self.object)
        self.object.standing = record.verdict.standing
        shown = self.object.shown_document()
        sections = {section.pk: section for section in self.object.related("sections")}
        entries = self.object.related("section_entries")
        for entry in entries:
            entry.section = sections[entry.section_id]
        return super().get_context_data(
            record=record,
            entries=entries,
            shown=shown,
            html=document_html(shown) if shown else "",
            **kwargs,
        )


def runbook_versions(request: HttpRequest, slug: str) -> HttpResponse:
    """Return every version of a runbook's text (``/runbooks/<slug>/versions/``).

    The version seen last comes first.
    """
    runbook = get_object_or_404(Runbook.objects.with_page(), slug=slug)
    versions = runbook.versions().defer("text", "html", "contents")
    page = Paginator(versions, ROWS_PER_PAGE).get_page(request.GET.get("page"))
    shown = list(page.object_list)
    rows = list(zip_longest(shown, shown[1:]))
    add_standings([runbook])
    return render(
        request, "runbooks/runbook_versions.html", {"runbook": runbook, "page": page, "rows": rows}
    )


def runbook_version(request: HttpRequest, slug: str, sha256: str) -> HttpResponse:
    """Return one present or past version of a runbook's text.

    The address is ``/runbooks/<slug>/versions/<sha256>/``.
    """
    runbook = get_object_or_404(Runbook.objects.with_page(), slug=slug)
    return version_page(request, runbook, _version(runbook, sha256))


def version_page(request: HttpRequest, runbook: Runbook, document: Document) -> HttpResponse:
    """Return the page of one version of a text, with the reasons of the present verdict."""
    context = {
        "runbook": runbook,
        "document": document,
        "html": document_html(document),
        "reasons": verdict_on(runbook).reasons,
    }
    return render(request, "runbooks/runbook_version.html", context)


def runbook_difference(request: HttpRequest, slug: str, before: str, after: str) -> HttpResponse:
    """Return two versions of a runbook's text, compared line by line.

    The address is ``/runbooks/<slug>/diff/<sha256>..<sha256>/``.
    """
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
    """Return one version of a runbook's text.

    :raises Http404: there is no such version.
    """
    document = runbook.versions().filter(sha256=sha256).first()
    if document is None:
        raise Http404("There is no such version of this runbook's document.")
    return document
