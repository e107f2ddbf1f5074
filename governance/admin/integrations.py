"""API tokens and sent reminders in the admin."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from governance.accounts.models import ApiToken
from governance.accounts.roles import signed_in
from governance.accounts.tokens import revoke_api_token
from governance.admin.base import ReadOnlyAdmin
from governance.assurance.models import Reminder


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """API tokens. ``manage.py create_api_token`` creates and shows them; here they are revoked."""

    list_display = ("user", "label", "start", "created_at", "revoked_at", "is_valid")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    search_fields = ("user__username", "label", "start")
    list_select_related = ("user",)
    fields = ("user", "label", "start", "created_at", "revoked_at")
    actions = ("revoke",)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Return whether the visitor has a permission of its own, which no group has by default."""
        return request.user.has_perm("governance.change_apitoken")

    @admin.action(description=_("Revoke"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: Any) -> None:
        """Revoke the tokens from the next request on, each with a ledger row."""
        done = sum(revoke_api_token(token=token, by=signed_in(request)) for token in queryset)
        text = ngettext("%(count)d token revoked.", "%(count)d tokens revoked.", done)
        self.message_user(request, text % {"count": done}, messages.SUCCESS)


@admin.register(Reminder)
class ReminderAdmin(ReadOnlyAdmin):
    """The reminders that ``manage.py tick`` has sent."""

    list_display = ("kind", "about", "recipient", "sent_at")
    list_filter = ("kind", "sent_at")
    search_fields = ("about", "recipient__username")
    list_select_related = ("recipient",)
