"""Compare stored rows with what the ledger recorded of them."""
