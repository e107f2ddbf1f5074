"""The columns that a signature covers and those that a request pins.

Used by the guards and by the code that changes a readiness.
"""

SIGNED_COLUMNS = (
    "readiness_level",
    "readiness_year",
    "signed_document_sha256",
    "signed_metadata_sha256",
    "signed_at",
    "signed_from_year",
    "signed_until",
    "signed_solo",
    "signed_dependence",
)
PINNED_COLUMNS = (
    "id",
    "runbook_id",
    "direction",
    "from_level",
    "from_year",
    "to_level",
    "to_year",
    "rationale",
    "evidence",
    "rule_id",
    "required_signatures",
    "independent",
    "valid_from_year",
    "valid_until",
    "document_path",
    "document_sha256",
    "metadata",
    "metadata_sha256",
    "requested_by_id",
    "requested_at",
)
