"""Filters of findings, shared by the page, the file and the API."""

from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from governance.findings.choices import FindingKind, Severity
from governance.findings.models import Finding
from runbooks.models import Runbook


class FindingFilterSet(django_filters.FilterSet):
    """Filters by kind, severity, runbook, file and text; open or resolved."""

    text = django_filters.CharFilter(label=_("Text"), method="filter_text", max_length=200)
    kind = django_filters.MultipleChoiceFilter(label=_("Kind"), choices=FindingKind.choices)
    severity = django_filters.MultipleChoiceFilter(label=_("Severity"), choices=Severity.choices)
    runbook = django_filters.ModelChoiceFilter(
        label=_("Runbook"),
        queryset=Runbook.objects.all(),
        to_field_name="slug",
        field_name="runbook",
    )
    file = django_filters.CharFilter(label=_("File"), max_length=300)
    # Only two words are accepted: the framework's boolean filter takes any other value for "no
    # filter", which would select everything.
    resolved = django_filters.TypedChoiceFilter(
        label=_("Open or resolved"),
        field_name="resolved_at",
        lookup_expr="isnull",
        exclude=True,
        # The default of the page; it does not count as a filter in use.
        initial="false",
        choices=(("", _("Both")), ("false", _("Open")), ("true", _("Resolved"))),
        coerce=lambda word: word == "true",
    )

    class Meta:
        model = Finding
        fields = ()

    def filter_text(self, queryset: Any, name: str, value: str) -> QuerySet[Finding]:
        """Select the findings with every word in the subject, the message or the file."""
        for word in value.split()[:8]:
            queryset = queryset.filter(
                Q(subject__icontains=word) | Q(message__icontains=word) | Q(file__icontains=word)
            )
        return queryset
