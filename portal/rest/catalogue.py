"""Catalogue resources of the API: each is a queryset, a serializer and its lookup field."""

from django.db.models import Prefetch
from rest_framework.viewsets import ReadOnlyModelViewSet

from portal.rest import fields
from runbooks.models import (
    Cluster,
    CodeReference,
    Layer,
    Section,
    SectionEntry,
    Situation,
)

# The default pattern of the framework accepts a null byte, on which PostgreSQL fails.
SLUG = r"[-a-zA-Z0-9_]+"


class ClusterViewSet(ReadOnlyModelViewSet):
    """Clusters, with their number ranges."""

    queryset = Cluster.objects.all()
    serializer_class = fields.ClusterSerializer
    lookup_field = "slug"
    lookup_value_regex = SLUG


class LayerViewSet(ReadOnlyModelViewSet):
    """Layers: the parts of the system that runbooks concern."""

    queryset = Layer.objects.all()
    serializer_class = fields.LayerSerializer
    lookup_field = "slug"
    lookup_value_regex = SLUG


class SectionViewSet(ReadOnlyModelViewSet):
    """Sections of the landscape, with the role of each runbook."""

    queryset = Section.objects.prefetch_related(
        Prefetch(
            "entries", SectionEntry.objects.select_related("runbook").order_by("position", "pk")
        )
    )
    serializer_class = fields.SectionSerializer
    lookup_field = "slug"
    lookup_value_regex = SLUG


class SituationViewSet(ReadOnlyModelViewSet):
    """Situations, each with its runbooks in the order to open them."""

    queryset = Situation.objects.with_steps()
    serializer_class = fields.SituationSerializer
    lookup_field = "slug"
    lookup_value_regex = SLUG


class CodeReferenceViewSet(ReadOnlyModelViewSet):
    """Source paths, with the runbooks that are tied to them."""

    queryset = CodeReference.objects.prefetch_related("runbooks")
    serializer_class = fields.CodeReferenceSerializer
    lookup_value_regex = r"\d{1,18}"
