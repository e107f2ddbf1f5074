"""Store the landscape file that was imported."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from governance import ledger
from governance.exchange.models import LandscapeSource
from governance.ledger.choices import Action
from runbooks.digests import sha256_of_text


@dataclass(frozen=True, slots=True)
class Moved:
    """What changed only its position in the landscape: ledger name -> position."""

    before: dict[str, int] = field(default_factory=dict)
    after: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """What the ledger records of one import.

    :ivar sha256: the sha256 of the file as it was uploaded.
    :ivar plan: the digest of the plan that was shown.
    """

    file: str
    sha256: str
    plan: str
    steps: int
    findings: int
    moved: Moved = field(default_factory=Moved)


def keep_source(
    *,
    text: str,
    dropped: Sequence[str],
    record: ImportRecord,
    by: ledger.Actor,
    at: datetime | None = None,
) -> LandscapeSource:
    """Store the text that an export starts from, and record the import in the ledger.

    The same text is not stored twice in a row.

    :param text: the file with its conflicts settled, line ends unchanged.
    :param dropped: ledger names of what an earlier file named, this one does not, and the portal
        keeps: runbooks, releases, and what the file may still name in a part that was not read.
    """
    sha256 = sha256_of_text(text)
    moment = at or timezone.now()
    with ledger.atomic():
        newest = LandscapeSource.objects.first()
        if newest is None or (newest.sha256, newest.file, newest.dropped) != (
            sha256,
            record.file,
            list(dropped),
        ):
            newest = LandscapeSource.objects.create(
                file=record.file,
                text=text,
                sha256=sha256,
                dropped=list(dropped),
                imported_at=moment,
            )
        facts = {
            "sha256": record.sha256,
            "source_sha256": sha256,
            "plan": record.plan,
            "steps": record.steps,
            "findings": record.findings,
        }
        changes: dict[str, Any] = {
            name: {"before": None, "after": value} for name, value in facts.items()
        }
        if record.moved.after:
            changes["moved"] = {"before": record.moved.before, "after": record.moved.after}
        ledger.append(
            ledger.Record(
                actor=by,
                action=Action.LANDSCAPE_IMPORTED,
                subject=f"landscape:{record.file}",
                subject_title=record.file,
                changes=changes,
            ),
            at=moment,
        )
    return newest
