"""Gather what a verdict is decided on, from the runbook's row, the sign-off and the ledger.

Verdicts are computed at each question and never stored. What cannot be found out is a no-go.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import Error
from django.db.models import Q
from django.utils import timezone

from governance import ledger
from governance.assurance.alarms import alarm_reasons
from governance.assurance.comparison.stored_requests import (
    closing_columns,
    decision_columns,
    decision_rows,
    request_columns,
)
from governance.assurance.verdict import Evidence, Verdict, decide, no_go, reasons_in
from governance.ledger.choices import Action
from governance.ledger.history import latest_value
from governance.ledger.incidents import OF_THE_CHAIN
from governance.ledger.models import ChangeLogEntry, LedgerIncident
from governance.ledger.snapshot import subject_of
from governance.signoff.apply import signed_values
from governance.signoff.choices import Decision, RequestState
from governance.signoff.columns import SIGNED_COLUMNS
from governance.signoff.models import SignOff, StatusChangeRequest
from runbooks.choices import ReadinessLevel
from runbooks.models import Document, Runbook, Situation, SituationRunbook
from runbooks.validity import Reason

logger = logging.getLogger(__name__)
ABOUT_SIGNING = (
    Action.REQUEST_SUBMITTED,
    Action.REQUEST_SIGNED,
    Action.REQUEST_REJECTED,
    Action.READINESS_CHANGED,
)
MIN_YEAR, MAX_YEAR = 1, 9999
# For a runbook that does not claim to be ready: its own row says no.
NO_OBJECTION = Evidence(True, True, True)


def verdict_on_slug(
    slug: str, *, year: int | None = None, at: datetime | None = None, thorough: bool = False
) -> Verdict:
    """Return the verdict on the runbook with this slug; a no-go if there is none.

    :param year: the calendar year in which the runbook is to be used; this year by default.
    :param at: the moment (aware; now by default).
    :param thorough: whether to verify the whole ledger for this answer.
    """
    try:
        runbook = (
            Runbook.objects.select_related("document", "primary_cluster").filter(slug=slug).first()
        )
    except Error:
        logger.exception("The database could not be asked.")
        return no_go(Reason.DATABASE_UNREACHABLE)
    except Exception:  # fail closed, whatever it is
        logger.exception("The runbook could not be read.")
        return no_go(Reason.DOUBT)
    if runbook is None:
        return no_go(Reason.UNKNOWN_RUNBOOK)
    return verdict_on(runbook, year=year, at=at, thorough=thorough)


@dataclass(frozen=True, slots=True)
class EvidenceRows:
    """Rows that the caller has read for this answer, so that the verdict need not read them again.

    :ivar decisions: the decisions on every applied request of the runbooks, with their signers and
        requests.
    :ivar rows: at least every ledger row about signing these runbooks, and every row about their
        documents, in their order.
    """

    decisions: Sequence[SignOff]
    rows: Sequence[ChangeLogEntry]

    @classmethod
    def now(cls, runbooks: Sequence[Runbook]) -> Self:
        """Read the rows for these runbooks from the database."""
        signing = Q(
            subject__in=[subject_of(runbook) for runbook in runbooks], action__in=ABOUT_SIGNING
        )
        texts = Q(
            subject__in=[subject_of(runbook.document) for runbook in runbooks if runbook.document]
        )
        rows = ChangeLogEntry.objects.filter(signing | texts).order_by("sequence")
        # A row that does not verify proves nothing, and it may be one that cannot be read.
        rows = rows.exclude(
            sequence__in=LedgerIncident.objects.filter(OF_THE_CHAIN).values("sequence")
        )
        decisions = SignOff.objects.filter(
            request__runbook__in=runbooks, request__applied_at__isnull=False
        )
        return cls(
            decisions=list(decisions.select_related("signer", "request__requested_by")),
            rows=list(rows),
        )


def verdict_on(
    runbook: Runbook,
    *,
    year: int | None = None,
    at: datetime | None = None,
    thorough: bool = False,
    read: EvidenceRows | None = None,
) -> Verdict:
    """Return the verdict on a runbook. The parameters are those of ``verdicts_on``."""
    return verdicts_on([runbook], year=year, at=at, thorough=thorough, read=read)[0]


def verdicts_on(
    runbooks: Sequence[Runbook],
    *,
    year: int | None = None,
    at: datetime | None = None,
    thorough: bool = False,
    read: EvidenceRows | None = None,
) -> list[Verdict]:
    """Return the verdicts on runbooks, in their order, in a fixed number of queries.

    :param year: the calendar year in which they are to be used; this year by default.
    :param at: the moment (aware; now by default).
    :param thorough: whether to verify the whole ledger for this answer.
    :param read: the rows that the caller has just read; read here by default.
    """
    today = timezone.localdate(at)
    asked = today.year if year is None else year
    if not MIN_YEAR <= asked <= MAX_YEAR:
        return [no_go(Reason.DOUBT) for _ in runbooks]
    claiming = [runbook for runbook in runbooks if claims_ready(runbook)]
    try:
        alarms = _alarms(thorough=thorough) if claiming else ()
        known = EvidenceSet.of(claiming, read, alarms=alarms, texts=True)
        evidence = {runbook.pk: known.evidence(runbook) for runbook in claiming}
        return [
            decide(
                runbook.signed_facts(),
                evidence.get(runbook.pk, NO_OBJECTION),
                today=today,
                year=asked,
                solo_mode=bool(settings.GOVERNANCE_SOLO),
            )
            for runbook in runbooks
        ]
    except Error:
        logger.exception("The database could not be asked.")
        return [no_go(Reason.DATABASE_UNREACHABLE) for _ in runbooks]
    except Exception:  # a forged or unreadable row must not cause a 500
        logger.exception("The verdict could not be computed.")
        return [no_go(Reason.DOUBT) for _ in runbooks]


Steps = list[tuple[SituationRunbook, Verdict]]


def with_verdicts(situations: Iterable[Situation]) -> list[tuple[Situation, Steps]]:
    """Return situations with their steps in order, each with the verdict on its runbook.

    The number of queries does not depend on the number of situations. Each runbook also gets its
    ``standing``.
    """
    steps = [(situation, list(situation.steps.all())) for situation in situations]
    runbooks = list(
        {step.runbook_id: step.runbook for _, of_one in steps for step in of_one}.values()
    )
    verdicts = dict(zip((runbook.pk for runbook in runbooks), verdicts_on(runbooks), strict=True))
    for _, of_one in steps:
        for step in of_one:
            step.runbook.standing = verdicts[step.runbook_id].standing
    return [
        (situation, [(step, verdicts[step.runbook_id]) for step in of_one])
        for situation, of_one in steps
    ]


def claims_ready(runbook: Runbook) -> bool:
    """Return whether a runbook's row says ready. Any other is no-go without further evidence."""
    return runbook.readiness_level == ReadinessLevel.READY


@dataclass(slots=True)
class EvidenceSet:
    """The evidence for several runbooks, read together.

    :ivar alarms: why nothing may be used live now.
    :ivar decisions: by runbook, the decisions on the request that was applied last.
    :ivar rows: by subject (a runbook, a document), its ledger rows in their order.
    :ivar altered: the documents whose text or HTML does not have the stored sha256.
    """

    alarms: tuple[Reason, ...]
    decisions: dict[int, list[SignOff]]
    rows: dict[str, list[ChangeLogEntry]]
    altered: set[int]

    @classmethod
    def of(
        cls,
        runbooks: Sequence[Runbook],
        read: EvidenceRows | None = None,
        *,
        alarms: Sequence[Reason],
        texts: bool,
    ) -> Self:
        """Gather the evidence; without queries if there is no runbook.

        :param read: the rows that the caller has just read; read here by default.
        :param alarms: why nothing may be used live now.
        :param texts: whether to read texts that were not loaded, to compare them with their sha256.
        """
        if not runbooks:
            return cls((), {}, {}, set())
        read = read or EvidenceRows.now(runbooks)
        about: dict[str, list[ChangeLogEntry]] = {}
        for row in read.rows:
            about.setdefault(row.subject, []).append(row)
        return cls(
            alarms=tuple(alarms),
            decisions=_on_the_last(read.decisions),
            rows=about,
            altered=_altered_documents(runbooks, texts=texts),
        )

    def evidence(self, runbook: Runbook) -> Evidence:
        """Return the evidence for one runbook."""
        last = self.decisions.get(runbook.pk, [])
        decisions = last if last and _is_behind(last[0].request, runbook) else []
        return Evidence(
            signatures_complete=bool(decisions) and _has_quorum(decisions),
            ledger_agrees=bool(decisions)
            and _tells_of(self.rows.get(subject_of(runbook), []), decisions, runbook),
            alarms=self.alarms,
            document_hash_matches=runbook.document_id not in self.altered
            and self._is_shown_as_rendered(runbook.document),
        )

    def proof(self, runbook: Runbook) -> tuple[int, ChangeLogEntry]:
        """Return the primary key of the approved request, and the ledger row of the readiness.

        Call it only if ``evidence`` has no objection.
        """
        changed = [
            row for row in self.rows[subject_of(runbook)] if row.action == Action.READINESS_CHANGED
        ]
        return self.decisions[runbook.pk][0].request_id, changed[-1]

    def _is_shown_as_rendered(self, document: Document | None) -> bool:
        """Return whether the HTML has the sha256 that the ledger recorded; True without HTML."""
        told = self.rows.get(subject_of(document), []) if document else []
        return document is None or latest_value(told, "html_sha256") == document.html_sha256


def _on_the_last(decisions: Iterable[SignOff]) -> dict[int, list[SignOff]]:
    """Return the decisions on the last applied request of each runbook, by its primary key.

    The request that was opened last is also the one that was applied last.
    """
    last: dict[int, list[SignOff]] = {}
    for decision in sorted(decisions, key=lambda decision: (decision.request_id, decision.pk)):
        of_runbook = last.get(decision.request.runbook_id)
        if of_runbook and of_runbook[0].request_id == decision.request_id:
            of_runbook.append(decision)
        else:
            last[decision.request.runbook_id] = [decision]
    return last


def _altered_documents(runbooks: Sequence[Runbook], *, texts: bool) -> set[int]:
    """Return the documents whose text or HTML does not have the stored sha256.

    :param texts: whether to read texts that were not loaded (one query).
    """
    related = [runbook.document for runbook in runbooks if runbook.document]
    deferred = [
        document.pk for document in related if {"text", "html"} & document.get_deferred_fields()
    ]
    documents = [document for document in related if document.pk not in deferred]
    if deferred and texts:
        documents += Document.objects.filter(pk__in=deferred).only(
            "text", "sha256", "html", "html_sha256"
        )
    return {document.pk for document in documents if not document.hash_matches}


def _is_behind(request: StatusChangeRequest, runbook: Runbook) -> bool:
    """Return whether a request was approved for the readiness in the runbook's row."""
    return (
        request.state == RequestState.APPROVED
        and (request.to_level, request.to_year) == (runbook.readiness_level, runbook.readiness_year)
        and request.document_sha256 == runbook.signed_document_sha256
        and request.metadata_sha256 == runbook.signed_metadata_sha256
        and (request.valid_from_year, request.valid_until)
        == (runbook.signed_from_year, runbook.signed_until)
        and (request.is_solo, request.dependence)
        == (runbook.signed_solo, runbook.signed_dependence)
    )


def _has_quorum(decisions: list[SignOff]) -> bool:
    """Return whether decisions on one request include enough approvals and no rejection."""
    request = decisions[0].request
    approvers = {
        decision.signer_id
        for decision in decisions
        if decision.decision == Decision.APPROVE
        and (decision.document_sha256, decision.metadata_sha256)
        == (request.document_sha256, request.metadata_sha256)
        and not (request.independent and decision.signer_id == request.requested_by_id)
    }
    rejected = any(decision.decision == Decision.REJECT for decision in decisions)
    return not rejected and len(approvers) >= request.required_signatures


def _tells_of(rows: list[ChangeLogEntry], decisions: list[SignOff], runbook: Runbook) -> bool:
    """Return whether the ledger recorded this readiness, its request and its signatures alike."""
    changed = [row for row in rows if row.action == Action.READINESS_CHANGED]
    own = [row for row in rows if _after(row, "request") == decisions[0].request_id]
    if (
        not changed
        or changed[-1] not in own
        or not all(ledger.hash_of(row) == row.hash for row in own)
    ):
        return False
    told = {name: _after(changed[-1], name) for name in SIGNED_COLUMNS}
    told["signed_dependence"] = told["signed_dependence"] or ""  # older rows do not speak of it
    return (
        told == signed_values(runbook)
        and _tells_of_signatures(own, decisions)
        and _are_stored_as_told(own, decisions)
    )


def _are_stored_as_told(own: list[ChangeLogEntry], decisions: list[SignOff]) -> bool:
    """Return whether every covered column of the request and its decisions is as recorded."""
    request = decisions[0].request
    if request_columns(request, own) or closing_columns(request, own):
        return False
    told = decision_rows(request, own)
    as_many = len(told) == len(decisions)  # a row that was added later may tell anything
    return as_many and all(
        any(not decision_columns(decision, row) for row in told) for decision in decisions
    )


def _tells_of_signatures(own: list[ChangeLogEntry], decisions: list[SignOff]) -> bool:
    request = decisions[0].request
    opened = [row for row in own if row.action == Action.REQUEST_SUBMITTED]
    if len(opened) != 1 or any(row.action == Action.REQUEST_REJECTED for row in own):
        return False
    signed = {
        (row.actor, _after(row, "statement_sha256"))
        for row in own
        if row.action == Action.REQUEST_SIGNED
    }
    stored = {
        (decision.signer.get_username(), decision.statement_sha256)
        for decision in decisions
        if decision.decision == Decision.APPROVE
    }
    terms = (_after(opened[0], "required_signatures"), _after(opened[0], "independent"))
    return signed == stored and terms == (request.required_signatures, request.independent)


def _after(row: ChangeLogEntry, name: str) -> object:
    return row.changes.get(name, {}).get("after")


def objections_to(runbooks: Sequence[Runbook]) -> dict[int, tuple[Reason, ...]]:
    """Return what sign-off and ledger hold against runbooks that claim to be ready, by primary key.

    No text is read. Only a verdict finds out that a stored text does not have its sha256.
    """
    known = EvidenceSet.of(runbooks, alarms=(), texts=False)
    return {runbook.pk: reasons_in(known.evidence(runbook)) for runbook in runbooks}


def _alarms(*, thorough: bool) -> tuple[Reason, ...]:
    alarms = alarm_reasons()
    if thorough and Reason.LEDGER_BROKEN not in alarms and not ledger.verify().is_whole:
        return (*alarms, Reason.LEDGER_BROKEN)
    return alarms
