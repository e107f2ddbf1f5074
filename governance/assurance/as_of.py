"""The state of runbooks at another moment, computed from the ledger (docs/decisions/0013).

The answers describe the past. They permit nothing now.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from typing import Any

from django.conf import settings
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from governance import ledger
from governance.assurance.alarms import alarm_reasons
from governance.assurance.verdict import Evidence, Verdict, decide
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from governance.ledger.snapshot import subject_of
from runbooks.filters import RunbookFilterSet
from runbooks.models import Cluster, Document, Layer, Runbook
from runbooks.models.runbook import metadata_digest, readiness_label
from runbooks.validity import Reason, SignedFacts, last_day

# The parameter's name, for pages and API alike.
AS_OF = "as_of"
MAX_LENGTH = 40
YEARS = (2000, 2100)
# A plus sign that was not encoded in an address arrives as a blank.
BLANK_FOR_PLUS = re.compile(r"^(\S+T\S+) (\d\d:?\d\d)$")


class AsOfError(ValueError):
    """The text does not name a moment that can be asked about. The message says what to write."""


def moment_of(text: str, *, now: datetime | None = None) -> datetime:
    """Return the moment that a text names.

    A day means its end in the portal's time zone; today means now.

    :param text: ``2026-01-31``, or a time such as ``2026-01-31T09:30`` (the portal's zone) or
        ``…T09:30:00Z``.
    :param now: the present (aware; now by default).
    :raises AsOfError: the text is not a date or time, or it lies in the future.
    """
    present = now or timezone.now()
    moment, is_day = _parsed(text.strip())
    if is_day and moment.date() == timezone.localdate(present):
        return present
    if moment > present:
        raise AsOfError(_("This date is in the future. Enter today or an earlier date."))
    return moment


def _parsed(text: str) -> tuple[datetime, bool]:
    """Return the aware moment, and whether the text names a whole day."""
    written = BLANK_FOR_PLUS.sub(r"\1+\2", text) if len(text) <= MAX_LENGTH else ""
    try:
        day = parse_date(written)
        moment = parse_datetime(written)
    except ValueError:
        day = moment = None
    if day is None and moment is None:
        raise _not_understood()
    at = datetime.combine(day, time.max) if day is not None else moment
    if at is None or not YEARS[0] <= at.year <= YEARS[1]:
        raise _not_understood()
    return (timezone.make_aware(at) if timezone.is_naive(at) else at), day is not None


def _not_understood() -> AsOfError:
    return AsOfError(
        _(
            "This is not a date. Enter a date such as 2026-01-31, or a time such as "
            "2026-01-31T09:30."
        )
    )


CLUSTER_FIELDS = ("kind", "first_number", "last_number", "suffix", "title")
PLAIN = ("title", "document_path", "version", "scope")


@dataclass(slots=True)
class Described:
    """What the catalogue said of one runbook.

    :ivar metadata: the governed metadata (``Runbook.governed_metadata``).
    :ivar document: ``path @ digits``, as ``str(Document)``; empty if there was none.
    :ivar existed: whether the runbook had been created.
    """

    metadata: dict[str, Any]
    document: str
    existed: bool = True


@dataclass(slots=True)
class _Names:
    """The names of clusters and layers while the rows about them are undone."""

    clusters: dict[str, dict[str, Any]] = field(default_factory=dict)
    layers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def now(cls) -> "_Names":
        return cls(
            {
                subject_of(cluster): {name: getattr(cluster, name) for name in CLUSTER_FIELDS}
                for cluster in Cluster.objects.all()
            },
            {subject_of(layer): layer.title for layer in Layer.objects.all()},
        )

    def undo(self, subject: str, changes: dict[str, Any]) -> tuple[str, str] | None:
        """Undo a row. Return the name after it and before it; None if the row changed no name."""
        if subject in self.layers and "title" in changes:
            after, self.layers[subject] = self.layers[subject], changes["title"].get("before") or ""
            return after, self.layers[subject]
        if subject in self.clusters:
            fields = self.clusters[subject]
            after = str(Cluster(**fields))
            fields.update(
                {name: changes[name].get("before") for name in CLUSTER_FIELDS if name in changes}
            )
            return after, str(Cluster(**fields))
        return None


def described_as_of(moment: datetime, runbooks: list[Runbook]) -> dict[int, Described]:
    """Return what the catalogue said of each runbook at a moment, by primary key."""
    described = {
        runbook.pk: Described(
            runbook.governed_metadata(), str(runbook.document) if runbook.document else ""
        )
        for runbook in runbooks
    }
    by_subject = {subject_of(runbook): described[runbook.pk] for runbook in runbooks}
    rows = ChangeLogEntry.objects.filter(
        recorded_at__gt=moment, action__in=(Action.CREATED, Action.CHANGED)
    ).order_by("-sequence")
    names = _Names.now()
    for subject, action, changes in rows.values_list("subject", "action", "changes").iterator():
        if subject in by_subject:
            _undo(by_subject[subject], action, changes)
        elif action == Action.CHANGED:
            renamed = names.undo(subject, changes)
            if renamed and renamed[0] != renamed[1]:
                for one in described.values():
                    _rename(one.metadata, *renamed)
    return described


def _undo(one: Described, action: str, changes: dict[str, Any]) -> None:
    if action == Action.CREATED:
        one.existed = False
    before = {
        name: change.get("before") for name, change in changes.items() if isinstance(change, dict)
    }
    one.metadata |= {
        name: before[name] or "" for name in (*PLAIN, "primary_cluster") if name in before
    }
    one.metadata |= {
        name: sorted(before[name] or [])
        for name in ("related_clusters", "layers")
        if name in before
    }
    if "document" in before:
        one.document = before["document"] or ""


def _rename(metadata: dict[str, Any], after: str, before: str) -> None:
    if metadata["primary_cluster"] == after:
        metadata["primary_cluster"] = before
    for name in ("related_clusters", "layers"):
        metadata[name] = sorted(before if other == after else other for other in metadata[name])


@dataclass(frozen=True, slots=True)
class SignedStateAsOf:
    """A signed readiness as the ledger recorded it.

    :ivar signed_at: when it was signed (aware); None if nothing was.
    :ivar sequence: the ledger row that recorded it last.
    :ivar hash_matches: whether every row that it was computed from has the right hash.
    """

    level: str = "unassessed"
    year: int | None = None
    document_sha256: str = ""
    metadata_sha256: str = ""
    from_year: int | None = None
    until: date | None = None
    solo: bool = False
    dependence: str = ""
    signed_at: datetime | None = None
    sequence: int | None = None
    hash_matches: bool = True


NOTHING_SIGNED = SignedStateAsOf()
# The name in a ledger row -> the name in SignedStateAsOf.
FIELDS = {
    "readiness_level": "level",
    "readiness_year": "year",
    "signed_document_sha256": "document_sha256",
    "signed_metadata_sha256": "metadata_sha256",
    "signed_from_year": "from_year",
    "signed_until": "until",
    "signed_solo": "solo",
    "signed_dependence": "dependence",
}


def signed_as_of(
    moment: datetime, *, subjects: list[str] | None = None
) -> dict[str, SignedStateAsOf]:
    """Return what was signed at a moment, by the ledger's subject (``runbook:<slug>``).

    A runbook that is missing from the result had no signed readiness.

    :param subjects: the subjects to look up; all by default.
    """
    rows = ChangeLogEntry.objects.filter(
        action=Action.READINESS_CHANGED, recorded_at__lte=moment
    ).order_by("sequence")
    if subjects is not None:
        rows = rows.filter(subject__in=subjects)
    signed: dict[str, SignedStateAsOf] = {}
    for row in rows.iterator():
        signed[row.subject] = _after(signed.get(row.subject, NOTHING_SIGNED), row)
    return signed


def _after(before: SignedStateAsOf, row: ChangeLogEntry) -> SignedStateAsOf:
    changed: dict[str, Any] = {
        name: row.changes[told].get("after")
        for told, name in FIELDS.items()
        if isinstance(row.changes.get(told), dict)
    }
    if "until" in changed:
        changed["until"] = parse_date(changed["until"] or "") if changed["until"] else None
    return replace(
        before,
        **changed,
        signed_at=row.recorded_at,
        sequence=row.sequence,
        hash_matches=before.hash_matches and ledger.hash_of(row) == row.hash,
    )


ABOUT_THE_LEDGER = frozenset({Reason.LEDGER_BROKEN, Reason.LEDGER_RESTORED, Reason.MARK_UNREADABLE})


@dataclass(frozen=True, slots=True)
class RunbookAsOf:
    """One runbook at a moment.

    :ivar document_sha256: the current text at that moment; empty if there was none or it is not
        stored.
    :ivar verdict: what was valid then; it permits nothing now.
    """

    runbook: Runbook
    moment: datetime
    signed: SignedStateAsOf
    described: Described
    document_sha256: str
    verdict: Verdict

    @property
    def readiness(self) -> str:
        """Return the label of the readiness that was signed."""
        return readiness_label(self.signed.level, self.signed.year)

    @property
    def valid_until(self) -> date | None:
        """Return the last day of that readiness; None if it had none."""
        return last_day(self.signed.year, self.signed.until)

    def signed_document(self) -> Document | None:
        """Return the text that was signed; None if it is not stored."""
        if not self.signed.document_sha256:
            return None
        stored = Document.objects.filter(sha256=self.signed.document_sha256)
        return (
            stored.filter(path=self.described.metadata["document_path"]).first() or stored.first()
        )


def runbooks_as_of(runbooks: Iterable[Runbook], moment: datetime) -> list[RunbookAsOf]:
    """Return the status of runbooks at a moment, in their order.

    A runbook that the ledger says was created later is left out. The number of queries does not
    depend on the number of runbooks.
    """
    asked = list(runbooks)
    signed = signed_as_of(
        moment, subjects=[subject_of(runbook) for runbook in asked] if len(asked) == 1 else None
    )
    described = described_as_of(moment, asked)
    texts = _texts(described.values())
    # Only present alarms about the ledger count, because the answer comes from it.
    alarms = tuple(alarm for alarm in alarm_reasons() if alarm in ABOUT_THE_LEDGER)
    return [
        _then(
            runbook,
            moment,
            signed.get(subject_of(runbook), NOTHING_SIGNED),
            described[runbook.pk],
            texts.get(described[runbook.pk].document, ""),
            alarms=alarms,
        )
        for runbook in asked
        if described[runbook.pk].existed
    ]


def _texts(described: Iterable[Described]) -> dict[str, str]:
    """Return the sha256 of the stored documents, by ``path @ digits``."""
    paths = {one.document.rpartition(" @ ")[0] for one in described if one.document}
    stored = Document.objects.filter(path__in=paths).only("path", "sha256")
    return {str(document): document.sha256 for document in stored}


def _then(
    runbook: Runbook,
    moment: datetime,
    signed: SignedStateAsOf,
    described: Described,
    text: str,
    *,
    alarms: tuple[Reason, ...],
) -> RunbookAsOf:
    today = timezone.localdate(moment)
    facts = SignedFacts(
        level=signed.level,
        year=signed.year,
        signed_document_sha256=signed.document_sha256,
        document_sha256=text,
        document_path=described.metadata["document_path"],
        stored_path=described.document.rpartition(" @ ")[0],
        signed_metadata_sha256=signed.metadata_sha256,
        metadata_sha256=metadata_digest(described.metadata),
        from_year=signed.from_year,
        until=signed.until,
        solo=signed.solo,
        dependence=signed.dependence or "",
    )
    # The signatures were counted when the row was written. Only the ledger can be in doubt now.
    evidence = Evidence(True, signed.hash_matches, True, alarms)
    verdict = decide(
        facts, evidence, today=today, year=today.year, solo_mode=bool(settings.GOVERNANCE_SOLO)
    )
    return RunbookAsOf(runbook, moment, signed, described, text, verdict)


# These are applied to what was signed then; the others are applied to the present catalogue.
OF_READINESS = ("readiness", "year")


def filtered_as_of(data: QueryDict, moment: datetime) -> tuple[RunbookFilterSet, list[RunbookAsOf]]:
    """Return the filter set and the runbooks that passed it at a moment; none if it is invalid."""
    asked = RunbookFilterSet(data, queryset=Runbook.objects.with_catalogue())
    if not asked.is_valid():
        return asked, []
    levels, year = (asked.form.cleaned_data[name] for name in OF_READINESS)
    others = data.copy()
    for name in OF_READINESS:
        others.pop(name, None)
    found = RunbookFilterSet(others, queryset=Runbook.objects.with_catalogue()).qs
    return asked, [
        then
        for then in runbooks_as_of(found, moment)
        if (not levels or then.signed.level in levels)
        and (year is None or then.signed.year == year)
    ]
