"""The landscape overview, clusters and layers."""

from typing import Any

from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.generic import DetailView

from runbooks.models import (
    Cluster,
    CodeReference,
    Layer,
    Runbook,
    Section,
    SectionEntry,
)


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
        return super().get_context_data(
            runbooks=Runbook.objects.with_catalogue().filter(layers=self.object), **kwargs
        )


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
