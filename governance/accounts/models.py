"""API tokens. Only the digest is stored; the token itself is shown once, when it is created."""

from typing import Any, Self

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import models
from django.utils.translation import gettext_lazy as _

from governance.ledger.registry import register


class ApiTokenQuerySet(models.QuerySet[Any]):
    """Queries for API tokens."""

    def valid(self) -> Self:
        """Return the tokens that are not revoked and belong to an active account."""
        return self.filter(revoked_at__isnull=True, user__is_active=True)


class ApiToken(models.Model):
    """A token with which a REST client authenticates.

    It permits reading; the API has no write routes.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="api_tokens",
        verbose_name=_("account"),
    )
    label = models.CharField(
        _("label"), max_length=80, blank=True, help_text=_("The system that uses it.")
    )
    start = models.CharField(
        _("starts with"),
        max_length=12,
        help_text=_("Identifies the token. It is not enough to use it."),
    )
    digest = models.CharField("sha256", max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created at"))
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering = ("-created_at", "-pk")

    def __str__(self) -> str:
        return f"{self.user}: {self.label or self.start}"

    @property
    @admin.display(description=_("valid"), boolean=True)
    def is_valid(self) -> bool:
        """Return whether the token is accepted."""
        return self.revoked_at is None and self.user.is_active


# The ledger is permanent and has many readers, so it contains no person's name or e-mail address.
register(
    User,
    named_by="username",
    exclude=("password", "last_login", "email", "first_name", "last_name"),
)
register(Group, named_by="name")
