"""The catalogue over REST. Each view is a queryset, a serializer and what it may be filtered by."""

from django.db.models import Prefetch
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from portal.rest import fields
from runbooks.filters import RunbookFilterSet
from runbooks.models import (
    Cluster,
    CodeReference,
    Layer,
    Runbook,
    RunbookAlias,
    Section,
    SectionEntry,
    Situation,
)

# What a slug may be. The framework's own pattern lets a null byte through, on which PostgreSQL
# fails.
SLUG = r"[-a-zA-Z0-9_]+"


class RunbookViewSet(ReadOnlyModelViewSet):
    """Runbooks with signed and declared readiness, by slug."""

    queryset = Runbook.objects.with_catalogue()
    serializer_class = fields.RunbookSerializer
    filterset_class = RunbookFilterSet
    lookup_field = "slug"
    lookup_value_regex = SLUG

    def get_object(self) -> Runbook:
        """The runbook with this slug.

        :raises NotFound: there is none; a former name is answered with the present one.
        """
        try:
            return super().get_object()
        except Http404 as error:
            renamed = RunbookAlias.runbook_named(self.kwargs["slug"])
            if renamed is None:
                raise
            raise NotFound(f"This runbook is now called {renamed.slug}. Ask for that.") from error

    @extend_schema(responses=fields.DocumentSerializer, filters=False)
    @action(detail=True)
    def document(self, request: Request, slug: str, format: str | None = None) -> Response:  # noqa: A002 - DRF's name
        """The Markdown text that the runbook's page shows: the signed one first, and whether a newer one stands there."""
        runbook = self.get_object()
        if runbook.shown_document() is None:
            raise NotFound("This runbook has no document.")
        return Response(fields.DocumentSerializer(runbook).data)


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
