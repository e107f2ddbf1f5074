"""Governance's models, one file per subject."""

from governance.models.finding import Finding
from governance.models.landscape import LandscapeSource
from governance.models.ledger import ChangeLogEntry, LedgerIncident, Release
from governance.models.reminder import Reminder
from governance.models.sign_off import SignOff, SignOffRule, StatusChangeRequest
from governance.models.token import ApiToken

__all__ = [
    "ApiToken",
    "ChangeLogEntry",
    "Finding",
    "LandscapeSource",
    "LedgerIncident",
    "Release",
    "Reminder",
    "SignOff",
    "SignOffRule",
    "StatusChangeRequest",
]
