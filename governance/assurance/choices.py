"""The closed vocabulary of assurance: what ``tick`` reminds of."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ReminderKind(models.TextChoices):
    """What ``tick`` reminds of."""

    # A signed readiness ends in 60, 30 or 7 days.
    EXPIRY = "expiry", _("readiness ends soon")
    # A request waits for the recipient's signature.
    WAITING = "waiting", _("request waits")
