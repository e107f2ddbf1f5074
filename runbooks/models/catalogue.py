"""The classification of runbooks: clusters, layers and code references."""

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from runbooks.choices import ClusterKind
from runbooks.managers import ClusterQuerySet, SearchedQuerySet


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


class Cluster(models.Model):
    """A numbered or named work stream. Ranges may overlap."""

    slug = models.SlugField(_("slug"), max_length=100, unique=True)
    kind = models.CharField(
        _("kind"), max_length=10, choices=ClusterKind, default=ClusterKind.CLUSTER
    )
    first_number = models.PositiveIntegerField(_("first number"), null=True, blank=True)
    last_number = models.PositiveIntegerField(_("last number"), null=True, blank=True)
    suffix = models.CharField(
        _("letter"), max_length=4, blank=True, help_text=_("The A of Phase 16A.")
    )
    title = models.CharField(_("title"), max_length=200, blank=True)

    objects = ClusterQuerySet.as_manager()

    class Meta:
        verbose_name = _("cluster")
        verbose_name_plural = _("clusters")
        ordering = ("kind", "first_number", "last_number", "suffix", "title", "pk")
        constraints: ClassVar = [
            models.CheckConstraint(
                name="cluster_range_is_whole",
                # A check that evaluates to null accepts the row, so both ends are tested
                # explicitly.
                condition=models.Q(first_number__isnull=True, last_number__isnull=True)
                | models.Q(
                    first_number__isnull=False,
                    last_number__isnull=False,
                    last_number__gte=models.F("first_number"),
                ),
                violation_error_message=_(
                    "Enter both ends of the range, the smaller one first, or neither."
                ),
            ),
            models.CheckConstraint(
                name="cluster_has_number_or_title",
                condition=models.Q(first_number__isnull=False) | ~models.Q(title=""),
                violation_error_message=_("A cluster needs a number or a title."),
            ),
            models.CheckConstraint(
                name="cluster_kind_is_known", condition=models.Q(kind__in=ClusterKind.values)
            ),
            models.UniqueConstraint(
                "kind",
                Coalesce("first_number", 0),
                Coalesce("last_number", 0),
                "suffix",
                "title",
                name="cluster_is_named_once",
                violation_error_message=_("This cluster already exists."),
            ),
        ]

    def __str__(self) -> str:
        """Return the name as the landscape writes it: ``Cluster 82–85 (Live Alerts)``."""
        if self.first_number is None:
            return self.title
        return f"{self.number_label} ({self.title})" if self.title else self.number_label

    def natural_key(self) -> tuple[str]:
        """Return the natural key for fixtures."""
        return (self.slug,)

    def clean(self) -> None:
        """Refuse a cluster whose name equals another's.

        A signature covers clusters by name, so the name must be unambiguous.

        :raises ValidationError: another cluster has the same name.
        """
        others = Cluster.objects.exclude(pk=self.pk)
        if any(str(other) == str(self) for other in others):
            raise ValidationError(_("Another cluster has the same label."))

    @property
    def number_label(self) -> str:
        """Return the number without title (``Phase 16A``), or the title if there is no number."""
        if self.first_number is None:
            return self.title
        numbers = str(self.first_number)
        if self.last_number != self.first_number:
            numbers = f"{numbers}–{self.last_number}"
        return f"{ClusterKind(self.kind).name.capitalize()} {numbers}{self.suffix}"

    def get_absolute_url(self) -> str:
        """Return the URL of the cluster's page."""
        return reverse("cluster", args=[self.slug])


class Layer(models.Model):
    """A part of the system that a runbook concerns."""

    slug = models.SlugField(_("slug"), max_length=100, unique=True)
    title = models.CharField(_("title"), max_length=120, unique=True)

    objects = SearchedQuerySet.as_manager()

    class Meta:
        verbose_name = _("layer")
        verbose_name_plural = _("layers")
        ordering = ("title", "pk")

    def __str__(self) -> str:
        return self.title

    def natural_key(self) -> tuple[str]:
        """Return the natural key for fixtures."""
        return (self.slug,)

    def get_absolute_url(self) -> str:
        """Return the URL of the layer's page."""
        return reverse("layer", args=[self.slug])


class CodeReference(models.Model):
    """A source path that runbooks refer to."""

    path = models.CharField(_("path"), max_length=300, unique=True)
    description = models.TextField(_("description"), blank=True)
    position = models.PositiveIntegerField(_("position"), default=0)
    runbooks = models.ManyToManyField(
        "runbooks.Runbook", verbose_name=_("runbooks"), related_name="code_references", blank=True
    )

    objects = SearchedQuerySet.as_manager()

    class Meta:
        verbose_name = _("code reference")
        verbose_name_plural = _("code references")
        ordering = ("position", "path", "pk")

    def __str__(self) -> str:
        return self.path

    def natural_key(self) -> tuple[str]:
        """Return the natural key for fixtures."""
        return (self.path,)

    def get_absolute_url(self) -> str:
        """Return the URL of the reference on the landscape page."""
        return f"{reverse('landscape')}#code-reference-{self.pk}"
