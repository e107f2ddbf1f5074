"""Keeping a finding for each stored row that is not what the ledger told of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from governance import ledger
from governance.assurance.comparison import stored_catalogue, stored_requests
from governance.findings.choices import Detector, FindingKind
from governance.findings.drafts import FindingDraft
from governance.findings.reconcile import Checked, reconcile
from governance.ledger.choices import Action

SETTLED_BY = (
    "Restore the stored row from a backup: the finding is then resolved automatically. If it "
    "cannot be restored, downgrade the runbook and sign it again."
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison noticed: the rows that are other than told, and those that no ledger row tells of."""

    altered: tuple[FindingDraft, ...]
    untold: tuple[FindingDraft, ...]

    @property
    def sentences(self) -> list[str]:
        """What is altered, for people."""
        return [f"{one.subject}: {one.message}" for one in self.altered]


def compare_with_ledger() -> Comparison:
    """Compare every governed row with what the ledger last told of it; writes nothing.

    It takes no lock, so a change may come between reading the ledger and reading its row. What was
    noticed is therefore looked at again: a change that was told meanwhile is not noticed twice
    alike.
    """
    noticed = [*_requests(), *_catalogue()]
    if noticed:
        again = {*_requests(), *_catalogue()}
        noticed = [one for one in noticed if one in again]
    return Comparison(
        tuple(one for one in noticed if one.kind == FindingKind.LEDGER_DISAGREES),
        tuple(one for one in noticed if one.kind == FindingKind.NOT_IN_LEDGER),
    )


def keep_comparison(
    compared: Comparison, *, by: ledger.Actor, reason: str = "", at: datetime | None = None
) -> Checked:
    """Open a finding for each row that is other than told, and settle those that were put right.

    One ledger row tells of all that was opened and settled; none where nothing was.

    :param reason: why the rows were compared, for that row.
    """
    with ledger.atomic():
        checked = reconcile([*compared.altered, *compared.untold], family=Detector.LEDGER, at=at)
        if checked:
            record = ledger.Record(
                actor=by,
                action=Action.CATALOGUE_CHECKED,
                subject="ledger:rows",
                subject_title="stored rows and the ledger",
                reason=reason,
                changes=checked.changes,
            )
            ledger.append(record, at=at)
    return checked


def _requests() -> Iterator[FindingDraft]:
    for found in stored_requests.differences():
        message = f"{found.sentence} {SETTLED_BY}"
        yield FindingDraft(
            FindingKind.LEDGER_DISAGREES, found.subject, message, runbook=found.runbook
        )


def _catalogue() -> Iterator[FindingDraft]:
    for found in stored_catalogue.disagreements():
        kind = FindingKind.LEDGER_DISAGREES if found.is_told else FindingKind.NOT_IN_LEDGER
        yield FindingDraft(kind, found.subject, found.sentence, runbook=found.runbook)
