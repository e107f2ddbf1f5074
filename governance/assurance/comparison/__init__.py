"""Whether stored rows are what the ledger says of them."""
