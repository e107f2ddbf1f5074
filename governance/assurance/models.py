"""What was told to whom by e-mail, so that it is told once.

A row is a claim first: whoever made it is about to send the e-mail. When the mail server has taken
it, ``sent_at`` is set. A claim without it holds until ``claimed_until``; then another process may
try.
"""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from governance.assurance.choices import ReminderKind


class Reminder(models.Model):
    """One e-mail to one person about one thing."""

    kind = models.CharField(_("kind"), max_length=20, choices=ReminderKind)
    about = models.CharField(
        _("about"),
        max_length=200,
        help_text=_("The runbook and its last day, or the request; with the days before it."),
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
