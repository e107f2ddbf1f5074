"""Apply a plan through the same actions as every other write.

Slow work is done first, then the writes follow in short transactions.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any

from django.utils import timezone

from governance import ledger
from governance.assurance.standings import live_ready_keys
from governance.editing.audited_edit import AuditedEdit, delete
from governance.editing.sections import Fragments, rendered_fragments
from governance.exchange.documents import store_document
from governance.exchange.importing.limits import MODELS
from governance.exchange.importing.matching import REMOVAL, Proposal
from governance.exchange.importing.plan import Plan, Step, last_sequence
from governance.exchange.importing.writers import WRITERS, Catalogued
from governance.exchange.source import ImportRecord, Moved, keep_source
from governance.findings.choices import Detector, FindingKind
from governance.findings.drafts import MAX_SUBJECT_LENGTH, FindingDraft
from governance.findings.models import Finding
from governance.findings.reconcile import check_catalogue
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from governance.ledger.snapshot import subject_of
from runbooks.landscape.schema import LandscapeError
from runbooks.models import Runbook
from runbooks.search import index

MOVED_AT_ONCE = 1_000
# A change of at most this many steps is one transaction. A larger one is written in parts, each of
# which takes some tenths of a second.
MAX_IN_ONE = 200
STEPS_IN_A_PART = 50
ATTEMPTS = 5
# Frequent actions that change nothing a plan rests on. After any other action, the plan is made
# again.
LEAVES_THE_CATALOGUE = (
    Action.DOCUMENT_STORED,
    Action.REQUEST_SUBMITTED,
    Action.REQUEST_SIGNED,
    Action.REQUEST_REJECTED,
    Action.REQUEST_WITHDRAWN,
    Action.REQUEST_LAPSED,
    Action.READINESS_CHANGED,
    Action.CONFIRMATION_FAILED,
    Action.SIGN_IN_LOCKED,
    Action.PASSWORD_SET,
    Action.TOKEN_CREATED,
    Action.TOKEN_REVOKED,
)


class PlanRefused(Exception):
    """The plan was not applied, and nothing was written. The message says why and what to do."""


class ProposalsOpen(PlanRefused):
    """A probable rename or move, or the removal of what people added, needs an answer."""


class PlanChanged(PlanRefused):
    """The plan that was shown is not the plan that would be written."""


class CatalogueChanged(PlanChanged):
    """Others changed the catalogue during the import.

    :ivar plan: the plan that the file leads to now; None if there is none.
    """

    def __init__(self, plan: Plan | None, *, is_begun: bool) -> None:
        written = (
            "Part of the import was written. Import the file again to continue from there."
            if is_begun
            else "Documents were stored, but no runbook shows them. Review the new plan."
        )
        super().__init__(f"Someone else changed the catalogue after the plan was made. {written}")
        self.plan = plan


def apply_plan(
    plan: Plan, *, by: ledger.Actor, at: datetime | None = None, shown: str | None = None
) -> None:
    """Write what the plan says. An empty plan writes nothing.

    Slow work holds no lock: documents are stored first, each in its own short transaction (each
    version is a fact by itself, docs/decisions/0013), and Markdown is rendered. Then the catalogue
    is changed in one transaction. A change of more than ``MAX_IN_ONE`` steps is written in parts,
    so that a downgrade never waits for all of it; a finding is open until the last part is written.
    The check of the catalogue and the search index follow. If the process is killed, import the
    file again.

    :param at: when documents and findings were seen (aware; now by default).
    :param shown: the digest of the plan that the user saw; None if no plan was shown.
    :raises PlanRefused: a proposal needs an answer, or the plan that was shown is not the one that
        would be written.
    """
    if plan.open_proposals:
        raise ProposalsOpen(" ".join(_asked(plan.open_proposals)))
    if shown is not None and shown != plan.digest:
        raise PlanChanged(
            "The catalogue or the file changed after the plan was shown. Review the new plan."
        )
    if plan.is_empty:
        return
    moment = at or timezone.now()
    for path, content in plan.documents.items():
        store_document(path=path, content=content, by=by, at=moment)
    fragments = rendered_fragments(_markdown_of(plan.steps))
    _Application(plan, fragments, by, moment).write()
    check_catalogue(live=live_ready_keys(at=at), by=by, reason=f"Import of {plan.file}", at=at)
    index.catch_up()


class _Application:
    """The application of one plan to the catalogue, part by part."""

    def __init__(self, plan: Plan, fragments: Fragments, by: ledger.Actor, at: datetime) -> None:
        self.whole, self.by, self.at = plan, by, at
        self.rest = plan
        self.is_begun = False
        self.catalogued, self.moved = Catalogued(fragments), Moved()

    def write(self) -> None:
        """Write every part, each in its own transaction under the lock.

        :raises CatalogueChanged: the plan is a different one now.
        """
        for _ in range(ATTEMPTS):
            while self._is_as_planned_and_written():
                if self.is_written:
                    return
            self._plan_again()
        raise CatalogueChanged(self.rest, is_begun=self.is_begun)

    is_written = False

    def _is_as_planned_and_written(self) -> bool:
        """Write the next part if the catalogue is unchanged since the plan; return whether."""
        with ledger.atomic(), index.deferred():
            since = ChangeLogEntry.objects.filter(sequence__gt=self.rest.made_at)
            if since.exclude(action__in=LEAVES_THE_CATALOGUE).exists():
                return False
            steps = self.rest.steps
            most = STEPS_IN_A_PART if self.is_begun else MAX_IN_ONE
            number = len(steps) if len(steps) <= most else STEPS_IN_A_PART
            _write_steps(
                steps[:number],
                self.catalogued,
                self.moved,
                by=self.by,
                reason=f"Import of {self.whole.file}",
            )
            if number == len(steps):
                self._finish()
            else:
                self._say_that_it_is_unfinished()
            rest = replace(self.rest, steps=steps[number:], made_at=last_sequence())
        self.rest, self.is_begun, self.is_written = rest, True, number == len(steps)
        return True

    def _plan_again(self) -> None:
        """Make the plan again from the current catalogue.

        This takes long and holds no lock: the next attempt checks whether the plan still holds.
        """
        try:
            now = self.whole.again()
        except LandscapeError as error:
            raise CatalogueChanged(None, is_begun=self.is_begun) from error
        if now.catalogue_digest != self.rest.catalogue_digest:
            raise CatalogueChanged(now, is_begun=self.is_begun)
        self.rest = now

    def _finish(self) -> None:
        _store_findings(self.rest, self.at)
        self._unfinished().update(resolved_at=self.at)
        keep_source(
            text=self.whole.source_text,
            dropped=self.rest.dropped,
            record=ImportRecord(
                file=self.whole.file,
                sha256=self.whole.sha256,
                plan=self.whole.digest,
                steps=len(self.whole.steps),
                findings=len(self.whole.findings),
                moved=self.moved,
            ),
            by=self.by,
            at=self.at,
        )

    def _say_that_it_is_unfinished(self) -> None:
        if not self._unfinished().exists():
            message = (
                "The import of this file started but did not finish. If it is not running, import "
                "the file again."
            )
            draft = FindingDraft(FindingKind.UNFINISHED_IMPORT, self.whole.file, message).fitted()
            draft.to_finding(detector=Detector.OTHER, first_seen=self.at).save()

    def _unfinished(self) -> Any:
        subject = self.whole.file[:MAX_SUBJECT_LENGTH]
        return Finding.objects.filter(
            kind=FindingKind.UNFINISHED_IMPORT, subject=subject, resolved_at__isnull=True
        )


def _markdown_of(steps: Iterable[Step]) -> Iterator[str]:
    """Yield every Markdown text of a section that must be rendered."""
    for step in steps:
        if step.kind == "section" and step.after is not None:
            yield step.after["note"]
            yield from (role for _, _, role in step.after["entries"])


def _asked(proposals: Iterable[Proposal]) -> Iterator[str]:
    asked = list(proposals)
    removals = [proposal for proposal in asked if proposal.kind == REMOVAL]
    others = [proposal for proposal in asked if proposal.kind != REMOVAL]
    if others:
        yield (
            f"{len(others)} probable rename(s) or move(s) wait for an answer. "
            "Accept them with --accept-renames, or refuse them with --refuse-renames."
        )
    if removals:
        yield (
            f"{len(removals)} removal(s) that take what people added in the portal wait for "
            "an answer. "
            "Accept them with --accept-removals, or refuse them with --refuse-removals."
        )


def _write_steps(
    steps: Iterable[Step], catalogued: Catalogued, moved: Moved, *, by: ledger.Actor, reason: str
) -> None:
    """Write the steps in their order.

    :param moved: receives what changed only its position, which has no ledger row of its own.
    """
    for kind, group in groupby(steps, key=lambda step: step.kind):
        of_kind = list(group)
        written = [step for step in of_kind if step.verb in ("add", "change")]
        if written:
            _write_kind(kind, written, catalogued, by=by, reason=reason)
        _write_moves(kind, [step for step in of_kind if step.verb == "move"], catalogued, moved)
        model, key_field = MODELS[kind]
        for step in of_kind:
            if step.after is None:
                gone = model._default_manager.get(**{key_field: step.stored})
                delete(gone, by=by, reason=f"{reason}: the file no longer names it")
        if kind == "release":
            _record_release_notes(written, by=by)


def _write_kind(
    kind: str, steps: list[Step], catalogued: Catalogued, *, by: ledger.Actor, reason: str
) -> None:
    """Write all objects of one kind, and one ledger row for each that changed."""
    model = MODELS[kind][0]
    instances = catalogued.instances(kind, steps)
    edit = AuditedEdit.start(model, [instance.pk for instance in instances], by=by, reason=reason)
    WRITERS[kind](instances, steps, catalogued)
    edit.commit([instance.pk for instance in instances])


def _write_moves(kind: str, steps: list[Step], catalogued: Catalogued, moved: Moved) -> None:
    """Store new positions.

    An inserted row moves all rows after it, so the positions are recorded together, in the ledger
    row of the import.
    """
    if not steps:
        return
    instances = catalogued.instances(kind, steps)
    for instance, step in zip(instances, steps, strict=True):
        before, after = step.changes["position"]
        moved.before[subject_of(instance)], moved.after[subject_of(instance)] = before, after
        instance.position = after
    MODELS[kind][0]._default_manager.bulk_update(instances, ["position"], batch_size=MOVED_AT_ONCE)


def _record_release_notes(steps: list[Step], *, by: ledger.Actor) -> None:
    """Record one ledger row for each note of a release that the ledger does not contain yet."""
    records = [
        ledger.Record(
            actor=by,
            action=Action.RELEASE_NOTED,
            subject=f"release:{step.key}",
            subject_title=f"{step.key}: {note}",
            release=step.key,
            changes={"text": {"before": None, "after": note}},
        )
        for step in steps
        for note in (step.after or {})["notes"]
        if note not in (step.before or {}).get("notes", [])
    ]
    if records:
        ledger.append_all(records)


def _store_findings(plan: Plan, moment: datetime) -> None:
    Finding.objects.filter(pk__in=plan.settled_findings).update(resolved_at=moment)
    runbooks = dict(Runbook.objects.values_list("title", "pk")) if plan.new_findings else {}
    about = (
        replace(draft, runbook=runbooks.get(draft.runbook_title or draft.subject))
        for draft in plan.new_findings
    )
    Finding.objects.bulk_create(
        draft.to_finding(detector=Detector.OTHER, first_seen=moment) for draft in about
    )
