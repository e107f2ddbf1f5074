"""Pages of the landscape: the overview, clusters and layers."""

from typing import Any

from django.db.models import Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.generic import DetailView

from governance.assurance.standings import add_standings, with_assurance
from runbooks.models import (
    Cluster,
    CodeReference,
    Layer,
    Runbook,
    Section,
    SectionEntry,
)


class ClusterDetail(DetailView):
    """The page ``/clusters/<slug>/``: a cluster's runbooks, and the clusters that overlap it."""

    model = Cluster
    template_name = "runbooks/cluster_detail.html"
    context_object_name = "cluster"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the runbooks that have it as primary or related cluster, and overlapping clusters."""
        covered = Q(primary_cluster=self.object) | Q(
            pk__in=self.object.related_runbooks.order_by().values("pk")
        )
        runbooks = add_standings(with_assurance(Runbook.objects.with_catalogue()).filter(covered))
        return super().get_context_data(
            primary=[row for row in runbooks if row.primary_cluster_id == self.object.pk],
            related=[row for row in runbooks if self.object in row.related("related_clusters")],
            overlapping=Cluster.objects.overlapping(self.object),
            **kwargs,
        )


class LayerDetail(DetailView):
    """The page ``/layers/<slug>/``: the runbooks that concern one part of the system."""

    model = Layer
    template_name = "runbooks/layer_detail.html"
    context_object_name = "layer"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the layer's runbooks."""
        runbooks = with_assurance(Runbook.objects.with_catalogue()).filter(layers=self.object)
        return super().get_context_data(runbooks=add_standings(runbooks), **kwargs)


def landscape(request: HttpRequest) -> HttpResponse:
    """Return the overview of the stored landscape (``/landscape/``).

    It lists sections with their runbooks, clusters, layers and code references.
    """
    entries = Prefetch("entries", SectionEntry.objects.order_by("position", "pk"))
    runbooks = with_assurance(Runbook.objects.with_catalogue())
    sections = list(
        Section.objects.prefetch_related(entries, Prefetch("entries__runbook", runbooks))
    )
    unsectioned = list(runbooks.filter(section_entries__isnull=True))
    in_sections = [entry.runbook for section in sections for entry in section.entries.all()]
    add_standings([*in_sections, *unsectioned])
    context = {
        "sections": sections,
        "unsectioned": unsectioned,
        "clusters": Cluster.objects.all(),
        "layers": Layer.objects.all(),
        "code_references": CodeReference.objects.prefetch_related("runbooks"),
    }
    return render(request, "runbooks/landscape.html", context)
