"""Further names of a runbook, because titles, paths, positions and numbers may change."""

from django.core.exceptions import ValidationError
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from runbooks.managers import SearchedQuerySet
from runbooks.models.runbook import Runbook


class RunbookAlias(models.Model):
    """A former title or slug of a runbook, or a common name for it. It identifies one runbook."""

    runbook = models.ForeignKey(
        Runbook, models.CASCADE, related_name="aliases", verbose_name=_("runbook")
    )
    name = models.CharField(_("name"), max_length=200, unique=True)

    objects = SearchedQuerySet.as_manager()

    class Meta:
        verbose_name = _("further name")
        verbose_name_plural = _("further names")
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return self.name

    def natural_key(self) -> tuple[str]:
        """Return the natural key for fixtures."""
        return (self.name,)

    def get_absolute_url(self) -> str:
        """Return the URL of the runbook's page."""
        return reverse("runbook", args=[self.runbook.slug])

    @classmethod
    def runbook_named(cls, name: str) -> Runbook | None:
        """Return the runbook that has or had this name, or None."""
        alias = cls.objects.filter(name=name).select_related("runbook").first()
        return alias.runbook if alias else None

    def clean(self) -> None:
        """Refuse the title of a runbook, because the name would be ambiguous.

        :raises ValidationError: a runbook has this title.
        """
        if Runbook.objects.filter(title=self.name).exists():
            raise ValidationError({"name": _("A runbook with this title already exists.")})
