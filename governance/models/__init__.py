"""Governance's models, one file per subject."""

from governance.models.finding import Finding
from governance.models.landscape import LandscapeSource
from governance.models.ledger import ChangeLogEntry, Release
from governance.models.sign_off import SignOff, SignOffRule, StatusChangeRequest

__all__ = ["ChangeLogEntry", "Finding", "LandscapeSource", "Release", "SignOff", "SignOffRule", "StatusChangeRequest"]
