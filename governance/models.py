"""All models of governance; each subject defines its own in its ``models`` module."""

from governance.accounts.models import ApiToken
from governance.assurance.models import Assurance, JobRun, Reminder

# Imported for its side effect: it registers the catalogue with the ledger.
from governance.editing import catalogue_models  # noqa: F401
from governance.exchange.models import LandscapeSource
from governance.findings.models import Finding
from governance.ledger.models import ChangeLogEntry, LedgerIncident, Release
from governance.signoff.models import SignOff, SignOffRule, StatusChangeRequest

__all__ = [
    "ApiToken",
    "Assurance",
    "ChangeLogEntry",
    "Finding",
    "JobRun",
    "LandscapeSource",
    "LedgerIncident",
    "Release",
    "Reminder",
    "SignOff",
    "SignOffRule",
    "StatusChangeRequest",
]
