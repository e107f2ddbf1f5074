"""Findings of an import, before they are stored."""

from collections.abc import Iterable
from dataclasses import replace

from django.utils.translation import override

from governance.exchange.importing.limits import MODELS
from governance.exchange.importing.matching import Matching
from governance.exchange.importing.read_documents import ReadDocuments
from governance.exchange.importing.target_state import AmbiguousCluster
from governance.exchange.models import LandscapeSource
from governance.findings.choices import FindingKind
from governance.findings.drafts import MAX_SUBJECT_LENGTH, FindingDraft
from governance.findings.models import Finding
from runbooks.documents.links import repository_path
from runbooks.documents.sources.folder import DocumentMissing, DocumentUnreadable
from runbooks.landscape.schema import Notice, RunbookRow


def from_notice(notice: Notice, file: str) -> FindingDraft:
    """Return the finding for a notice of the parser."""
    kind = FindingKind(notice.kind) if notice.kind in FindingKind.values else FindingKind.OTHER
    return FindingDraft(
        kind, notice.subject[:MAX_SUBJECT_LENGTH], notice.message, file, notice.line
    )


def from_identity(identity: Matching, file: str) -> Iterable[FindingDraft]:
    """Yield findings for former names that the file still uses."""
    for row in identity.former_names:
        title = identity.keys[row.title]
        message = (
            f'The file calls it "{row.title}", the portal calls it "{title}". It was read as the '
            "same runbook. Use the current title in the file, or export the file."
        )
        yield FindingDraft(
            FindingKind.FORMER_NAME, row.title, message, file, row.line, runbook_title=title
        )


def of_kept_path(row: RunbookRow, title: str, kept: str, file: str) -> FindingDraft:
    """Return the finding for a refused move: the portal keeps its path."""
    message = (
        f'The portal keeps the path "{kept}", because the move was refused. Correct the path in '
        "the file."
    )
    return FindingDraft(
        FindingKind.REFUSED_MOVE, row.document_path, message, file, row.line, runbook_title=title
    )


def of_cluster(ambiguous: AmbiguousCluster, file: str) -> FindingDraft:
    """Return the finding for a number that several titled clusters have."""
    message = (
        f"Several clusters have this number: {'; '.join(ambiguous.candidates)}. Add the title."
    )
    return FindingDraft(
        FindingKind.AMBIGUOUS_CLUSTER, ambiguous.label, message, file, ambiguous.line
    )


def of_absent(title: str, file: str) -> FindingDraft:
    """Return the finding for a runbook that the file does not name. It is never deleted."""
    message = (
        "This runbook is in the portal but not in the file. It was left unchanged. Retire it, or "
        "add the row."
    )
    return FindingDraft(FindingKind.MISSING_ROW, title, message, file, 0, runbook_title=title)


def of_held(kind: str, key: str, file: str) -> FindingDraft:
    """Return the finding for an object that the last file named and this one seems not to name.

    The file may still name it in a part that could not be read, so the object stays.
    """
    with override("en"):
        name = MODELS[kind][0]._meta.verbose_name
        message = (
            f"This {name} was in an earlier file but could not be read from this one. A table "
            "header, a row or a block may be broken, so it was left unchanged. Correct the file "
            "and import it again, or delete it in the portal."
        )
    return FindingDraft(FindingKind.OTHER, key[:MAX_SUBJECT_LENGTH], message, file, 0)


def of_document(
    path: str, read: ReadDocuments, *, line: int, title: str, file: str
) -> FindingDraft | None:
    """Return the finding if there is no text at a path, or none that could be stored."""
    try:
        read.sha256(path)
    except DocumentMissing:
        kind, message = (
            FindingKind.MISSING_DOCUMENT,
            "File not found. Correct the path, or add the document.",
        )
    except DocumentUnreadable as error:
        kind, message = (
            FindingKind.UNREADABLE_DOCUMENT,
            f"{error} Correct the document, then import again.",
        )
    else:
        return None
    return FindingDraft(kind, path, message, file, line, runbook_title=title)


def of_missing_link(draft: FindingDraft, row: RunbookRow, read: ReadDocuments) -> FindingDraft:
    """Add to the finding of a missing link the other file that its author may have meant.

    Nothing is linked by guessing.
    """
    other = repository_path(row.link, "")
    if draft.kind != FindingKind.MISSING_DOCUMENT or not other or other == row.document_path:
        return draft
    if not read.is_readable(other):
        return draft
    message = (
        f'The link "{row.link}" leads to "{row.document_path}", where there is no file: a '
        "link starts at the folder of "
        "the file that holds it. Seen from the root of the repository it would be "
        f'"{other}", which is there. '
        "Write the link relative to this file, or write the path from the root in backticks."
    )
    return replace(draft, message=message)


def of_unplaced_link(row: RunbookRow, file: str) -> FindingDraft:
    """Return the finding for a relative link in a file whose folder is unknown."""
    message = (
        f'The link "{row.link}" was read from the root of the repository, because nobody '
        "told where in it this file "
        "lies. Import the file from its place below the documents' folder, or write the path "
        "in backticks."
    )
    return FindingDraft(
        FindingKind.OTHER,
        row.link[:MAX_SUBJECT_LENGTH],
        message,
        file,
        row.line,
        runbook_title=row.title,
    )


def compare_findings(
    drafts: list[FindingDraft], file: str
) -> tuple[tuple[FindingDraft, ...], tuple[int, ...]]:
    """Return the findings that are not open yet, and the primary keys of the open ones to resolve.

    Both concern this file or one that was imported before.
    """
    identities = {draft.identity_by_line for draft in drafts}
    files = {file, *LandscapeSource.objects.values_list("file", flat=True).distinct()}
    known = {
        (finding.kind, finding.subject, finding.file, finding.line): finding.pk
        for finding in Finding.objects.filter(file__in=files, resolved_at__isnull=True)
    }
    new = tuple(draft for draft in drafts if draft.identity_by_line not in known)
    return new, tuple(pk for identity, pk in known.items() if identity not in identities)


def refused_moves() -> list[tuple[str, str]]:
    """Return title and path of the moves that were refused, from the open findings."""
    found = Finding.objects.filter(
        kind=FindingKind.REFUSED_MOVE, resolved_at__isnull=True, runbook__isnull=False
    )
    return list(found.values_list("runbook__title", "subject"))
