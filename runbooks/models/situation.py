"""What an operator faces, and the runbooks that answer, in order."""

from typing import ClassVar

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from runbooks.querysets import SearchedQuerySet, SituationQuerySet


class Situation(models.Model):
    """What an operator faces. Leads to runbooks in order."""

    slug = models.SlugField(_("slug"), max_length=100, unique=True)
    title = models.CharField(_("title"), max_length=200, unique=True)
    comment = models.TextField(_("comment"), blank=True)
    position = models.PositiveIntegerField(_("position"), default=0)
    alert_category = models.CharField(_("alert category"), max_length=60, blank=True)
    alert_source = models.CharField(_("alert source"), max_length=60, blank=True)
    alert_severity = models.CharField(_("alert severity"), max_length=20, blank=True)
    runbooks = models.ManyToManyField(
        "runbooks.Runbook", through="runbooks.SituationRunbook", verbose_name=_("runbooks"), related_name="situations"
    )

    objects = SituationQuerySet.as_manager()

    class Meta:
        verbose_name = _("situation")
        verbose_name_plural = _("situations")
        ordering = ("position", "title")

    def __str__(self) -> str:
        return self.title

    def natural_key(self) -> tuple[str]:
        """What names it in a fixture."""
        return (self.slug,)

    def get_absolute_url(self) -> str:
        """Its place on the pages."""
        return reverse("situation", args=[self.slug])


class SituationRunbook(models.Model):
    """One step of a situation: the runbook to open at this position."""

    situation = models.ForeignKey(Situation, models.CASCADE, related_name="steps", verbose_name=_("situation"))
    runbook = models.ForeignKey(
        "runbooks.Runbook", models.CASCADE, related_name="situation_steps", verbose_name=_("runbook")
    )
    position = models.PositiveIntegerField(_("position"), default=0)

    objects = SearchedQuerySet.as_manager()

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        ordering = ("situation", "position")
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="runbook_stands_once_in_a_situation",
                fields=("situation", "runbook"),
                violation_error_message=_("This runbook is named in the situation already."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.runbook}"
