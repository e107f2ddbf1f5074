"""The admin pages for changes of rules and of who may sign: what waits, and the decision on it."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from governance.accounts.roles import AUDITORS, signed_in
from governance.admin.forms import CONFIRM, SettleForm
from governance.editing.settle_change import confirm_change, refuse_change
from governance.errors import ActionRefused
from governance.ledger.models import ChangeLogEntry
from governance.signoff.access_changes import change_of, reasons_against_settling, recent_changes
from governance.signoff.choices import refusal_text
from governance.signoff.eligibility import sign_off_settings
from governance.signoff.policy import Refusal, waits_until
from governance.signoff.signers import person

SIGN = "governance.sign_statuschangerequest"


def may_see(request: HttpRequest) -> bool:
    """Return whether a visitor may see changes of accounts (risk owners, auditors, superusers)."""
    user = signed_in(request)
    return (
        user.has_perm(SIGN)
        or user.has_perm("auth.view_user")
        or user.groups.filter(name=AUDITORS).exists()
    )


class AccessChangesMixin:
    """Adds two pages beside the list of requests: recent changes, and one change with its form."""

    def access_change_urls(self: Any) -> list[URLPattern]:
        """Return the addresses of the two pages."""
        view = self.admin_site.admin_view
        return [
            path(
                "access-changes/", view(self.access_changes_view), name="governance_access_changes"
            ),
            path(
                "access-changes/<int:sequence>/",
                view(sensitive_post_parameters("password")(self.access_change_view)),
                name="governance_access_change",
            ),
        ]

    def access_changes_view(self: Any, request: HttpRequest) -> HttpResponse:
        """Show the recent changes, newest first, and which of them wait.

        :raises PermissionDenied: the visitor may not see changes of accounts.
        """
        if not may_see(request):
            raise PermissionDenied
        now = timezone.now()
        rules = sign_off_settings(at=now)
        changes = recent_changes(settings=rules, at=now)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Changes to confirm"),
            "opts": self.opts,
            "changes": [(change, change.is_waiting(at=now)) for change in changes],
            "settings": rules,
        }
        return TemplateResponse(
            request, "admin/governance/statuschangerequest/access_changes.html", context
        )

    def access_change_view(self: Any, request: HttpRequest, sequence: int) -> HttpResponse:
        """Show one change, with the form for those who may decide on it. Store the decision.

        :raises PermissionDenied: the visitor may not see changes of accounts.
        """
        if not may_see(request):
            raise PermissionDenied
        entry = get_object_or_404(ChangeLogEntry, pk=sequence)
        form = SettleForm(request.POST if request.method == "POST" else None)
        status = 200
        if request.method == "POST":
            if form.is_valid():
                try:
                    self._settle(request, entry, form)
                except ActionRefused as refused:
                    wrong = refused.reasons == (Refusal.WRONG_PASSWORD,)
                    form.add_error("password" if wrong else None, refused.messages)
                    status = 400 if wrong else 403
                else:
                    self.message_user(request, _("Your decision was recorded."))
                    return HttpResponseRedirect(reverse("admin:governance_access_changes"))
            else:
                status = 400
        return self._change_page(request, entry, form, status)

    def _settle(self, request: HttpRequest, entry: ChangeLogEntry, form: SettleForm) -> None:
        act = confirm_change if form.cleaned_data["decision"] == CONFIRM else refuse_change
        act(
            entry=entry,
            comment=form.cleaned_data["comment"],
            password=form.cleaned_data["password"],
            by=signed_in(request),
        )

    def _change_page(
        self: Any, request: HttpRequest, entry: ChangeLogEntry, form: SettleForm, status: int
    ) -> HttpResponse:
        now = timezone.now()
        rules = sign_off_settings(at=now)
        change = change_of(entry, settings=rules)
        known = person(signed_in(request), at=now)
        refusals = reasons_against_settling(change, known, settings=rules, at=now)
        until = waits_until(known, settings=rules, at=now)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Change %(sequence)d") % {"sequence": entry.sequence},
            "opts": self.opts,
            "change": change,
            "entry": entry,
            "is_waiting": change.is_waiting(at=now),
            "refusals": [refusal_text(refusal, until) for refusal in refusals],
            "form": form,
            "typed": form.data.get("comment", "") if form.is_bound else "",
        }
        name = "admin/governance/statuschangerequest/access_change.html"
        return TemplateResponse(request, name, context, status=status)
