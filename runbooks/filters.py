"""Filters of runbooks, shared by the pages and the API."""

from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import F, Model, QuerySet, Value
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from runbooks.choices import ReadinessLevel
from runbooks.managers import NUMBER
from runbooks.models import Layer, Runbook, Section, Situation
from runbooks.models.runbook import YEARS
from runbooks.search.query import holding


def is_cluster_number(value: str) -> None:
    """Raise an error for a value that is not a cluster number, such as ``83`` or ``16A``."""
    if not NUMBER.match(value):
        raise ValidationError(
            # The value is passed as a parameter, so a percent sign in it is not a placeholder.
            _("“%(value)s” is not a cluster number. Enter a number such as 83 or 16A."),
            params={"value": value},
        )


SELECTED = mark_safe(" selected")


class Select(forms.Select):
    """The framework's select, rendered without a template for each option.

    The filters of a list have a hundred options.
    """

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """Return the control with its options, which have no groups here."""
        chosen = self.format_value(value)
        options = format_html_join(
            "\n",
            '<option value="{}"{}>{}</option>',
            ((key, SELECTED if str(key) in chosen else "", label) for key, label in self.choices),
        )
        given = flatatt(self.build_attrs(self.attrs, attrs))
        return format_html('<select name="{}"{}>{}</select>', name, given, options)


class RunbookFilterSet(django_filters.FilterSet):
    """Filters by text, readiness, situation, section, layer, cluster, year and declared level."""

    # In the order in which a page shows them.
    text = django_filters.CharFilter(label=_("Text"), method="filter_text", max_length=200)
    readiness = django_filters.MultipleChoiceFilter(
        label=_("Readiness"),
        field_name="readiness_level",
        choices=ReadinessLevel.choices,
        distinct=False,
    )
    situation = django_filters.ModelChoiceFilter(
        label=_("Situation"),
        field_name="situations",
        queryset=Situation.objects.all(),
        to_field_name="slug",
        widget=Select,
    )
    section = django_filters.ModelChoiceFilter(
        label=_("Section"),
        field_name="sections",
        queryset=Section.objects.all(),
        to_field_name="slug",
        widget=Select,
    )
    layer = django_filters.ModelChoiceFilter(
        label=_("Layer"),
        field_name="layers",
        queryset=Layer.objects.all(),
        to_field_name="slug",
        widget=Select,
    )
    cluster = django_filters.CharFilter(
        label=_("Cluster number"),
        method="filter_cluster",
        max_length=12,
        validators=[is_cluster_number],
    )
    year = django_filters.NumberFilter(
        label=_("Year"),
        field_name="readiness_year",
        min_value=YEARS[0],
        max_value=YEARS[1],
        decimal_places=0,
    )
    declared = django_filters.ChoiceFilter(
        label=_("Declared"),
        field_name="declared_level",
        choices=ReadinessLevel.choices,
        widget=Select,
    )

    class Meta:
        model = Runbook
        fields = ()

    def filter_text(self, queryset: Any, name: str, value: str) -> QuerySet[Runbook]:
        """Select runbooks with every word in the runbook, its situations or its document.

        The words are found as in the search.
        """
        return holding(queryset, value)

    def filter_cluster(self, queryset: Any, name: str, value: str) -> QuerySet[Runbook]:
        """Select runbooks with a cluster whose range covers the number."""
        return queryset.covering(value)


# Name of the filter, its model, and the first sort key.
NAMED: tuple[tuple[str, type[Model], Any], ...] = (
    ("situation", Situation, F("position")),
    ("section", Section, F("number")),
    ("layer", Layer, Value(0)),
)


Names = dict[str, list[tuple[str, str]]]


def names_to_offer() -> Names:
    """Return slug and name of every situation, section and layer by the name of their filter.

    One query for the three.
    """
    first, *others = (
        model._default_manager.order_by()
        .annotate(kind=Value(kind), place=place)
        .values_list("kind", "place", "title", "slug")
        for kind, model, place in NAMED
    )
    offered: Names = {kind: [] for kind, *_ in NAMED}
    for kind, place, title, slug in first.union(*others, all=True).order_by(
        "kind", "place", "title"
    ):
        offered[kind].append(
            (slug, str(Section(number=place, title=title)) if kind == "section" else title)
        )
    return offered


def offer_names(form: forms.Form, offered: Names) -> None:
    """Give a form of ``RunbookFilterSet`` the names to choose from.

    A chosen value is looked up by the field, as in any form.
    """
    for kind, names in offered.items():
        field: Any = form.fields[kind]
        field.widget.choices = [("", field.empty_label), *names]
