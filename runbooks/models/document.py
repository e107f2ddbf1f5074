"""The Markdown text behind a runbook, identified by its sha256."""

from typing import Any, ClassVar

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from runbooks.digests import sha256_of_text
from runbooks.managers import SearchedQuerySet


class Document(models.Model):
    """One version of one file: the text, its sha256, and the HTML rendered from it.

    A document is never edited: another text is another row. Only the HTML may be rendered again,
    once for each new version of the renderer (``governance.exchange.documents``). The database
    refuses any other change.
    """

    path = models.CharField(_("path"), max_length=300)
    sha256 = models.CharField("sha256", max_length=64)
    text = models.TextField(_("Markdown text"))
    html = models.TextField(_("rendered text"), editable=False)
    contents = models.JSONField(_("contents"), default=list, blank=True, editable=False)
    html_sha256 = models.CharField(
        _("sha256 of the rendered text"), max_length=64, blank=True, editable=False
    )
    renderer = models.PositiveSmallIntegerField(
        _("renderer"),
        default=0,
        editable=False,
        help_text=_("The version that rendered it. 0 means that the text is shown unrendered."),
    )
    size = models.PositiveIntegerField(_("size in bytes"))
    source_revision = models.CharField(
        _("source revision"),
        max_length=100,
        blank=True,
        help_text=_("The commit it came from. Empty for a folder."),
    )
    authored_at = models.DateTimeField(
        _("written at"),
        null=True,
        blank=True,
        help_text=_("The author date of that commit. Empty for a folder."),
    )
    seen_at = models.DateTimeField(_("first seen"))

    objects = SearchedQuerySet.as_manager()

    class Meta:
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        ordering = ("path", "-seen_at", "-pk")
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="document_version_is_kept_once", fields=("path", "sha256")
            ),
            models.CheckConstraint(
                name="document_sha256_is_hex", condition=models.Q(sha256__regex=r"^[0-9a-f]{64}$")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.path} @ {self.short_sha256}"

    def natural_key(self) -> tuple[str, str]:
        """Return the natural key for fixtures."""
        return (self.path, self.sha256)

    @property
    def hash_matches(self) -> bool:
        """Return whether the stored text and HTML match their sha256."""
        return (
            sha256_of_text(self.text) == self.sha256
            and sha256_of_text(self.html) == self.html_sha256
        )

    @property
    def short_sha256(self) -> str:
        """Return the first twelve digits, for comparison by people only."""
        return self.sha256[:12]

    def get_absolute_url(self) -> str:
        """Return the URL of this version below its runbook, or of the landscape if it has none."""
        runbook = self.runbooks.first() if self.pk else None
        if runbook is None:
            return reverse("landscape")
        return reverse("runbook-version", args=[runbook.slug, self.sha256])

    # Set by Django from Runbook.document; declared here for the type checker.
    runbooks: Any
