"""The ledger, the requests and the findings over REST. Reading only."""

from datetime import datetime

import django_filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ReadOnlyModelViewSet

from governance.api import serializers
from governance.api.pagination import SequencePagination
from governance.api.past import AS_OF_PARAMETER, asked_moment
from governance.as_of import AS_OF, runbooks_as_of
from governance.choices import Action, RequestState
from governance.filters import FindingFilterSet
from governance.go_no_go import verdict_on_slug
from governance.models import ChangeLogEntry, Finding, StatusChangeRequest
from governance.verdict import Verdict, VerdictReason, no_go
from runbooks.models import Runbook
from runbooks.models.runbook import YEARS


class ChangeFilterSet(django_filters.FilterSet):
    """What the change feed may be narrowed to."""

    subject = django_filters.CharFilter(max_length=300)
    action = django_filters.ChoiceFilter(choices=Action.choices)

    class Meta:
        model = ChangeLogEntry
        fields = ()


class ChangeViewSet(ReadOnlyModelViewSet):
    """The change feed, oldest first: ask ``?after=<sequence>`` of the last row you have."""

    queryset = ChangeLogEntry.objects.order_by("sequence")
    serializer_class = serializers.ChangeSerializer
    filterset_class = ChangeFilterSet
    pagination_class = SequencePagination
    lookup_field = "sequence"
    lookup_value_regex = r"\d{1,18}"


class StatusChangeRequestFilterSet(django_filters.FilterSet):
    """By state and by runbook."""

    state = django_filters.ChoiceFilter(choices=RequestState.choices)
    runbook = django_filters.CharFilter(field_name="runbook__slug", max_length=100)

    class Meta:
        model = StatusChangeRequest
        fields = ()


class StatusChangeRequestViewSet(ReadOnlyModelViewSet):
    """Status change requests with their decisions, the newest first."""

    queryset = StatusChangeRequest.objects.select_related("runbook", "requested_by").prefetch_related(
        "sign_offs__signer"
    )
    serializer_class = serializers.StatusChangeRequestSerializer
    filterset_class = StatusChangeRequestFilterSet
    lookup_value_regex = r"\d{1,18}"


class FindingViewSet(ReadOnlyModelViewSet):
    """Findings of imports and checks."""

    queryset = Finding.objects.select_related("runbook")
    serializer_class = serializers.FindingSerializer
    filterset_class = FindingFilterSet
    lookup_value_regex = r"\d{1,18}"


class VerdictView(APIView):
    """``runbooks/<slug>/verdict/?year=``: go or no-go, computed at each question. An unknown slug is a no-go with 404."""

    @extend_schema(
        responses=serializers.VerdictSerializer,
        parameters=[
            OpenApiParameter("year", OpenApiTypes.INT, description="The calendar year of the live use."),
            AS_OF_PARAMETER,
        ],
    )
    def get(self, request: Request, slug: str) -> Response:
        """The verdict, never from a cache. Asked as of another moment it is no-go, and tells beside it what it was.

        :raises ValidationError: the year or the moment is none, or a parameter is unknown.
        """
        unknown = sorted(set(request.query_params) - {"year", "format", AS_OF})
        if unknown:
            raise ValidationError(dict.fromkeys(unknown, "Unknown parameter. Known: as_of, format, year."))
        moment = asked_moment(request)
        then = None
        if moment is None:
            answer = verdict_on_slug(slug, year=_year(request))
        else:
            answer, then = _verdict_then(request, slug, moment)
        body = {
            "runbook": slug,
            "verdict": answer.word,
            "reasons": answer.reasons,
            "valid_until": answer.valid_until,
            "independent": answer.independent,
            "as_of": moment,
            "verdict_then": then.word if then else None,
            "reasons_then": then.reasons if then else None,
        }
        status = 404 if VerdictReason.UNKNOWN_RUNBOOK in answer.reasons else 200
        return Response(serializers.VerdictSerializer(body).data, status=status, headers={"Cache-Control": "no-store"})


def _verdict_then(request: Request, slug: str, moment: datetime) -> tuple[Verdict, Verdict | None]:
    """What is answered now about another moment, and what held then; None where there was no such runbook."""
    if "year" in request.query_params:
        raise ValidationError({"year": "With as_of, the year is that of the moment. Leave year out."})
    rows = runbooks_as_of(Runbook.objects.with_catalogue().filter(slug=slug), moment)
    if not rows:
        return no_go(VerdictReason.UNKNOWN_RUNBOOK), None
    return no_go(VerdictReason.NOT_NOW), rows[0].verdict


def _year(request: Request) -> int | None:
    text = request.query_params.get("year", "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and YEARS[0] <= int(text[:5]) <= YEARS[1]):
        raise ValidationError({"year": f"year is a calendar year from {YEARS[0]} to {YEARS[1]}."})
    return int(text)
