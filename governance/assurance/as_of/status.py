"""Compute the status of runbooks at a moment: what was signed, and whether it was valid then."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.utils import timezone

from governance.assurance.alarms import alarm_reasons
from governance.assurance.as_of.catalogue import Described, described_as_of
from governance.assurance.as_of.signed import NOTHING_SIGNED, SignedStateAsOf, signed_as_of
from governance.assurance.verdict import Evidence, Verdict, decide
from governance.ledger.snapshot import subject_of
from runbooks.models import Document, Runbook
from runbooks.models.runbook import metadata_digest, readiness_label
from runbooks.validity import Reason, SignedFacts, last_day

ABOUT_THE_LEDGER = frozenset({Reason.LEDGER_BROKEN, Reason.LEDGER_RESTORED, Reason.MARK_UNREADABLE})


@dataclass(frozen=True, slots=True)
class RunbookAsOf:
    """One runbook at a moment.

    :ivar document_sha256: the current text at that moment; empty if there was none or it is not
        stored.
    :ivar verdict: what was valid then; it permits nothing now.
    """

    runbook: Runbook
    moment: datetime
    signed: SignedStateAsOf
    described: Described
    document_sha256: str
    verdict: Verdict

    @property
    def readiness(self) -> str:
        """Return the label of the readiness that was signed."""
        return readiness_label(self.signed.level, self.signed.year)

    @property
    def valid_until(self) -> date | None:
        """Return the last day of that readiness; None if it had none."""
        return last_day(self.signed.year, self.signed.until)

    def signed_document(self) -> Document | None:
        """Return the text that was signed; None if it is not stored."""
        if not self.signed.document_sha256:
            return None
        stored = Document.objects.filter(sha256=self.signed.document_sha256)
        return (
            stored.filter(path=self.described.metadata["document_path"]).first() or stored.first()
        )


def runbooks_as_of(runbooks: Iterable[Runbook], moment: datetime) -> list[RunbookAsOf]:
    """Return the status of runbooks at a moment, in their order.

    A runbook that the ledger says was created later is left out. The number of queries does not
    depend on the number of runbooks.
    """
    asked = list(runbooks)
    signed = signed_as_of(
        moment, subjects=[subject_of(runbook) for runbook in asked] if len(asked) == 1 else None
    )
    described = described_as_of(moment, asked)
    texts = _texts(described.values())
    # Only present alarms about the ledger count, because the answer comes from it.
    alarms = tuple(alarm for alarm in alarm_reasons() if alarm in ABOUT_THE_LEDGER)
    return [
        _then(
            runbook,
            moment,
            signed.get(subject_of(runbook), NOTHING_SIGNED),
            described[runbook.pk],
            texts.get(described[runbook.pk].document, ""),
            alarms=alarms,
        )
        for runbook in asked
        if described[runbook.pk].existed
    ]


def _texts(described: Iterable[Described]) -> dict[str, str]:
    """Return the sha256 of the stored documents, by ``path @ digits``."""
    paths = {one.document.rpartition(" @ ")[0] for one in described if one.document}
    stored = Document.objects.filter(path__in=paths).only("path", "sha256")
    return {str(document): document.sha256 for document in stored}


def _then(
    runbook: Runbook,
    moment: datetime,
    signed: SignedStateAsOf,
    described: Described,
    text: str,
    *,
    alarms: tuple[Reason, ...],
) -> RunbookAsOf:
    today = timezone.localdate(moment)
    facts = SignedFacts(
        level=signed.level,
        year=signed.year,
        signed_document_sha256=signed.document_sha256,
        document_sha256=text,
        document_path=described.metadata["document_path"],
        stored_path=described.document.rpartition(" @ ")[0],
        signed_metadata_sha256=signed.metadata_sha256,
        metadata_sha256=metadata_digest(described.metadata),
        from_year=signed.from_year,
        until=signed.until,
        solo=signed.solo,
        dependence=signed.dependence or "",
    )
    # The signatures were counted when the row was written. Only the ledger can be in doubt now.
    evidence = Evidence(True, signed.hash_matches, True, alarms)
    verdict = decide(
        facts, evidence, today=today, year=today.year, solo_mode=bool(settings.GOVERNANCE_SOLO)
    )
    return RunbookAsOf(runbook, moment, signed, described, text, verdict)
