"""Every write of the portal. Admin, pages, API and commands call the same one.

An action is keyword-only and atomic, and goes: check, change, ledger, then ``on_commit`` for
whatever leaves the process. It raises ``ActionRefused`` with reasons, and then nothing happened.
"""

from governance.actions.access_changes import confirm_change, note_address_changed, refuse_change
from governance.actions.accounts import note_new_accounts
from governance.actions.asking import submit, withdraw
from governance.actions.bulk import GovernedEdits
from governance.actions.campaign import Campaign, open_renewals
from governance.actions.catalogue import GovernedEdit, delete, governed_edit
from governance.actions.checking import Checked, check_catalogue
from governance.actions.comparing import Comparison, compare_with_ledger, keep_comparison
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
from governance.actions.rules import bring_rules_into_force, replace_rule
from governance.actions.sections import Fragments, rendered_fragments, store_rendered_section
from governance.actions.signing import reject, seen_token, sign
from governance.actions.syncing import Synced, sync_documents
from governance.actions.tokens import create_api_token, revoke_api_token
from governance.actions.unlocking import unlock_sign_in

__all__ = [
    "ActionRefused",
    "Campaign",
    "Checked",
    "Comparison",
    "Fragments",
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
    "bring_rules_into_force",
    "check_catalogue",
    "compare_with_ledger",
    "confirm_change",
    "confirm_password",
    "create_api_token",
    "delete",
    "downgrade",
    "exposed_by_checkpoints",
    "governed_edit",
    "keep_comparison",
    "keep_source",
    "lapse_what_ran_out",
    "note_address_changed",
    "note_checkpoint",
    "note_ledger_state",
    "note_new_accounts",
    "open_renewals",
    "refuse_change",
    "reject",
    "rendered_fragments",
    "replace_rule",
    "resolve_findings",
    "revoke_api_token",
    "seen_token",
    "sign",
    "store_document",
    "store_rendered_section",
    "submit",
    "sync_documents",
    "unlock_sign_in",
    "withdraw",
]
