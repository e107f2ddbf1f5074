"""Measure a search against the raw full text query on the same texts: median, p95 and ratio.

python -m benchmarks.search [--documents 3000] [--rounds 5]

Runs on SQLite, or on the database of ``DATABASE_URL``, in a temporary database of its own. The
floor is the minimum that finds and shows: one query with a snippet for each of the first twenty
hits, plain words, no typing errors, no sections, no readiness. Compare ratios, not times, which
depend on the machine.
"""

import argparse
import os
import random
import statistics
import time
from collections.abc import Callable

RAW, ANSWER, PAGE = "raw query", "whole answer", "page with HTML"
SYLLABLES = (
    "al ba cor dan el fin gor hal im jo kar lum mor nex or pel qui rus sal tor ul ven wor xan "
    "yel zin"
).split()
PARTS = 10
WORDS_OF_PART = 140
# What is asked, and how somebody would have to write it for the raw query.
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
    """Return invented words with the frequencies of a language: the second is half as common."""
    dice = random.Random(1)
    words = list(
        dict.fromkeys(
            "".join(dice.choices(SYLLABLES, k=dice.randint(1, 4))) for _ in range(size * 2)
        )
    )[:size]
    for place, word in enumerate(SEEDED):
        words.insert(40 + place * 23, word)
    return words, [1 / (rank + 8) for rank in range(len(words))]


def fill(number: int) -> None:
    """Runbooks with documents of about ten kilobytes in ten sections, then the index."""
    from django.utils import timezone

    from runbooks.models import Document, Layer, Runbook, Situation, SituationRunbook
    from runbooks.search import index

    dice = random.Random(2)
    words, weights = words_of_the_trade(9_000)
    text = lambda size: " ".join(dice.choices(words, weights, k=size))  # noqa: E731
    layers = [Layer(slug=f"layer-{each}", title=f"Layer {each}") for each in range(12)]
    documents, runbooks = [], []
    for each in range(number):
        parts = [(f"doc-{part}", text(4), text(WORDS_OF_PART)) for part in range(PARTS)]
        html = "".join(
            f'<h3 id="{anchor}">{heading}</h3><p>{body}</p>' for anchor, heading, body in parts
        )
        markdown = "\n\n".join(f"## {heading}\n\n{body}" for _, heading, body in parts)
        documents.append(
            Document(
                path=f"docs/{each}.md",
                sha256=f"{each:064x}",
                text=markdown,
                html=html,
                size=len(markdown),
                seen_at=timezone.now(),
            )
        )
        runbooks.append(
            Runbook(
                slug=f"runbook-{each}", title=f"{text(3)} {each}", scope=text(30), position=each
            )
        )
    with index.deferred():
        Layer.objects.bulk_create(layers)
        for document, runbook in zip(
            Document.objects.bulk_create(documents), runbooks, strict=True
        ):
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
        SituationRunbook.objects.bulk_create(
            SituationRunbook(situation=situation, runbook=runbook, position=position)
            for situation in situations
            for position, runbook in enumerate(dice.sample(runbooks, 3), start=1)
        )
        index.rebuild()
        index._held.get().runbooks.clear()  # all of them were made just now
        index._held.get().situations.clear()


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
        """Every word, in quotes."""
        return " ".join(f'"{word}"' for word in text.split())


class PostgreSQLFloor:
    """A stored tsvector with a GIN index; the snippet from the first five hundred signs."""

    CREATE = (
        r"""CREATE TABLE floor_text AS SELECT r.id, r.title, d.text AS body, to_tsvector('simple',
            regexp_replace(translate(r.title || ' ' || d.text, 'üöä', 'uoa'), '[/.-]', ' ', 'g'))
            AS vector
            FROM runbooks_runbook r JOIN runbooks_document d ON d.id = r.document_id""",
        "CREATE INDEX floor_index ON floor_text USING gin (vector)",
        "ANALYZE",
        "SET enable_seqscan = off",  # else it reads the whole table: 40 ms
    )
    ASK = """SELECT id, title, ts_headline('simple', left(body, 500), words) FROM (
             SELECT id, title, body, words FROM floor_text, plainto_tsquery('simple', %s) words
             WHERE vector @@ words
             ORDER BY ts_rank(vector, words) DESC LIMIT 20) best"""

    @staticmethod
    def words(text: str) -> str:
        """As they are."""
        return text


def timed(work: Callable[[], object]) -> float:
    """Milliseconds."""
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1000


def works_of(floor: type[SQLiteFloor | PostgreSQLFloor]) -> dict[str, Callable[[str, str], object]]:
    """What is measured: each takes the question and the words that the floor is asked for."""
    from django.db import connection
    from django.test import Client

    from governance.assurance.standings import standings
    from runbooks.search.query import answer

    def raw(_question: str, words: str) -> None:
        with connection.cursor() as cursor:
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
    }


def measure(rounds: int) -> None:
    """Call the floor and the search alternately with every question. The first round warms up."""
    from django.db import connection

    floor = SQLiteFloor if connection.vendor == "sqlite" else PostgreSQLFloor
    with connection.cursor() as cursor:
        for statement in floor.CREATE:
            cursor.execute(statement)
    works = works_of(floor)
    first = timed(lambda: works[ANSWER]("alert", ""))
    times: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for question, words in QUESTIONS:
            for name, work in works.items():
                spent = timed(
                    lambda work=work, question=question, words=words: work(question, words)
                )
                times[name].extend([spent] if number else [])
    print(
        f"{connection.vendor}: {len(times[RAW])} questions; a process's first answer "
        f"{first:.0f} ms (reads the vocabulary)"
    )
    base_median, base_p95 = middle_and_tail(times[RAW])
    for name, spent in times.items():
        median, p95 = middle_and_tail(spent)
        ratios = f"{median / base_median:5.2f} x and {p95 / base_p95:5.2f} x the raw query"
        print(f"  {name:<15} median {median:7.2f} ms, p95 {p95:7.2f} ms: {ratios}")


def middle_and_tail(times: list[float]) -> tuple[float, float]:
    """Median and 95th percentile."""
    return statistics.median(times), statistics.quantiles(times, n=20)[-1]


def main() -> None:
    """Make a database, fill it, measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=3_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection
    from django.test.utils import setup_databases, setup_test_environment, teardown_databases

    setup_test_environment()
    settings.PORTAL_READ = "public"
    name = (
        str(settings.VAR_DIR / "benchmark.sqlite3")
        if connection.vendor == "sqlite"
        else "test_benchmark_search"
    )
    connection.settings_dict["TEST"]["NAME"] = name
    made = setup_databases(verbosity=0, interactive=False)
    try:
        spent = timed(lambda: fill(options.documents))
        print(f"{options.documents} documents of 10 KB: filled and indexed in {spent / 1000:.1f} s")
        measure(options.rounds)
    finally:
        teardown_databases(made, verbosity=0)


if __name__ == "__main__":
    main()
