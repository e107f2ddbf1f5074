"""Keep a finding for each stored row that differs from what the ledger recorded."""

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
    """The result of a comparison.

    :ivar altered: rows that differ from what the ledger recorded.
    :ivar untold: rows that no ledger row describes.
    """

    altered: tuple[FindingDraft, ...]
    untold: tuple[FindingDraft, ...]

    @property
    def sentences(self) -> list[str]:
        """Return a sentence for each altered row."""
        return [f"{one.subject}: {one.message}" for one in self.altered]


def compare_with_ledger() -> Comparison:
    """Compare every governed row with what the ledger last recorded of it. Write nothing.

    It takes no lock, so a row may change between reading the ledger and reading the row. If
    anything differs, everything is therefore compared a second time, and only differences that both
    passes found are returned.
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
    """Open a finding for each difference, and settle the findings whose rows were corrected.

    One ledger row records everything that was opened and settled; there is none if nothing was.

    :param reason: why the rows were compared, for the ledger row.
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
