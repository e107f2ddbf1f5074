"""Checks of the stored catalogue. They compute findings and write nothing.

Findings are opened and resolved by ``governance.findings.reconcile``; each kind is explained in
``docs/findings.md``.
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from governance import ledger
from governance.findings.choices import FindingKind, Severity
from governance.findings.drafts import FindingDraft
from governance.signoff.eligibility import survey
from runbooks.choices import ReadinessLevel
from runbooks.documents.checks.header import read_header
from runbooks.documents.checks.header_mismatch import DisagreementKind, Row, disagreements
from runbooks.documents.checks.stub import is_stub
from runbooks.landscape.parse.conflicts import CLOSE, OPEN, read_marker
from runbooks.models import Document, Runbook, Situation

# Ordered from the level that permits least; levels that are not listed claim nothing.
CLAIMS = (
    ReadinessLevel.RND_ONLY,
    ReadinessLevel.SAFETY_SANDBOX,
    ReadinessLevel.SHADOW,
    ReadinessLevel.TRACK,
    ReadinessLevel.READY,
)
BATCH_SIZE = 50


def check_catalogue_rows(
    *, live: Collection[int], at: datetime | None = None
) -> list[FindingDraft]:
    """Return what is wrong with the catalogue and its documents. Retired runbooks are skipped.

    :param live: the primary keys of the runbooks that may be used live now.
    """
    noticed = [*_people_and_situations(), *_situations(live), *_requests(at)]
    # Texts are read in portions: all of them at once may exceed the memory of a worker.
    with_documents = _in_use().filter(document__isnull=False).select_related("document")
    for runbook in with_documents.defer("document__html", "document__contents").iterator(
        chunk_size=BATCH_SIZE
    ):
        noticed += _document(runbook, runbook.document)
    return noticed


def _requests(at: datetime | None) -> Iterator[FindingDraft]:
    """Yield findings for open requests that no longer have enough people to sign them."""
    found = survey(at=at)
    for request in found.requests:
        reach = found.reach(request)
        if reach.is_lost:
            with ledger.canonical_language():
                target = request.target
            message = (
                f"The request for {target} cannot be completed: it has {reach.given} of "
                f"{reach.needed} signatures, and only {reach.can_sign} people can still sign. "
                "Withdraw it, and request the change again when enough people can sign."
            )
            kind = FindingKind.QUORUM_OUT_OF_REACH
            yield FindingDraft(kind, request.runbook.title, message, runbook=request.runbook_id)


def _in_use() -> Any:
    return Runbook.objects.exclude(readiness_level=ReadinessLevel.RETIRED).order_by("pk")


def _people_and_situations() -> Iterator[FindingDraft]:
    in_a_situation = set(Situation.objects.values_list("runbooks", flat=True))
    for pk, title, owner, contact in _in_use().values_list(
        "pk", "title", "owner", "escalation_contact"
    ):
        lacks = (
            (FindingKind.NO_OWNER, not owner, "No owner. Name the role or team."),
            (
                FindingKind.NO_ESCALATION,
                not contact,
                "No escalation contact. Add one.",
            ),
            (
                FindingKind.NO_SITUATION,
                pk not in in_a_situation,
                (
                    "Not linked to a situation, so operators can only find it by search. Add it "
                    "to a situation."
                ),
            ),
        )
        for kind, holds, message in lacks:
            if holds:
                yield FindingDraft(kind, title, message, runbook=pk)


def _situations(live: Collection[int]) -> Iterator[FindingDraft]:
    for situation in Situation.objects.prefetch_related("steps"):
        if not any(step.runbook_id in live for step in situation.steps.all()):
            message = "No runbook for this situation is approved for live use."
            yield FindingDraft(FindingKind.SITUATION_NOT_LIVE, situation.title, message)


def _document(runbook: Runbook, document: Document) -> Iterator[FindingDraft]:
    row = _row(runbook)
    for found in disagreements(read_header(document.text), row):
        severity_override = Severity.ERROR if _is_more_severe(found.kind, row) else None
        yield FindingDraft(
            FindingKind(found.kind.value),
            runbook.title,
            found.message,
            document.path,
            found.line,
            runbook.pk,
            severity_override,
        )
    if is_stub(document.text):
        message = (
            "The document contains no steps that anyone could follow. Write them, or remove the "
            "row."
        )
        yield FindingDraft(FindingKind.STUB, runbook.title, message, document.path, 0, runbook.pk)
    line = conflict_line(document.text)
    if line:
        message = "The document contains an unresolved merge conflict. Resolve it."
        yield FindingDraft(
            FindingKind.CONFLICT_MARKER, runbook.title, message, document.path, line, runbook.pk
        )


def _is_more_severe(kind: DisagreementKind, row: Row) -> bool:
    return kind == DisagreementKind.NOT_IN_FORCE and row.level == ReadinessLevel.READY


def _row(runbook: Runbook) -> Row:
    """Return the highest claim of the catalogue: declared or signed, whichever permits more."""
    claims = [
        (runbook.declared_level, runbook.declared_year),
        (runbook.readiness_level, runbook.readiness_year),
    ]
    level, year = max(claims, key=lambda claim: (_rank(claim[0]), claim[1] or 0))
    return Row(version=runbook.version, level=str(level), year=year)


def _rank(level: str) -> int:
    return CLAIMS.index(ReadinessLevel(level)) if level in CLAIMS else -1


def conflict_line(text: str) -> int:
    """Return the line on which the first conflict of a text begins or ends; 0 if there is none.

    One marker is enough: removing only the other marker does not settle a conflict. An indented
    marker is an example.
    """
    for number, line in enumerate(text.splitlines(), start=1):
        marker = read_marker(line)
        if marker and marker.sign in (OPEN, CLOSE) and not marker.prefix:
            return number
    return 0
