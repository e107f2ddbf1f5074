"""Every write of the portal. Admin, pages, API and commands call the same one.

An action is keyword-only and atomic, and goes: check, change, ledger, then ``on_commit`` for
whatever leaves the process. It raises ``ActionRefused`` with reasons, and then nothing happened.
"""

from governance.actions.bulk import GovernedEdits
from governance.actions.catalogue import GovernedEdit, delete, governed_edit
from governance.actions.documents import store_document
from governance.actions.errors import ActionRefused, RequestLapsed, StaleForm
from governance.actions.landscape import ImportRecord, keep_source
from governance.actions.rules import replace_rule
from governance.actions.sections import render_section
from governance.actions.sign_off import downgrade, reject, seen_token, sign, submit, withdraw

__all__ = [
    "ActionRefused",
    "GovernedEdit",
    "GovernedEdits",
    "ImportRecord",
    "RequestLapsed",
    "StaleForm",
    "delete",
    "downgrade",
    "governed_edit",
    "keep_source",
    "reject",
    "render_section",
    "replace_rule",
    "seen_token",
    "sign",
    "store_document",
    "submit",
    "withdraw",
]
