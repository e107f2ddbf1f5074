"""Request renewals for many runbooks at once, from the list of runbooks."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from governance.accounts.roles import signed_in
from governance.signoff.bulk_renewal import Campaign, open_renewals

MAX_RUNBOOKS = 200


class CampaignForm(forms.Form):
    """The year, the rationale and the evidence for all selected runbooks."""

    year = forms.IntegerField(
        label=gettext_lazy("Ready for the year"), min_value=2020, max_value=2100
    )
    rationale = forms.CharField(
        label=gettext_lazy("rationale"),
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"}),
        help_text=gettext_lazy(
            "Why the change is needed now, and what was checked. Signers will read this."
        ),
    )
    evidence = forms.CharField(
        label=gettext_lazy("evidence"),
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
        help_text=gettext_lazy("One link per line."),
    )


class CampaignMixin:
    """Adds the action ``ask_for_renewals`` to a list of runbooks."""

    def has_ask_permission(self: Any, request: HttpRequest) -> bool:
        """Return whether the visitor may request a status change."""
        return request.user.has_perm("governance.add_statuschangerequest")

    @admin.action(description=gettext_lazy("Request renewals"), permissions=["ask"])
    def ask_for_renewals(self: Any, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        """Ask for year and rationale, then open one request for each runbook.

        Each request is signed separately.
        """
        if queryset.count() > MAX_RUNBOOKS:
            text = _("Choose at most %(count)d runbooks at once.") % {"count": MAX_RUNBOOKS}
            self.message_user(request, text, messages.ERROR)
            return None
        is_sent = "rationale" in request.POST
        form = CampaignForm(
            request.POST if is_sent else None, initial={"year": timezone.localdate().year + 1}
        )
        if is_sent and form.is_valid():
            campaign = open_renewals(runbooks=queryset, by=signed_in(request), **form.cleaned_data)
            self._tell(request, campaign)
            if campaign.opened:
                return None
            form.add_error(None, _("No request was opened. The reasons are shown above."))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Request renewals"),
            "opts": self.opts,
            "runbooks": queryset,
            "form": form,
            "checkbox": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(
            request,
            "admin/runbooks/runbook/renewals.html",
            context,
            status=400 if form.errors else 200,
        )

    def _tell(self: Any, request: HttpRequest, campaign: Campaign) -> None:
        number = len(campaign.opened)
        text = ngettext("%(count)d request is open.", "%(count)d requests are open.", number) % {
            "count": number
        }
        self.message_user(request, text, messages.SUCCESS if number else messages.WARNING)
        for runbook, reasons in campaign.refused:
            self.message_user(request, f"{runbook}: {reasons}", messages.WARNING)
