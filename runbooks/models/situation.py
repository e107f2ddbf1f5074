"""The situations that operators face, and the runbooks for them, in order."""

import re
from typing import Any, ClassVar

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from runbooks.managers import SearchedQuerySet, SituationQuerySet


class Situation(models.Model):
    """A situation that an operator faces. It leads to runbooks in order."""

    slug = models.SlugField(_("slug"), max_length=100, unique=True)
    title = models.CharField(_("title"), max_length=200, unique=True)
    comment = models.TextField(_("comment"), blank=True)
    position = models.PositiveIntegerField(_("position"), default=0)
    alert_category = models.CharField(_("alert category"), max_length=60, blank=True)
    alert_source = models.CharField(_("alert source"), max_length=60, blank=True)
    alert_severity = models.CharField(_("alert severity"), max_length=20, blank=True)
    alert_default = models.BooleanField(
        _("fallback for other alerts"),
        default=False,
        help_text=_("Shown for alerts that match no other situation."),
    )
    runbooks = models.ManyToManyField(
        "runbooks.Runbook",
        through="runbooks.SituationRunbook",
        verbose_name=_("runbooks"),
        related_name="situations",
    )

    objects = SituationQuerySet.as_manager()

    class Meta:
        verbose_name = _("situation")
        verbose_name_plural = _("situations")
        ordering = ("position", "title", "pk")
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="one_situation_answers_other_alerts",
                fields=("alert_default",),
                condition=models.Q(alert_default=True),
                violation_error_message=_(
                    "Another situation is already the fallback for other alerts."
                ),
            )
        ]

    def __str__(self) -> str:
        return self.title

    def natural_key(self) -> tuple[str]:
        """Return the natural key for fixtures."""
        return (self.slug,)

    def get_absolute_url(self) -> str:
        """Return the URL of the situation's page."""
        return reverse("situation", args=[self.slug])

    # Set by Django from SituationRunbook.situation; declared here for the type checker.
    steps: Any


class SituationRunbook(models.Model):
    """One step of a situation: the runbook to open at this position."""

    situation = models.ForeignKey(
        Situation, models.CASCADE, related_name="steps", verbose_name=_("situation")
    )
    runbook = models.ForeignKey(
        "runbooks.Runbook",
        models.CASCADE,
        related_name="situation_steps",
        verbose_name=_("runbook"),
    )
    position = models.PositiveIntegerField(_("position"), default=0)
    headings = models.TextField(
        _("headings to read"),
        blank=True,
        max_length=1000,
        help_text=_("One per line, exactly as in the document."),
    )

    objects = SearchedQuerySet.as_manager()

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        ordering = ("situation", "position", "pk")
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="runbook_stands_once_in_a_situation",
                fields=("situation", "runbook"),
                violation_error_message=_("This runbook is already in the situation."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.runbook}"

    @property
    def told(self) -> str:
        """Return the text of the step for the ledger."""
        headings = ", ".join(self.headings.split("\n")) if self.headings else ""
        return f"{self} ({headings})" if headings else str(self)

    def headings_to_read(self) -> list[dict[str, str]]:
        """Return each heading with its anchor, which is empty if the text has no such heading."""
        wanted = [line.strip() for line in self.headings.splitlines() if line.strip()]
        # The headings of the text that the page shows: the signed one, if another text is current.
        shown = self.runbook.shown_document() if wanted else None
        anchors = {
            _folded(heading["title"]): heading["id"]
            for heading in reversed(shown.contents if shown else [])
        }
        return [
            {"title": heading, "anchor": anchors.get(_folded(heading), "")} for heading in wanted
        ]


def _folded(heading: str) -> str:
    """Return a heading without number, markup and case.

    ``## 2. Stop the feed`` becomes ``stop the feed``.
    """
    return re.sub(r"^[\s#\d.)§-]+", "", heading).strip().casefold()
