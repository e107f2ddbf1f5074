"""The plan: what an import would do, computed without writing anything."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from governance.exchange.importing.current_state import current_catalogue
from governance.exchange.importing.findings import (
    compare_findings,
    from_identity,
    from_notice,
    of_absent,
    of_cluster,
    of_document,
    of_held,
    of_kept_path,
    of_missing_link,
    of_unplaced_link,
    refused_moves,
)
from governance.exchange.importing.limits import check_limits
from governance.exchange.importing.local_changes import Added
from governance.exchange.importing.matching import Answers, Matching, Proposal, Stored, match
from governance.exchange.importing.previous import Before, subjects_of
from governance.exchange.importing.read_documents import ReadDocuments
from governance.exchange.importing.removals import Leaving, find_leaving
from governance.exchange.importing.target_state import (
    KINDS,
    Catalogue,
    ClusterIndex,
    Facts,
    desired_catalogue,
)
from governance.exchange.importing.upload import LandscapeFile
from governance.findings.drafts import FindingDraft
from governance.ledger.models import ChangeLogEntry
from governance.ledger.snapshot import subject_of
from runbooks.digests import sha256_of_text
from runbooks.documents.sources.folder import Source
from runbooks.landscape.schema import Landscape
from runbooks.models import Cluster, Runbook

# The ledger never loses what it contains, so these lists only grow.
GROWING = frozenset({"notes"})
NO_ANSWERS = Answers()


@dataclass(frozen=True, slots=True)
class Step:
    """One object that is added, changed, moved or removed.

    :ivar stored: the object's current key, which differs from ``key`` before a rename.
    :ivar lost: field -> value of what people added to it in the portal and is lost with the step.
    """

    kind: str
    key: str
    stored: str
    before: Facts | None
    after: Facts | None
    lost: Facts = field(default_factory=dict)

    @property
    def verb(self) -> str:
        """Return ``add``, ``change``, ``move`` (only the position changes) or ``remove``."""
        if self.after is None:
            return "remove"
        if self.before is None:
            return "add"
        return "move" if self.changes.keys() == {"position"} else "change"

    @property
    def changes(self) -> dict[str, tuple[Any, Any]]:
        """Return field -> (before, after) of the fields that differ."""
        before, after = self.before or {}, self.after or {}
        return {
            name: (before.get(name), after.get(name))
            for name in after or before
            if before.get(name) != after.get(name)
        }


@dataclass(frozen=True, slots=True)
class Inputs:
    """The inputs of a plan besides the database, sufficient to make it again without the source."""

    file: LandscapeFile
    documents: ReadDocuments | None
    answers: Answers


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that applying would write.

    :ivar seen: the number of objects in the file by kind, changed or not.
    :ivar made_at: the sequence of the ledger's last row when the plan was made.
    """

    inputs: Inputs
    made_at: int
    file: str
    sha256: str
    landscape: Landscape
    source_text: str
    source_changed: bool
    steps: tuple[Step, ...]
    proposals: tuple[Proposal, ...]
    documents: dict[str, bytes]  # path -> content, of those that are not stored yet
    findings: tuple[FindingDraft, ...]
    new_findings: tuple[FindingDraft, ...]
    # Primary keys of open findings whose cause is no longer in the file.
    settled_findings: tuple[int, ...]
    # Titles of runbooks that the file does not name: proposed for retirement.
    absent: tuple[str, ...]
    # Ledger names of what an earlier file named, this one does not, and the portal keeps.
    dropped: tuple[str, ...]
    seen: dict[str, int] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Return whether applying would write nothing at all."""
        return not (
            self.steps
            or self.documents
            or self.new_findings
            or self.settled_findings
            or self.source_changed
        )

    @property
    def open_proposals(self) -> tuple[Proposal, ...]:
        """Return the proposals without an answer, with which the plan cannot be applied."""
        return tuple(proposal for proposal in self.proposals if proposal.answer is None)

    @property
    def losing(self) -> tuple[Step, ...]:
        """Return the steps that remove what people added in the portal."""
        return tuple(step for step in self.steps if step.lost)

    @property
    def digest(self) -> str:
        """Return the sha256 (hex) of the whole plan: plans with the same digest write the same."""
        documents = {
            path: hashlib.sha256(content).hexdigest() for path, content in self.documents.items()
        }
        return self._digest(documents=documents)

    @property
    def catalogue_digest(self) -> str:
        """Return the sha256 (hex) of the plan for the catalogue, without the documents to store."""
        return self._digest()

    def again(self) -> "Plan":
        """Return the plan that the same file makes now. No document is read again.

        :raises LandscapeError: a value is too long for its field now that other names are known.
        """
        return _plan(self.inputs)

    def _digest(self, **more: Any) -> str:
        said: dict[str, Any] = {
            "file": [self.file, self.sha256, sha256_of_text(self.source_text)],
            "steps": [
                [step.kind, step.key, step.stored, step.before, step.after] for step in self.steps
            ],
            "proposals": [[proposal.key, proposal.answer] for proposal in self.proposals],
            **more,
            "findings": [[*draft.identity_by_line, draft.message] for draft in self.new_findings],
            "settled": sorted(self.settled_findings),
            "dropped": self.dropped,
        }
        lost = [[step.kind, step.stored, step.lost] for step in self.losing]
        said |= {"lost": lost} if lost else {}
        return sha256_of_text(json.dumps(said, sort_keys=True, default=str))

    def counted(self, kind: str, verb: str) -> int:
        """Return how many objects of a kind are added, changed, moved or removed."""
        return sum(step.kind == kind and step.verb == verb for step in self.steps)

    def moved(self, kind: str) -> dict[int, int]:
        """Return offset -> number of objects of a kind that only move by it; down is positive."""
        moves = (
            step.changes["position"]
            for step in self.steps
            if step.kind == kind and step.verb == "move"
        )
        return dict(sorted(Counter(after - before for before, after in moves).items()))


def plan_import(
    file: LandscapeFile, *, documents: Source | None, answers: Answers = NO_ANSWERS
) -> Plan:
    """Compare a landscape file with the catalogue.

    :param documents: where the documents are read from; None leaves documents as they are.
    :param answers: the user's answers to proposals. A proposal without an answer is planned as if
        it were accepted, and prevents the plan from being applied.
    :raises LandscapeError: the file cannot be read, or a value is too long for its field.
    """
    return _plan(Inputs(file, None if documents is None else ReadDocuments(documents), answers))


def last_sequence() -> int:
    """Return the sequence of the ledger's last row; 0 if there is none."""
    return (
        ChangeLogEntry.objects.order_by("-sequence").values_list("sequence", flat=True).first() or 0
    )


def _plan(inputs: Inputs) -> Plan:
    file, read, answers = inputs.file, inputs.documents, inputs.answers
    # Read it first, so that any later change is detected when the plan is applied.
    made_at = last_sequence()
    stored = Stored.now()
    landscape = file.read(stored.aliases)
    identity = match(landscape, stored, answers, refused_moves())
    aliases = identity.aliases(stored)
    if aliases != stored.aliases:
        landscape = file.read(aliases)
    index = ClusterIndex(landscape, list(Cluster.objects.all()))
    desired = desired_catalogue(landscape, index, identity.keys)
    for title, path in identity.kept_paths.items():
        desired["runbook"][title]["document_path"] = path
    check_limits(desired)
    findings = [from_notice(notice, file.name) for notice in landscape.notices]
    findings += _of_identity(landscape, identity, file.name)
    findings += (
        ()
        if file.is_placed
        else [of_unplaced_link(row, file.name) for row in landscape.runbooks if row.link]
    )
    if read is not None:
        findings += _read_documents(landscape, identity, desired, read=read, file=file.name)
    findings += [of_cluster(ambiguous, file.name) for ambiguous in dict.fromkeys(index.ambiguous)]
    called = {old: new for new, old in identity.renamed.items()}
    current = current_catalogue(called)
    absent = tuple(
        title for title in current["runbook"] if called.get(title, title) not in desired["runbook"]
    )
    findings += [of_absent(title, file.name) for title in absent]
    before, text = Before.newest(aliases), file.settled()
    added = Added.now(before.landscape, stored, called)
    leaving = find_leaving(
        landscape, before, current=current, desired=desired, added=added, answers=answers
    )
    findings += [
        of_held(kind, key, file.name) for kind, keys in leaving.held.items() for key in keys
    ]
    findings = list({draft.identity_by_line: draft for draft in findings}.values())
    new, settled = compare_findings(findings, file.name)
    dropped = (
        *_dropped_releases(before, current, desired),
        *_dropped(before, absent),
        *_held(leaving),
    )
    return Plan(
        inputs=inputs,
        made_at=made_at,
        file=file.name,
        sha256=hashlib.sha256(file.content).hexdigest(),
        landscape=landscape,
        source_text=text,
        source_changed=not before.is_the_same(text, dropped),
        steps=tuple(_steps(current, desired, identity, leaving)),
        proposals=(*identity.proposals, *leaving.proposals),
        documents=read.unstored() if read else {},
        findings=tuple(findings),
        new_findings=new,
        settled_findings=settled,
        absent=absent,
        dropped=dropped,
        seen={
            **{kind: len(desired[kind]) for kind in KINDS},
            "document": read.number if read else 0,
        },
    )


def _of_identity(landscape: Landscape, identity: Matching, file: str) -> list[FindingDraft]:
    kept = [
        of_kept_path(
            row, identity.keys[row.title], identity.kept_paths[identity.keys[row.title]], file
        )
        for row in landscape.runbooks
        if identity.keys[row.title] in identity.kept_paths
    ]
    return [*from_identity(identity, file), *kept]


def _read_documents(
    landscape: Landscape, identity: Matching, desired: Catalogue, *, read: ReadDocuments, file: str
) -> list[FindingDraft]:
    """Read the documents of the rows, set each sha256 in ``desired``, and return findings."""
    rows = [(row, desired["runbook"][identity.keys[row.title]]) for row in landscape.runbooks]
    read.read_all(facts["document_path"] for _, facts in rows)
    drafts = []
    for row, facts in rows:
        path, facts["document_sha256"] = facts["document_path"], ""
        if not path:
            continue  # the parser has reported the row without a path
        draft = of_document(path, read, line=row.line, title=facts["title"], file=file)
        if draft and row.link and path == row.document_path:
            draft = of_missing_link(draft, row, read)
        if draft:
            drafts.append(draft)
        else:
            facts["document_sha256"] = read.sha256(path)
    return drafts


def _dropped(before: Before, absent: tuple[str, ...]) -> tuple[str, ...]:
    """Return the absent runbooks that the last file named, by any name, or had already dropped."""
    runbooks = (
        Runbook.objects.filter(title__in=absent).prefetch_related("aliases").only("title", "slug")
    )
    names = {
        subject_of(runbook): {runbook.title, *(alias.name for alias in runbook.aliases.all())}
        for runbook in runbooks
    }
    named = before.keys.get("runbook", frozenset())
    return tuple(
        sorted(key for key, known in names.items() if known & named or key in before.dropped)
    )


def _dropped_releases(before: Before, current: Catalogue, desired: Catalogue) -> tuple[str, ...]:
    """Return the absent releases that the last file named or had already dropped.

    The ledger keeps the notes of these releases.
    """
    named = before.keys.get("release", frozenset())
    absent = (version for version in current["release"] if version not in desired["release"])
    return tuple(
        sorted(
            f"release:{version}"
            for version in absent
            if version in named or f"release:{version}" in before.dropped
        )
    )


def _held(leaving: Leaving) -> tuple[str, ...]:
    """Return what stays because the file was not read whole; the next import checks it again."""
    return tuple(
        sorted(subjects_of(kind)[key] for kind, keys in leaving.held.items() for key in keys)
    )


def _steps(
    current: Catalogue, desired: Catalogue, identity: Matching, leaving: Leaving
) -> list[Step]:
    steps: list[Step] = []
    for kind in KINDS:
        stored_as = identity.renamed if kind == "runbook" else leaving.renamed.get(kind, {})
        for key, facts in desired[kind].items():
            stored = stored_as.get(key, key)
            now = current[kind].get(stored)
            after = (
                facts
                if now is None
                else {name: _grown(name, now.get(name), facts[name]) for name in facts}
            )
            if now is None or any(now.get(name) != value for name, value in after.items()):
                steps.append(
                    Step(kind, key, stored, now, after, leaving.lost.get((kind, stored), {}))
                )
        steps += [
            Step(kind, key, key, current[kind][key], None, leaving.lost.get((kind, key), {}))
            for key in leaving.removed.get(kind, ())
        ]
    return steps


def _grown(name: str, before: Any, after: Any) -> Any:
    if name not in GROWING or before is None:
        return after
    return before + [value for value in after if value not in before]
