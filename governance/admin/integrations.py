"""What machines use and what they were told: API tokens and reminders."""

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
    """Tokens: made by ``manage.py create_api_token``, which alone shows them; revoked here."""

    list_display = ("user", "label", "start", "created_at", "revoked_at", "is_valid")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    search_fields = ("user__username", "label", "start")
    list_select_related = ("user",)
    fields = ("user", "label", "start", "created_at", "revoked_at")
    actions = ("revoke",)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """A permission of its own, which no group has by default."""
        return request.user.has_perm("governance.change_apitoken")

    @admin.action(description=_("Revoke"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: Any) -> None:
        """From the next request on; each is a row in the ledger."""
        done = sum(revoke_api_token(token=token, by=signed_in(request)) for token in queryset)
        text = ngettext("%(count)d token revoked.", "%(count)d tokens revoked.", done)
        self.message_user(request, text % {"count": done}, messages.SUCCESS)


@admin.register(Reminder)
class ReminderAdmin(ReadOnlyAdmin):
    """Reminders: what ``manage.py tick`` sent to whom."""

    list_display = ("kind", "about", "recipient", "sent_at")
    list_filter = ("kind", "sent_at")
    search_fields = ("about", "recipient__username")
    list_select_related = ("recipient",)
