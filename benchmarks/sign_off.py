"""Measure one signature against a minimal program that stores one: queries, median, p95, ratio.

python -m benchmarks.sign_off [--rounds 40] [--list]

Runs on SQLite, or on the database of ``DATABASE_URL``, in a temporary database of its own. The
floor is a bare view without middleware that checks the form and, in one transaction, reads the
request, stores the sign-off, changes the readiness and writes the ledger row, in tables without
guards, without permissions and password. The password is hashed by a fast hasher, because the real
one is slow on purpose. ``--list`` prints the code that sends each query instead. Compare ratios,
not times, which depend on the machine.
"""

import argparse
import os
import statistics
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PASSWORD = "correct-horse-battery"
WAYS = ("action", "POST", "GET")
SIGNATURES = ("first", "completing")
COUNTED = 2  # the round whose queries are counted; earlier ones warm up, later ones are timed
# Ledger entries about each signed runbook and each signer, as in a portal of some years.
NOISE = 40
CONTROL = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
HERE = Path(__file__).resolve().parent.parent
NOT_OURS = frozenset(
    {".venv", "benchmarks", "middleware.py", "passwords.py"}
)  # passed by every request


@dataclass
class Pair:
    """Times and queries of the same work by the portal and by the floor.

    Each run uses a request of its own.
    """

    ours: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)
    our_queries: list[str] = field(default_factory=list)
    floor_queries: list[str] = field(default_factory=list)


def fill(number: int) -> tuple[dict[str, Any], list[Any]]:
    """Create the people and ``number`` open requests that need two signatures.

    Each request is for a runbook and a document of its own.
    """
    from django.contrib.auth.models import Group, User
    from django.utils import timezone

    from governance import ledger
    from governance.accounts.roles import EDITORS, RISK_OWNERS
    from governance.editing.audited_edit import audited_edit
    from governance.exchange.documents import store_document
    from governance.signoff.submit import submit
    from runbooks.models import Cluster, Layer, Runbook

    people = {}
    for name, group in (("ed", EDITORS), ("rita", RISK_OWNERS), ("rolf", RISK_OWNERS)):
        people[name] = User.objects.create_user(name, password=PASSWORD, is_staff=True)
        with audited_edit(people[name], by=ledger.SYSTEM):
            people[name].groups.add(Group.objects.get(name=group))
        tell_of(f"user:{name}")
    cluster = Cluster.objects.create(slug="cluster", first_number=82, last_number=85, title="Pumps")
    layers = [
        Layer.objects.create(slug=f"layer-{each}", title=f"Layer {each}") for each in range(2)
    ]
    requests = []
    for each in range(number):
        path = f"docs/pump_{each}.md"
        text = f"# Pump {each}\n\n" + "1. Look, then act, then tell.\n" * 300
        runbook = Runbook(
            slug=f"pump-{each}", title=f"Pump {each}", document_path=path, scope="s" * 200
        )
        runbook.primary_cluster, runbook.position = cluster, each
        runbook.document = store_document(path=path, content=text.encode(), by=ledger.SYSTEM)
        runbook.save()
        runbook.layers.set(layers)
        tell_of(f"runbook:{runbook.slug}")
        asked = {
            "level": "ready",
            "year": timezone.localdate().year,
            "evidence": "https://evidence.example/drill",
        }
        requests.append(submit(runbook=runbook, rationale="Drilled.", by=people["ed"], **asked))
    return people, requests


def tell_of(subject: str) -> None:
    """Append many ledger entries without relevance, as a portal has after some years."""
    from django.db import transaction

    from governance import ledger
    from governance.ledger.choices import Action

    changes = {"scope": {"before": "a" * 60, "after": "b" * 60}}
    with transaction.atomic():
        ledger.append_all(
            ledger.Record(
                actor=ledger.SYSTEM, action=Action.CHANGED, subject=subject, changes=changes
            )
            for _ in range(NOISE)
        )


class Floor:
    """The minimal program, in its own tables with copies of the portal's rows."""

    def __init__(self, requests: list[Any]) -> None:
        from django import forms
        from django.conf import settings
        from django.db import connection, models
        from django.template import engines
        from django.test import Client, override_settings
        from django.urls import path

        class Bare(models.Model):
            class Meta:
                abstract, app_label = True, "benchmarks"

            def __str__(self) -> str:
                return str(self.pk)

        class Book(Bare):
            slug, title, html = (
                models.SlugField(),
                models.CharField(max_length=200),
                models.TextField(),
            )
            level, year = models.CharField(max_length=20), models.IntegerField(null=True)
            signed_at = models.DateTimeField(null=True)

        class Asked(Bare):
            book = models.ForeignKey(Book, models.PROTECT)
            to_level, to_year = models.CharField(max_length=20), models.IntegerField()

        class Signed(Bare):
            asked, signer = models.ForeignKey(Asked, models.PROTECT), models.IntegerField()
            comment, statement, at = models.TextField(), models.TextField(), models.DateTimeField()

        class Entry(Bare):
            sequence, at = models.BigIntegerField(primary_key=True), models.DateTimeField()
            subject, changes = models.CharField(max_length=400), models.JSONField()
            previous_hash, hash = models.CharField(max_length=64), models.CharField(max_length=64)

        class Decision(forms.Form):
            comment = forms.CharField(max_length=2000)
            decision = forms.ChoiceField(choices=[("approve", "Approve"), ("reject", "Reject")])

        self.asked, self.signed, self.entry, self.form = Asked, Signed, Entry, Decision
        self.template = engines["django"].from_string(
            "<h1>{{ asked.book.title }}: {{ asked.to_level }}</h1><ul>{% for each in "
            "decisions %}<li>{{ each.comment }}</li>"
            "{% endfor %}</ul>{{ asked.book.html|safe }}<form method=post>{{ form }}</form>"
        )
        with connection.schema_editor() as editor:
            for model in (Book, Asked, Signed, Entry):
                editor.create_model(model)
        Entry.objects.create(
            sequence=1, at=requests[0].requested_at, subject="", changes={}, hash="0" * 64
        )
        for each in requests:
            html = each.runbook.document.html
            book = Book.objects.create(
                pk=each.runbook_id, slug=each.runbook.slug, title=each.runbook.title, html=html
            )
            Asked.objects.create(
                pk=each.pk, book=book, to_level=each.to_level, to_year=each.to_year
            )
        with override_settings(MIDDLEWARE=[]):
            self.client = Client()
            self.client.handler.load_middleware()
        # The portal's own addresses beside the floor's.
        routes = __import__(settings.ROOT_URLCONF, fromlist=["urlpatterns"]).urlpatterns
        routes[:0] = [path("floor/<int:pk>/<str:signature>/", self.view)]

    def view(self, request: Any, pk: int, signature: str) -> Any:
        """Return the page of a request, or take the decision and redirect."""
        from django.http import HttpResponse, HttpResponseRedirect

        if request.method != "POST":
            asked = self.asked.objects.select_related("book").get(pk=pk)
            decisions = self.signed.objects.filter(asked=pk)
            return HttpResponse(
                self.template.render({"asked": asked, "decisions": decisions, "form": self.form()})
            )
        form = self.form(request.POST)
        if not form.is_valid():
            return HttpResponse(status=400)
        self.sign(pk, form.cleaned_data["comment"], completes=signature == "completing")
        return HttpResponseRedirect("/")

    def sign(self, pk: int, comment: str, *, completes: bool) -> None:
        """Store a decision in one transaction."""
        import hashlib
        import json

        from django.db import transaction
        from django.utils import timezone

        with transaction.atomic():
            asked, now = self.asked.objects.select_related("book").get(pk=pk), timezone.now()
            statement = f"I approve “{asked.book.title}” as {asked.to_level}."
            self.signed.objects.create(
                asked=asked, signer=2, comment=comment, statement=statement, at=now
            )
            if completes:
                moved = {"level": asked.to_level, "year": asked.to_year, "signed_at": now}
                type(asked.book).objects.filter(pk=asked.book_id).update(**moved)
            last = self.entry.objects.order_by("-sequence").first()
            row = {
                "sequence": last.sequence + 1,
                "previous_hash": last.hash,
                "subject": f"runbook:{asked.book.slug}",
            }
            row["changes"] = {
                "readiness": {"before": "unassessed", "after": asked.to_level},
                "comment": comment,
            }
            digest = hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()
            self.entry.objects.create(**row, at=now, hash=digest)


class Portal:
    """The portal's side of the comparison."""

    def __init__(self, people: dict[str, Any]) -> None:
        from django.test import Client

        self.signers = {"first": people["rita"], "completing": people["rolf"]}
        self.clients = {signature: Client() for signature in SIGNATURES}
        for signature, client in self.clients.items():
            client.force_login(self.signers[signature])

    def work(self, way: str, request: Any, signature: str) -> Callable[[], object]:
        """Return the function to time; preparations are done here."""
        from governance.signoff import decide
        from governance.signoff.decide import form_etag

        address = f"/admin/governance/statuschangerequest/{request.pk}/"
        client = self.clients[signature]
        if way == "GET":
            return lambda: answered(client.get(f"{address}change/"), 200)
        seen = form_etag(request)
        if way == "POST":
            values = {
                "seen": seen,
                "decision": "approve",
                "comment": "Read in full.",
                "password": PASSWORD,
            }
            return lambda: answered(client.post(f"{address}decide/", values), 302)
        signer = type(self.signers[signature]).objects.get(pk=self.signers[signature].pk)
        return lambda: decide.sign(
            request=request, comment="Read in full.", seen=seen, password=PASSWORD, by=signer
        )


def answered(response: Any, status: int) -> None:
    """Check that a response has the expected status.

    :raises AssertionError: something else was measured than was meant.
    """
    assert response.status_code == status, (response.status_code, response.content[:2_000])


def floor_work(floor: Floor, way: str, request: Any, signature: str) -> Callable[[], object]:
    """Return the floor's counterpart of ``Portal.work``."""
    address, values = (
        f"/floor/{request.pk}/{signature}/",
        {"decision": "approve", "comment": "Read in full."},
    )
    return {
        "action": lambda: floor.sign(
            request.pk, "Read in full.", completes=signature == "completing"
        ),
        "POST": lambda: answered(floor.client.post(address, values), 302),
        "GET": lambda: answered(floor.client.get(address), 200),
    }[way]


def timed(work: Callable[[], object]) -> float:
    """Return the milliseconds that a call takes."""
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1000


def asked_by(work: Callable[[], object]) -> list[str]:
    """Return each query with the line of the portal's code that sends it, without savepoints."""
    from django.db import connection

    found: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        places = [(Path(frame.filename), frame.lineno) for frame in traceback.extract_stack()]
        ours = [
            f"{place.relative_to(HERE)}:{line}"
            for place, line in places
            if place.is_relative_to(HERE) and not NOT_OURS.intersection(place.parts)
        ]
        if not sql.startswith(CONTROL):
            found.append(
                f"{' '.join(sql.split())[:110]}\n        "
                f"{' < '.join(reversed(ours)) or 'the session'}"
            )
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        work()
    return found


def measure(rounds: int) -> dict[tuple[str, str], Pair]:
    """Run floor and portal alternately. Two rounds warm up; the next counts the queries."""
    people, requests = fill((rounds + COUNTED + 1) * 2)
    portal, floor = Portal(people), Floor(requests)
    pairs = {(way, signature): Pair() for signature in SIGNATURES for way in WAYS}
    for number in range(rounds + COUNTED + 1):
        for signature in SIGNATURES:
            for way in ("GET", "action", "POST"):
                request, pair = requests[number * 2 + (way == "POST")], pairs[way, signature]
                theirs, ours = (
                    floor_work(floor, way, request, signature),
                    portal.work(way, request, signature),
                )
                if number == COUNTED:
                    pair.floor_queries, pair.our_queries = asked_by(theirs), asked_by(ours)
                    continue
                spent = timed(theirs), timed(ours)
                if number > COUNTED:
                    pair.floor.append(spent[0])
                    pair.ours.append(spent[1])
    return pairs


def middle_and_tail(times: list[float]) -> tuple[float, float]:
    """Return the median and the 95th percentile."""
    return statistics.median(times), statistics.quantiles(times, n=20)[-1]


def show(pairs: dict[tuple[str, str], Pair], *, queries: bool) -> None:
    """Print the table, or with ``queries`` the queries of each."""
    for (way, signature), pair in pairs.items():
        ours, floor = middle_and_tail(pair.ours), middle_and_tail(pair.floor)
        print(
            f"  {signature:<10} {way:<7} {len(pair.our_queries):>3} queries {ours[0]:7.2f} "
            f"ms, p95 {ours[1]:7.2f};"
            f"  floor {len(pair.floor_queries)} {floor[0]:6.2f} ms, p95 {floor[1]:6.2f};"
            f"  {ours[0] / floor[0]:5.2f} x and {ours[1] / floor[1]:5.2f} x"
        )
        for place, query in enumerate(pair.our_queries if queries else [], start=1):
            print(f"    {place:>3} {query}")


def main() -> None:
    """Create a database, fill it, and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection
    from django.test.utils import setup_databases, setup_test_environment, teardown_databases

    setup_test_environment()
    name = str(settings.VAR_DIR / "benchmark_sign_off.sqlite3")
    connection.settings_dict["TEST"]["NAME"] = (
        name if connection.vendor == "sqlite" else "test_benchmark_sign_off"
    )
    made = setup_databases(verbosity=0, interactive=False)
    try:
        pairs = measure(options.rounds)
        print(f"{connection.vendor}, {options.rounds} rounds")
        show(pairs, queries=options.list)
    finally:
        teardown_databases(made, verbosity=0)


if __name__ == "__main__":
    main()
