"""The catalogue over REST. Each view is a queryset, a serializer and what it may be filtered by."""

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

# What a slug may be. The framework's own pattern lets a null byte through, on which PostgreSQL
# fails.
SLUG = r"[-a-zA-Z0-9_]+"


class ClusterViewSet(ReadOnlyModelViewSet):
    """Clusters with their numbers."""

    queryset = Cluster.objects.all()
    serializer_class = fields.ClusterSerializer
    lookup_field = "slug"
    lookup_value_regex = SLUG


class LayerViewSet(ReadOnlyModelViewSet):
    """Layers."""

    queryset = Layer.objects.all()
    serializer_class = fields.LayerSerializer
    lookup_field = "slug"
    lookup_value_regex = SLUG


class SectionViewSet(ReadOnlyModelViewSet):
    """Sections with the roles of their runbooks."""

    queryset = Section.objects.prefetch_related(
        Prefetch(
            "entries", SectionEntry.objects.select_related("runbook").order_by("position", "pk")
        )
    )
    serializer_class = fields.SectionSerializer
    lookup_field = "slug"
    lookup_value_regex = SLUG


class SituationViewSet(ReadOnlyModelViewSet):
    """Situations with their runbooks in order."""

    queryset = Situation.objects.with_steps()
    serializer_class = fields.SituationSerializer
    lookup_field = "slug"
    lookup_value_regex = SLUG


class CodeReferenceViewSet(ReadOnlyModelViewSet):
    """Source paths and the runbooks tied to them."""

    queryset = CodeReference.objects.prefetch_related("runbooks")
    serializer_class = fields.CodeReferenceSerializer
    lookup_value_regex = r"\d{1,18}"
