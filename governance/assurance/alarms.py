"""The integrity alarms: why nothing may be used live now, whatever a runbook's row says.

Verdict, lists, ``/readyz``, ``tick`` and the start of the server all ask ``integrity_alarms``.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from governance import guards, ledger
from governance.assurance import database_writes
from governance.assurance.database_writes import MODE_SQL
from governance.assurance.integrity_incidents import CLOCK_TOLERANCE
from governance.ledger import high_water_mark
from governance.ledger.acceptance import clock_acceptance_counts
from governance.ledger.choices import Action
from governance.ledger.incidents import standing_incidents
from governance.ledger.models import ChangeLogEntry, LedgerIncident
from runbooks.validity import Reason

logger = logging.getLogger(__name__)
# Keys beside the names of guards in one answer of the database.
MODE, INCIDENTS = "(mode)", "(incidents)"
# How long ``/readyz`` reports that the mark was recreated.
TOLD_ANEW_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Alarm:
    """A reason why nothing may be used live.

    :ivar detail: what was found, for whoever runs the portal (English).
    """

    reason: Reason
    detail: str


def alarm_reasons() -> tuple[Reason, ...]:
    """Return the reasons why nothing may be used live now; empty if there are none.

    Move the high-water mark forward. If the alarms cannot be found out, return the reasons that the
    ledger is broken and that guards are missing.
    """
    try:
        seen = ledger.look()
        alarms = integrity_alarms(seen)
        ledger.follow(seen)
    except Exception:  # fail closed, whatever it is
        logger.exception("The integrity alarms could not be determined.")
        return (Reason.LEDGER_BROKEN, Reason.GUARDS_MISSING)
    return tuple(dict.fromkeys(alarm.reason for alarm in alarms))


def integrity_alarms(seen: ledger.Look, *, at: datetime | None = None) -> tuple[Alarm, ...]:
    """Return every integrity alarm; empty if there is none. Write nothing.

    :param seen: the end of the ledger, as ``ledger.look`` has just found it.
    :param at: the moment (aware; now by default).
    """
    asked = _ask_the_database()
    found = (
        *_of_the_mark(seen),
        *_of_the_chain(seen, has_incidents=asked[INCIDENTS] != "0"),
        *_of_the_clock(seen, at or timezone.now()),
        *_of_the_database(asked),
    )
    return tuple(found)


def _of_the_mark(seen: ledger.Look) -> Iterator[Alarm]:
    if seen.unreadable:
        yield Alarm(
            Reason.MARK_UNREADABLE,
            f"{seen.unreadable} See 'The high-water mark' in docs/operations.md.",
        )
    if seen.is_restored and seen.mark:
        end = seen.newest.sequence if seen.newest else 0
        place = (
            f"ends at row {end}"
            if end < seen.mark.sequence
            else f"has another row {seen.mark.sequence}"
        )
        yield Alarm(
            Reason.LEDGER_RESTORED,
            f"This host has seen row {seen.mark.sequence} of the ledger, and the database "
            f"{place}: an older backup "
            "was restored, or rows were lost. See 'Restore' in docs/operations.md.",
        )


def _ask_the_database() -> dict[str, str]:
    """Return the stored guards by name, the connection's mode and the number of incidents.

    It is one query, because every list runs it.
    """
    vendor = connection.vendor
    with connection.cursor() as cursor:
        cursor.execute(
            f"{guards.list_sql(vendor)} UNION ALL SELECT '{MODE}', ({MODE_SQL[vendor]})"
            f" UNION ALL SELECT '{INCIDENTS}', (SELECT CAST(count(*) AS text)"
            f" FROM {LedgerIncident._meta.db_table})"
        )
        return dict(cursor.fetchall())


def _of_the_chain(seen: ledger.Look, *, has_incidents: bool) -> Iterator[Alarm]:
    """Yield what is wrong with rows added since the mark, and what verifications have found."""
    sentences = [seen.verified.sentence] if seen.verified and not seen.verified.is_whole else []
    if has_incidents:
        sentences += [incident.message for incident in standing_incidents()]
    for sentence in dict.fromkeys(sentences):
        yield Alarm(Reason.LEDGER_BROKEN, sentence)


def _of_the_clock(seen: ledger.Look, now: datetime) -> Iterator[Alarm]:
    ahead = now + CLOCK_TOLERANCE
    if (
        seen.newest
        and seen.newest.recorded_at > ahead
        and not _is_accepted(seen.newest.recorded_at)
    ):
        latest, where = seen.newest.recorded_at, "the ledger's newest row"
    elif seen.mark and seen.mark.seen_at > ahead and not _is_corrected(seen):
        latest, where = seen.mark.seen_at, "this host's high-water mark"
    else:
        return
    yield Alarm(
        Reason.CLOCK_BEHIND_LEDGER,
        f"The clock says {now:%Y-%m-%d %H:%M} UTC, {where} says {latest:%Y-%m-%d %H:%M} UTC. "
        "Set the clock right. If it was ahead before, run 'manage.py accept_clock'.",
    )


def _is_accepted(recorded_at: datetime) -> bool:
    """Return whether a person has accepted ledger times that are ahead, up to this one."""
    accepted = ChangeLogEntry.objects.filter(
        subject=ledger.LEDGER_SUBJECT, action=Action.CLOCK_ACCEPTED
    )
    return _counts(accepted.filter(recorded_at=recorded_at), latest=recorded_at)


def _is_corrected(seen: ledger.Look) -> bool:
    """Return whether a person has accepted, since this mark, that the clock was ahead."""
    accepted = ChangeLogEntry.objects.filter(
        subject=ledger.LEDGER_SUBJECT, action=Action.CLOCK_ACCEPTED
    )
    return seen.mark is not None and _counts(
        accepted.filter(sequence__gt=seen.mark.sequence), latest=seen.mark.seen_at
    )


def _counts(accepted: QuerySet[ChangeLogEntry], *, latest: datetime) -> bool:
    sequence = accepted.order_by("-sequence").values_list("sequence", flat=True).first()
    return sequence is not None and clock_acceptance_counts(sequence, latest=latest)


def _of_the_database(asked: Mapping[str, str]) -> Iterator[Alarm]:
    missing = guards.missing(found=asked)
    if missing:
        yield Alarm(Reason.GUARDS_MISSING, f"Guards are missing: {', '.join(missing)}.")
    problem = database_writes.write_problem(mode=asked[MODE])
    if problem:
        yield Alarm(Reason.DATABASE_NOT_WRITABLE, problem)


def notes(seen: ledger.Look, *, at: datetime | None = None) -> list[str]:
    """Return sentences that whoever runs the portal should know and that are no alarms."""
    told = []
    problem = high_water_mark.write_problem()
    if problem:
        told.append(problem)
    elif seen.mark is None and seen.newest and not seen.unreadable and high_water_mark.mark_path():
        told.append(
            "The high-water mark is missing and is made anew: nothing tells whether the "
            "ledger lost rows before."
        )
    anew = seen.mark.made_anew_at if seen.mark else None
    if anew and (at or timezone.now()) - anew < TOLD_ANEW_FOR:
        told.append(
            f"The high-water mark was missing and was made anew at {anew:%Y-%m-%d %H:%M} UTC: "
            "nothing tells whether the ledger lost rows before."
        )
    return told
