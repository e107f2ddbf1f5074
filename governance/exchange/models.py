"""The landscape file as it was imported: the starting point of an export."""

from typing import ClassVar

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from governance.ledger.registry import register
from runbooks.digests import sha256_of_text


class LandscapeSource(models.Model):
    """The text of one import, with conflicts settled and every other byte unchanged.

    The newest one counts. An export writes the current catalogue over it, so that what the portal
    does not model (prose, padding, order) is preserved.
    """

    file = models.CharField(_("file"), max_length=300)
    text = models.TextField(_("Markdown text"))
    sha256 = models.CharField("sha256", max_length=64)
    # Ledger names. Without them an export could not tell what the file dropped from what it never
    # had.
    dropped = models.JSONField(
        _("no longer named"),
        default=list,
        blank=True,
        help_text=_("Runbooks and releases that were in an earlier file and are not in this one."),
    )
    imported_at = models.DateTimeField(_("imported at"))

    class Meta:
        verbose_name = _("imported landscape")
        verbose_name_plural = _("imported landscapes")
        ordering = ("-pk",)
        constraints: ClassVar = [
            models.CheckConstraint(
                name="landscape_source_sha256_is_hex",
                condition=models.Q(sha256__regex=r"^[0-9a-f]{64}$"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file} @ {self.sha256[:12]}"

    @property
    def hash_matches(self) -> bool:
        """Return whether the stored text has the stored sha256."""
        return sha256_of_text(self.text) == self.sha256

    def get_absolute_url(self) -> str:
        """Return the URL of the landscape page."""
        return reverse("landscape")


register(LandscapeSource, exclude=("text",))
