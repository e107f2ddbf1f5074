"""One set of filters for the pages and the API."""

from typing import Any

import django_filters
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from runbooks.choices import ReadinessLevel
from runbooks.models import Layer, Runbook, Section, Situation
from runbooks.models.runbook import YEARS
from runbooks.querysets import NUMBER
from runbooks.search.answer import holding


def is_cluster_number(value: str) -> None:
    """Refuse what is no cluster number, such as ``83`` or ``16A``."""
    if not NUMBER.match(value):
        raise ValidationError(
            # The value goes in as a parameter: a per cent sign in it is not a placeholder.
            _("“%(value)s” is no cluster number. Write a number such as 83 or 16A."),
            params={"value": value},
        )


class RunbookFilterSet(django_filters.FilterSet):
    """Text, readiness, situation, section, layer, cluster number, year, declared level."""

    # In the order in which a page asks for them.
    text = django_filters.CharFilter(label=_("Text"), method="filter_text", max_length=200)
    readiness = django_filters.MultipleChoiceFilter(
        label=_("Readiness"), field_name="readiness_level", choices=ReadinessLevel.choices
    )
    situation = django_filters.ModelChoiceFilter(
        label=_("Situation"), field_name="situations", queryset=Situation.objects.all(), to_field_name="slug"
    )
    section = django_filters.ModelChoiceFilter(
        label=_("Section"), field_name="sections", queryset=Section.objects.all(), to_field_name="slug"
    )
    layer = django_filters.ModelChoiceFilter(
        label=_("Layer"), field_name="layers", queryset=Layer.objects.all(), to_field_name="slug"
    )
    cluster = django_filters.CharFilter(
        label=_("Cluster number"), method="filter_cluster", max_length=12, validators=[is_cluster_number]
    )
    year = django_filters.NumberFilter(
        label=_("Year"), field_name="readiness_year", min_value=YEARS[0], max_value=YEARS[1], decimal_places=0
    )
    declared = django_filters.ChoiceFilter(
        label=_("Declared"), field_name="declared_level", choices=ReadinessLevel.choices
    )

    class Meta:
        model = Runbook
        fields = ()

    def filter_text(self, queryset: Any, name: str, value: str) -> QuerySet[Runbook]:
        """Every word must be found somewhere in the runbook, its situations or its document, as the search finds it."""
        return holding(queryset, value)

    def filter_cluster(self, queryset: Any, name: str, value: str) -> QuerySet[Runbook]:
        """Runbooks with a cluster whose range covers the number."""
        return queryset.covering(value)
