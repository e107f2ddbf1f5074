"""Runbook resources of the API, now or with ``?as_of=`` at another moment."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from governance.assurance.as_of import (
    AS_OF,
    AsOfError,
    RunbookAsOf,
    filtered_as_of,
    moment_of,
    runbooks_as_of,
)
from governance.assurance.evidence import verdict_on
from governance.assurance.renewal import withdraw
from governance.assurance.standings import add_standings, with_assurance
from portal.rest.catalogue import SLUG
from portal.rest.fields import DocumentSerializer, RunbookNowSerializer
from runbooks.filters import RunbookFilterSet
from runbooks.models import Runbook, RunbookAlias
from runbooks.validity import Reason, Standing

AS_OF_PARAMETER = OpenApiParameter(
    AS_OF,
    OpenApiTypes.STR,
    description=(
        "A day (its end counts) or a time (ISO 8601): what was signed and valid then. It permits "
        "nothing now."
    ),
)


NOT_NOW = Standing((Reason.NOT_NOW,))


def asked_moment(request: Request) -> datetime | None:
    """Return the moment that a request asks about, or None for now.

    :raises ValidationError: the value is not a date or time, or lies in the future.
    """
    if AS_OF not in request.query_params:
        return None
    try:
        return moment_of(request.query_params[AS_OF])
    except AsOfError as error:
        raise ValidationError({AS_OF: str(error)}) from error


class RunbookSerializer(RunbookNowSerializer):
    """A runbook, now or at another moment.

    Without `as_of`, the fields `as_of`, `live_ready_then` and `reasons_then` are null. With
    `as_of`, `live_ready` is always false.
    """

    as_of = serializers.DateTimeField(allow_null=True)
    live_ready_then = serializers.BooleanField(
        allow_null=True, help_text="Whether it was live-ready at that moment."
    )
    reasons_then = serializers.ListField(child=serializers.CharField(), allow_null=True)

    def to_representation(self, instance: Runbook | RunbookAsOf) -> dict[str, Any]:
        """Return the row. Owner, contact, clusters and layers are always the present ones."""
        if isinstance(instance, Runbook):
            return {
                **super().to_representation(instance),
                "as_of": None,
                "live_ready_then": None,
                "reasons_then": None,
            }
        signed, described = instance.signed, instance.described.metadata
        changed = (
            bool(signed.document_sha256) and signed.document_sha256 != instance.document_sha256
        )
        return {
            **self.row(instance.runbook, NOT_NOW),
            **{name: described[name] for name in ("title", "document_path", "version", "scope")},
            "document_sha256": instance.document_sha256 or None,
            "readiness_level": signed.level,
            "readiness_year": signed.year,
            "signed_at": signed.signed_at,
            "signed_document_sha256": signed.document_sha256,
            "changed_since_sign_off": changed,
            "signed_until": instance.valid_until,
            "signed_solo": signed.solo,
            "signed_dependence": (signed.dependence or "").split(),
            "as_of": instance.moment,
            "live_ready_then": instance.verdict.go,
            "reasons_then": [reason.value for reason in instance.verdict.reasons],
        }


@extend_schema_view(
    list=extend_schema(parameters=[AS_OF_PARAMETER]),
    retrieve=extend_schema(parameters=[AS_OF_PARAMETER]),
)
class RunbookViewSet(ReadOnlyModelViewSet):
    """Runbooks with their signed and declared readiness, by slug.

    With `as_of`, the readiness is that of another moment.
    """

    queryset = with_assurance(Runbook.objects.with_catalogue())
    serializer_class = RunbookSerializer
    filterset_class = RunbookFilterSet
    lookup_field = "slug"
    lookup_value_regex = SLUG
    parameters = frozenset({AS_OF})

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse ``as_of`` for a document.

        Past versions of a document have their own addresses.

        :raises ValidationError: ``as_of`` is given for a document.
        """
        super().initial(request, *args, **kwargs)
        if self.action == "document" and AS_OF in request.query_params:
            raise ValidationError({AS_OF: "Unknown parameter here. Known: format."})

    def get_object(self) -> Runbook:
        """Return the runbook with this slug.

        :raises NotFound: there is none. For a former slug the message names the present one.
        """
        try:
            return super().get_object()
        except Http404 as error:
            renamed = RunbookAlias.runbook_named(self.kwargs["slug"])
            if renamed is None:
                raise
            raise NotFound(
                f"This runbook is now called {renamed.slug}. Request that one."
            ) from error

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return the runbooks with their signed and declared readiness.

        With `as_of`, the readiness is that of another moment. The filters are the same.
        """
        moment = asked_moment(request)
        # Refuses unknown parameters and invalid values, for both cases.
        rows = self.filter_queryset(self.get_queryset())
        page: Any
        if moment is None:
            page = add_standings(self.paginate_queryset(rows) or ())
        else:
            then: Any = self._rows_then(request, moment)
            page = self.paginate_queryset(then)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def _rows_then(self, request: Request, moment: datetime) -> Sequence[RunbookAsOf]:
        found, rows = filtered_as_of(request.query_params, moment)
        if not found.is_valid():
            raise ValidationError(found.errors)
        return rows

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return one runbook with its signed and declared readiness.

        Without `as_of`, `live_ready` and `reasons_against_live` state its computed verdict. With
        `as_of`, the readiness is that of another moment. Status 404: there is no such runbook, or
        it did not exist at that moment.
        """
        moment, runbook = asked_moment(request), self.get_object()
        if moment is None:
            verdict = verdict_on(runbook)
            withdraw(runbook, verdict)
            runbook.standing = verdict.standing
            return Response(self.get_serializer(runbook).data)
        rows = runbooks_as_of([runbook], moment)
        if not rows:
            raise NotFound("This runbook was created later.")
        return Response(self.get_serializer(rows[0]).data)

    @extend_schema(responses=DocumentSerializer, filters=False)
    @action(detail=True)
    def document(
        self,
        request: Request,
        slug: str,
        format: str | None = None,  # noqa: A002 - the framework's name
    ) -> Response:
        """Return the Markdown text that the runbook's page shows.

        This is the signed text if there is one. The response states whether another text is
        current. Status 404: there is no such runbook, or it has no document.
        """
        runbook = self.get_object()
        if runbook.shown_document() is None:
            raise NotFound("This runbook has no document.")
        return Response(DocumentSerializer(runbook).data)
