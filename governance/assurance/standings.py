"""Find out quickly whether many runbooks may be used live, for lists.

``standings(rows)`` answers for rows that were read; the caller passes the answers on. A row is
live-ready only if a valid seal proves it (docs/decisions/0027). A machine acts on the verdict,
which is computed in full at each question.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import F, Func, QuerySet, TextField
from django.utils import timezone

from governance.assurance.alarms import alarm_reasons
from governance.assurance.evidence import claims_ready, objections_to
from governance.assurance.seal import Proof, is_sealed, seal_signer
from governance.guards.rules import ASSURANCE, LEDGER, REQUEST, RUNBOOK, SIGN_OFF
from runbooks.models import Runbook, Situation
from runbooks.validity import Reason, Standing, reasons_against_live

logger = logging.getLogger(__name__)
# The name of the annotation.
PROOF = "assurance_proof"
Rows = TypeVar("Rows", bound="QuerySet[Any]")
CHUNK = 500

# One correlated subquery, joined by keys. It is NULL if request, decisions or ledger row contradict
# the readiness, whatever the seal says. The document is compared in Python: it comes with the row,
# and one more table doubles the time in which PostgreSQL plans the query.
PROOF_SQL = f"""(
    SELECT a.request_id || '|' || a.change_sequence || '|' || a.change_hash || '|' || a.generation
        || '|' || a.seal
    FROM {ASSURANCE} a
    JOIN {RUNBOOK} b ON b.id = a.runbook_id
    JOIN {REQUEST} r ON r.id = a.request_id AND r.runbook_id = b.id
    JOIN {LEDGER} c ON c.sequence = a.change_sequence
    WHERE a.runbook_id = %(expressions)s AND a.seal <> ''
      AND r.state = 'approved' AND r.applied_at IS NOT NULL
      AND r.to_level = b.readiness_level AND r.to_year = b.readiness_year
      AND r.document_sha256 = b.signed_document_sha256
      AND r.metadata_sha256 = b.signed_metadata_sha256
      AND c.hash = a.change_hash AND c.action = 'readiness_changed'
      AND c.subject = 'runbook:' || b.slug
      AND NOT EXISTS (SELECT 1 FROM {LEDGER} later WHERE later.subject = c.subject
        AND later.action = 'readiness_changed' AND later.sequence > c.sequence)
      AND NOT EXISTS (SELECT 1 FROM {SIGN_OFF} denial WHERE denial.request_id = r.id
        AND denial.decision = 'reject')
      AND r.required_signatures <= (SELECT count(*) FROM {SIGN_OFF} s WHERE s.request_id = r.id
        AND s.decision = 'approve' AND s.document_sha256 = r.document_sha256
        AND s.metadata_sha256 = r.metadata_sha256
        AND NOT (r.independent AND s.signer_id = r.requested_by_id)))"""


class AssuranceProof(Func):
    """The proof and the seal of each runbook as one text; NULL if there is none."""

    template = PROOF_SQL
    output_field = TextField(null=True)  # noqa: DJ001 - an expression's, not a model's

    def __init__(self) -> None:
        super().__init__(F("pk"))


def with_assurance(rows: Rows) -> Rows:
    """Return the queryset annotated with each runbook's proof, which ``standings`` needs."""
    return rows.annotate(**{PROOF: AssuranceProof()})


def standings(
    rows: Iterable[Runbook],
    *,
    at: datetime | None = None,
    alarms: Sequence[Reason] | None = None,
) -> dict[int, Standing]:
    """Return the standing of each runbook by primary key, in a fixed number of queries.

    A standing that cannot be found out has ``Reason.DOUBT``.

    :param rows: runbooks, best read with their primary cluster, layers and related clusters
        (``with_catalogue``), and ``with_assurance``, which saves one query.
    :param at: the moment (aware; now by default). It affects only the dates: the stored data are
        those of now.
    :param alarms: the result of ``alarm_reasons``, if the caller has asked already.
    """
    runbooks = list(rows)
    claiming = [runbook for runbook in runbooks if claims_ready(runbook)]
    found = {runbook.pk: Standing((Reason.NOT_READY,)) for runbook in runbooks}
    if not claiming:
        return found
    try:
        today = timezone.localdate(at)
        portal_wide = tuple(alarm_reasons() if alarms is None else alarms)
        return found | _of_claiming(claiming, today, portal_wide)
    except Exception:  # a forged or unreadable row must not cause a 500
        logger.exception("It could not be determined whether runbooks may be used live.")
        return found | {runbook.pk: Standing((Reason.DOUBT,)) for runbook in claiming}


def standing_of(runbook: Runbook, *, at: datetime | None = None) -> Standing:
    """Return the standing of one runbook. The parameters are those of ``standings``."""
    return standings([runbook], at=at)[runbook.pk]


def add_standings(
    rows: Iterable[Runbook],
    *,
    at: datetime | None = None,
    alarms: Sequence[Reason] | None = None,
) -> list[Runbook]:
    """Set ``standing`` on each row, for templates and serializers. Return the rows.

    The parameters are those of ``standings``.
    """
    runbooks = list(rows)
    found = standings(runbooks, at=at, alarms=alarms)
    for runbook in runbooks:
        runbook.standing = found[runbook.pk]
    return runbooks


def add_standings_to_steps(
    situations: Iterable[Situation], *, alarms: Sequence[Reason] | None = None
) -> list[Situation]:
    """Set ``standing`` on the runbook of each step of situations. Return the situations."""
    shown = list(situations)
    add_standings(
        (step.runbook for situation in shown for step in situation.steps.all()), alarms=alarms
    )
    return shown


def live_ready(
    rows: "QuerySet[Any] | None" = None,
    *,
    at: datetime | None = None,
    alarms: Sequence[Reason] | None = None,
) -> list[Runbook]:
    """Return the runbooks that may be used live at a moment, in the order of the landscape.

    :param rows: the runbooks to choose from; all by default.
    :param at: the moment (aware; now by default).
    :param alarms: the result of ``alarm_reasons``, if the caller has asked already.
    """
    among: Any = Runbook.objects.all() if rows is None else rows
    signed = with_assurance(among.signed_ready(at=at).with_catalogue())
    return [
        runbook
        for runbook in add_standings(signed, at=at, alarms=alarms)
        if runbook.standing.is_live_ready
    ]


def live_ready_keys(*, at: datetime | None = None) -> frozenset[int]:
    """Return the primary keys of the runbooks that may be used live at a moment."""
    return frozenset(runbook.pk for runbook in live_ready(at=at))


def _of_claiming(
    runbooks: list[Runbook], today: date, alarms: tuple[Reason, ...]
) -> dict[int, Standing]:
    proofs = _proofs(runbooks)
    signer = seal_signer()
    assured = {
        runbook.pk
        for runbook in runbooks
        if (text := proofs.get(runbook.pk)) and is_sealed(runbook, *_parsed(text), signer=signer)
    }
    others = [runbook for runbook in runbooks if runbook.pk not in assured]
    objections = objections_to(others)
    found = {}
    for runbook in runbooks:
        is_assured = runbook.pk in assured
        reasons = (
            *reasons_against_live(
                runbook.signed_facts(metadata_is_assured=is_assured),
                today=today,
                solo_mode=bool(settings.GOVERNANCE_SOLO),
            ),
            *objections.get(runbook.pk, ()),
            *alarms,
        )
        found[runbook.pk] = Standing(
            reasons if reasons or is_assured else (Reason.ASSURANCE_MISSING,)
        )
    return found


def _proofs(runbooks: Sequence[Runbook]) -> Mapping[int, str | None]:
    """Return the proofs that were read with the rows, and query the others, by primary key."""
    found = {
        runbook.pk: runbook.__dict__[PROOF] for runbook in runbooks if PROOF in runbook.__dict__
    }
    unread = [runbook.pk for runbook in runbooks if runbook.pk not in found]
    for keys in _in_parts(unread):
        asked = with_assurance(Runbook.objects.filter(pk__in=keys).order_by())
        found |= dict(asked.values_list("pk", PROOF))
    return found


def _in_parts(keys: list[int]) -> Iterator[list[int]]:
    return (keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK))


def proof_of(runbook: Runbook) -> tuple[Proof, str] | None:
    """Return the proof and the seal of a runbook; None if it has none.

    They are those that were read with the row, otherwise those stored now (one query).
    """
    text = _proofs([runbook]).get(runbook.pk)
    return _parsed(text) if text else None


def _parsed(text: str) -> tuple[Proof, str]:
    request, sequence, hash_, generation, seal = text.split("|", 4)
    return Proof(int(request), int(sequence), hash_, int(generation)), seal
