"""Accounts and groups in the admin. Who may sign is governed as strictly as what is signed."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm, UserChangeForm
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from governance import ledger
from governance.accounts.lockout import unlock_sign_in
from governance.accounts.passwords import record_password
from governance.accounts.roles import GROUP_PERMISSIONS, signed_in
from governance.admin.base import AuditedAdmin
from governance.admin.optimistic_locking import OpenedOnForm
from governance.editing.settle_change import record_address_change
from governance.signoff.models import SignOffRule


class AccountForm(OpenedOnForm, UserChangeForm):
    """Django's form for an account. It does not restore a group that was removed meanwhile."""


HASHED = "hashed_password"


class NewAccountForm(AdminUserCreationForm):
    """Django's form for a new account. It accepts a hash that was made earlier.

    :ivar hashed: the password and its hash.
    """

    hashed: tuple[str, str] | None = None

    def set_password_and_save(self, user: Any, commit: bool = True, **kwargs: Any) -> Any:
        """Set the prepared hash on the account. Save the account if ``commit`` is true."""
        given = self.cleaned_data.get("password1")
        is_usable = self.cleaned_data.get("set_usable_password", True)
        if not (is_usable and self.hashed and self.hashed[0] == given):
            return super().set_password_and_save(user, commit=commit, **kwargs)
        # As `set_password` does: at saving, the raw password tells the validators that it was set.
        user.password, user._password = self.hashed[1], given
        if commit:
            user.save()
        return user


class OthersPasswordForm(AdminPasswordChangeForm):
    """Django's form for another person's password. The hash is made before the transaction."""

    user: Any
    set_password_and_save: Any  # Django's; missing in its stubs

    def save(self, commit: bool = True) -> Any:
        """Set or remove the password, together with the ledger row that records who did."""
        had_one = self.user.has_usable_password()
        user = self.set_password_and_save(self.user, commit=False)
        if commit:
            with ledger.atomic():
                user.save()
                if had_one and not user.has_usable_password():
                    record_password(user, taken_away=True)
        return user


admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class AuditedUserAdmin(AuditedAdmin, UserAdmin):
    """Django's account admin. Adding and changing an account is recorded, without the password.

    An account keeps its name, by which the ledger refers to it, and the date when it was created,
    on which its right to sign depends.
    """

    form: Any = AccountForm
    add_form = NewAccountForm
    change_password_form = OthersPasswordForm
    list_display = ("username", "is_active", "is_staff", "in_groups", "date_joined")
    list_filter = ("is_active", "is_staff", "groups")
    actions = ("unlock",)

    @admin.action(description=_("Unlock sign-in"), permissions=["change"])
    def unlock(self, request: HttpRequest, queryset: Any) -> None:
        """Forget the wrong passwords that were entered for these accounts."""
        by = signed_in(request)
        unlocked = [
            str(user) for user in queryset if unlock_sign_in(user=user, addresses_too=True, by=by)
        ]
        if unlocked:
            messages.success(request, _("Unlocked: %(names)s.") % {"names": ", ".join(unlocked)})
        else:
            messages.info(request, _("None of these accounts was locked."))

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the accounts with their groups, which the list shows."""
        return super().get_queryset(request).prefetch_related("groups")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the read-only fields: the dates always, and the name of an existing account."""
        fields = (*super().get_readonly_fields(request, obj), "date_joined", "last_login")
        return fields if obj is None else (*fields, "username")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save the account. Record a new e-mail address, and notify both addresses."""
        before = User.objects.filter(pk=obj.pk).values_list("email", flat=True).first()
        super().save_model(request, obj, form, change)
        if change and before != obj.email:
            record_address_change(account=obj, before=before or "", by=signed_in(request))

    def user_change_password(
        self,
        request: HttpRequest,
        id: str,  # noqa: A002 - the name that Django calls it by
        form_url: str = "",
    ) -> HttpResponse:
        """Show or save Django's form for another person's password.

        The form does not ask for the old password, so nobody may set their own here. Otherwise an
        unattended session could be used to sign.
        """
        user = self.get_object(request, unquote(id))
        if user is not None and user.pk == request.user.pk:
            messages.warning(
                request, _("Change your own password here. Your old password is required.")
            )
            return HttpResponseRedirect(reverse("admin:password_change"))
        return super().user_change_password(request, id, form_url)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show or save Django's form. Hash the password, which is slow, before taking the lock."""
        if request.method == "POST" and self.has_add_permission(request):
            password = str(request.POST.get("password1", ""))
            if password:
                setattr(request, HASHED, (password, make_password(password)))
        return super().add_view(request, form_url, extra_context)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Return a form class for this request, with the password that ``add_view`` has hashed."""
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.hashed = getattr(request, HASHED, None)
        return form

    @admin.display(description=_("groups"))
    def in_groups(self, user: User) -> str:
        """Return the names of the account's groups."""
        return ", ".join(group.name for group in user.groups.all())


@admin.register(Group)
class AuditedGroupAdmin(AuditedAdmin, GroupAdmin):
    """Django's group admin, with the ledger. Groups that the policy refers to keep their names."""

    form: Any = OpenedOnForm

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the read-only fields: also the name, for a group that the policy refers to."""
        fields = super().get_readonly_fields(request, obj)
        return (*fields, "name") if obj is not None and _is_relied_on(obj) else fields

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether a group may be deleted: never one that the policy refers to.

        No group may be deleted from the list.
        """
        return (
            obj is not None
            and not _is_relied_on(obj)
            and super().has_delete_permission(request, obj)
        )


def _is_relied_on(group: Group) -> bool:
    """Return whether the policy refers to a group by name, or a rule has its members sign."""
    return group.name in GROUP_PERMISSIONS or SignOffRule.objects.filter(group=group).exists()
