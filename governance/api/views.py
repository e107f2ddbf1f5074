"""The ledger, the requests and the findings over REST. Reading only."""

import django_filters
from rest_framework.viewsets import ReadOnlyModelViewSet

from governance.api import serializers
from governance.api.pagination import SequencePagination
from governance.choices import Action, RequestState
from governance.filters import FindingFilterSet
from governance.models import ChangeLogEntry, Finding, StatusChangeRequest


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
