"""Findings of imports and checks."""

from typing import ClassVar

from django.contrib import admin
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from governance.findings.choices import Detector, FindingKind, Severity


class Finding(models.Model):
    """A problem that somebody should look at, with its file and line."""

    kind = models.CharField(_("kind"), max_length=30, choices=FindingKind)
    severity = models.CharField(
        _("severity"), max_length=12, choices=Severity, default=Severity.WARNING
    )
    subject = models.CharField(
        _("subject"), max_length=300, help_text=_("The title, path or name it is about.")
    )
    message = models.TextField(_("message"))
    file = models.CharField(_("file"), max_length=300, blank=True)
    line = models.PositiveIntegerField(
        _("line"), default=0, blank=True, help_text=_("0 means the whole file.")
    )
    runbook = models.ForeignKey(
        "runbooks.Runbook",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="findings",
        verbose_name=_("runbook"),
    )
    first_seen = models.DateTimeField(_("first seen"))
    resolved_at = models.DateTimeField(_("resolved at"), null=True, blank=True)
    noticed_by = models.CharField(
        _("detected by"), max_length=20, choices=Detector, default=Detector.OTHER, editable=False
    )
    # What a person has resolved stays resolved until its cause is gone: a check must not open it
    # again every hour.
    cause_gone = models.BooleanField(_("cause removed"), default=False, editable=False)

    class Meta:
        verbose_name = _("finding")
        verbose_name_plural = _("findings")
        ordering = ("resolved_at", "file", "line", "kind", "pk")
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="finding_is_open_once",
                fields=("kind", "subject", "file", "line"),
                condition=models.Q(resolved_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.subject}"

    @property
    @admin.display(description=_("place"))
    def place(self) -> str:
        """Return ``file:line``, as editors and terminals understand it."""
        return f"{self.file}:{self.line}" if self.line else self.file

    def get_absolute_url(self) -> str:
        """Return the URL of the finding on the findings page."""
        return f"{reverse('findings')}#finding-{self.pk}"
