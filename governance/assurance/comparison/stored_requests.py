"""Compare stored requests and decisions with what the ledger recorded of them, column by column.

A ledger row of the present format holds a digest of the whole stored row (``ledger.row_digests``).
Older rows hold some values only: these are compared, and the other columns are not covered.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from governance.ledger.acceptance import accepted_breaks
from governance.ledger.canonical import canonical_time
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from governance.ledger.row_digests import altered_columns
from governance.ledger.stored_json import OTHERWISE, Misspelled, read_stored
from governance.ledger.verification import AsStored
from governance.signoff.choices import Decision, RequestState
from governance.signoff.models import SignOff, StatusChangeRequest
from runbooks.models.runbook import metadata_digest

REQUESTS, SIGN_OFFS = StatusChangeRequest._meta.db_table, SignOff._meta.db_table
# The actions that close a request, and the state that it then has.
CLOSED_AS = {
    Action.REQUEST_REJECTED: RequestState.REJECTED,
    Action.REQUEST_WITHDRAWN: RequestState.WITHDRAWN,
    Action.REQUEST_LAPSED: RequestState.LAPSED,
    Action.READINESS_CHANGED: RequestState.APPROVED,
}
DECIDED_AS = {Action.REQUEST_SIGNED: Decision.APPROVE, Action.REQUEST_REJECTED: Decision.REJECT}
ABOUT_REQUESTS = (Action.REQUEST_SUBMITTED, Action.REQUEST_SIGNED, *CLOSED_AS)
REQUEST_TIMES, SIGN_OFF_TIMES = ("requested_at", "closed_at", "applied_at"), ("signed_at",)
THE_ROW = "(the whole row)"


class LedgerRow(NamedTuple):
    """The members that are read of a ledger row about a request.

    A ``ChangeLogEntry`` has the same attributes.
    """

    sequence: int
    action: str
    actor: str
    subject: str
    reason: str
    changes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """A stored row that differs from what the ledger recorded.

    :ivar row: the primary key.
    :ivar columns: the columns that differ.
    :ivar problem: completes the sentence about the row.
    :ivar runbook: the primary key of the runbook; None if nothing stored names it.
    """

    table: str
    row: int
    columns: Sequence[str]
    problem: str
    runbook: int | None = None

    @property
    def is_lack(self) -> bool:
        """Return whether no ledger row describes it, so that nothing can be compared."""
        return self.problem in (NOT_TOLD, NOT_CLOSED)

    @property
    def subject(self) -> str:
        """Return the subject of a finding about it."""
        return f"{self.table} row {self.row}"

    @property
    def sentence(self) -> str:
        """Return the whole sentence: table, row, columns, and what is wrong."""
        return f"{self.table}, row {self.row}, column {', '.join(self.columns)}: {self.problem}."


IS_OTHER = "is not what the ledger recorded"
NOT_TOLD = "no ledger row tells of it"
NOT_CLOSED = "no ledger row tells of its closing"
IS_GONE = "the ledger tells of it, and it is no longer stored"


def after(row: Any, name: str) -> Any:
    """Return the value that a ledger row records for a field; None if it records none."""
    change = row.changes.get(name) if isinstance(row.changes, dict) else None
    return change.get("after") if isinstance(change, dict) else None


def request_columns(request: StatusChangeRequest, rows: Sequence[Any]) -> Sequence[str]:
    """Return the pinned columns of a request that differ from the ledger; empty if none does.

    :param request: with its requester.
    :param rows: the ledger rows that name it, oldest first.
    """
    opening = _opening(rows)
    if opening is None:
        return (THE_ROW,)
    if told := after(opening, "request_row"):
        return altered_columns(told, request, "request_row")
    return _differing(_values_of_request(request), _told_by_opening(opening))


def _opening(rows: Sequence[Any]) -> Any:
    """Return the first row that opened the request; None if there is none.

    One row both opens and applies a downgrade. Later rows may be forged.
    """
    return next(
        (row for row in rows if row.action in (Action.REQUEST_SUBMITTED, Action.READINESS_CHANGED)),
        None,
    )


def _told_by_opening(row: Any) -> dict[str, Any]:
    """Return the values that a row without digests holds, by column."""
    told = {
        name: change.get("after")
        for name, change in row.changes.items()
        if isinstance(change, dict)
    }
    values = {"requested_by_id": row.actor, "rationale": row.reason.strip()}
    if row.action == Action.REQUEST_SUBMITTED:
        pinned = ("document_sha256", "metadata_sha256")
        values |= {name: told[name] for name in pinned if name in told}
        terms = ("required_signatures", "independent", "valid_from_year", "valid_until", "evidence")
        if "required_signatures" in told:  # the first format recorded no terms
            values |= {name: told.get(name) for name in terms}
        if "metadata_sha256" in told:
            values["metadata"] = told["metadata_sha256"]
    return values


def _values_of_request(request: StatusChangeRequest) -> dict[str, Any]:
    until = request.valid_until.isoformat() if request.valid_until else None
    names = (
        "document_sha256",
        "metadata_sha256",
        "required_signatures",
        "independent",
        "valid_from_year",
    )
    return {
        **{name: getattr(request, name) for name in names},
        "requested_by_id": request.requested_by.get_username(),
        "rationale": request.rationale.strip(),
        "valid_until": until,
        "evidence": request.evidence or None,
        "metadata": metadata_digest(request.metadata),
    }


def _differing(stored: dict[str, Any], told: dict[str, Any]) -> Sequence[str]:
    # ``True`` equals 1 in Python and not in SQL.
    return [
        name
        for name, value in told.items()
        if (type(stored[name]), stored[name]) != (type(value), value)
    ]


def closing_columns(request: StatusChangeRequest, rows: Sequence[Any]) -> Sequence[str]:
    """Return the columns about its closing that differ from the ledger; empty if none does.

    :param request: a request.
    :param rows: the ledger rows that name it, oldest first.
    """
    closings = [row for row in rows if row.action in CLOSED_AS]
    if not closings:
        return () if request.is_open else ("state",)
    closing = closings[0]
    if told := after(closing, "closing_row"):
        return altered_columns(told, request, "closing_row")
    told_values = {"state": str(CLOSED_AS[Action(closing.action)])}
    if closing.action in (Action.REQUEST_REJECTED, Action.REQUEST_WITHDRAWN):
        told_values["closed_reason"] = closing.reason
    return _differing(
        {"state": str(request.state), "closed_reason": request.closed_reason}, told_values
    )


def decision_columns(decision: SignOff, row: Any) -> Sequence[str]:
    """Return the columns of a decision that differ from one ledger row about a decision."""
    if told := after(row, "sign_off_row"):
        return altered_columns(told, decision, "sign_off_row")
    stored = {
        "signer_id": decision.signer.get_username(),
        "comment": decision.comment.strip(),
        "decision": str(decision.decision),
        "statement": decision.statement_sha256,
        "document_sha256": decision.document_sha256,
        "metadata_sha256": decision.metadata_sha256,
    }
    told_values = {"signer_id": row.actor, "comment": row.reason.strip()}
    if row.action in DECIDED_AS:
        told_values["decision"] = str(DECIDED_AS[Action(row.action)])
    names = {
        "statement": "statement_sha256",
        "document_sha256": "document_sha256",
        "metadata_sha256": "metadata_sha256",
    }
    told_values |= {
        column: after(row, name) for column, name in names.items() if after(row, name) is not None
    }
    return _differing(stored, told_values)


def decision_rows(request: StatusChangeRequest, rows: Sequence[Any]) -> list[Any]:
    """Return the ledger rows that record a decision on a request.

    The only decision on a downgrade is recorded by the row that applied it.
    """
    told = [row for row in rows if row.action in DECIDED_AS]
    opened = any(row.action == Action.REQUEST_SUBMITTED for row in rows)
    return (
        told if opened or told else [row for row in rows if row.action == Action.READINESS_CHANGED]
    )


@dataclass(slots=True)
class _Decisions:
    """The stored decisions on one request, and the rows that recorded decisions on it."""

    stored: list[SignOff] = field(default_factory=list)
    told: list[Any] = field(default_factory=list)

    def differences(self, request: StatusChangeRequest) -> Iterator[Difference]:
        """Pair each stored decision with the recorded one most like it. Yield the differences."""
        runbook = request.runbook_id
        waiting = list(self.told)
        candidates = {
            decision.pk: [(decision_columns(decision, row), row) for row in waiting]
            for decision in self.stored
        }
        for decision in sorted(
            self.stored,
            key=lambda each: min([len(found[0]) for found in candidates[each.pk]] or [0]),
        ):
            left = [(columns, row) for columns, row in candidates[decision.pk] if row in waiting]
            if not left:
                yield Difference(SIGN_OFFS, decision.pk, (THE_ROW,), NOT_TOLD, runbook)
                continue
            columns, row = min(left, key=lambda found: len(found[0]))
            waiting.remove(row)
            if columns:
                yield Difference(SIGN_OFFS, decision.pk, columns, IS_OTHER, runbook)
        for row in waiting:
            problem = (
                f"the ledger tells in row {row.sequence} of a decision by {row.actor} that is "
                "not stored"
            )
            yield Difference(REQUESTS, request.pk, ("(its decisions)",), problem, runbook)


def differences() -> Iterator[Difference]:
    """Yield every stored request and decision that differs from the ledger, in four queries.

    After ``accept_restore`` or ``accept_broken_ledger``, an older request may lack the rows that
    recorded its closing or a decision. What its other rows recorded still counts.
    """
    rows, accepted = _rows_by_request(), _last_accepted()
    decisions: dict[int, list[SignOff]] = defaultdict(list)
    for decision in (
        SignOff.objects.select_related("signer")
        .annotate(**_as_stored(SIGN_OFF_TIMES))
        .order_by("pk")
    ):
        decisions[decision.request_id].append(decision)
    stored: set[int] = set()
    requests = StatusChangeRequest.objects.select_related("requested_by").order_by("pk")
    for request in requests.annotate(**_as_stored(("metadata", *REQUEST_TIMES))).defer("metadata"):
        stored.add(request.pk)
        told = rows.get(request.pk, [])
        found = [
            *_of_request(request, told),
            *_misspelled_times(REQUESTS, request, REQUEST_TIMES, request.runbook_id),
            *(
                problem
                for decision in decisions[request.pk]
                for problem in _misspelled_times(
                    SIGN_OFFS, decision, SIGN_OFF_TIMES, request.runbook_id
                )
            ),
            *_Decisions(decisions[request.pk], decision_rows(request, told)).differences(request),
        ]
        may_lack = accepted is not None and request.requested_at <= accepted
        yield from (each for each in found if not (may_lack and each.is_lack))
    for number in sorted(rows.keys() - stored):
        yield Difference(REQUESTS, number, (THE_ROW,), IS_GONE)


def _as_stored(names: Iterable[str]) -> dict[str, AsStored]:
    """Return annotations of columns as the database holds them, under ``stored_<name>``."""
    return {f"stored_{name}": AsStored(name) for name in names}


def _misspelled_times(
    table: str, row: Any, names: Iterable[str], runbook: int
) -> Iterator[Difference]:
    """Yield times that SQLite stores in another form than Django's: SQL compares them as text."""
    for name in names:
        text = getattr(row, f"stored_{name}")
        if isinstance(text, str) and canonical_time(text) == text:
            yield Difference(table, row.pk, (name,), OTHERWISE, runbook)


def _last_accepted() -> datetime | None:
    rows = ChangeLogEntry.objects.filter(
        action__in=(Action.RESTORE_ACCEPTED, Action.BREAK_ACCEPTED)
    )
    rows = rows.order_by("-sequence")
    return rows.values_list("recorded_at", flat=True).first()


def _rows_by_request() -> dict[int, list[LedgerRow]]:
    found: dict[int, list[LedgerRow]] = defaultdict(list)
    rows = ChangeLogEntry.objects.filter(action__in=ABOUT_REQUESTS).order_by("sequence")
    # A row that was accepted as broken proves nothing, and it may be one that cannot be read.
    rows = rows.exclude(sequence__in=[each.sequence for each in accepted_breaks()])
    for row in map(LedgerRow._make, rows.values_list(*LedgerRow._fields).iterator()):
        number = after(row, "request")
        if type(number) is int:
            found[number].append(row)
    return found


def _of_request(request: Any, rows: Sequence[Any]) -> Iterator[Difference]:
    request.metadata = read_stored(
        request.stored_metadata, as_written=connection.vendor == "sqlite"
    )
    if isinstance(request.metadata, Misspelled):
        yield Difference(
            REQUESTS, request.pk, ("metadata",), request.metadata.problem, request.runbook_id
        )
        return
    if not rows:
        yield Difference(REQUESTS, request.pk, (THE_ROW,), NOT_TOLD, request.runbook_id)
        return
    if not request.is_open and not any(row.action in CLOSED_AS for row in rows):
        yield Difference(REQUESTS, request.pk, ("state",), NOT_CLOSED, request.runbook_id)
        columns: Iterable[str] = request_columns(request, rows)
    else:
        columns = dict.fromkeys([*request_columns(request, rows), *closing_columns(request, rows)])
    if columns:
        yield Difference(REQUESTS, request.pk, tuple(columns), IS_OTHER, request.runbook_id)
