"""The admin: stock Django, with every write routed through the ledger. One file per subject."""

from governance.admin import accounts, catalogue, records, sign_off

__all__ = ["accounts", "catalogue", "records", "sign_off"]
