"""Governance resources of the API, read-only: ledger entries, requests and findings."""

import django_filters
from django.db.models import QuerySet
from rest_framework.viewsets import ReadOnlyModelViewSet

from governance.accounts.roles import may_read_security_entries
from governance.findings.disclosure import disclosed_findings
from governance.findings.filters import FindingFilterSet
from governance.findings.models import Finding
from governance.ledger.choices import Action
from governance.ledger.disclosure import disclosed, unrestricted
from governance.ledger.models import ChangeLogEntry
from governance.signoff.choices import RequestState
from governance.signoff.models import StatusChangeRequest
from portal.rest import governance_fields
from portal.rest.pagination import SequencePagination


class ChangeFilterSet(django_filters.FilterSet):
    """Filters of the change feed: ``subject`` and ``action``."""

    subject = django_filters.CharFilter(max_length=300)
    action = django_filters.ChoiceFilter(choices=Action.choices)

    class Meta:
        model = ChangeLogEntry
        fields = ()


class ChangeViewSet(ReadOnlyModelViewSet):
    """Ledger entries, oldest first.

    To read on, pass the sequence of the last entry you have as `after`.

    Entries about accounts are shown only to auditors and administrators. For other readers such an
    entry has the action `(restricted)` and only its sequence, time and hashes; the other fields are
    empty. A feed that is filtered by action or subject omits these entries.
    """

    queryset = ChangeLogEntry.objects.order_by("sequence")
    serializer_class = governance_fields.ChangeSerializer
    filterset_class = ChangeFilterSet
    pagination_class = SequencePagination
    lookup_field = "sequence"

    def get_queryset(self) -> QuerySet[ChangeLogEntry]:
        """Return the entries, with placeholders for those that the reader may not see."""
        security, entries = may_read_security_entries(self.request.user), super().get_queryset()
        if not security and set(ChangeFilterSet.base_filters) & set(self.request.query_params):
            entries = entries.filter(unrestricted())
        return disclosed(entries, security=security)

    lookup_value_regex = r"\d{1,18}"


class StatusChangeRequestFilterSet(django_filters.FilterSet):
    """Filters of status change requests: ``state`` and ``runbook``."""

    state = django_filters.ChoiceFilter(choices=RequestState.choices)
    runbook = django_filters.CharFilter(field_name="runbook__slug", max_length=100)

    class Meta:
        model = StatusChangeRequest
        fields = ()


class StatusChangeRequestViewSet(ReadOnlyModelViewSet):
    """Status change requests with their decisions, newest first."""

    queryset = StatusChangeRequest.objects.select_related(
        "runbook", "requested_by"
    ).prefetch_related("sign_offs__signer")
    serializer_class = governance_fields.StatusChangeRequestSerializer
    filterset_class = StatusChangeRequestFilterSet
    lookup_value_regex = r"\d{1,18}"


class FindingViewSet(ReadOnlyModelViewSet):
    """Findings of imports and checks.

    Findings about accounts and groups are shown only to auditors and administrators.
    """

    queryset = Finding.objects.select_related("runbook")
    serializer_class = governance_fields.FindingSerializer
    filterset_class = FindingFilterSet

    def get_queryset(self) -> QuerySet[Finding]:
        """Return the findings that the reader may see."""
        return disclosed_findings(
            super().get_queryset(), security=may_read_security_entries(self.request.user)
        )

    lookup_value_regex = r"\d{1,18}"
