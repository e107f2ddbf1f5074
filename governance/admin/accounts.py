"""Accounts and groups: who may sign is governed like what is signed."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group, User
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from governance.admin.mixin import LedgeredAdmin

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class LedgeredUserAdmin(LedgeredAdmin, UserAdmin):
    """Django's own account admin; adding and changing an account leaves a row in the ledger, without the password."""

    form: Any = UserChangeForm
    list_display = ("username", "is_active", "is_staff", "in_groups", "date_joined")
    list_filter = ("is_active", "is_staff", "groups")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the groups, which the list shows."""
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description=_("groups"))
    def in_groups(self, user: User) -> str:
        """The groups' names."""
        return ", ".join(group.name for group in user.groups.all())


@admin.register(Group)
class LedgeredGroupAdmin(LedgeredAdmin, GroupAdmin):  # type: ignore[misc]
    """Django's own group admin, with the ledger."""

    form: Any = ModelForm
