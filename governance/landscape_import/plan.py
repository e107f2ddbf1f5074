"""The plan: what an import would do, computed without writing anything."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from governance.choices import FindingKind
from governance.landscape_import.current import current_catalogue
from governance.landscape_import.desired import KINDS, Catalogue, ClusterIndex, Facts, desired_catalogue
from governance.landscape_import.limits import check_limits
from governance.models import Finding
from runbooks.documents.source import DocumentMissing, DocumentUnreadable, FolderSource
from runbooks.landscape.document import Landscape, RunbookRow
from runbooks.models import Cluster, Document

# What the ledger already holds is never taken out of it: these lists only grow.
GROWING = frozenset({"notes"})


@dataclass(frozen=True, slots=True)
class Step:
    """One object that is added or changed. ``before`` is None for an addition."""

    kind: str
    key: str
    before: Facts | None
    after: Facts

    @property
    def verb(self) -> str:
        """``add`` or ``change``."""
        return "add" if self.before is None else "change"

    @property
    def changes(self) -> dict[str, tuple[Any, Any]]:
        """Field -> (before, after), of those that differ."""
        before = self.before or {}
        return {name: (before.get(name), value) for name, value in self.after.items() if before.get(name) != value}


@dataclass(frozen=True, slots=True)
class FindingDraft:
    """A finding before it is stored. ``runbook`` is a title, or empty."""

    kind: FindingKind
    subject: str
    message: str
    file: str
    line: int
    runbook: str = ""

    @property
    def identity(self) -> tuple[str, str, str, int]:
        """What makes it the same finding at the next import."""
        return (self.kind, self.subject, self.file, self.line)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that applying would write. ``seen`` counts what the file holds, changed or not."""

    file: str
    sha256: str
    steps: tuple[Step, ...]
    documents: dict[str, bytes]  # path -> content, of those that are not stored yet
    findings: tuple[FindingDraft, ...]
    new_findings: tuple[FindingDraft, ...]
    settled_findings: tuple[int, ...]  # primary keys of open findings that the file no longer gives cause for
    absent: tuple[str, ...]  # titles of runbooks that the file does not name
    seen: dict[str, int] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether applying would write nothing at all."""
        return not (self.steps or self.documents or self.new_findings or self.settled_findings)

    def counted(self, kind: str, verb: str) -> int:
        """How many objects of a kind are added or changed."""
        return sum(step.kind == kind and step.verb == verb for step in self.steps)

    def findings_by_kind(self) -> dict[str, int]:
        """How many findings of each kind the file gives cause for."""
        return dict(Counter(str(draft.kind) for draft in self.findings))


def plan_import(landscape: Landscape, *, file: str, content: bytes, documents: FolderSource | None) -> Plan:
    """Compare a parsed landscape with the catalogue.

    :param file: the name under which findings point at the file.
    :param content: its bytes, for the record of what was imported.
    :param documents: where the documents are read from; None leaves documents as they are.
    :raises LandscapeError: a value is too long for its field.
    """
    index = ClusterIndex(landscape, list(Cluster.objects.all()))
    desired = desired_catalogue(landscape, index)
    check_limits(desired)
    findings = [_from_notice(notice, file) for notice in landscape.notices]
    read: dict[str, bytes] = {}
    if documents is not None:
        for row in landscape.runbooks:
            draft = _read_document(row, documents, read, file)
            findings += [draft] if draft else []
            text = read.get(row.document_path)
            desired["runbook"][row.title]["document_sha256"] = (
                hashlib.sha256(text).hexdigest() if text is not None else ""
            )
    findings += [_ambiguous_cluster(ambiguous, file) for ambiguous in _once(index.ambiguous)]
    current = current_catalogue()
    absent = tuple(title for title in current["runbook"] if title not in desired["runbook"])
    findings += [_absent_runbook(title, file) for title in absent]
    findings = list({draft.identity: draft for draft in findings}.values())
    new, settled = _compare_findings(findings, file)
    return Plan(
        file=file,
        sha256=hashlib.sha256(content).hexdigest(),
        steps=tuple(_steps(current, desired)),
        documents=_unstored(read),
        findings=tuple(findings),
        new_findings=new,
        settled_findings=settled,
        absent=absent,
        seen={**{kind: len(desired[kind]) for kind in KINDS}, "document": len(read)},
    )


def _steps(current: Catalogue, desired: Catalogue) -> list[Step]:
    steps = []
    for kind in KINDS:
        for key, facts in desired[kind].items():
            before = current[kind].get(key)
            after = facts if before is None else {name: _grown(name, before.get(name), facts[name]) for name in facts}
            if before is None or any(before.get(name) != value for name, value in after.items()):
                steps.append(Step(kind, key, before, after))
    return steps


def _grown(name: str, before: Any, after: Any) -> Any:
    if name not in GROWING or before is None:
        return after
    return before + [value for value in after if value not in before]


def _read_document(row: RunbookRow, source: FolderSource, read: dict[str, bytes], file: str) -> FindingDraft | None:
    """Reads the row's document into ``read``; the finding when there is none to read."""
    if not row.document_path:
        return None  # the reader has noted the row without a path
    try:
        read[row.document_path] = source.read(row.document_path)
    except DocumentMissing:
        kind, message = FindingKind.MISSING_DOCUMENT, "There is no such file. Correct the path, or add the document."
    except DocumentUnreadable as error:
        kind, message = FindingKind.UNREADABLE_DOCUMENT, f"{error} Correct the document, then import again."
    else:
        return None
    return FindingDraft(kind, row.document_path, message, file, row.line, runbook=row.title)


def _unstored(read: dict[str, bytes]) -> dict[str, bytes]:
    stored = set(Document.objects.filter(path__in=read).values_list("path", "sha256"))
    return {
        path: content for path, content in read.items() if (path, hashlib.sha256(content).hexdigest()) not in stored
    }


def _from_notice(notice: Any, file: str) -> FindingDraft:
    kind = FindingKind(notice.kind) if notice.kind in FindingKind.values else FindingKind.OTHER
    return FindingDraft(kind, notice.subject[:300], notice.message, file, notice.line)


def _ambiguous_cluster(ambiguous: Any, file: str) -> FindingDraft:
    message = f"Several clusters bear this number: {'; '.join(ambiguous.candidates)}. Write the title as well."
    return FindingDraft(FindingKind.AMBIGUOUS_CLUSTER, ambiguous.label, message, file, ambiguous.line)


def _absent_runbook(title: str, file: str) -> FindingDraft:
    message = (
        "The portal knows this runbook, the file does not name it. It was left as it is: retire it, or add the row."
    )
    return FindingDraft(FindingKind.MISSING_ROW, title, message, file, 0, runbook=title)


def _once(ambiguous: list[Any]) -> list[Any]:
    return list(dict.fromkeys(ambiguous))


def _compare_findings(drafts: list[FindingDraft], file: str) -> tuple[tuple[FindingDraft, ...], tuple[int, ...]]:
    """Those that are not open yet, and the open ones of this file that are settled."""
    identities = {draft.identity for draft in drafts}
    known = {
        (finding.kind, finding.subject, finding.file, finding.line): finding.pk
        for finding in Finding.objects.filter(file=file, resolved_at__isnull=True)
    }
    new = tuple(draft for draft in drafts if draft.identity not in known)
    return new, tuple(pk for identity, pk in known.items() if identity not in identities)
