"""Compute what was signed at a moment from the ledger rows about readiness, in their order."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.utils.dateparse import parse_date

from governance import ledger
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry


@dataclass(frozen=True, slots=True)
class SignedStateAsOf:
    """A signed readiness as the ledger recorded it.

    :ivar signed_at: when it was signed (aware); None if nothing was.
    :ivar sequence: the ledger row that recorded it last.
    :ivar hash_matches: whether every row that it was computed from has the right hash.
    """

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
# The name in a ledger row -> the name in SignedStateAsOf.
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
    """Return what was signed at a moment, by the ledger's subject (``runbook:<slug>``).

    A runbook that is missing from the result had no signed readiness.

    :param subjects: the subjects to look up; all by default.
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
