"""What governance keeps: the ledger, releases and findings."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ALL_VAR, ERROR_FLAG, PAGE_VAR
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from governance.accounts.roles import may_read_security_entries, signed_in
from governance.admin.base import AuditedAdmin, ReadOnlyAdmin
from governance.assurance.models import Assurance
from governance.findings.disclosure import disclosed_findings
from governance.findings.models import Finding
from governance.findings.resolve import AUTO_RESOLVED_ONLY, resolve_findings
from governance.ledger.disclosure import disclosed, unrestricted
from governance.ledger.labels import labelled_changes
from governance.ledger.models import ChangeLogEntry, LedgerIncident, Release

# Parameters of a list that neither narrow nor sort it.
PAGING = {PAGE_VAR, ALL_VAR, ERROR_FLAG}


@admin.register(ChangeLogEntry)
class ChangeLogEntryAdmin(ReadOnlyAdmin):
    """The ledger: view only, before and after in words. Entries about accounts are for auditors and administrators."""

    list_display = ("sequence", "recorded_at", "actor", "what_was_done", "subject_title", "reason")
    list_display_links = ("sequence", "subject_title")
    list_filter = ("action", "recorded_at", "release")
    search_fields = ("subject", "subject_title", "actor", "reason", "hash")
    fields = (
        "sequence",
        "recorded_at",
        "actor",
        "what_was_done",
        "subject",
        "subject_title",
        "reason",
        "release",
        "before_and_after",
        "previous_hash",
        "hash",
    )
    readonly_fields = ("what_was_done", "before_and_after")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the entries as the reader may see them.

        A list that is filtered, searched or sorted leaves out what the reader may not read: its
        place would tell.
        """
        entries, security = super().get_queryset(request), may_read_security_entries(request.user)
        if not security and set(request.GET) - PAGING:
            entries = entries.filter(unrestricted())
        return disclosed(entries, security=security)

    @admin.display(description=_("action"), ordering="action")
    def what_was_done(self, entry: ChangeLogEntry) -> str:
        """Return the action in words."""
        return entry.get_action_display()

    @admin.display(description=_("before and after"))
    def before_and_after(self, entry: ChangeLogEntry) -> str:
        """A small table: field, before, after."""
        rows = format_html_join(
            "",
            "<tr><th scope=row>{}</th><td>{}</td><td>{}</td></tr>",
            ((row["field"], row["before"], row["after"]) for row in labelled_changes(entry)),
        )
        return format_html(
            "<table><thead><tr><th scope=col>{}</th><th scope=col>{}</th><th "
            "scope=col>{}</th></tr></thead>"
            "<tbody>{}</tbody></table>",
            _("field"),
            _("before"),
            _("after"),
            rows,
        )


@admin.register(LedgerIncident)
class LedgerIncidentAdmin(ReadOnlyAdmin):
    """What was found wrong with the ledger: view only."""

    list_display = ("found_at", "sequence", "message", "settled_at")
    search_fields = ("message", "hash")
    fields = ("found_at", "sequence", "hash", "message", "settled_at")


@admin.register(Assurance)
class AssuranceAdmin(ReadOnlyAdmin):
    """Which runbooks lists may show as live-ready: view only. The portal alone writes it."""

    list_display = ("runbook", "request", "is_sealed", "generation", "written_at")
    search_fields = ("runbook__title", "runbook__slug")
    fields = (
        *("runbook", "request", "change_sequence", "change_hash"),
        *("generation", "is_sealed", "written_at"),
    )
    list_select_related = ("runbook", "request__runbook")

    @admin.display(description=_("sealed"), boolean=True)
    def is_sealed(self, assurance: Assurance) -> bool:
        """Return whether a seal is stored. Only a reader with the key can tell whether it fits."""
        return bool(assurance.seal)


@admin.register(Release)
class ReleaseAdmin(AuditedAdmin):
    """Named versions of the landscape."""

    list_display = ("version", "dated", "label", "position")
    fields = ("version", "dated", "year", "month", "label", "position", "reason")
    search_fields = ("version", "label")


@admin.register(Finding)
class FindingAdmin(AuditedAdmin):
    """Findings: looked at, and marked as resolved."""

    list_display = ("subject", "kind", "severity", "place", "runbook", "first_seen", "resolved_at")
    list_filter = ("kind", "severity", ("resolved_at", admin.EmptyFieldListFilter))
    search_fields = ("subject", "message", "file")
    list_select_related = ("runbook",)
    fields = (
        "kind",
        "severity",
        "subject",
        "message",
        "place",
        "runbook",
        "first_seen",
        "resolved_at",
        "reason",
    )
    readonly_fields = ("kind", "severity", "subject", "message", "place", "runbook", "first_seen")
    actions = ("mark_resolved",)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the findings that the reader may see."""
        security = may_read_security_entries(request.user)
        return disclosed_findings(super().get_queryset(request), security=security)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What only a check may settle is not resolved by hand."""
        fields = super().get_readonly_fields(request, obj)
        return (
            (*fields, "resolved_at")
            if obj is not None and obj.kind in AUTO_RESOLVED_ONLY
            else fields
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Findings come from imports and checks."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: a finding is resolved, and a verdict may hang on it."""
        return False

    @admin.action(description=_("Mark as resolved"), permissions=["change"])
    def mark_resolved(self, request: HttpRequest, queryset: Any) -> None:
        """Close the chosen findings; each is a row in the ledger."""
        done = resolve_findings(queryset, by=signed_in(request))
        text = ngettext("%(count)d finding resolved.", "%(count)d findings resolved.", done)
        self.message_user(request, text % {"count": done}, messages.SUCCESS)
