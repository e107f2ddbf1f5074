"""Findings before they are stored, built by an import, a catalogue check or a source check."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from governance.findings.choices import SEVERITY_OF_KIND, Detector, FindingKind, Severity
from governance.findings.models import Finding

MAX_SUBJECT_LENGTH = 300
MAX_FILE_LENGTH = 300

Identity = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class FindingDraft:
    """A finding before it is stored.

    :ivar line: the line in ``file``; 0 if it concerns the whole file.
    :ivar runbook: the primary key of the runbook that it concerns.
    :ivar runbook_title: the title of that runbook, if an import has yet to create or rename it.
    :ivar severity_override: the severity, if it is not the one of its kind.
    """

    kind: FindingKind
    subject: str
    message: str
    file: str = ""
    line: int = 0
    runbook: int | None = None
    severity_override: Severity | None = None
    runbook_title: str = ""

    @property
    def identity(self) -> Identity:
        """Return what identifies the finding at the next check, without the line: it may change."""
        return (str(self.kind), self.subject, self.file)

    @property
    def identity_by_line(self) -> tuple[str, str, str, int]:
        """Return what identifies the finding at the next import.

        The same text on two lines of a landscape file is two findings.
        """
        return (*self.identity, self.line)

    @property
    def severity(self) -> Severity:
        """Return the severity: the override, else the one of its kind."""
        return self.severity_override or SEVERITY_OF_KIND.get(self.kind, Severity.WARNING)

    def fitted(self) -> Self:
        """Return the draft with its subject and file cut to the length of the columns."""
        return replace(
            self, subject=self.subject[:MAX_SUBJECT_LENGTH], file=self.file[:MAX_FILE_LENGTH]
        )

    def to_finding(self, *, detector: Detector, first_seen: datetime) -> Finding:
        """Return the unsaved row; ``first_seen`` is aware."""
        return Finding(
            kind=self.kind,
            severity=self.severity,
            subject=self.subject,
            message=self.message,
            file=self.file,
            line=self.line,
            runbook_id=self.runbook,
            first_seen=first_seen,
            noticed_by=detector,
        )
