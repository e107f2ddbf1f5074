"""The ledger and the releases that group its entries."""

from typing import ClassVar

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from governance.ledger.choices import Action


class ChangeLogEntry(models.Model):
    """One append-only, hash-chained row for one governed change.

    Only ``governance.ledger`` writes it; the database refuses update and delete. It has no foreign
    keys, because it must outlive the objects that it describes.
    """

    sequence = models.BigIntegerField(_("number"), primary_key=True)
    recorded_at = models.DateTimeField(_("recorded at"))
    actor = models.CharField(_("who"), max_length=150)
    action = models.CharField(_("action"), max_length=30, choices=Action)
    subject = models.CharField(_("subject"), max_length=400, db_index=True)
    subject_title = models.CharField(_("title"), max_length=300, blank=True)
    reason = models.TextField(_("reason"), blank=True)
    release = models.CharField(_("release"), max_length=60, blank=True)
    changes = models.JSONField(_("changes"), default=dict, blank=True)
    digests = models.CharField(
        _("digests of the columns"),
        max_length=200,
        blank=True,
        help_text=_("They show which column was altered."),
    )
    previous_hash = models.CharField(_("hash of the previous entry"), max_length=64)
    hash = models.CharField(_("hash"), max_length=64, unique=True)

    class Meta:
        verbose_name = _("change log entry")
        verbose_name_plural = _("change log entries")
        ordering = ("-sequence",)
        indexes: ClassVar = [models.Index(name="ledger_by_time", fields=("recorded_at",))]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="ledger_sequence_starts_at_one", condition=models.Q(sequence__gte=1)
            ),
            models.CheckConstraint(
                name="ledger_action_is_known", condition=models.Q(action__in=Action.values)
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.sequence} {self.get_action_display()}: {self.subject_title or self.subject}"

    def get_absolute_url(self) -> str:
        """Return the URL of the entry's page."""
        return reverse("change", args=[self.sequence])


class LedgerIncident(models.Model):
    """Damage of the ledger that a verification or a checkpoint has found.

    While an incident is unresolved, every verdict is no-go. The database refuses any change except
    to set ``settled_at`` once. That alone resolves nothing: ``governance.ledger.incidents`` checks
    the ledger again.
    """

    # The first row that does not hold, or the row of a checkpoint.
    sequence = models.BigIntegerField(_("row"))
    # The row's hash in a checkpoint; empty if the chain itself does not hold.
    hash = models.CharField(_("hash in the checkpoint"), max_length=64, blank=True)
    message = models.TextField(_("message"))
    found_at = models.DateTimeField(_("found at"))
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)

    class Meta:
        verbose_name = _("ledger incident")
        verbose_name_plural = _("ledger incidents")
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.message


class Release(models.Model):
    """A named version of the landscape, such as v1.2 of January 2026."""

    version = models.CharField(_("version"), max_length=60, unique=True)
    dated = models.CharField(_("date, as written"), max_length=60, blank=True)
    year = models.PositiveSmallIntegerField(_("year"), null=True, blank=True)
    month = models.PositiveSmallIntegerField(_("month"), null=True, blank=True)
    label = models.CharField(_("label"), max_length=120, blank=True)
    position = models.PositiveIntegerField(_("position"), default=0, help_text=_("Oldest first."))

    class Meta:
        verbose_name = _("release")
        verbose_name_plural = _("releases")
        ordering = ("-position", "-pk")
        constraints: ClassVar = [
            models.CheckConstraint(
                name="release_month_is_a_month",
                condition=models.Q(month__isnull=True)
                | models.Q(month__range=(1, 12), year__isnull=False),
                violation_error_message=_("The month is 1 to 12 and needs a year."),
            )
        ]

    def __str__(self) -> str:
        return " – ".join(part for part in (self.version, self.dated, self.label) if part)

    def natural_key(self) -> tuple[str]:
        """Return the natural key for fixtures."""
        return (self.version,)

    def get_absolute_url(self) -> str:
        """Return the URL of the release in the change log."""
        return f"{reverse('changes')}#release-{self.pk}"
