"""Measure an import against `bulk_create` of the same rows: rows per second, ratio, profile.

python -m benchmarks.import_landscape [--runbooks 2000] [--rounds 3]

Runs on SQLite, or on the database of ``DATABASE_URL``, in a temporary database of its own. The
portal's side is everything: read, plan, write, ledger rows, search index, findings. The floor is
the rows of the catalogue that the import leaves, created with `bulk_create` in one transaction
without any checks. A second floor creates all rows that the import leaves, including those of the
ledger, the search index and the findings. They alternate in one run. Compare ratios, not times.
"""

import argparse
import gc
import os
import random
import resource
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

OURS, CATALOGUE, ALL_ROWS = "import", "bulk_create, catalogue", "bulk_create, every row"
WORDS = (
    "alarm broker limit order session snapshot pipeline eskalation freigabe prüfung latenz "
    "konto feed signal bericht "
    "backup restore handel stopp abgleich protokoll schicht übergabe ampel risiko modell "
    "daten lauf kennzahl"
).split()
STATUSES = ("✅ 2026-ready", "✅ Safety-Sandbox", "⚠️ R&D only (kein Live)", "✅ Shadow", "")
RUNBOOKS_OF_A_SITUATION, RUNBOOKS_OF_A_REFERENCE, RUNBOOKS_OF_A_CHAPTER = 20, 20, 400


def landscape(runbooks: int) -> str:
    """Return a file with this number of runbooks, each with two layers, two clusters and a scope.

    A scope has 200 characters. There is a situation and a code reference for every 20 runbooks, and
    a chapter with 20 entries for every 400.
    """
    dice = random.Random(1)
    titles = [
        f"{' '.join(dice.choices(WORDS, k=3)).title()} {number}" for number in range(runbooks)
    ]
    lines = ["# Plant", "", "## 1. Runbooks", ""]
    lines += [
        (
            "| Runbook | Pfad | Version | Scope / Zweck | Primary Cluster | Layer | 2026-ready "
            "Status |"
        ),
        "|" + " --- |" * 7,
    ]
    for number, title in enumerate(titles):
        scope = " ".join(dice.choices(WORDS, k=27))[:200]
        cluster = (
            f"Cluster {number % 80 + 1} (Stream {number % 80 + 1}) / Cluster {number % 7 + 90} "
            f"(Area {number % 7})"
        )
        layers = f"Layer {number % 12}, Layer {(number + 5) % 12}"
        status = STATUSES[number % len(STATUSES)]
        lines.append(
            f"| **{title}** | `docs/{number}.md` | v1.0 | {scope} | {cluster} | {layers} | "
            f"{status} |"
        )
    for chapter in range(max(1, runbooks // RUNBOOKS_OF_A_CHAPTER)):
        lines += ["", f"## {chapter + 2}. Chapter {chapter}", ""]
        for entry in range(20):
            place = (chapter * RUNBOOKS_OF_A_CHAPTER + entry) % runbooks
            lines += [f"### {chapter + 2}.{entry + 1} {titles[place]}", ""]
            lines += [
                f"* **Pfad:** `docs/{place}.md`",
                f"* **Rolle:** {' '.join(dice.choices(WORDS, k=12))}",
                "",
            ]
    lines += [
        "",
        "## 90. Situations",
        "",
        "| Situation | Relevante Runbooks | Kommentar |",
        "|" + " --- |" * 3,
    ]
    for number in range(max(1, runbooks // RUNBOOKS_OF_A_SITUATION)):
        named = ", ".join(dice.sample(titles, min(3, runbooks)))
        lines.append(
            f"| **{' '.join(dice.choices(WORDS, k=5))} {number}** | {named} | "
            f"{' '.join(dice.choices(WORDS, k=8))} |"
        )
    lines += ["", "## 91. Code-Referenzen", ""]
    for number in range(max(1, runbooks // RUNBOOKS_OF_A_REFERENCE)):
        lines.append(
            f"* `src/module_{number}.py` – holds what the "
            f"{dice.choice(titles).replace(' ', '-')}-Runbook says"
        )
    lines += [
        "",
        "## 92. Change-Log",
        "",
        "* **v1.0** (Dezember 2025)",
        "",
        "  * Erste Fassung",
        "",
    ]
    return "\n".join(lines)


class Stopwatch:
    """Seconds by part; the time of a part inside another is counted only for the inner one."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self._inner: list[float] = [0.0]

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count the time of the block."""
        self._inner.append(0.0)
        begin = time.perf_counter()
        try:
            yield
        finally:
            whole = time.perf_counter() - begin
            self.spent[name] += whole - self._inner.pop()
            self._inner[-1] += whole

    def watch(self, owner: Any, function: str, part: str) -> None:
        """Count the time of every later call of a function of a module or class."""
        original = getattr(owner, function)

        def counted(*args: Any, **kwargs: Any) -> Any:
            with self.part(part):
                return original(*args, **kwargs)

        setattr(
            owner,
            function,
            classmethod(lambda _cls, *a, **k: counted(*a, **k)) if is_bound(original) else counted,
        )


def is_bound(function: Any) -> bool:
    """Return whether a function was read as a class method."""
    return isinstance(getattr(function, "__self__", None), type)


def watch_parts(watch: Stopwatch) -> None:
    """Count the time of the parts of an import."""
    from governance import ledger
    from governance.editing.audited_edit import AuditedEdit
    from governance.exchange.importing import apply, previous, upload
    from runbooks.search import index

    watch.watch(upload, "read_landscape", "reading")
    watch.watch(previous, "parse_settled", "reading")
    watch.watch(apply, "_write_kind", "writing")
    watch.watch(AuditedEdit, "start", "facts for the ledger")
    watch.watch(AuditedEdit, "commit", "facts for the ledger")
    watch.watch(ledger, "append_all", "ledger")
    watch.watch(index, "refresh", "search index")
    watch.watch(apply, "check_catalogue", "findings")
    watch.watch(apply, "_store_findings", "findings")


def tables() -> tuple[list[Any], list[Any]]:
    """Return the models whose rows an import writes: those of the catalogue, and the others.

    Models that others refer to come first.
    """
    from governance.exchange.models import LandscapeSource
    from governance.findings.models import Finding
    from governance.ledger.models import ChangeLogEntry, Release
    from runbooks import models

    catalogue = [
        models.Layer, models.Cluster, models.Runbook, models.Runbook.layers.through,
        models.Runbook.related_clusters.through, models.Section, models.SectionEntry,
        models.Situation, models.SituationRunbook, models.CodeReference,
        models.CodeReference.runbooks.through, Release,
    ]  # fmt: skip
    others = [
        ChangeLogEntry,
        LandscapeSource,
        Finding,
        models.SearchEntry,
        models.SearchPassage,
        models.SearchPlaces,
        models.SearchWord,
        models.SearchStamp,
    ]
    return catalogue, others


def rows_of(kinds: list[Any]) -> list[tuple[Any, list[dict[str, Any]]]]:
    """Return every row of the models as plain values."""
    return [
        (
            model,
            list(
                model._base_manager.order_by("pk").values(
                    *(field.attname for field in model._meta.concrete_fields)
                )
            ),
        )
        for model in kinds
    ]


def create(rows: list[tuple[Any, list[dict[str, Any]]]]) -> None:
    """Create the rows with `bulk_create` in one transaction: the floor."""
    from django.db import models, transaction

    with transaction.atomic():
        for model, values in rows:
            models.QuerySet(model).bulk_create([model(**each) for each in values])


def empty() -> None:
    """Delete everything that an import writes. The guards are installed again afterwards."""
    from django.db import connection, transaction

    from governance import guards

    catalogue, others = tables()
    guards.remove()
    with transaction.atomic(), connection.cursor() as cursor:
        for model in reversed(catalogue + others):
            cursor.execute(f"DELETE FROM {model._meta.db_table}")
    guards.install()


def import_text(text: str, watch: Stopwatch) -> None:
    """Import a text as the command does."""
    from governance import ledger
    from governance.exchange.importing import LandscapeFile, apply_plan, plan_import

    with watch.part("other"), ledger.atomic():
        with watch.part("planning"):
            plan = plan_import(LandscapeFile("landscape.md", text.encode()), documents=None)
        with watch.part("planning"):
            shown = plan.digest
        apply_plan(plan, by=ledger.SYSTEM, shown=shown)


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    gc.collect()
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def measure(runbooks: int, rounds: int) -> None:
    """Measure import and floors alternately, and print the result. The first round warms up."""
    from django.db import connection

    from governance import ledger
    from governance.ledger.models import ChangeLogEntry

    text = landscape(runbooks)
    watch = Stopwatch()
    watch_parts(watch)
    import_text(text, watch)
    begin = time.perf_counter()
    import_text(text, watch)
    again, entries = time.perf_counter() - begin, ChangeLogEntry.objects.count()
    assert ledger.verify().is_whole
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    catalogue, others = (rows_of(kinds) for kinds in tables())
    works: dict[str, Callable[[], None]] = {
        OURS: lambda: import_text(text, watch),
        CATALOGUE: lambda: create(catalogue),
        ALL_ROWS: lambda: create(catalogue + others),
    }
    times: dict[str, list[float]] = {name: [] for name in works}
    watch.spent.clear()
    for _ in range(rounds):
        for name, work in works.items():
            empty()
            times[name].append(timed(work))
    empty()
    print(
        f"{connection.vendor}: {runbooks} runbooks, {entries} ledger rows, at most {memory} "
        "MB for an import"
    )
    print(f"  again, unchanged         {again:6.2f} s")
    ours = statistics.median(times[OURS])
    for name, spent in times.items():
        median = statistics.median(spent)
        ratio = "" if name == OURS else f"  ours is {median / ours:.2f} x"
        print(f"  {name:<24} {runbooks / median:>9,.0f} rows/s  {median:6.2f} s{ratio}")
    for name, spent in sorted(watch.spent.items(), key=lambda item: -item[1]):
        print(f"    {name:<24} {spent / rounds:6.2f} s  {spent / sum(watch.spent.values()):4.0%}")


def main() -> None:
    """Create a database, import, and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runbooks", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection
    from django.test.utils import setup_databases, setup_test_environment, teardown_databases

    setup_test_environment()
    name = str(settings.VAR_DIR / "benchmark_import.sqlite3")
    connection.settings_dict["TEST"]["NAME"] = (
        name if connection.vendor == "sqlite" else "test_benchmark_import"
    )
    made = setup_databases(verbosity=0, interactive=False)
    try:
        measure(options.runbooks, options.rounds)
    finally:
        teardown_databases(made, verbosity=0)


if __name__ == "__main__":
    main()
