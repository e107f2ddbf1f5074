"""The ledger rows of an import, byte for byte: the same file always gives the same hashes."""

import pytest
import time_machine
from django.apps import apps
from django.core.management.color import no_style
from django.db import IntegrityError, connection, transaction

from governance import guards, ledger
from governance.exchange.importing import (
    Answers,
    LandscapeFile,
    apply,
    apply_plan,
    plan,
    plan_import,
)
from governance.exchange.importing.target_state import desired_catalogue
from governance.findings.models import Finding
from governance.ledger.chain import entry_of
from governance.ledger.models import ChangeLogEntry, Release
from runbooks.search import index
from tests.runbooks.landscape.samples import row, situation, text_of

pytestmark = pytest.mark.django_db

CHAPTERS = """## 3. Pumps

### 3.1 Pump

* **Pfad:** `docs/pump.md`
* **Rolle:** Starts *first*

### 3.2 Valve

* **Pfad:** `docs/valve.md`
* **Rolle:** Second

## 4. Code-Referenzen

* `src/pump.py` – does what the Pump-Runbook says
* `src/tank.py` – does what the Tank-Runbook says

## 5. Change-Log

* **v1.0** (Dezember 2025)

  * Erste Fassung
"""
FIRST = text_of(
    (
        row(
            "Pump",
            "`docs/pump.md`",
            cluster="Cluster 11–12 (Pumps) / Phase 3",
            layer="Operations, Überwachung",
        ),
        row("Valve", "`docs/valve.md`", status="⚠️ R&D only (kein Live)", cluster="Cluster 12"),
        row("Tank", "`docs/tank.md`", version="", scope="Füllstand « prüfen »", status=""),
    ),
    (
        situation(names="Pump, Valve"),
        situation("Tank is full", "Tank"),
        situation("Noise", "Valve", ""),
    ),
    CHAPTERS,
)
# A rename, a move, other links, a row less and a row more of nearly everything.
SECOND = text_of(
    (
        row(
            "Pump Restart",
            "`docs/pump.md`",
            cluster="Cluster 11–12 (Pumps)",
            layer="Operations, Quality",
        ),
        row(
            "Valve",
            "`docs/valves/valve.md`",
            version="v2.0",
            status="⚠️ R&D only (kein Live)",
            cluster="Cluster 12",
        ),
        row("Sieve", "`docs/sieve.md`", status="✅ Shadow"),
    ),
    (situation(names="Valve, Pump Restart"), situation("Noise", "Valve", "Listen")),
    CHAPTERS.replace("3.1 Pump\n", "3.1 Pump Restart\n")
    .replace("Second", "Second, **slowly**")
    .replace("the Pump-Runbook", "the Valve-Runbook")
    .replace(
        "* `src/tank.py` – does what the Tank-Runbook says\n",
        "* `src/sieve.py` – does what the Sieve-Runbook says\n",
    )
    .replace("Erste Fassung", "Erste Fassung\n  * Zweite Notiz"),
)
# Taken when each object was still written by itself. A change of what the ledger tells of an object
# is the one reason for others.
HEADS = {
    "first": "5d2b0d2c24730e2d7cbdf25a4c1c30f867c248d155b03d5f7d29d86fbfb73023",
    "second": "9ff14f1c41704ffda183f56f0a34fbab9896142098230e4b0c2a5ed8367b214d",
}


def import_text(text):
    with ledger.atomic():
        planned = plan_import(
            LandscapeFile("plant.md", text.encode()),
            documents=None,
            answers=Answers(otherwise=True),
        )
        apply_plan(planned, by=ledger.SYSTEM)


def rows_of_everything():
    models = [
        model for model in apps.get_models() if model._meta.app_label in ("runbooks", "governance")
    ]
    return {
        model.__name__: list(model._base_manager.order_by("pk").values_list()) for model in models
    }


@pytest.fixture
def empty_ledger(db):
    """Remove the ledger rows of the migrations.

    The primary keys of releases and findings are recorded, so they start at one again.
    """
    guards.remove()
    ChangeLogEntry.objects.all().delete()
    guards.install()
    sequences = [{"table": model._meta.db_table, "column": "id"} for model in (Release, Finding)]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_by_name_sql(no_style(), sequences):
            cursor.execute(statement)


@pytest.fixture
def imported(empty_ledger):
    """Both files, one after the other, at moments that are part of the hashes."""
    heads = {}
    for number, (name, text) in enumerate({"first": FIRST, "second": SECOND}.items(), start=1):
        with time_machine.travel(f"2026-02-0{number}T04:05:06+00:00", tick=False):
            import_text(text)
            heads[name] = ChangeLogEntry.objects.latest("sequence").hash
    return heads


def test_the_rows_of_an_import_are_the_bytes_that_they_always_were(imported):
    assert imported == HEADS


def test_they_are_what_single_appends_would_have_written(imported):
    chain, last = list(ChangeLogEntry.objects.order_by("sequence")), None
    for entry in chain:
        record = ledger.Record(
            actor=ledger.SystemActor(entry.actor),
            action=entry.action,
            subject=entry.subject,
            subject_title=entry.subject_title,
            reason=entry.reason,
            release=entry.release,
            changes=entry.changes,
        )
        previous_hash = last.hash if last else ledger.GENESIS
        alone = entry_of(
            record,
            sequence=entry.sequence,
            recorded_at=entry.recorded_at,
            previous_hash=previous_hash,
        )
        assert (alone.hash, alone.digests) == (entry.hash, entry.digests)
        last = entry
    assert ledger.verify().is_whole


def test_what_changed_is_told_of_each_object(imported):
    entries = ChangeLogEntry.objects.filter(recorded_at__day=2)
    entries = entries.exclude(subject__startswith="landscape:")
    told = {entry.subject: entry.changes for entry in entries}
    assert told["runbook:pump"] == {
        "title": {"before": "Pump", "after": "Pump Restart"},
        "layers": {"before": ["Operations", "Überwachung"], "after": ["Operations", "Quality"]},
        "related_clusters": {"before": ["Phase 3"], "after": []},
        "aliases": {"before": [], "after": ["Pump"]},
    }
    assert told["situation:pump-stands-still"] == {
        "steps": {
            "before": ["1. Pump Restart", "2. Valve"],
            "after": ["1. Valve", "2. Pump Restart"],
        }
    }
    assert told["codereference:src/pump.py"] == {
        "description": {
            "before": "does what the Pump-Runbook says",
            "after": "does what the Valve-Runbook says",
        },
        "runbooks": {"before": ["Pump Restart"], "after": ["Valve"]},
    }
    assert told["section:pumps"] == {
        "entries": {
            "before": ["1. Pump Restart: Starts *first*", "2. Valve: Second"],
            "after": ["1. Pump Restart: Starts *first*", "2. Valve: Second, **slowly**"],
        }
    }
    assert set(told) >= {
        "situation:tank-is-full",
        "codereference:src/tank.py",
        "runbook:sieve",
        "release:v1.0",
    }


def test_the_search_index_says_the_same_as_one_that_is_made_anew(imported):
    assert index.staleness(thoroughly=True) == []


def test_a_second_import_of_the_same_file_changes_nothing(imported):
    import_text(SECOND)
    assert ChangeLogEntry.objects.latest("sequence").hash == imported["second"]


@pytest.mark.parametrize("where", ["check_catalogue", "keep_source"])
def test_a_failure_in_the_middle_leaves_nothing(imported, monkeypatch, where):
    def fails(**_):
        raise OSError("The disk is full.")

    monkeypatch.setattr(apply, where, fails)
    before = rows_of_everything()
    with pytest.raises(OSError, match="full"), transaction.atomic():
        import_text(FIRST)
    assert rows_of_everything() == before


@pytest.mark.parametrize("stored", [False, True], ids=["new", "stored"])
@pytest.mark.parametrize(
    ("column", "value"), [("readiness_level", "shadow"), ("signed_document_sha256", "a" * 64)]
)
def test_the_database_refuses_an_import_that_would_sign(db, monkeypatch, stored, column, value):
    if stored:
        import_text(FIRST)

    def signing(*arguments):
        catalogue = desired_catalogue(*arguments)
        for facts in catalogue["runbook"].values():
            facts[column] = value
        return catalogue

    monkeypatch.setattr(plan, "desired_catalogue", signing)
    before = rows_of_everything()
    with pytest.raises(IntegrityError), transaction.atomic():
        import_text(FIRST)
    assert rows_of_everything() == before
    assert guards.missing() == []
