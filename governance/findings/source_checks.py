"""Checks of a source of documents against the catalogue. They read the source and write nothing."""

import hashlib
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from governance.findings.choices import FindingKind
from governance.findings.drafts import FindingDraft
from runbooks.documents.checks.links import dead_links, folders_of
from runbooks.documents.sources.folder import (
    DocumentMissing,
    DocumentUnreadable,
    Source,
    is_document,
    normalize_nfc,
)

RUNBOOK_NAME = re.compile(r"runbook|playbook", re.IGNORECASE)
RUNBOOK_FOLDERS = frozenset({"runbook", "runbooks", "playbooks"})
# Files that lie beside the runbooks but are not runbooks.
NO_RUNBOOK_NAME = re.compile(
    r"^(?:readme|index|changelog|contributing)\b|landscape|template", re.IGNORECASE
)
MAX_PATH_LENGTH = 300
# Maximum number of texts read to find a document that was moved and renamed at once.
MAX_COMPARED = 200
MAX_UNLISTED = 500
MISSING_DOCUMENT_KINDS = (
    FindingKind.MISSING_DOCUMENT,
    FindingKind.PATH_MOVED,
    FindingKind.UNREADABLE_DOCUMENT,
)


@dataclass(frozen=True, slots=True)
class ExpectedDocument:
    """A document that a runbook names.

    :ivar sha256: the sha256 of the text that the runbook shows, or showed last; empty for none.
    """

    runbook: int
    title: str
    path: str
    sha256: str


@dataclass(slots=True)
class ScanResult:
    """The result of a scan.

    :ivar sha256: the sha256 of each readable text, by path.
    :ivar noticed: the findings.
    """

    sha256: dict[str, str] = field(default_factory=dict)
    noticed: list[FindingDraft] = field(default_factory=list)


def scan(
    source: Source,
    expected: Iterable[ExpectedDocument],
    *,
    landscapes: frozenset[str] = frozenset(),
) -> ScanResult:
    """Read every expected document once, one at a time.

    :param landscapes: paths of landscape files, which lie among the runbooks but are not runbooks.
    :raises SourceError: the source cannot be used.
    """
    by_path: dict[str, list[ExpectedDocument]] = {}
    for one in expected:
        by_path.setdefault(one.path, []).append(one)
    files = frozenset(map(normalize_nfc, source.files()))
    folders = folders_of(files)
    others = files - set(map(normalize_nfc, by_path))
    unlisted = _unlisted(others - set(map(normalize_nfc, landscapes)))
    compared = _Texts(source, _compared(others, unlisted))
    seen = ScanResult()
    for path, runbooks in by_path.items():
        try:
            content = source.read(path)
        except DocumentMissing:
            seen.noticed += _missing(runbooks, others, compared)
        except DocumentUnreadable as error:
            message = f"{error} Correct the document, then sync again."
            seen.noticed += [
                _about(one, FindingKind.UNREADABLE_DOCUMENT, path, message) for one in runbooks
            ]
        else:
            seen.sha256[path] = hashlib.sha256(content).hexdigest()
            seen.noticed += _dead(content.decode("utf-8"), runbooks[0], files, folders)
    seen.noticed += [_not_listed(path) for path in unlisted[:MAX_UNLISTED]]
    return seen


def _about(
    one: ExpectedDocument, kind: FindingKind, subject: str, message: str, line: int = 0
) -> FindingDraft:
    return FindingDraft(kind, subject, message, one.path, line, one.runbook)


def _dead(
    text: str, one: ExpectedDocument, files: frozenset[str], folders: frozenset[str]
) -> Iterator[FindingDraft]:
    for link in dead_links(text, one.path, files, folders):
        where = link.path or "a place outside of the repository"
        message = (
            f"The document links to {where}, but there is no file. Correct the link, or add the "
            "file."
        )
        yield _about(one, FindingKind.DEAD_LINK, link.target, message, link.line)


def _missing(
    runbooks: list[ExpectedDocument], others: frozenset[str], compared: "_Texts"
) -> Iterator[FindingDraft]:
    path, sha256 = runbooks[0].path, runbooks[0].sha256
    name = posixpath.basename(normalize_nfc(path)).lower()
    moved = sorted(other for other in others if posixpath.basename(other).lower() == name)
    kept = "its name"
    if not moved and sha256:
        moved, kept = compared.with_sha256(sha256), "its text"
    kind, message = (
        FindingKind.MISSING_DOCUMENT,
        "File not found. Correct the path, or add the document.",
    )
    if len(moved) == 1:
        kind = FindingKind.PATH_MOVED
        message = (
            f"File not found. It seems to be at {moved[0]} now. Correct the path in the landscape."
        )
    elif moved:
        message = (
            f"File not found. These files have {kept}: {', '.join(moved[:5])}. Correct the path "
            "in the landscape."
        )
    for one in runbooks:
        yield _about(one, kind, path, message)


@dataclass(slots=True)
class _Texts:
    """Texts among which a missing document is searched.

    They are read at most once, and only if a document is missing.
    """

    source: Source
    paths: list[str]
    by_sha256: dict[str, list[str]] | None = None

    def with_sha256(self, sha256: str) -> list[str]:
        """Return the paths of the texts with this sha256."""
        if self.by_sha256 is None:
            self.by_sha256 = {}
            for path in self.paths:
                self.by_sha256.setdefault(self._sha256(path), []).append(path)
        return self.by_sha256.get(sha256, [])

    def _sha256(self, path: str) -> str:
        try:
            return hashlib.sha256(self.source.read(path)).hexdigest()
        except (DocumentMissing, DocumentUnreadable):
            return ""


def _compared(others: frozenset[str], unlisted: list[str]) -> list[str]:
    """Return at most ``MAX_COMPARED`` documents, those that look like runbooks first."""
    rest = sorted(path for path in others.difference(unlisted) if is_document(path))
    return [*unlisted, *rest][:MAX_COMPARED]


def _unlisted(files: frozenset[str]) -> list[str]:
    """Return the documents whose name or folder looks like a runbook's, sorted."""
    return sorted(
        path
        for path in files
        if is_document(path) and len(path) <= MAX_PATH_LENGTH and _looks_like_a_runbook(path)
    )


def _looks_like_a_runbook(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    if NO_RUNBOOK_NAME.search(name):
        return False
    return bool(RUNBOOK_NAME.search(name)) or not RUNBOOK_FOLDERS.isdisjoint(
        folder.lower().split("/")
    )


def _not_listed(path: str) -> FindingDraft:
    message = "It looks like a runbook, but it is not in the landscape. Add a row, or rename it."
    return FindingDraft(FindingKind.UNLISTED_DOCUMENT, path, message, path)
