"""What was signed at a moment: the rows about readiness, folded in their order."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.utils.dateparse import parse_date

from governance import ledger
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry


@dataclass(frozen=True, slots=True)
class SignedStateAsOf:
    """A signed readiness as the ledger told it. ``hash_matches``: every row it comes from is what it was when written."""

    level: str = "unassessed"
    year: int | None = None
    document_sha256: str = ""
    metadata_sha256: str = ""
    from_year: int | None = None
    until: date | None = None
    solo: bool = False
    dependence: str = ""
    signed_at: datetime | None = None
    sequence: int | None = None
    hash_matches: bool = True


NOTHING_SIGNED = SignedStateAsOf()
# What a row calls it -> what it is called here.
FIELDS = {
    "readiness_level": "level",
    "readiness_year": "year",
    "signed_document_sha256": "document_sha256",
    "signed_metadata_sha256": "metadata_sha256",
    "signed_from_year": "from_year",
    "signed_until": "until",
    "signed_solo": "solo",
    "signed_dependence": "dependence",
}


def signed_as_of(
    moment: datetime, *, subjects: list[str] | None = None
) -> dict[str, SignedStateAsOf]:
    """By the ledger's subject (``runbook:<slug>``), what was signed; whoever is not named had nothing.

    :param subjects: those that are asked about; all by default.
    """
    rows = ChangeLogEntry.objects.filter(
        action=Action.READINESS_CHANGED, recorded_at__lte=moment
    ).order_by("sequence")
    if subjects is not None:
        rows = rows.filter(subject__in=subjects)
    signed: dict[str, SignedStateAsOf] = {}
    for row in rows.iterator():
        signed[row.subject] = _after(signed.get(row.subject, NOTHING_SIGNED), row)
    return signed


def _after(before: SignedStateAsOf, row: ChangeLogEntry) -> SignedStateAsOf:
    changed: dict[str, Any] = {
        name: row.changes[told].get("after")
        for told, name in FIELDS.items()
        if isinstance(row.changes.get(told), dict)
    }
    if "until" in changed:
        changed["until"] = parse_date(changed["until"] or "") if changed["until"] else None
    return replace(
        before,
        **changed,
        signed_at=row.recorded_at,
        sequence=row.sequence,
        hash_matches=before.hash_matches and ledger.hash_of(row) == row.hash,
    )
