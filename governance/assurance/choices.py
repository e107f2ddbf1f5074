"""The closed vocabularies of assurance: reminders, and the text of every verdict reason."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from governance.assurance.verdict import VerdictReason
from runbooks.choices import REASON_TEXTS
from runbooks.validity import Reason


class ReminderKind(models.TextChoices):
    """What ``tick`` reminds of."""

    # A signed readiness ends in 60, 30 or 7 days.
    EXPIRY = "expiry", _("readiness ends soon")
    # A request waits for the recipient's signature.
    WAITING = "waiting", _("request waits")


# Why it is no-go; what the catalogue says already is said in the same words.
VERDICT_TEXTS = {
    **{VerdictReason(reason.value): REASON_TEXTS[reason] for reason in Reason},
    VerdictReason.YEAR_OVER: _("The year that was asked for is over."),
    VerdictReason.UNKNOWN_RUNBOOK: _("There is no such runbook."),
    VerdictReason.DATABASE_UNREACHABLE: _("The database does not answer."),
    VerdictReason.NOT_PERMITTED: _("Whoever asked may not read this. Check the token."),
    VerdictReason.BAD_REQUEST: _("The request was not understood."),
    VerdictReason.NOT_NOW: _("This tells how it stood at another time. It permits nothing now."),
}
