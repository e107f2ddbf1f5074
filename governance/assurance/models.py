"""The models of assurance: the seals that let lists show green, and the sent reminders."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from governance.assurance.choices import ReminderKind
from governance.signoff.models import StatusChangeRequest
from runbooks.models import Runbook


class Assurance(models.Model):
    """The sealed proof that nothing was held against a readiness when it was last examined.

    There is at most one row for each runbook. A list shows a runbook as live-ready only if the row
    has a valid seal. A database trigger empties the seal and raises ``generation`` on any write to
    what the verdict rests on. Only ``governance.assurance.renewal`` writes a seal. The row is never
    deleted, because an old seal that is copied back must not fit: the seal covers the generation
    (docs/decisions/0027).
    """

    runbook = models.OneToOneField(
        Runbook,
        models.CASCADE,
        primary_key=True,
        related_name="assurance",
        verbose_name=_("runbook"),
    )
    request = models.ForeignKey(
        StatusChangeRequest,
        models.CASCADE,
        related_name="+",
        verbose_name=_("approved request"),
    )
    # The ledger row that recorded the readiness.
    change_sequence = models.BigIntegerField(_("ledger entry"))
    change_hash = models.CharField(_("hash of the ledger entry"), max_length=64)
    generation = models.PositiveBigIntegerField(
        _("number of times the seal was removed"), default=0
    )
    seal = models.CharField(
        _("seal"), max_length=100, blank=True, help_text=_("Empty: not assured.")
    )
    written_at = models.DateTimeField(_("written at"))

    class Meta:
        verbose_name = _("assurance")
        verbose_name_plural = _("assurances")
        ordering = ("runbook",)

    def __str__(self) -> str:
        return str(self.runbook)


class JobRun(models.Model):
    """When a periodic job last finished, so that its age can be shown and watched."""

    name = models.CharField(_("job"), max_length=40, primary_key=True)
    finished_at = models.DateTimeField(_("finished at"))

    class Meta:
        verbose_name = _("job run")
        verbose_name_plural = _("job runs")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Reminder(models.Model):
    """An e-mail to one person about one thing, stored so that it is sent only once.

    A row starts as a claim by the process that is about to send the e-mail. ``sent_at`` is set when
    the mail server has accepted it. No other process tries before ``claimed_until``.
    """

    kind = models.CharField(_("kind"), max_length=20, choices=ReminderKind)
    about = models.CharField(
        _("about"),
        max_length=200,
        help_text=_(
            "The runbook and its last day, or the request, with the number of days before it."
        ),
    )
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="reminders",
        verbose_name=_("recipient"),
    )
    claimed_until = models.DateTimeField(_("claimed until"), null=True, blank=True, editable=False)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)

    class Meta:
        verbose_name = _("reminder")
        verbose_name_plural = _("reminders")
        ordering = ("-sent_at", "-pk")
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="reminder_is_sent_once", fields=("kind", "about", "recipient")
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.about}"
