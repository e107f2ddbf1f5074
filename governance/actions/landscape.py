"""Keeping the landscape file that was imported."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from governance import ledger
from governance.choices import Action
from governance.models import LandscapeSource


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """What the ledger says of one import. ``sha256`` is that of the file as it came, ``plan`` that of what was shown."""

    file: str
    sha256: str
    plan: str
    steps: int
    findings: int


def keep_source(
    *, text: str, dropped: Sequence[str], record: ImportRecord, by: ledger.Actor, at: datetime | None = None
) -> LandscapeSource:
    """Keep the text that an export starts from, and write down the import. The same text is not kept twice in a row.

    :param text: the file with its conflicts settled, line ends as they were.
    :param dropped: runbooks and releases that an earlier file named and this one does not, as the ledger names them.
    """
    sha256 = hashlib.sha256(text.encode("utf-8")).hexdigest()
    moment = at or timezone.now()
    with ledger.governed():
        newest = LandscapeSource.objects.first()
        if newest is None or (newest.sha256, newest.file, newest.dropped) != (sha256, record.file, list(dropped)):
            newest = LandscapeSource.objects.create(
                file=record.file, text=text, sha256=sha256, dropped=list(dropped), imported_at=moment
            )
        facts = {
            "sha256": record.sha256,
            "source_sha256": sha256,
            "plan": record.plan,
            "steps": record.steps,
            "findings": record.findings,
        }
        ledger.append(
            ledger.Record(
                actor=by,
                action=Action.LANDSCAPE_IMPORTED,
                subject=f"landscape:{record.file}",
                subject_title=record.file,
                changes={name: {"before": None, "after": value} for name, value in facts.items()},
            ),
            at=moment,
        )
    return newest
