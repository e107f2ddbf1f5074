"""Measure a search against the raw full text query on the same texts: median, p95 and ratio.

python -m benchmarks.search [--documents 3000] [--kilobytes 20] [--words 60000] [--rounds 5]
    [--growth] [--profile answer|suggestions]

Runs on SQLite, or on the database of ``DATABASE_URL``, in a temporary database of its own. The
documents are as long as real ones: 3,000 have 58 MB together, in about 25 sections each. The floor
is the least that finds and shows: one query with a snippet for each of the first twenty, plain
words, no typing errors, no sections, no readiness. Every question is put to the floor and to the
search alternately. ``--growth`` measures at 200 and at 20,000 documents instead. Compare ratios,
not times, which depend on the machine. CPU times are those of this process, without the server of
PostgreSQL.
"""

import argparse
import cProfile
import os
import pstats
import random
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from math import log
from typing import Any

RAW, ANSWER, PAGE, SUGGESTIONS = "raw query", "whole answer", "page with HTML", "suggestions"
GROWTH = (200, 20_000)
AT_ONCE = 200
SYLLABLES = (
    "al ba cor dan el fin gor hal im jo kar lum mor nex or pel qui rus sal tor ul ven wor xan "
    "yel zin"
).split()
WORDS_OF_PART = 105  # about 0.8 KB
AS_IT_IS = 0.7  # of its uses: a stem is a word of its own, otherwise part of a longer one
COMMON = 1_000  # stems that are short and form compounds
SPREAD = 0.8  # of the lengths: one document in a hundred is five times as long as the mean
ENDINGS = "s ed ing er en e es ung ungen ation".split()
# The questions, and what one would have to write for the raw query.
QUESTIONS = (
    ("alert pipeline", "alert pipeline"),
    ("alert", "alert"),
    ("incident eskalation", "incident eskalation"),
    ("restart broker 1207", "restart broker 1207"),
    ("run_id", "run_id"),
    ("escalaton", "escalation"),
    ("severty red", "severity red"),
    ("Überprüfung der Limits", "uberprufung limits"),
    ("freigabe", "freigabekriterien"),
    ("was tun wenn der broker steht", "broker steht"),
    ("latency", "latency"),
    ("snapshot limits session", "snapshot limits session"),
)
SEEDED = (
    "alert pipeline incident eskalation escalation broker restart run_id severity red "
    "überprüfung limits "
    "Live-Freigabekriterien session snapshot latency steht"
).split()


def words_of_the_trade(size: int) -> tuple[list[str], list[float]]:
    """Return invented words, and the cumulative frequencies with which a language uses them.

    The second stem is half as common as the first. A common stem occurs in many words: with
    endings, in compounds and in identifiers, as "alert" does in "alerts" and ``alert_id``.
    """
    dice = random.Random(1)
    lengths = (dice.randint(1, 2) if rank < COMMON else dice.randint(2, 4) for rank in range(size))
    stems = list(dict.fromkeys("".join(dice.choices(SYLLABLES, k=each)) for each in lengths))
    for place, word in enumerate(SEEDED):
        stems.insert(40 + place * 23, word)
    words: dict[str, float] = {}
    for rank, stem in enumerate(stems):
        if len(words) >= size:
            break
        share = 1 / (rank + 8)
        words[stem] = words.get(stem, 0) + share * AS_IT_IS
        forms = _forms(stem, stems, dice, rank)
        for place, form in enumerate(forms):
            weight = share * (1 - AS_IT_IS) / (place + 1) / (1 + log(len(forms)))
            words[form] = words.get(form, 0) + weight
    return list(words), list(accumulate(words.values()))


def _forms(stem: str, stems: list[str], dice: random.Random, rank: int) -> list[str]:
    """Return words that contain a stem: about a hundred for the commonest, two for a rare one."""
    number = max(2, min(100, 4_000 // (rank + 40)))
    forms = []
    for _ in range(number):
        other = dice.choice(stems[:COMMON])
        ending = stem + dice.choice(ENDINGS)
        forms.append(
            dice.choice((ending, stem + other, other + stem, f"{stem}_{other}", f"{other}_{stem}"))
        )
    return forms


def fill(number: int, kilobytes: int, vocabulary: int) -> None:
    """Create runbooks with documents of this size and their index.

    A section of a document has about a hundred words.
    """
    from django.utils import timezone

    from runbooks.models import Document, Layer, Runbook, Situation, SituationRunbook
    from runbooks.search import index

    dice = random.Random(2)
    words, cumulative = words_of_the_trade(vocabulary)
    text = lambda size: " ".join(dice.choices(words, cum_weights=cumulative, k=size))  # noqa: E731
    part_length = len(text(WORDS_OF_PART * 100)) / 100
    middle = log(kilobytes * 1_000 / part_length) - SPREAD**2 / 2
    layers = [Layer(slug=f"layer-{each}", title=f"Layer {each}") for each in range(12)]
    with index.deferred():
        Layer.objects.bulk_create(layers)
        for first in range(0, number, AT_ONCE):
            documents, runbooks = [], []
            for each in range(first, min(first + AT_ONCE, number)):
                parts = [
                    (f"doc-{part}", text(4), text(WORDS_OF_PART))
                    for part in range(max(1, round(dice.lognormvariate(middle, SPREAD))))
                ]
                html = "".join(
                    f'<h3 id="{name}">{head}</h3><p>{body}</p>' for name, head, body in parts
                )
                markdown = "\n\n".join(f"## {head}\n\n{body}" for _, head, body in parts)
                documents.append(
                    Document(
                        path=f"docs/{each}.md", sha256=f"{each:064x}", text=markdown, html=html,
                        size=len(markdown), seen_at=timezone.now(),
                    )
                )  # fmt: skip
                runbooks.append(
                    Runbook(
                        slug=f"runbook-{each}",
                        title=f"{text(3)} {each}",
                        scope=text(30),
                        position=each,
                    )
                )
            stored = Document.objects.bulk_create(documents)
            for document, runbook in zip(stored, runbooks, strict=True):
                runbook.document, runbook.document_path = document, document.path
            Runbook.objects.bulk_create(runbooks)
            Runbook.layers.through.objects.bulk_create(
                Runbook.layers.through(runbook=runbook, layer=dice.choice(layers))
                for runbook in runbooks
            )
        situations = Situation.objects.bulk_create(
            Situation(slug=f"situation-{each}", title=f"{text(5)} {each}", position=each)
            for each in range(60)
        )
        pks = list(Runbook.objects.values_list("pk", flat=True))
        SituationRunbook.objects.bulk_create(
            SituationRunbook(situation=situation, runbook_id=pk, position=position)
            for situation in situations
            for position, pk in enumerate(dice.sample(pks, 3), start=1)
        )
        index.rebuild()
        index._held.get().runbooks.clear()  # all of them were just indexed
        index._held.get().situations.clear()
    with connection_cursor() as cursor:
        cursor.execute("ANALYZE")


@contextmanager
def connection_cursor() -> Iterator[Any]:
    """Open a cursor of the default database, which is known only after Django's setup."""
    from django.db import connection

    with connection.cursor() as cursor:
        yield cursor


class SQLiteFloor:
    """FTS5 over titles and texts."""

    CREATE = (
        (
            'CREATE VIRTUAL TABLE floor_text USING fts5(title, body, tokenize="unicode61 '
            "tokenchars '_'\")"
        ),
        """INSERT INTO floor_text(rowid, title, body) SELECT r.id, r.title, d.text
           FROM runbooks_runbook r JOIN runbooks_document d ON d.id = r.document_id""",
    )
    ASK = """SELECT rowid, title, snippet(floor_text, 1, '[', ']', '…', 24) FROM floor_text
             WHERE floor_text MATCH %s ORDER BY rank LIMIT 20"""

    @staticmethod
    def words(text: str) -> str:
        """Return every word in quotes."""
        return " ".join(f'"{word}"' for word in text.split())


class PostgreSQLFloor:
    """A stored tsvector with a GIN index; the snippet is from the first five hundred characters."""

    CREATE = (
        r"""CREATE TABLE floor_text AS SELECT r.id, r.title, d.text AS body, to_tsvector('simple',
            regexp_replace(translate(r.title || ' ' || d.text, 'üöä', 'uoa'), '[/.-]', ' ', 'g')
            ) AS vector
            FROM runbooks_runbook r JOIN runbooks_document d ON d.id = r.document_id""",
        "CREATE INDEX floor_index ON floor_text USING gin (vector)",
        "ANALYZE",
        "SET enable_seqscan = off",  # otherwise it reads the whole table, which takes 40 ms
    )
    ASK = """SELECT id, title, ts_headline('simple', left(body, 500), words) FROM (
             SELECT id, title, body, words
             FROM floor_text, plainto_tsquery('simple', %s) words WHERE vector @@ words
             ORDER BY ts_rank(vector, words) DESC LIMIT 20) best"""

    @staticmethod
    def words(text: str) -> str:
        """Return the text unchanged."""
        return text


@dataclass(frozen=True, slots=True)
class Spent:
    """Milliseconds of wall-clock time and of this process's CPU time."""

    wall: float
    cpu: float


def timed(work: Callable[[], object]) -> Spent:
    """Return the time that a call takes."""
    begin, begin_cpu = time.perf_counter(), time.process_time()
    work()
    return Spent((time.perf_counter() - begin) * 1000, (time.process_time() - begin_cpu) * 1000)


def works_of(floor: type[SQLiteFloor | PostgreSQLFloor]) -> dict[str, Callable[[str, str], object]]:
    """Return what is measured: functions of the question and of the words for the floor."""
    from django.test import Client

    from governance.assurance.standings import standings
    from runbooks.search.query import answer

    def raw(_question: str, words: str) -> None:
        with connection_cursor() as cursor:
            cursor.execute(floor.ASK, [floor.words(words)])
            cursor.fetchall()

    def whole(question: str, _words: str) -> None:
        found = answer(question, standings=standings)
        for hit in found.hits(found.runbooks[:20]):
            hit.heading_parts(), hit.snippet_parts()

    client = Client()
    return {
        RAW: raw,
        ANSWER: whole,
        PAGE: lambda question, _words: client.get("/search/", {"q": question}),
        SUGGESTIONS: lambda question, _words: client.get("/search/suggestions/", {"q": question}),
    }


def set_up_floor() -> type[SQLiteFloor | PostgreSQLFloor]:
    """Create the table of the raw query."""
    from django.db import connection

    floor = SQLiteFloor if connection.vendor == "sqlite" else PostgreSQLFloor
    with connection_cursor() as cursor:
        for statement in floor.CREATE:
            cursor.execute(statement)
    return floor


def measure(rounds: int, floor: type[SQLiteFloor | PostgreSQLFloor]) -> dict[str, float]:
    """Measure floor and search alternately for every question, print both, return medians by name.

    The first round warms up.
    """
    works = works_of(floor)
    first = timed(lambda: works[ANSWER]("alert", ""))
    times: dict[str, list[Spent]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for question, words in QUESTIONS:
            for name, work in works.items():
                spent = timed(
                    lambda work=work, question=question, words=words: work(question, words)
                )
                times[name].extend([spent] if number else [])
    print(
        f"{floor.__name__}: {len(times[RAW])} questions; a process's first answer "
        f"{first.wall:.0f} ms (reads the vocabulary)"
    )
    base_median, base_p95 = middle_and_tail([each.wall for each in times[RAW]])
    medians = {}
    for name, spent in times.items():
        median, p95 = middle_and_tail([each.wall for each in spent])
        cpu = statistics.median(each.cpu for each in spent)
        ratios = f"{median / base_median:5.2f} x and {p95 / base_p95:5.2f} x the raw query"
        print(
            f"  {name:<15} median {median:7.2f} ms, p95 {p95:7.2f} ms, CPU {cpu:6.2f} ms: {ratios}"
        )
        medians[name] = median
    return medians


def profile(name: str, rounds: int, floor: type[SQLiteFloor | PostgreSQLFloor]) -> None:
    """Print where the search spends its time."""
    work = works_of(floor)[{"answer": ANSWER, "suggestions": SUGGESTIONS}[name]]
    work("alert", "")
    profiler = cProfile.Profile()
    profiler.enable()
    for _ in range(rounds):
        for question, words in QUESTIONS:
            work(question, words)
    profiler.disable()
    pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


def middle_and_tail(times: list[float]) -> tuple[float, float]:
    """Return the median and the 95th percentile."""
    return statistics.median(times), statistics.quantiles(times, n=20)[-1]


def in_a_database_of_its_own(work: Callable[[], dict[str, float]]) -> dict[str, float]:
    """Run a function in a temporary database, and return its result."""
    from django.conf import settings
    from django.db import connection
    from django.test.utils import setup_databases, teardown_databases

    name = (
        str(settings.VAR_DIR / "benchmark.sqlite3")
        if connection.vendor == "sqlite"
        else "test_benchmark_search"
    )
    connection.settings_dict["TEST"]["NAME"] = name
    made = setup_databases(verbosity=0, interactive=False)
    try:
        return work()
    finally:
        teardown_databases(made, verbosity=0)


def main() -> None:
    """Read the options, create the documents, and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=3_000)
    parser.add_argument("--kilobytes", type=int, default=20, help="of each document")
    parser.add_argument("--words", type=int, default=60_000, help="different words in all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--profile", default="", choices=["", "answer", "suggestions"])
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.test.utils import setup_test_environment

    setup_test_environment()
    settings.PORTAL_READ = "public"

    def run(documents: int) -> dict[str, float]:
        spent = timed(lambda: fill(documents, options.kilobytes, options.words))
        print(f"{documents} documents of {options.kilobytes} KB, made in {spent.wall / 1000:.1f} s")
        floor = set_up_floor()
        if options.profile:
            profile(options.profile, options.rounds, floor)
            return {}
        return measure(options.rounds, floor)

    sizes = GROWTH if options.growth else (options.documents,)
    few, *more = [in_a_database_of_its_own(lambda size=size: run(size)) for size in sizes]
    for many in more:
        print(f"{sizes[0]} -> {sizes[1]} documents [1.3 x]")
        for name, median in many.items():
            print(f"  {name:<15} {median / few[name]:5.2f} x")


if __name__ == "__main__":
    main()
