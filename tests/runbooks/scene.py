"""A small landscape with at least one row of every model, and a way to make it larger.

Built on the cast: the same people, and the same only way to a signed readiness.
"""

import base64
from dataclasses import dataclass
from itertools import count

from django.apps import apps
from django.db import models, transaction
from django.utils import timezone

from governance import ledger
from governance.editing.audited_edit import audited_edit
from governance.exchange.models import LandscapeSource
from governance.findings.choices import FindingKind
from governance.findings.models import Finding
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry, Release
from governance.signoff.models import SignOff, SignOffRule, StatusChangeRequest
from runbooks.models import (
    Cluster,
    CodeReference,
    Document,
    Layer,
    Runbook,
    RunbookAlias,
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
        chosen = {
            Runbook: self.ready,
            Document: self.ready.document,
            StatusChangeRequest: self.request,
        }
        return chosen.get(model) or model._default_manager.order_by("pk").first()


def make_scene(people: dict) -> Scene:
    """One of everything: a live-ready runbook with all related objects, and a waiting one."""
    ready, waiting = cast.make_runbook("Ready pump"), cast.make_runbook("Waiting pump")
    old = cast.store(ready.document_path, "# An earlier text\n")
    related = Cluster.objects.create(
        slug="phase-16a", kind="phase", first_number=16, last_number=16, suffix="A"
    )
    for runbook in (ready, waiting):
        runbook.related_clusters.add(related)
    surround(ready)
    surround(waiting)
    cast.make_ready(ready)
    request = cast.ask(waiting, by=people["ed"])
    cast.approve(request, by=people["rita"])
    release = Release.objects.create(
        version="v1.2", dated="January 2026", year=2026, month=1, label="Pumps"
    )
    with_note(release)
    finding = add_finding(waiting)
    LandscapeSource.objects.create(
        file="landscape.md", text="", sha256=cast.sha256(""), imported_at=timezone.now()
    )
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
    section = Section.objects.create(
        slug=f"chapter-{number}", number=number, title="Pumps", note="A *note*."
    )
    SectionEntry.objects.create(
        section=section, runbook=runbook, position=1, role="Used when a pump stops."
    )
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
    code = CodeReference.objects.create(
        path=f"src/pump_{number}.py", description="Drives the pump.", position=number
    )
    code.runbooks.add(runbook)
    RunbookAlias.objects.create(runbook=runbook, name=f"Former pump {number}")


def with_note(release: Release) -> None:
    """A ledger row of the kind that an import writes for a release."""
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
    """``rows`` more of everything that a list shows; the first is live-ready, the others wait."""
    section, situation = Section.objects.first(), Situation.objects.first()
    code = CodeReference.objects.first()
    layer = Layer.objects.get(slug="pumps")
    shared = Cluster.objects.get(slug="phase-16a")
    for number in range(rows):
        runbook = cast.make_runbook(declared_level="ready", declared_year=2026)
        runbook.related_clusters.add(shared, Cluster.objects.exclude(pk=shared.pk).first())
        runbook.layers.add(layer)
        SectionEntry.objects.create(
            section=section, runbook=runbook, position=number + 2, role="Also."
        )
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
        with audited_edit(runbook, by=people["ed"]):
            runbook.owner = f"Desk {number} {next(_numbers)}"
            runbook.save()


def state_of_everything(*labels: str) -> dict[str, list[dict]]:
    """Every row of every model of the apps, to see that nothing was written.

    The apps are the catalogue and governance by default.
    """
    return {
        model._meta.label: list(model._default_manager.order_by("pk").values())
        for label in labels or ("runbooks", "governance")
        for model in apps.get_app_config(label).get_models()
    }


def values_for_routes(scene: Scene) -> dict[str, dict[str, object]]:
    """Valid parameters for every route, so that the page itself is requested and not its 404."""
    values = {
        "": {"slug": scene.ready.slug, "pk": scene.request.pk, "sequence": 1, "format": "json"},
        "situation": {"slug": scene.situation.slug},
        "cluster": {"slug": scene.cluster.slug},
        "layer": {"slug": scene.layer.slug},
        "alert": {"labels": "risk:RED/"},
        "document": {"document_path": scene.ready.document_path},
        "runbook-version": {"sha256": scene.ready.document.sha256},
        "runbook-difference": {
            "before": scene.old_document.sha256,
            "after": scene.ready.document.sha256,
        },
        "admin:app_list": {"app_label": "runbooks"},
        "admin:view_on_site": {"content_type_id": 1, "object_id": 1},
        "admin:auth_user_password_change": {"id": 1},
        "admin:runbooks_runbook_downgrade": {"pk": scene.ready.pk},
        "api-cluster-detail": {"slug": scene.cluster.slug},
        "api-layer-detail": {"slug": scene.layer.slug},
        "api-section-detail": {"slug": scene.section.slug},
        "api-situation-detail": {"slug": scene.situation.slug},
        "api-code-reference-detail": {"pk": scene.code_reference.pk},
        "api-finding-detail": {"pk": scene.finding.pk},
    }
    for model in apps.get_models():
        for verb in ("change", "delete", "history"):
            label = f"{model._meta.app_label}_{model._meta.model_name}"
            values[f"admin:{label}_{verb}"] = {"object_id": getattr(scene.one_of(model), "pk", 1)}
    return values


def basic(name: str, password: str = cast.PASSWORD) -> dict[str, str]:
    """The header with which a machine signs in."""
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}
