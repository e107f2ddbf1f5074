"""The chapters of the landscape and the roles of runbooks in them."""

from typing import ClassVar

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from runbooks.managers import SearchedQuerySet


class Section(models.Model):
    """A chapter of the landscape."""

    slug = models.SlugField(_("slug"), max_length=100, unique=True)
    number = models.PositiveIntegerField(_("chapter"))
    title = models.CharField(_("title"), max_length=200)
    note = models.TextField(_("note"), blank=True, help_text=_("Markdown."))
    note_html = models.TextField(editable=False, blank=True)
    runbooks = models.ManyToManyField(
        "runbooks.Runbook",
        through="runbooks.SectionEntry",
        verbose_name=_("runbooks"),
        related_name="sections",
    )

    objects = SearchedQuerySet.as_manager()

    class Meta:
        verbose_name = _("section")
        verbose_name_plural = _("sections")
        ordering = ("number", "title", "pk")

    def __str__(self) -> str:
        return f"{self.number}. {self.title}"

    def natural_key(self) -> tuple[str]:
        """Return the natural key for fixtures."""
        return (self.slug,)

    def get_absolute_url(self) -> str:
        """Return the URL of the chapter on the landscape page."""
        return f"{reverse('landscape')}#{self.slug}"


class SectionEntry(models.Model):
    """One runbook in one chapter, with its role there."""

    section = models.ForeignKey(
        Section, models.CASCADE, related_name="entries", verbose_name=_("section")
    )
    runbook = models.ForeignKey(
        "runbooks.Runbook",
        models.CASCADE,
        related_name="section_entries",
        verbose_name=_("runbook"),
    )
    position = models.PositiveIntegerField(_("position"), default=0)
    heading = models.CharField(_("heading"), max_length=200, blank=True)
    role = models.TextField(
        _("role"), blank=True, help_text=_("Its purpose in this section. Markdown.")
    )
    role_html = models.TextField(editable=False, blank=True)

    objects = SearchedQuerySet.as_manager()

    class Meta:
        verbose_name = _("section entry")
        verbose_name_plural = _("section entries")
        ordering = ("section", "position", "pk")
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="runbook_stands_once_in_a_section",
                fields=("section", "runbook"),
                violation_error_message=_("This runbook is already in the section."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.runbook}: {self.role}".rstrip(": ")
