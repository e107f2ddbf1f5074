"""Django's admin, with every write recorded in the ledger. One module per subject."""

from governance.admin import accounts, catalogue, integrations, records, runbooks, sign_off

__all__ = ["accounts", "catalogue", "integrations", "records", "runbooks", "sign_off"]
