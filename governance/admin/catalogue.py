"""The catalogue around the runbooks in the admin: clusters, sections, situations and others."""

import re
from typing import Any

from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext_lazy as _

from governance.admin.base import (
    LINES,
    AuditedAdmin,
    ImmutableSlugAdmin,
    LinesField,
    ReadOnlyAdmin,
)
from governance.editing.sections import rendered_fragments, store_rendered_section
from runbooks.models import (
    Cluster,
    CodeReference,
    Document,
    Layer,
    SearchSynonym,
    Section,
    SectionEntry,
    Situation,
    SituationRunbook,
)


@admin.register(Cluster)
class ClusterAdmin(ImmutableSlugAdmin):
    """Clusters with their ranges of numbers."""

    list_display = ("__str__", "kind", "first_number", "last_number", "runbook_count")
    list_filter = ("kind",)
    search_fields = ("title", "slug", "=first_number", "=last_number")
    ordering = (
        "kind",
        "first_number",
        "last_number",
        "suffix",
        "title",
    )  # counting drops the model's own ordering
    fields = ("kind", "first_number", "last_number", "suffix", "title", "slug", "reason")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the clusters, with the number of runbooks whose primary cluster each is."""
        return super().get_queryset(request).annotate(number=Count("primary_runbooks"))

    @admin.display(description=_("runbooks"), ordering="number")
    def runbook_count(self, cluster: Any) -> int:
        """Return the number of runbooks whose primary cluster it is."""
        return cluster.number


@admin.register(Layer)
class LayerAdmin(ImmutableSlugAdmin):
    """Layers."""

    list_display = ("title", "runbook_count")
    search_fields = ("title", "slug")
    ordering = ("title",)
    fields = ("title", "slug", "reason")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the layers, with their number of runbooks."""
        return super().get_queryset(request).annotate(number=Count("runbooks"))

    @admin.display(description=_("runbooks"), ordering="number")
    def runbook_count(self, layer: Any) -> int:
        """Return the number of runbooks in the layer."""
        return layer.number


@admin.register(CodeReference)
class CodeReferenceAdmin(AuditedAdmin):
    """Source paths to which runbooks are tied."""

    list_display = ("path", "description")
    search_fields = ("path", "description")
    autocomplete_fields = ("runbooks",)
    fields = ("path", "description", "position", "runbooks", "reason")


class SectionEntryInline(admin.TabularInline):
    """The runbooks of a section, each with its role."""

    model = SectionEntry
    extra = 0
    formfield_overrides = LINES
    autocomplete_fields = ("runbook",)
    fields = ("position", "runbook", "heading", "role")


@admin.register(Section)
class SectionAdmin(ImmutableSlugAdmin):
    """Chapters of the landscape."""

    list_display = ("number", "title", "runbook_count")
    list_display_links = ("title",)
    search_fields = ("title",)
    fields = ("number", "title", "slug", "note", "reason")
    inlines = (SectionEntryInline,)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the sections, with their number of runbooks."""
        return super().get_queryset(request).annotate(amount=Count("entries"))

    @admin.display(description=_("runbooks"), ordering="amount")
    def runbook_count(self, section: Any) -> int:
        """Return the number of runbooks in the section."""
        return section.amount

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Render the Markdown before the form takes the lock. ``save_related`` stores it."""
        if request.method == "POST":
            fragments = rendered_fragments(_markdown_in(request.POST))
            setattr(request, FRAGMENTS, fragments)
        return super().changeform_view(request, *args, **kwargs)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save the runbooks of the section, then store the rendered Markdown."""
        super().save_related(request, form, formsets, change)
        store_rendered_section(form.instance, getattr(request, FRAGMENTS))


FRAGMENTS = "rendered_fragments"
MARKDOWN = re.compile(r"note|entries-\d+-role")


def _markdown_in(sent: QueryDict) -> list[str]:
    """Return the Markdown in a section's form data, as the form's fields will clean it."""
    field = LinesField(required=False)
    return [field.clean(value) for name, value in sent.items() if MARKDOWN.fullmatch(name)]


class SituationRunbookInline(admin.TabularInline):
    """The runbooks of a situation, in their order."""

    model = SituationRunbook
    extra = 0
    formfield_overrides = LINES
    autocomplete_fields = ("runbook",)
    fields = ("position", "runbook", "headings")


@admin.register(Situation)
class SituationAdmin(ImmutableSlugAdmin):
    """The situations that operators face."""

    list_display = ("title", "runbook_count", "alert_category", "alert_severity")
    search_fields = ("title", "comment", "runbooks__title")
    list_filter = ("alert_category", "alert_severity")
    inlines = (SituationRunbookInline,)
    fieldsets = (
        (None, {"fields": ("title", "slug", "comment", "position", "reason")}),
        (
            _("Alert labels"),
            {"fields": ("alert_category", "alert_source", "alert_severity", "alert_default")},
        ),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the situations, with their number of runbooks."""
        return super().get_queryset(request).annotate(number=Count("steps"))

    @admin.display(description=_("runbooks"), ordering="number")
    def runbook_count(self, situation: Any) -> int:
        """Return the number of runbooks to which the situation leads."""
        return situation.number


@admin.register(SearchSynonym)
class SearchSynonymAdmin(AuditedAdmin):
    """Words with the same meaning in a search. Those who edit situations edit them."""

    list_display = ("words",)
    search_fields = ("words",)
    fields = ("words", "reason")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the visitor may view situations."""
        return request.user.has_perm("runbooks.view_situation")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether the visitor may change situations."""
        return request.user.has_perm("runbooks.change_situation")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the visitor may change situations."""
        return request.user.has_perm("runbooks.change_situation")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the visitor may change situations."""
        return request.user.has_perm("runbooks.change_situation")


@admin.register(Document)
class DocumentAdmin(ReadOnlyAdmin):
    """Stored texts, which are never edited."""

    list_display = ("path", "short_sha256", "size", "seen_at")
    search_fields = ("path", "sha256")
    fields = ("path", "sha256", "size", "source_revision", "seen_at", "text")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the documents without HTML and headings, which the admin does not show."""
        return super().get_queryset(request).defer("html", "contents")
