"""The runbooks over REST, now or, with ``?as_of=``, as they stood at another moment."""

from datetime import datetime
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from governance.assurance.as_of import (
    AS_OF,
    AsOfError,
    RunbookAsOf,
    filtered_as_of,
    moment_of,
    runbooks_as_of,
)
from governance.assurance.evidence import verdict_on
from governance.assurance.verdict import VerdictReason
from portal.rest.catalogue import RunbookViewSet
from portal.rest.fields import RunbookSerializer
from runbooks.models import Runbook

AS_OF_PARAMETER = OpenApiParameter(
    AS_OF,
    OpenApiTypes.STR,
    description=(
        "A day (its end counts) or a time (ISO 8601): what was signed and valid then. It permits "
        "nothing now."
    ),
)


def asked_moment(request: Request) -> datetime | None:
    """The moment that a request asks about; None for now.

    :raises ValidationError: it is no date, or one in the future.
    """
    if AS_OF not in request.query_params:
        return None
    try:
        return moment_of(request.query_params[AS_OF])
    except AsOfError as error:
        raise ValidationError({AS_OF: str(error)}) from error


class RunbookOrThenSerializer(RunbookSerializer):
    """A runbook. ``as_of`` and what ends in ``_then`` are null now; of another moment, ``live_ready`` is always false."""

    as_of = serializers.DateTimeField(allow_null=True)
    live_ready_then = serializers.BooleanField(
        allow_null=True, help_text="Whether it was live-ready at that moment."
    )
    reasons_then = serializers.ListField(child=serializers.CharField(), allow_null=True)

    def to_representation(self, instance: Runbook | RunbookAsOf) -> dict[str, Any]:
        """One row. Owner, contact, clusters and layers are today's, whatever the moment."""
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
            **super().to_representation(instance.runbook),
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
            "live_ready": False,
            "reasons_against_live": [VerdictReason.NOT_NOW.value],
            "as_of": instance.moment,
            "live_ready_then": instance.verdict.go,
            "reasons_then": [reason.value for reason in instance.verdict.reasons],
        }


@extend_schema_view(
    list=extend_schema(parameters=[AS_OF_PARAMETER]),
    retrieve=extend_schema(parameters=[AS_OF_PARAMETER]),
)
class RunbookOrThenViewSet(RunbookViewSet):
    """Runbooks with signed and declared readiness, by slug; with ``as_of`` as they stood at another moment."""

    serializer_class = RunbookOrThenSerializer
    parameters = frozenset({AS_OF})

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """:raises ValidationError: a document is asked for as of another moment. Its versions have addresses of their own."""
        super().initial(request, *args, **kwargs)
        if self.action == "document" and AS_OF in request.query_params:
            raise ValidationError({AS_OF: "Unknown parameter here. Known: format."})

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The rows of now or then, with the same filters."""
        moment = asked_moment(request)
        if moment is None:
            return super().list(request, *args, **kwargs)
        self.filter_queryset(self.get_queryset())  # refuses what is unknown or makes no sense
        found, rows = filtered_as_of(request.query_params, moment)
        if not found.is_valid():
            raise ValidationError(found.errors)
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One row of now or then.

        :raises NotFound: there is no such runbook, or there was none then.
        """
        moment = asked_moment(request)
        if moment is None:
            runbook = self.get_object()
            verdict_on(
                runbook
            )  # of one runbook the text is looked at too: what it says is what the verdict says
            return Response(self.get_serializer(runbook).data)
        rows = runbooks_as_of([self.get_object()], moment)
        if not rows:
            raise NotFound("This runbook was made later.")
        return Response(self.get_serializer(rows[0]).data)
