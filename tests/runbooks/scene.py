"""A small landscape with at least one row of every model, and a way to make it larger.

Built on the cast: the same people, and the same only way to a signed readiness.
"""

from dataclasses import dataclass
from itertools import count

from django.db import models
from django.utils import timezone

from governance import actions, ledger
from governance.choices import Action, FindingKind
from governance.models import ChangeLogEntry, Finding, Release, SignOff, SignOffRule, StatusChangeRequest
from runbooks.models import (
    Cluster,
    CodeReference,
    Document,
    Layer,
    Runbook,
    Section,
    SectionEntry,
    Situation,
    SituationRunbook,
)
from tests import cast

_numbers = count(1)


@dataclass(frozen=True)
class Scene:
    """What was made, by the name that a test asks for."""

    ready: Runbook
    waiting: Runbook
    cluster: Cluster
    layer: Layer
    section: Section
    situation: Situation
    code_reference: CodeReference
    old_document: Document
    release: Release
    finding: Finding
    request: StatusChangeRequest

    def one_of(self, model: type[models.Model]) -> models.Model:
        """The stored row of a model that a test may open."""
        chosen = {Runbook: self.ready, Document: self.ready.document, StatusChangeRequest: self.request}
        return chosen.get(model) or model._default_manager.order_by("pk").first()


def make_scene(people: dict) -> Scene:
    """One of everything: a live-ready runbook with all that can hang on one, and another that waits."""
    ready, waiting = cast.make_runbook("Ready pump"), cast.make_runbook("Waiting pump")
    old = cast.store(ready.document_path, "# An earlier text\n")
    related = Cluster.objects.create(slug="phase-16a", kind="phase", first_number=16, last_number=16, suffix="A")
    for runbook in (ready, waiting):
        runbook.related_clusters.add(related)
    surround(ready)
    surround(waiting)
    cast.make_ready(ready)
    request = cast.ask(waiting, by=people["ed"])
    cast.approve(request, by=people["rita"])
    release = Release.objects.create(version="v1.2", dated="January 2026", year=2026, month=1, label="Pumps")
    with_note(release)
    finding = add_finding(waiting)
    scene = Scene(
        ready=ready,
        waiting=waiting,
        cluster=ready.primary_cluster,
        layer=Layer.objects.get(slug="pumps"),
        section=Section.objects.first(),
        situation=Situation.objects.first(),
        code_reference=CodeReference.objects.first(),
        old_document=old,
        release=release,
        finding=finding,
        request=request,
    )
    assert SignOff.objects.exists()
    assert SignOffRule.objects.exists()
    assert ChangeLogEntry.objects.exists()
    return scene


def surround(runbook: Runbook) -> None:
    """A section, a situation and a code reference of its own."""
    number = next(_numbers)
    section = Section.objects.create(slug=f"chapter-{number}", number=number, title="Pumps", note="A *note*.")
    SectionEntry.objects.create(section=section, runbook=runbook, position=1, role="Used when a pump stops.")
    situation = Situation.objects.create(
        slug=f"pump-stopped-{number}",
        title=f"Pump {number} stopped",
        comment="It hums no more.",
        position=number,
        alert_category="pump",
        alert_source="cellar",
        alert_severity="high",
    )
    SituationRunbook.objects.create(situation=situation, runbook=runbook, position=1)
    code = CodeReference.objects.create(path=f"src/pump_{number}.py", description="Drives the pump.", position=number)
    code.runbooks.add(runbook)


def with_note(release: Release) -> None:
    """A ledger row of the kind that an import writes for a release."""
    from django.db import transaction

    with transaction.atomic():
        ledger.append(
            ledger.Record(
                actor=ledger.SYSTEM,
                action=Action.RELEASE_NOTED,
                subject=f"release:{release.version}",
                subject_title="A note",
                release=release.version,
                changes={"text": {"before": None, "after": "Pumps were added."}},
            )
        )


def add_finding(runbook: Runbook) -> Finding:
    """One open finding."""
    return Finding.objects.create(
        kind=FindingKind.MISSING_DOCUMENT,
        severity="error",
        subject=f"finding {next(_numbers)}",
        message="There is no such file.",
        file="landscape.md",
        line=12,
        runbook=runbook,
        first_seen=timezone.now(),
    )


def fill(rows: int, people: dict) -> None:
    """``rows`` more of everything that a list can show; the first one is live-ready, the others wait for a signature."""
    section, situation = Section.objects.first(), Situation.objects.first()
    code = CodeReference.objects.first()
    layer = Layer.objects.get(slug="pumps")
    shared = Cluster.objects.get(slug="phase-16a")
    for number in range(rows):
        runbook = cast.make_runbook(declared_level="ready", declared_year=2026)
        runbook.related_clusters.add(shared, Cluster.objects.exclude(pk=shared.pk).first())
        runbook.layers.add(layer)
        SectionEntry.objects.create(section=section, runbook=runbook, position=number + 2, role="Also.")
        SituationRunbook.objects.create(situation=situation, runbook=runbook, position=number + 2)
        code.runbooks.add(runbook)
        surround(runbook)
        if number == 0:
            cast.make_ready(runbook)
        else:
            cast.approve(cast.ask(runbook, by=people["ed"]), by=people["rita"])
        add_finding(runbook)
        release = Release.objects.create(version=f"v2.{next(_numbers)}", position=number)
        with_note(release)


def widen(runbook: Runbook, rows: int, people: dict) -> None:
    """``rows`` more of everything that hangs on one runbook; its readiness stays out of it."""
    for number in range(rows):
        surround(runbook)
        with actions.governed_edit(runbook, by=people["ed"]):
            runbook.owner = f"Desk {number} {next(_numbers)}"
            runbook.save()
