"""The admin: stock Django, with every write routed through the ledger. One file per subject."""

from governance.admin import accounts, catalogue, integrations, records, runbooks, sign_off

__all__ = ["accounts", "catalogue", "integrations", "records", "runbooks", "sign_off"]
