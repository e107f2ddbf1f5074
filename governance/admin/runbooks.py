"""Runbooks in the admin: the list, the form and the downgrade."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from governance.accounts.roles import signed_in
from governance.admin.base import SAFE_METHODS, ImmutableSlugAdmin
from governance.admin.forms import DowngradeForm
from governance.admin.imports import LandscapeImport
from governance.admin.renewals import CampaignMixin
from governance.assurance.evidence import verdict_on
from governance.assurance.standings import add_standings, standing_of, with_assurance
from governance.errors import ActionRefused
from governance.signoff.downgrade import downgrade
from runbooks.choices import REASON_TEXTS, ReadinessLevel
from runbooks.models import Runbook, RunbookAlias
from runbooks.validity import Standing


class RunbookAliasInline(admin.TabularInline):
    """Further names of a runbook. Those who may edit the runbook may edit them."""

    model = RunbookAlias
    extra = 0
    fields = ("name",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the visitor may view or change runbooks."""
        return request.user.has_perm("runbooks.view_runbook") or self.has_change_permission(
            request, obj
        )

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the visitor may change runbooks."""
        return self.has_change_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the visitor may change runbooks."""
        return request.user.has_perm("runbooks.change_runbook")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the visitor may change runbooks."""
        return self.has_change_permission(request, obj)


@admin.register(Runbook)
class RunbookAdmin(LandscapeImport, CampaignMixin, ImmutableSlugAdmin):
    """Runbooks. The readiness is shown and never edited: only a sign-off changes it."""

    list_display = (
        "title",
        "signed",
        "declared_as",
        "cluster_label",
        "in_layers",
        "owner",
        "has_document",
    )
    list_filter = ("readiness_level", "readiness_year", "declared_level", "layers", "sections")
    search_fields = (
        "title",
        "slug",
        "aliases__name",
        "scope",
        "document_path",
        "owner",
        "layers__title",
    )
    search_help_text = _("Title, further name, scope, path, owner or layer")
    autocomplete_fields = ("primary_cluster", "related_clusters", "layers")
    actions = ("ask_for_renewals",)
    readonly_fields = (
        "signed",
        "why_not_live",
        "signed_at",
        "declared_as",
        "document_link",
        "sign_off_links",
    )
    list_select_related = ("primary_cluster", "document")
    list_per_page = 50
    inlines = (RunbookAliasInline,)
    fieldsets = (
        (None, {"fields": ("title", "slug", "version", "scope", "reason")}),
        (
            _("Readiness"),
            {"fields": ("signed", "why_not_live", "signed_at", "declared_as", "sign_off_links")},
        ),
        (_("Document"), {"fields": ("document_path", "document_link")}),
        (
            _("Classification"),
            {"fields": ("primary_cluster", "related_clusters", "layers", "position")},
        ),
        (_("Responsibility"), {"fields": ("owner", "escalation_contact")}),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the runbooks with what the list shows, and without the texts."""
        queryset: Any = super().get_queryset(request)
        return with_assurance(queryset.with_catalogue())

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Runbook | None:
        """Return one runbook with the standing from its verdict, for the fields that are shown."""
        runbook: Runbook | None = super().get_object(request, *args, **kwargs)
        if runbook is not None and request.method in SAFE_METHODS:
            runbook.standing = verdict_on(runbook).standing
        return runbook

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the list, with the standing of each row."""
        shown = super().get_changelist_instance(request)
        shown.result_list = add_standings(shown.result_list)
        return shown

    @admin.display(description=_("signed"), ordering="readiness_level")
    def signed(self, runbook: Runbook) -> str:
        """Return the signed readiness, and whether it is not valid or not independent."""
        if runbook.readiness_level == ReadinessLevel.READY and not _standing(runbook).is_live_ready:
            return f"{runbook.readiness}: {_('not valid')}"
        return (
            f"{runbook.readiness} ({_('owner-led, no independent review')})"
            if runbook.signed_solo
            else f"{runbook.readiness} ({_('no independent review')})"
            if runbook.signed_dependence
            else runbook.readiness
        )

    @admin.display(description=_("declared in the file"), ordering="declared_level")
    def declared_as(self, runbook: Runbook) -> str:
        """Return the readiness that the landscape file declares."""
        return runbook.declared

    @admin.display(description=_("cluster"), ordering="primary_cluster")
    def cluster_label(self, runbook: Runbook) -> str:
        """Return the primary cluster's number, or its name if it has none."""
        return runbook.primary_cluster.number_label if runbook.primary_cluster else "–"

    @admin.display(description=_("layers"))
    def in_layers(self, runbook: Runbook) -> str:
        """Return the titles of the layers."""
        return ", ".join(layer.title for layer in runbook.related("layers"))

    @admin.display(description=_("document"), boolean=True)
    def has_document(self, runbook: Runbook) -> bool:
        """Return whether a text is stored."""
        return runbook.document_id is not None

    @admin.display(description=_("live use"))
    def why_not_live(self, runbook: Runbook) -> str:
        """Return why the runbook may not be used live, in words."""
        reasons = _standing(runbook).reasons
        return " ".join(str(REASON_TEXTS[reason]) for reason in reasons) or str(
            _("Signed for live use.")
        )

    @admin.display(description=_("text"))
    def document_link(self, runbook: Runbook) -> str:
        """Return a link to the stored document."""
        if not runbook.document:
            return str(_("No document is stored for this path."))
        url = reverse("admin:runbooks_document_change", args=[runbook.document_id])
        return format_html('<a href="{}">{}</a>', url, runbook.document)

    @admin.display(description=_("sign-off"))
    def sign_off_links(self, runbook: Runbook) -> str:
        """Return links to request a status change and to take the runbook down."""
        if not runbook.pk:
            return str(_("Save the runbook first."))
        request_url = f"{reverse('admin:governance_statuschangerequest_add')}?runbook={runbook.pk}"
        down_url = reverse("admin:runbooks_runbook_downgrade", args=[runbook.pk])
        return format_html(
            '<a href="{}">{}</a> · <a href="{}">{}</a>',
            request_url,
            _("Request a status change"),
            down_url,
            _("Downgrade this runbook"),
        )

    def get_urls(self) -> list[URLPattern]:
        """Return Django's addresses and that of the downgrade."""
        down = path(
            "<int:pk>/downgrade/",
            self.admin_site.admin_view(self.downgrade_view),
            name="runbooks_runbook_downgrade",
        )
        return [down, *super().get_urls()]

    def downgrade_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the form for a downgrade, or take the runbook down at once."""
        runbook = get_object_or_404(Runbook.objects.with_catalogue(), pk=pk)
        if not self.has_view_permission(request, runbook):
            raise PermissionDenied
        form = DowngradeForm(request.POST or None, runbook=runbook)
        if request.method == "POST" and form.is_valid():
            try:
                downgrade(runbook=runbook, by=signed_in(request), **form.cleaned_data)
            except ActionRefused as refused:
                form.add_error(None, refused.messages)
            else:
                self.message_user(request, _("The runbook was downgraded."))
                return HttpResponseRedirect(runbook.get_absolute_url())
        context = {
            **self.admin_site.each_context(request),
            "title": _("Downgrade this runbook"),
            "runbook": runbook,
            "form": form,
            "opts": self.opts,
        }
        status = 400 if form.errors else 200
        return TemplateResponse(
            request, "admin/runbooks/runbook/downgrade.html", context, status=status
        )


def _standing(runbook: Runbook) -> Standing:
    """Return the standing that was read with the row. Ask for it if a form is shown again."""
    return getattr(runbook, "standing", None) or standing_of(runbook)
