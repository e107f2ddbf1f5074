"""Applying a plan, through the same doors as every other write: slow work first, then one short transaction."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby

from django.utils import timezone

from governance import actions, ledger
from governance.choices import SEVERITY_OF_KIND, Action, Severity
from governance.facts import subject_of
from governance.landscape_import.identity import REMOVAL, Proposal
from governance.landscape_import.limits import MODELS
from governance.landscape_import.plan import Plan, Step
from governance.landscape_import.read_documents import PATHS_AT_ONCE
from governance.landscape_import.writing import WRITERS, Catalogued
from governance.models import ChangeLogEntry, Finding
from governance.noticing import text_facts
from runbooks.landscape.document import LandscapeError
from runbooks.models import Document, Runbook
from runbooks.search import index

MOVED_AT_ONCE = 1_000
# What happens all day and changes nothing that a plan rests on. After anything else the plan is made again.
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
    """A probable rename or move, or the removal of what people added, waits for an answer."""


class PlanChanged(PlanRefused):
    """What was shown is not what would be written."""


class CatalogueChanged(PlanChanged):
    """Others changed the catalogue while the documents were stored. ``plan`` is what the file means now, if anything."""

    def __init__(self, plan: Plan | None) -> None:
        super().__init__(
            "The catalogue has changed since the plan was made. Documents were stored, but no runbook shows them. "
            "Look at the new plan."
        )
        self.plan = plan


def apply_plan(plan: Plan, *, by: ledger.Actor, at: datetime | None = None, shown: str | None = None) -> None:
    """Write what the plan says. An empty plan writes nothing.

    What takes long holds no lock: documents are stored first, each in a short transaction of its own
    (each is a fact by itself, docs/decisions/0013). Then the catalogue's change is one transaction, all
    of it or nothing, in which the plan is looked at anew. The search index follows after it. Whoever is
    killed on the way runs the import again.

    :param at: when documents and findings were seen (aware; now by default).
    :param shown: the digest of the plan that the user saw; None where nobody was shown one.
    :raises PlanRefused: a proposal waits for an answer, or what was shown is not what would be written.
    """
    if plan.open_proposals:
        raise ProposalsOpen(" ".join(_asked(plan.open_proposals)))
    if shown is not None and shown != plan.digest:
        raise PlanChanged("The catalogue or the file has changed since the plan was shown. Look at the new plan.")
    if plan.is_empty:
        return
    moment = at or timezone.now()
    for path, content in plan.documents.items():
        actions.store_document(path=path, content=content, by=by, at=moment)
    fragments = actions.rendered_fragments(_markdown_of(plan.steps))
    texts = text_facts(_documents_of(plan.steps))
    with ledger.governed(), index.held():
        plan = _as_it_is_now(plan)
        moved = _write_steps(plan.steps, fragments, by=by, reason=f"Import of {plan.file}")
        _store_findings(plan, moment)
        _keep_source(plan, moved, by=by, at=moment)
        actions.check_catalogue(by=by, reason=f"Import of {plan.file}", at=at, texts=texts)
    index.catch_up()


def _as_it_is_now(plan: Plan) -> Plan:
    """The plan, made again where something that it rests on may have changed; belongs under the ledger's lock.

    :raises CatalogueChanged: it says something else now.
    """
    since = ChangeLogEntry.objects.filter(sequence__gt=plan.made_at).exclude(action__in=LEAVES_THE_CATALOGUE)
    if not since.exists():
        return plan
    try:
        now = plan.again()
    except LandscapeError as error:
        raise CatalogueChanged(None) from error
    if now.catalogue_digest != plan.catalogue_digest:
        raise CatalogueChanged(now)
    return now


def _markdown_of(steps: Iterable[Step]) -> Iterator[str]:
    """Every text of a section that is to be rendered."""
    for step in steps:
        if step.kind == "section" and step.after is not None:
            yield step.after["note"]
            yield from (role for _, _, role in step.after["entries"])


def _documents_of(steps: Iterable[Step]) -> list[int]:
    """The primary keys of the documents that runbooks will show."""
    wanted = {
        (step.after["document_path"], step.after["document_sha256"])
        for step in steps
        if step.kind == "runbook" and step.after and step.after.get("document_sha256")
    }
    found: list[int] = []
    paths = sorted({path for path, _ in wanted})
    for start in range(0, len(paths), PATHS_AT_ONCE):
        documents = Document.objects.filter(path__in=paths[start : start + PATHS_AT_ONCE])
        rows = documents.values_list("pk", "path", "sha256")
        found += [pk for pk, path, sha256 in rows if (path, sha256) in wanted]
    return found


def _keep_source(plan: Plan, moved: actions.Moved, *, by: ledger.Actor, at: datetime) -> None:
    actions.keep_source(
        text=plan.source_text,
        dropped=plan.dropped,
        record=actions.ImportRecord(
            file=plan.file,
            sha256=plan.sha256,
            plan=plan.digest,
            steps=len(plan.steps),
            findings=len(plan.findings),
            moved=moved,
        ),
        by=by,
        at=at,
    )


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
            f"{len(removals)} removal(s) that take what people added in the portal wait for an answer. "
            "Accept them with --accept-removals, or refuse them with --refuse-removals."
        )


def _write_steps(
    steps: Iterable[Step], fragments: actions.Fragments, *, by: ledger.Actor, reason: str
) -> actions.Moved:
    """Write them in their order; returns what only moved, which has no ledger row of its own."""
    catalogued = Catalogued(fragments)
    moved = actions.Moved()
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
                actions.delete(gone, by=by, reason=f"{reason}: the file no longer names it")
        if kind == "release":
            _note_releases(written, by=by)
    return moved


def _write_kind(kind: str, steps: list[Step], catalogued: Catalogued, *, by: ledger.Actor, reason: str) -> None:
    """Write all objects of one kind, and one ledger row for each that changed."""
    model = MODELS[kind][0]
    instances = catalogued.instances(kind, steps)
    known = [instance.pk for instance in instances if instance.pk is not None]
    edits = actions.GovernedEdits.begin(model, known, by=by, reason=reason)
    WRITERS[kind](instances, steps, catalogued)
    edits.finish(model, [instance.pk for instance in instances])


def _write_moves(kind: str, steps: list[Step], catalogued: Catalogued, moved: actions.Moved) -> None:
    """A row that is inserted moves all others: their places are told together, in the import's own ledger row."""
    if not steps:
        return
    instances = catalogued.instances(kind, steps)
    for instance, step in zip(instances, steps, strict=True):
        before, after = step.changes["position"]
        moved.before[subject_of(instance)], moved.after[subject_of(instance)] = before, after
        instance.position = after
    MODELS[kind][0]._default_manager.bulk_update(instances, ["position"], batch_size=MOVED_AT_ONCE)


def _note_releases(steps: list[Step], *, by: ledger.Actor) -> None:
    """One ledger row for each note of a release that the ledger does not hold yet."""
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
    Finding.objects.bulk_create(
        Finding(
            kind=draft.kind,
            severity=SEVERITY_OF_KIND.get(draft.kind, Severity.WARNING),
            subject=draft.subject,
            message=draft.message,
            file=draft.file,
            line=draft.line,
            runbook_id=runbooks.get(draft.runbook or draft.subject),
            first_seen=moment,
        )
        for draft in plan.new_findings
    )
