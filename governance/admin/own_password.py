"""Change one's own password in the admin. Wrong old passwords are limited, as at a signature."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.forms import AdminPasswordChangeForm
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse_lazy

from governance.accounts.passwords import old_password_confirmed
from governance.errors import ActionRefused
from governance.signoff.reauthentication import confirm_password


class OwnPasswordForm(AdminPasswordChangeForm):
    """Django's form. Wrong old passwords are limited and recorded."""

    user: Any

    def clean_old_password(self) -> str:
        """Return the old password, confirmed.

        :raises ValidationError: it is wrong, or too many recent ones were.
        """
        password = self.cleaned_data["old_password"]
        try:
            confirm_password(by=self.user, password=password, signs=False)
        except ActionRefused as refused:
            raise ValidationError(refused.messages) from refused
        return password

    def save(self, commit: bool = True) -> Any:
        """Set the new password. The ledger records that its owner has set it."""
        with old_password_confirmed():
            return super().save(commit)


def own_password(request: HttpRequest) -> HttpResponseBase:
    """Show or save the form at ``/admin/password_change/``, in place of Django's."""
    view = PasswordChangeView.as_view(
        form_class=OwnPasswordForm,
        success_url=reverse_lazy("admin:password_change_done"),
        extra_context=admin.site.each_context(request),
    )
    return view(request)
