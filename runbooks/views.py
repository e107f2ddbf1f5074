"""The catalogue's pages. They read; nothing here writes."""

from itertools import zip_longest
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.generic import DetailView, ListView
from django_filters.views import FilterView

from runbooks.alerts import Alert, resolve
from runbooks.documents.difference import difference
from runbooks.filters import RunbookFilterSet, offer_names
from runbooks.landscape_files import is_landscape_file
from runbooks.models import (
    Cluster,
    CodeReference,
    Document,
    Layer,
    Runbook,
    RunbookAlias,
    Section,
    SectionEntry,
    Situation,
)
from runbooks.querysets import SituationQuerySet

ROWS_PER_PAGE = 50


def situations_in_order(*, contents: bool = False) -> SituationQuerySet:
    """Every situation with its runbooks in order, in a fixed number of queries.

    :param contents: with the headings of the texts, for a page that leads to them.
    """
    return Situation.objects.with_steps(contents=contents)


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
        sections = {section.pk: section for section in self.object.at_hand("sections")}
        entries = self.object.at_hand("section_entries")
        for entry in entries:
            entry.section = sections[entry.section_id]
        return super().get_context_data(entries=entries, shown=self.object.shown_document(), **kwargs)


def runbook_versions(request: HttpRequest, slug: str) -> HttpResponse:
    """``/runbooks/<slug>/versions/``: every text that stands or stood behind a runbook, the one seen last first."""
    runbook = get_object_or_404(Runbook.objects.with_page(), slug=slug)
    versions = runbook.versions().defer("text", "html", "contents")
    page = Paginator(versions, ROWS_PER_PAGE).get_page(request.GET.get("page"))
    shown = list(page.object_list)
    rows = list(zip_longest(shown, shown[1:]))
    return render(request, "runbooks/runbook_versions.html", {"runbook": runbook, "page": page, "rows": rows})


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
    context = {"runbook": runbook, "old": old, "new": new, "difference": difference(old.text, new.text)}
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

    To the runbook whose document it is, the code reference, or the landscape; to a choice, where several share a path.
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
    return render(request, "runbooks/document_at_path.html", context, status=200 if runbooks else 404)


class SituationList(ListView):
    """``/situations/``: what an operator may face."""

    template_name = "runbooks/situation_list.html"
    context_object_name = "situations"

    def get_queryset(self) -> QuerySet[Situation]:
        """All situations in the order of the landscape."""
        return situations_in_order()


class SituationDetail(DetailView):
    """``/situations/<slug>/``: the runbooks to open, in order."""

    template_name = "runbooks/situation_detail.html"
    context_object_name = "situation"

    def get_queryset(self) -> QuerySet[Situation]:
        """One situation with its runbooks."""
        return situations_in_order(contents=True)


def alert(request: HttpRequest, labels: str = "") -> HttpResponse:
    """``/a/?category=&source=&severity=``: what an alert leads to, never nothing.

    ``/a/<category>:<source>:<severity>/`` is the older form; the slug of a situation in its place leads there.
    """
    labels = labels.removesuffix("/")
    situations = situations_in_order(contents=True)
    if labels in {situation.slug for situation in situations}:
        return redirect("situation", slug=labels)
    asked = Alert.parse(labels) if labels else Alert.of(request.GET)
    context = {"alert": asked, "resolution": resolve(asked, situations)}
    return render(request, "runbooks/alert.html", context)


class ClusterDetail(DetailView):
    """``/clusters/<slug>/``: its runbooks, and the clusters that overlap it."""

    model = Cluster
    template_name = "runbooks/cluster_detail.html"
    context_object_name = "cluster"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Adds the runbooks for which it is primary or related, and the overlapping clusters of its kind."""
        return super().get_context_data(
            primary=Runbook.objects.with_catalogue().filter(primary_cluster=self.object),
            related=Runbook.objects.with_catalogue().filter(related_clusters=self.object),
            overlapping=Cluster.objects.overlapping(self.object),
            **kwargs,
        )


class LayerDetail(DetailView):
    """``/layers/<slug>/``: the runbooks that concern one part of the system."""

    model = Layer
    template_name = "runbooks/layer_detail.html"
    context_object_name = "layer"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Adds the layer's runbooks."""
        return super().get_context_data(runbooks=Runbook.objects.with_catalogue().filter(layers=self.object), **kwargs)


def landscape(request: HttpRequest) -> HttpResponse:
    """``/landscape/``: the overview drawn from data: sections with their runbooks, clusters, layers, code."""
    entries = Prefetch("entries", SectionEntry.objects.order_by("position", "pk"))
    context = {
        "sections": Section.objects.prefetch_related(
            entries, Prefetch("entries__runbook", Runbook.objects.with_catalogue())
        ),
        "unsectioned": Runbook.objects.with_catalogue().filter(section_entries__isnull=True),
        "clusters": Cluster.objects.all(),
        "layers": Layer.objects.all(),
        "code_references": CodeReference.objects.prefetch_related("runbooks"),
    }
    return render(request, "runbooks/landscape.html", context)
