"""The ledger: canonical bytes, append, verify. The only writer of ``ChangeLogEntry``."""

from governance.ledger.acceptance import LEDGER_SUBJECT, Break
from governance.ledger.canonical import (
    GENESIS,
    HASHED_FIELDS,
    canonical_bytes,
    canonical_time,
    canonical_value,
    digests_of,
    hash_of,
)
from governance.ledger.chain import (
    SYSTEM,
    Actor,
    Record,
    SystemActor,
    append,
    append_all,
    atomic,
    canonical_language,
)
from governance.ledger.high_water_mark import Look, Mark, follow, look
from governance.ledger.verification import (
    VERIFY_CHUNK,
    Verification,
    break_found,
    verify,
    verify_entries,
)

__all__ = [
    "GENESIS",
    "HASHED_FIELDS",
    "LEDGER_SUBJECT",
    "SYSTEM",
    "VERIFY_CHUNK",
    "Actor",
    "Break",
    "Look",
    "Mark",
    "Record",
    "SystemActor",
    "Verification",
    "append",
    "append_all",
    "atomic",
    "break_found",
    "canonical_bytes",
    "canonical_language",
    "canonical_time",
    "canonical_value",
    "digests_of",
    "follow",
    "hash_of",
    "look",
    "verify",
    "verify_entries",
]
