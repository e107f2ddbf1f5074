"""Open and resolve the findings of a check, so that exactly its current findings are open."""

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from governance import ledger
from governance.findings.catalogue_checks import check_catalogue_rows
from governance.findings.choices import Detector
from governance.findings.drafts import FindingDraft, Identity
from governance.findings.models import Finding
from governance.ledger.choices import Action
from runbooks.batches import batched

MAX_OPENED = 500  # findings that one transaction opens at most
# Seconds between two such transactions. On SQLite a waiting process retries every tenth of a
# second.
BREATH = 0.1


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of a check.

    :ivar opened: how many findings were opened.
    :ivar settled: how many were resolved because their cause is gone.
    :ivar regraded: how many have another severity now.
    """

    opened: int = 0
    settled: int = 0
    regraded: int = 0

    def __bool__(self) -> bool:
        """Return whether anything was written."""
        return bool(self.opened or self.settled or self.regraded)

    @property
    def changes(self) -> dict[str, Any]:
        """Return the counts as changes of a ledger row."""
        return {
            "findings": {"before": None, "after": self.opened},
            "settled": {"before": None, "after": self.settled},
            "regraded": {"before": None, "after": self.regraded},
        }


def check_catalogue(
    *, live: Collection[int], by: ledger.Actor, reason: str = "", at: datetime | None = None
) -> Checked:
    """Check the whole catalogue, and record what was opened and resolved in one ledger row.

    There is no row if nothing was. The check reads the texts of thousands of documents, so it runs
    before the lock is taken, and the findings describe that moment. A change after it is found by
    the next check.

    :param live: the primary keys of the runbooks that may be used live now.
    :param reason: the reason for the check, recorded in that row.
    """
    noticed = check_catalogue_rows(live=live, at=at)
    ahead = open_ahead(noticed, family=Detector.CATALOGUE, at=at)
    with ledger.atomic():
        last = reconcile(noticed, family=Detector.CATALOGUE, at=at)
        checked = Checked(last.opened + ahead, last.settled, last.regraded)
        if checked:
            ledger.append(
                ledger.Record(
                    actor=by,
                    action=Action.CATALOGUE_CHECKED,
                    subject="catalogue:check",
                    subject_title="catalogue",
                    reason=reason,
                    changes=checked.changes,
                ),
                at=at,
            )
    return checked


def open_ahead(
    noticed: Iterable[FindingDraft], *, family: Detector, at: datetime | None = None
) -> int:
    """Open new findings in short transactions until few are left for ``reconcile``.

    The first check after an import opens several findings for each of thousands of runbooks; short
    transactions keep others from waiting for all of them.

    :returns: how many were opened.
    """
    moment, opened = at or timezone.now(), 0
    own = Finding.objects.filter(noticed_by=family)
    new = _new(own, list(own.filter(resolved_at__isnull=True)), _wanted(noticed, family))
    # The last part is left for ``reconcile``.
    for part in list(batched(new, MAX_OPENED))[:-1]:
        with ledger.atomic():
            open_now = own.filter(resolved_at__isnull=True).values_list("kind", "subject", "file")
            known = {(str(kind), subject, file) for kind, subject, file in open_now}
            missing = [one for one in part if one.identity not in known]
            Finding.objects.bulk_create(
                one.to_finding(detector=family, first_seen=moment) for one in missing
            )
        opened += len(missing)
        time.sleep(BREATH)
    return opened


def reconcile(
    noticed: Iterable[FindingDraft], *, family: Detector, at: datetime | None = None
) -> Checked:
    """Store what a check found. The caller writes the ledger row.

    A finding that another check has open is not opened twice. A finding that a person has resolved
    is not opened again as long as its cause is unchanged.
    """
    moment = at or timezone.now()
    with ledger.atomic():
        wanted = _wanted(noticed, family)
        own = Finding.objects.filter(noticed_by=family)
        opened = list(own.filter(resolved_at__isnull=True))
        settled = [finding.pk for finding in opened if _identity(finding) not in wanted]
        own.filter(pk__in=settled).update(resolved_at=moment, cause_gone=True)
        new = _new(own, opened, wanted)
        regraded = _follow_what_moved(opened, wanted)
        Finding.objects.bulk_create(
            one.to_finding(detector=family, first_seen=moment) for one in new
        )
    return Checked(opened=len(new), settled=len(settled), regraded=regraded)


def _wanted(noticed: Iterable[FindingDraft], family: Detector) -> dict[Identity, FindingDraft]:
    """Return the drafts by identity, without those that another check has open."""
    wanted = unique_by_identity(one.fitted() for one in noticed)
    elsewhere = _open_elsewhere(family, wanted)
    return {identity: one for identity, one in wanted.items() if identity[:2] not in elsewhere}


def unique_by_identity(noticed: Iterable[FindingDraft]) -> dict[Identity, FindingDraft]:
    """Return the drafts by identity; the first of each wins."""
    found: dict[Identity, FindingDraft] = {}
    for one in noticed:
        found.setdefault(one.identity, one)
    return found


def _new(
    own: Any, opened: list[Finding], wanted: dict[Identity, FindingDraft]
) -> list[FindingDraft]:
    """Return the drafts that are neither open nor resolved by a person."""
    known = {_identity(finding) for finding in opened} | _set_aside(own, wanted)
    return [one for identity, one in wanted.items() if identity not in known]


def _identity(finding: Finding) -> Identity:
    return (str(finding.kind), finding.subject, finding.file)


def _open_elsewhere(family: Detector, wanted: dict[Identity, FindingDraft]) -> set[tuple[str, str]]:
    kinds = {kind for kind, _subject, _file in wanted}
    others = Finding.objects.filter(resolved_at__isnull=True, kind__in=kinds).exclude(
        noticed_by=family
    )
    return {(str(kind), subject) for kind, subject in others.values_list("kind", "subject")}


def _set_aside(own: Any, wanted: dict[Identity, FindingDraft]) -> set[Identity]:
    """Return what people have resolved while the cause remains with the same message.

    For the others the cause is marked as gone, so they can be opened again as new findings.
    """
    kept, gone = set(), []
    for finding in own.filter(resolved_at__isnull=False, cause_gone=False):
        one = wanted.get(_identity(finding))
        if one is not None and one.message == finding.message:
            kept.add(_identity(finding))
        else:
            gone.append(finding.pk)
    own.filter(pk__in=gone).update(cause_gone=True)
    return kept


def _follow_what_moved(opened: list[Finding], wanted: dict[Identity, FindingDraft]) -> int:
    """Update open findings that are now on another line or have another message.

    They keep their first day.

    :returns: how many have another severity now.
    """
    changed, regraded = [], 0
    for finding in opened:
        one = wanted.get(_identity(finding))
        if one is None:
            continue
        now = (one.line, one.message, str(one.severity), one.runbook)
        if now != (finding.line, finding.message, finding.severity, finding.runbook_id):
            regraded += str(one.severity) != finding.severity
            finding.line, finding.message, finding.severity, finding.runbook_id = now
            changed.append(finding)
    Finding.objects.bulk_update(changed, ("line", "message", "severity", "runbook"))
    return regraded


def settle(*, kinds: Iterable[str], subjects: Iterable[str], at: datetime | None = None) -> int:
    """Resolve open findings of some kinds about some subjects, whichever check opened them.

    Their cause is gone.
    """
    open_ones = Finding.objects.filter(
        kind__in=tuple(kinds), subject__in=tuple(subjects), resolved_at__isnull=True
    )
    return open_ones.update(resolved_at=at or timezone.now(), cause_gone=True)
