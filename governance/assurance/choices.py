"""The kinds of reminder that ``tick`` sends."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ReminderKind(models.TextChoices):
    """The kind of a reminder."""

    # A signed readiness ends in 60, 30 or 7 days.
    EXPIRY = "expiry", _("readiness ends soon")
    # A request waits for the recipient's signature.
    WAITING = "waiting", _("request waits")
