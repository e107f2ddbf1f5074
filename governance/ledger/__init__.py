"""The ledger: canonical bytes, append, verify. The only writer of ``ChangeLogEntry``."""

from governance.ledger.canonical import GENESIS, HASHED_FIELDS, canonical_bytes, canonical_time, digests_of, hash_of
from governance.ledger.verifying import VERIFY_CHUNK, Verification, verify, verify_entries
from governance.ledger.writing import (
    SYSTEM,
    Actor,
    Record,
    SystemActor,
    append,
    append_all,
    governed,
    in_its_language,
)

__all__ = [
    "GENESIS",
    "HASHED_FIELDS",
    "SYSTEM",
    "VERIFY_CHUNK",
    "Actor",
    "Record",
    "SystemActor",
    "Verification",
    "append",
    "append_all",
    "canonical_bytes",
    "canonical_time",
    "digests_of",
    "governed",
    "hash_of",
    "in_its_language",
    "verify",
    "verify_entries",
]
