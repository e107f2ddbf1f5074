"""Every write of the portal. Admin, pages, API and commands call the same one.

An action is keyword-only and atomic, and goes: check, change, ledger, then ``on_commit`` for
whatever leaves the process. It raises ``ActionRefused`` with reasons, and then nothing happened.
"""

from governance.actions.accounts import note_new_accounts
from governance.actions.asking import submit, withdraw
from governance.actions.bulk import GovernedEdits
from governance.actions.campaign import Campaign, open_renewals
from governance.actions.catalogue import GovernedEdit, delete, governed_edit
from governance.actions.checking import Checked, check_catalogue
from governance.actions.confirming import confirm_password
from governance.actions.documents import store_document
from governance.actions.errors import ActionRefused, NothingToAccept, RequestLapsed, StaleForm
from governance.actions.findings import resolve_findings
from governance.actions.landscape import ImportRecord, Moved, keep_source
from governance.actions.lapse import lapse_what_ran_out
from governance.actions.ledger_state import (
    accept_broken_ledger,
    accept_corrected_clock,
    accept_restored_ledger,
    exposed_by_checkpoints,
    note_checkpoint,
    note_ledger_state,
)
from governance.actions.lowering import downgrade
from governance.actions.rules import replace_rule
from governance.actions.sections import render_section
from governance.actions.signing import reject, seen_token, sign
from governance.actions.syncing import Synced, sync_documents
from governance.actions.tokens import create_api_token, revoke_api_token

__all__ = [
    "ActionRefused",
    "Campaign",
    "Checked",
    "GovernedEdit",
    "GovernedEdits",
    "ImportRecord",
    "Moved",
    "NothingToAccept",
    "RequestLapsed",
    "StaleForm",
    "Synced",
    "accept_broken_ledger",
    "accept_corrected_clock",
    "accept_restored_ledger",
    "check_catalogue",
    "confirm_password",
    "create_api_token",
    "delete",
    "downgrade",
    "exposed_by_checkpoints",
    "governed_edit",
    "keep_source",
    "lapse_what_ran_out",
    "note_checkpoint",
    "note_ledger_state",
    "note_new_accounts",
    "open_renewals",
    "reject",
    "render_section",
    "replace_rule",
    "resolve_findings",
    "revoke_api_token",
    "seen_token",
    "sign",
    "store_document",
    "submit",
    "sync_documents",
    "withdraw",
]
