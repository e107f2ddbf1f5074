"""Build the rows of the reports, and the reports as CSV."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from io import StringIO

from django.http import HttpResponse
from django.utils import timezone

from governance.assurance.as_of import RunbookAsOf
from governance.assurance.evidence import verdicts_on
from governance.assurance.verdict import Verdict
from governance.findings.models import Finding
from governance.signoff.models import StatusChangeRequest
from runbooks.choices import REASON_TEXTS, ReadinessLevel
from runbooks.models import Runbook

SOON = 60  # days ahead
WAITS_LONG = 7  # days
# A spreadsheet takes a cell that starts with one of these for a formula.
FORMULA_SIGNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


@dataclass(frozen=True, slots=True)
class ReadinessRow:
    """A runbook, the verdict on it now, and its open request."""

    runbook: Runbook
    verdict: Verdict
    waiting: StatusChangeRequest | None


class Overdue(StrEnum):
    """Why a row stands in the report of what is overdue."""

    NO_LONGER_HOLDS = "no_longer_holds"  # signed, and changed or run out since
    ENDS_SOON = "ends_soon"  # the last day is near
    WAITS_LONG = "waits_long"  # a request without its signatures for a while


@dataclass(frozen=True, slots=True)
class OverdueRow:
    """Something that somebody should do.

    :ivar day: the day on which it was, or will be, due.
    """

    why: Overdue
    runbook: Runbook
    day: date | None
    request: StatusChangeRequest | None = None
    verdict: Verdict | None = None


def readiness_rows(*, at: datetime | None = None) -> list[ReadinessRow]:
    """Return a row for every runbook, in the order of the landscape."""
    runbooks = list(Runbook.objects.with_catalogue())
    waiting = {request.runbook_id: request for request in StatusChangeRequest.objects.open()}
    rows = []
    for runbook, verdict in zip(runbooks, verdicts_on(runbooks, at=at), strict=True):
        runbook.standing = verdict.standing
        rows.append(ReadinessRow(runbook, verdict, waiting.get(runbook.pk)))
    return rows


def overdue_rows(*, at: datetime | None = None) -> list[OverdueRow]:
    """Return what is no longer valid, what ends soon, and what has waited long, in this order."""
    moment = at or timezone.now()
    today = timezone.localdate(moment)
    nothing_signed = (ReadinessLevel.UNASSESSED, ReadinessLevel.RETIRED)
    signed = list(
        Runbook.objects.filter(signed_at__isnull=False)
        .exclude(readiness_level__in=nothing_signed)
        .with_catalogue()
    )
    lapsed = [runbook for runbook in signed if not runbook.signature_holds(at=moment)]
    rows = [
        OverdueRow(Overdue.NO_LONGER_HOLDS, runbook, runbook.valid_until, verdict=verdict)
        for runbook, verdict in zip(lapsed, verdicts_on(lapsed, at=moment), strict=True)
    ]
    rows += [
        OverdueRow(Overdue.ENDS_SOON, runbook, runbook.valid_until)
        for runbook in Runbook.objects.ending_soon(today=today, days=SOON)
    ]
    waiting = StatusChangeRequest.objects.open().filter(
        requested_at__lte=moment - timedelta(days=WAITS_LONG)
    )
    rows += [
        OverdueRow(
            Overdue.WAITS_LONG,
            request.runbook,
            timezone.localdate(request.requested_at),
            request=request,
        )
        for request in waiting.select_related("runbook")
        .prefetch_related("sign_offs")
        .order_by("requested_at", "pk")
    ]
    return rows


def readiness_csv(rows: Iterable[ReadinessRow]) -> HttpResponse:
    """Return the readiness report as a file, with codes for machines beside words for people."""
    header = (
        *(
            "slug",
            "title",
            "readiness_level",
            "readiness_year",
            "signed_until",
            "signed_solo",
            "verdict",
            "reasons",
        ),
        *(
            "declared_level",
            "declared_year",
            "cluster",
            "owner",
            "escalation_contact",
            "open_request",
        ),
        "signed_dependence",
    )
    return as_csv(
        "readiness.csv",
        header,
        (
            (
                *(
                    row.runbook.slug,
                    row.runbook.title,
                    row.runbook.readiness_level,
                    row.runbook.readiness_year,
                ),
                *(
                    row.runbook.valid_until,
                    row.runbook.signed_solo,
                    row.verdict.word,
                    " ".join(row.verdict.reasons),
                ),
                *(
                    row.runbook.declared_level,
                    row.runbook.declared_year,
                    row.runbook.primary_cluster,
                ),
                *(
                    row.runbook.owner,
                    row.runbook.escalation_contact,
                    row.waiting.target if row.waiting else None,
                ),
                row.runbook.signed_dependence,
            )
            for row in rows
        ),
    )


def overdue_csv(rows: Iterable[OverdueRow]) -> HttpResponse:
    """Return the report of what is overdue as a file."""
    return as_csv(
        "overdue.csv",
        ("why", "slug", "title", "readiness", "day", "request", "reasons"),
        (
            (
                *(
                    row.why.value,
                    row.runbook.slug,
                    row.runbook.title,
                    row.runbook.readiness,
                    row.day,
                ),
                row.request.pk if row.request else None,
                " ".join(str(REASON_TEXTS[reason]) for reason in row.verdict.reasons)
                if row.verdict
                else "",
            )
            for row in rows
        ),
    )


def past_csv(rows: Iterable[RunbookAsOf], moment: datetime) -> HttpResponse:
    """Return the readiness report of another moment as a file.

    Its columns have other names, so that no reader mistakes it for the present.
    """
    return as_csv(
        "readiness-then.csv",
        (
            *(
                "as_of",
                "slug",
                "title_then",
                "level_then",
                "year_then",
                "signed_until_then",
                "signed_solo_then",
            ),
            *("verdict_then", "reasons_then", "signed_document_sha256", "signed_at"),
        ),
        (
            (
                *(moment.isoformat(), row.runbook.slug, row.described.metadata["title"]),
                *(row.signed.level, row.signed.year, row.valid_until, row.signed.solo),
                *(row.verdict.word, " ".join(row.verdict.reasons), row.signed.document_sha256),
                row.signed.signed_at.isoformat() if row.signed.signed_at else None,
            )
            for row in rows
        ),
    )


def findings_csv(findings: Iterable[Finding]) -> HttpResponse:
    """Return findings as a file."""
    return as_csv(
        "findings.csv",
        (
            "kind",
            "severity",
            "subject",
            "message",
            "file",
            "line",
            "runbook",
            "first_seen",
            "resolved_at",
        ),
        (
            (
                *(
                    finding.kind,
                    finding.severity,
                    finding.subject,
                    finding.message,
                    finding.file,
                    finding.line or None,
                ),
                *(
                    finding.runbook.slug if finding.runbook else None,
                    finding.first_seen.isoformat(),
                ),
                finding.resolved_at.isoformat() if finding.resolved_at else None,
            )
            for finding in findings
        ),
    )


def as_csv(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """Return a CSV file (RFC 4180, UTF-8 with a byte order mark, which spreadsheets need).

    A text that a spreadsheet would take for a formula gets a leading apostrophe.
    """
    buffer = StringIO()
    writer = csv.writer(buffer)
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return HttpResponse(
        "\ufeff" + buffer.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip().startswith(FORMULA_SIGNS) or text[:1].isspace() else text
