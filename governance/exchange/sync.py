"""Synchronise the documents of a source.

Every version that is seen is stored, and each runbook shows the newest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils import timezone

from governance import ledger
from governance.assurance.standings import live_ready_keys
from governance.editing.audited_edit import AuditedEdit
from governance.exchange.documents import kept_document
from governance.findings.choices import Detector
from governance.findings.reconcile import Checked, check_catalogue, open_ahead, reconcile, settle
from governance.findings.source_checks import (
    MISSING_DOCUMENT_KINDS,
    ExpectedDocument,
    ScanResult,
    scan,
)
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from runbooks.batches import batched
from runbooks.documents.sources.folder import (
    DocumentMissing,
    DocumentUnreadable,
    Origin,
    Source,
    SourceError,
)
from runbooks.models import Document, Runbook
from runbooks.search import index

MAX_POINTED = 100  # runbooks that get another text in one transaction


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync found and did. ``gone`` counts expected documents that cannot be read."""

    revision: str
    read: int
    gone: int
    stored: int
    changed: int
    documents: Checked
    catalogue: Checked

    def __bool__(self) -> bool:
        """Return whether anything was written."""
        return bool(self.stored or self.changed or self.documents or self.catalogue)


def sync_documents(
    *, source: Source, by: ledger.Actor, name: str, at: datetime | None = None
) -> Synced:
    """Read the documents that runbooks name, store new versions, and update the runbooks.

    A version that was seen is a fact by itself and is stored at once (docs/decisions/0013). The
    runbooks are then pointed at the current text of their path, in transactions of a hundred each;
    the last one includes the findings and one ledger row for the sync. A sync that finds nothing
    new writes nothing.

    :param name: the name of the source in the ledger, without a path of this machine.
    :raises SourceError: the source cannot be used, or contains none of the documents. No runbook
        was changed.
    """
    moment = at or timezone.now()
    seen = scan(source, _expected(), landscapes=_landscapes())
    if not seen.sha256 and Runbook.objects.filter(document__isnull=False).exists():
        raise SourceError(
            "None of the documents were found. Is this the folder that the landscape's paths "
            "start from?"
        )
    stored = _store_new(source, seen, by=by, at=moment)
    reason = f"Sync of {name}"
    keys = [runbook.pk for runbook in _to_point(seen)]
    ahead, last = keys[:-MAX_POINTED], keys[-MAX_POINTED:]
    changed = 0
    # Short transactions, so that nobody waits for thousands of runbooks. After a kill the next sync
    # continues.
    for part in batched(ahead, MAX_POINTED):
        with ledger.atomic(), index.deferred():
            changed += _point(seen, part, by=by, reason=reason)
    opened = open_ahead(seen.noticed, family=Detector.DOCUMENTS, at=moment)
    with ledger.atomic(), index.deferred():
        changed += _point(seen, last, by=by, reason=reason)
        checked = _keep_findings(seen, moment, opened=opened)
        synced = Synced(
            source.revision,
            len(seen.sha256),
            _gone(seen),
            stored,
            changed,
            documents=checked,
            catalogue=Checked(),
        )
        if stored or changed or checked:
            _record(synced, name, by=by, at=moment)
    synced = replace(
        synced, catalogue=check_catalogue(live=live_ready_keys(at=at), by=by, reason=reason, at=at)
    )
    index.catch_up()
    return synced


def _expected() -> list[ExpectedDocument]:
    rows = Runbook.objects.exclude(document_path="").order_by("pk")
    named = list(rows.values_list("pk", "title", "document_path", "document__sha256"))
    # A missing text is known by the last version that was seen there, however often it is looked
    # for.
    gone = [path for _, _, path, sha256 in named if not sha256]
    last = dict(
        Document.objects.filter(path__in=gone)
        .order_by("seen_at", "pk")
        .values_list("path", "sha256")
    )
    return [
        ExpectedDocument(pk, title, path, sha256 or last.get(path, ""))
        for pk, title, path, sha256 in named
    ]


def _landscapes() -> frozenset[str]:
    subjects = ChangeLogEntry.objects.filter(action=Action.LANDSCAPE_IMPORTED).values_list(
        "subject", flat=True
    )
    return frozenset(subject.removeprefix("landscape:") for subject in subjects.distinct())


def _store_new(source: Source, seen: ScanResult, *, by: ledger.Actor, at: datetime) -> int:
    """Store the versions that are not stored yet.

    A file that changes meanwhile is stored with the content it has when it is read.

    :returns: how many versions this call stored, without those that another process stored
        meanwhile.
    """
    known = set(Document.objects.filter(path__in=seen.sha256).values_list("path", "sha256"))
    new = frozenset(path for path, sha256 in seen.sha256.items() if (path, sha256) not in known)
    origins = source.origins(new) if new else {}
    stored = 0
    for path in sorted(new):
        try:
            content = source.read(path)
        except (DocumentMissing, DocumentUnreadable):
            # It disappeared since the scan: the next sync reports it.
            del seen.sha256[path]
            continue
        origin = origins.get(path, Origin())
        document, is_new = kept_document(
            path=path,
            content=content,
            by=by,
            source_revision=origin.commit,
            authored_at=origin.authored_at,
            at=at,
        )
        seen.sha256[path] = document.sha256
        stored += is_new
    return stored


def _to_point(seen: ScanResult, among: Sequence[int] | None = None) -> list[Runbook]:
    """Return the runbooks whose document is not the text that was seen at their path.

    Each has the document that was seen, or None, assigned but not saved.

    :param among: primary keys; all runbooks by default.
    """
    documents = _documents(seen)
    unread = {one.file for one in seen.noticed if one.kind in MISSING_DOCUMENT_KINDS}
    runbooks = Runbook.objects.exclude(document_path="").order_by("pk")
    changed: list[Runbook] = []
    for runbook in runbooks if among is None else runbooks.filter(pk__in=among):
        path = runbook.document_path
        if path not in seen.sha256 and path not in unread:
            continue  # its path was edited since the scan
        document = documents.get((path, seen.sha256.get(path, "")))
        if document != runbook.document_id:
            runbook.document_id = document
            changed.append(runbook)
    return changed


def _point(seen: ScanResult, keys: Sequence[int], *, by: ledger.Actor, reason: str) -> int:
    """Point each of some runbooks at the text of its path, or at none; return how many changed."""
    changed = _to_point(seen, keys)
    if changed:
        pointed = [runbook.pk for runbook in changed]
        edit = AuditedEdit.start(Runbook, pointed, by=by, reason=reason)
        Runbook.objects.bulk_update(changed, ("document",))
        edit.commit(pointed)
    return len(changed)


def _documents(seen: ScanResult) -> dict[tuple[str, str], int]:
    """Return the primary key of every stored version that was seen, by path and sha256."""
    stored = Document.objects.filter(path__in=seen.sha256).values_list("pk", "path", "sha256")
    return {(path, sha256): pk for pk, path, sha256 in stored if seen.sha256[path] == sha256}


def _keep_findings(seen: ScanResult, at: datetime, *, opened: int) -> Checked:
    # A document that can be read again resolves what the import of its row had found.
    settled = settle(kinds=MISSING_DOCUMENT_KINDS, subjects=seen.sha256, at=at)
    checked = reconcile(seen.noticed, family=Detector.DOCUMENTS, at=at)
    return Checked(checked.opened + opened, checked.settled + settled, checked.regraded)


def _gone(seen: ScanResult) -> int:
    return len({one.file for one in seen.noticed if one.kind in MISSING_DOCUMENT_KINDS})


def _record(synced: Synced, name: str, *, by: ledger.Actor, at: datetime) -> None:
    ledger.append(
        ledger.Record(
            actor=by,
            action=Action.DOCUMENTS_SYNCED,
            subject=f"documents:{name}"[:400],
            subject_title=name,
            changes={
                "source_revision": {"before": None, "after": synced.revision},
                "stored": {"before": None, "after": synced.stored},
                "runbooks": {"before": None, "after": synced.changed},
                **synced.documents.changes,
            },
        ),
        at=at,
    )
