"""The records of governance in the admin: ledger, incidents, assurances, releases and findings."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ALL_VAR, ERROR_FLAG, PAGE_VAR
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from governance.accounts.roles import may_read_security_entries, signed_in
from governance.admin.base import AuditedAdmin, ReadOnlyAdmin, is_a_key
from governance.assurance.models import Assurance, JobRun
from governance.findings.disclosure import disclosed_findings
from governance.findings.models import Finding
from governance.findings.resolve import AUTO_RESOLVED_ONLY, resolve_findings
from governance.ledger.disclosure import disclosed, unrestricted
from governance.ledger.labels import labelled_changes
from governance.ledger.models import ChangeLogEntry, LedgerIncident, Release

# Parameters of a list that neither filter nor sort it.
PAGING = {PAGE_VAR, ALL_VAR, ERROR_FLAG}
MAX_KEY = 2**63 - 1


@admin.register(ChangeLogEntry)
class ChangeLogEntryAdmin(ReadOnlyAdmin):
    """The ledger, which is never edited. Only auditors and superusers see rows about accounts."""

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
        """Return the rows that the visitor may read.

        A list that is filtered, searched or sorted leaves out restricted rows: their position would
        reveal their content.
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
        """Return a table of the changed fields, each before and after."""
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
    """The incidents of the ledger, which are never edited here."""

    list_display = ("found_at", "sequence", "message", "settled_at")
    search_fields = ("message", "hash")
    fields = ("found_at", "sequence", "hash", "message", "settled_at")


@admin.register(Assurance)
class AssuranceAdmin(ReadOnlyAdmin):
    """The assurances, by which lists show runbooks as live-ready. They are never edited here."""

    list_display = ("runbook", "request", "is_sealed", "generation", "written_at")
    search_fields = ("runbook__title", "runbook__slug")
    fields = (
        *("runbook", "request", "change_sequence", "change_hash"),
        *("generation", "is_sealed", "written_at"),
    )
    list_select_related = ("runbook", "request__runbook")

    def get_object(self, request: HttpRequest, object_id: str, *args: Any) -> Assurance | None:
        """Return the assurance of a runbook; Django checks the range of keys of its own alone."""
        if not is_a_key(object_id) or int(object_id) > MAX_KEY:
            return None
        return super().get_object(request, object_id, *args)

    @admin.display(description=_("sealed"), boolean=True)
    def is_sealed(self, assurance: Assurance) -> bool:
        """Return whether a seal is stored. Whether it is valid depends on ``SECRET_KEY``."""
        return bool(assurance.seal)


@admin.register(JobRun)
class JobRunAdmin(ReadOnlyAdmin):
    """When periodic jobs last finished: view only."""

    list_display = ("name", "finished_at")
    fields = ("name", "finished_at")
    search_fields = ("name",)


@admin.register(Release)
class ReleaseAdmin(AuditedAdmin):
    """The named versions of the landscape."""

    list_display = ("version", "dated", "label", "position")
    fields = ("version", "dated", "year", "month", "label", "position", "reason")
    search_fields = ("version", "label")


@admin.register(Finding)
class FindingAdmin(AuditedAdmin):
    """The findings, which a person may mark as resolved."""

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
        """Return the findings that the visitor may read."""
        security = may_read_security_entries(request.user)
        return disclosed_findings(super().get_queryset(request), security=security)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the read-only fields: also the resolution, if only a check may resolve it."""
        fields = super().get_readonly_fields(request, obj)
        return (
            (*fields, "resolved_at")
            if obj is not None and obj.kind in AUTO_RESOLVED_ONLY
            else fields
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False: imports and checks create findings."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: a finding is resolved, never deleted."""
        return False

    @admin.action(description=_("Mark as resolved"), permissions=["change"])
    def mark_resolved(self, request: HttpRequest, queryset: Any) -> None:
        """Resolve the selected findings, each with a ledger row."""
        done = resolve_findings(queryset, by=signed_in(request))
        text = ngettext("%(count)d finding resolved.", "%(count)d findings resolved.", done)
        self.message_user(request, text % {"count": done}, messages.SUCCESS)
