"""Measure the pages and the REST list against a minimal program on the same rows, in one run.

python -m benchmarks.pages [--rows 2000] [--ready 100] [--rounds 30] [--growth] [--profile NAME]

Runs on SQLite, or on the database of ``DATABASE_URL``, in a temporary database of its own. The
floor is a bare view on the same rows: no middleware, permissions, verdict, filters or language; a
plain template for the list, the stored HTML for the detail page, handwritten dicts for the rows.
The portal and the floor are called alternately. ``--growth`` measures at a tenth of the rows and at
ten times as many instead. Compare ratios, not times.
"""

import argparse
import cProfile
import json
import logging
import os
import pstats
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

WORDS = (
    "restart broker escalation limit snapshot pump alert latency session review operator drill"
).split()
TEXTS = 8  # distinct documents of about ten kilobytes
PART = 24  # chapters in each
SCOPE_SIGNS = 200
PER_PAGE = 50
LIST_TEMPLATE = """<!DOCTYPE html><html><head><title>Runbooks</title></head><body><form>\
<select name="layer">
{% for layer in layers %}<option value="{{ layer.slug }}">{{ layer.title }}</option>{% endfor %}\
</select></form>
<p>{{ page.paginator.count }}</p><table>{% for runbook in page %}<tr>
<td><a href="{{ runbook.get_absolute_url }}">{{ runbook.title }}</a> {{ runbook.version }}\
<p>{{ runbook.scope }}</p></td>
<td>{{ runbook.get_readiness_level_display }} {{ runbook.readiness_year|default_if_none:"" }}</td>
<td>{{ runbook.primary_cluster }}</td><td>{{ runbook.layers.all|join:", " }}</td>\
<td>{{ runbook.owner }}</td>
</tr>{% endfor %}</table></body></html>"""
DETAIL_TEMPLATE = """<!DOCTYPE html><html><head><title>{{ runbook.title }}</title></head><body>\
<h1>{{ runbook.title }}</h1>
<p>{{ runbook.scope }}</p><p>{{ runbook.get_readiness_level_display }}\
 {{ runbook.readiness_year|default_if_none:"" }}</p>
<p>{{ runbook.primary_cluster }}</p><ul>{% for layer in runbook.layers.all %}<li>{{ layer }}</li>\
{% endfor %}</ul>
{{ runbook.document.html|safe }}</body></html>"""


# ---- the rows


def fill(number: int, ready: int) -> None:
    """Create ``number`` runbooks with documents; two risk owners sign the first ``ready`` ones."""
    from runbooks.models import Runbook
    from runbooks.search import index
    from tests import cast

    with index.deferred():
        _catalogue(number)
        index._held.get().runbooks.clear()  # this benchmark does not search
    if ready:
        for name, group in cast.GROUPS.items():
            cast.make_person(name, group=group)
        for runbook in Runbook.objects.order_by("pk")[:ready]:
            cast.make_ready(runbook)


def _catalogue(number: int) -> None:
    from django.utils import timezone

    from runbooks.models import (
        Cluster,
        Document,
        Layer,
        Runbook,
        Section,
        SectionEntry,
        Situation,
        SituationRunbook,
    )

    dice = random.Random(3)
    texts = _texts(dice)
    layers = Layer.objects.bulk_create(
        Layer(slug=f"layer-{each}", title=f"Layer {each}") for each in range(12)
    )
    clusters = Cluster.objects.bulk_create(
        Cluster(
            slug=f"cluster-{each}",
            first_number=each * 10,
            last_number=each * 10 + 9,
            title=f"Work {each}",
        )
        for each in range(40)
    )
    now = timezone.now()
    documents = Document.objects.bulk_create(
        Document(
            path=f"docs/{each}.md", seen_at=now, source_revision="a" * 40, **texts[each % TEXTS]
        )
        for each in range(number)
    )
    _tell_of(documents)
    runbooks = Runbook.objects.bulk_create(
        Runbook(
            slug=f"runbook-{each}",
            title=f"{' '.join(dice.choices(WORDS, k=3))} {each}",
            version="v1.0",
            scope=_scope(dice),
            document_path=document.path,
            document=document,
            primary_cluster=dice.choice(clusters),
            owner=f"Desk {each % 7}",
            escalation_contact="Duty officer",
            declared_level="shadow",
            position=each,
        )
        for each, document in enumerate(documents)
    )
    Runbook.layers.through.objects.bulk_create(
        Runbook.layers.through(runbook=runbook, layer=layer)
        for runbook in runbooks
        for layer in dice.sample(layers, 2)
    )
    sections = Section.objects.bulk_create(
        Section(slug=f"section-{each}", number=each, title=f"Chapter {each}")
        for each in range(1, 9)
    )
    SectionEntry.objects.bulk_create(
        SectionEntry(
            section=dice.choice(sections),
            runbook=runbook,
            position=runbook.position,
            role="Read first.",
        )
        for runbook in runbooks
    )
    situations = Situation.objects.bulk_create(
        Situation(slug=f"situation-{each}", title=f"Situation {each}", position=each)
        for each in range(30)
    )
    SituationRunbook.objects.bulk_create(
        SituationRunbook(situation=situation, runbook=runbook, position=place)
        for situation in situations
        for place, runbook in enumerate(dice.sample(runbooks[:200], 3), start=1)
    )


def _tell_of(documents: list[Any]) -> None:
    """Append the ledger entries of stored texts, because an unknown text cannot be signed."""
    from django.db import transaction

    from governance import ledger
    from governance.ledger.choices import Action
    from governance.ledger.snapshot import diff, snapshot, subject_of

    with transaction.atomic():
        ledger.append_all(
            ledger.Record(
                actor=ledger.SYSTEM,
                action=Action.DOCUMENT_STORED,
                subject=subject_of(document),
                subject_title=str(document),
                changes=diff(None, snapshot(document)),
            )
            for document in documents
        )


def _scope(dice: random.Random) -> str:
    return " ".join(dice.choices(WORDS, k=40))[:SCOPE_SIGNS].strip()


def _texts(dice: random.Random) -> list[dict[str, Any]]:
    """Return documents of about ten kilobytes, rendered as the portal does it."""
    import hashlib

    from runbooks.documents import RENDERER
    from runbooks.documents.rendering.sandbox import render_document

    made = []
    for number in range(TEXTS):
        parts = [
            f"## {part}. "
            f"{' '.join(dice.choices(WORDS, k=3))}\n\n{' '.join(dice.choices(WORDS, k=34))}\n\n"
            f"1. {' '.join(dice.choices(WORDS, k=6))}\n2. "
            f"{' '.join(dice.choices(WORDS, k=6))}\n\n```\nrestart {part}\n```\n"
            for part in range(PART)
        ]
        text = f"# Document {number}\n\n" + "\n".join(parts)
        rendered = render_document(text, document_path=f"docs/{number}.md")
        made.append(
            {
                "text": text,
                "sha256": hashlib.sha256(text.encode()).hexdigest(),
                "html": rendered.html,
                "html_sha256": hashlib.sha256(rendered.html.encode()).hexdigest(),
                "contents": rendered.contents,
                "renderer": RENDERER,
                "size": len(text),
            }
        )
    return made


# ---- what is asked


@dataclass(frozen=True)
class Work:
    """The portal and the floor.

    ``most`` is the maximum cost of the portal as a multiple of the floor, ``queries`` its maximum
    number of queries.
    """

    name: str
    ours: Callable[[], object]
    floor: Callable[[], object]
    most: float
    queries: int | None = None


def works(ready: int) -> list[Work]:
    """Return what is measured."""
    from django.contrib.auth.models import User
    from django.test import RequestFactory

    asked, signed_in = ask(), ask(User.objects.filter(username="rita").first())
    as_admin = ask(User.objects.create_superuser("chief", password="x"))
    request, stock = RequestFactory().get("/"), stock_change_list(as_admin)
    detail, waiting = "/runbooks/runbook-0/", f"/runbooks/runbook-{ready}/"
    rest = "/api/v1/runbooks/?page_size="
    every = [
        Work("list", lambda: asked("/runbooks/"), lambda: floor_list(request), 1.4, 5),
        Work("list, signed in", lambda: signed_in("/runbooks/"), lambda: floor_list(request), 1.6),
        Work(
            "list, filtered",
            lambda: asked("/runbooks/?layer=layer-3"),
            lambda: asked("/runbooks/"),
            1.2,
        ),
        Work(
            "list, by text", lambda: asked("/runbooks/?text=pump"), lambda: asked("/runbooks/"), 1.2
        ),
        Work(
            "detail, signed",
            lambda: asked(detail),
            lambda: floor_detail(request, "runbook-0"),
            2.5,
            5,
        ),
        Work(
            "detail, unsigned",
            lambda: asked(waiting),
            lambda: floor_detail(request, f"runbook-{ready}"),
            1.8,
            5,
        ),
        Work("REST, 50", lambda: asked(f"{rest}50"), lambda: floor_rows(request, 50), 1.5, 4),
        Work(
            "REST, 1,000", lambda: asked(f"{rest}1000"), lambda: floor_rows(request, 1000), 1.2, 4
        ),
        Work("admin list", lambda: as_admin("/admin/runbooks/runbook/"), stock, 1.2),
    ]
    return [work for work in every if "signed" not in work.name or ready]


def ask(user: Any = None) -> Callable[[str], bytes]:
    """Return a function that requests a URL from the whole portal, through every middleware."""
    from django.conf import settings
    from django.core.handlers.wsgi import WSGIHandler
    from django.test import Client, RequestFactory

    handler, factory = WSGIHandler(), RequestFactory()
    if user:
        client = Client()
        client.force_login(user)
        factory.cookies[settings.SESSION_COOKIE_NAME] = client.cookies[
            settings.SESSION_COOKIE_NAME
        ].value

    def asked(address: str) -> bytes:
        response: Any = handler.get_response(factory.get(address))
        assert response.status_code == 200, (address, response.status_code)  # noqa: PLR2004
        return response.content

    return asked


def floor_list(request: Any) -> bytes:
    """Return fifty rows in a plain template."""
    from django.core.paginator import Paginator
    from django.http import HttpResponse
    from django.template import Context

    from runbooks.models import Layer, Runbook

    rows = Runbook.objects.select_related("primary_cluster").prefetch_related("layers")
    context = {
        "page": Paginator(rows, PER_PAGE).get_page(request.GET.get("page")),
        "layers": Layer.objects.all(),
    }
    return HttpResponse(_template(LIST_TEMPLATE).render(Context(context))).content


def floor_detail(request: Any, slug: str) -> bytes:
    """Return one row and its stored HTML in a plain template."""
    from django.http import HttpResponse
    from django.shortcuts import get_object_or_404
    from django.template import Context

    from runbooks.models import Runbook

    rows = Runbook.objects.select_related("primary_cluster", "document").prefetch_related("layers")
    runbook = get_object_or_404(rows.defer("document__text"), slug=slug)
    return HttpResponse(_template(DETAIL_TEMPLATE).render(Context({"runbook": runbook}))).content


def floor_rows(request: Any, size: int) -> bytes:
    """Return the rows as JSON from handwritten dicts."""
    from django.core.paginator import Paginator
    from django.http import HttpResponse

    from runbooks.models import Runbook

    rows = Runbook.objects.select_related("primary_cluster").prefetch_related("layers")
    page = Paginator(rows, size).get_page(request.GET.get("page"))
    body = {
        "count": page.paginator.count,
        "results": [
            {
                "slug": runbook.slug,
                "title": runbook.title,
                "document_path": runbook.document_path,
                "version": runbook.version,
                "scope": runbook.scope,
                "primary_cluster": _reference(runbook.primary_cluster),
                "layers": [_reference(layer) for layer in runbook.layers.all()],
                "owner": runbook.owner,
                "escalation_contact": runbook.escalation_contact,
                "readiness_level": runbook.readiness_level,
                "readiness_year": runbook.readiness_year,
                "signed_at": runbook.signed_at.isoformat() if runbook.signed_at else None,
                "declared_level": runbook.declared_level,
                "declared_year": runbook.declared_year,
            }
            for runbook in page
        ],
    }
    return HttpResponse(json.dumps(body), content_type="application/json").content


def _reference(row: Any) -> dict[str, str] | None:
    return {"slug": row.slug, "title": str(row)} if row else None


def stock_change_list(asked: Callable[[str], bytes]) -> Callable[[], object]:
    """Return Django's own admin list of the same rows, columns and filters, in the same portal."""
    from django.contrib import admin
    from django.urls import clear_url_caches, path

    from governance.admin.runbooks import RunbookAdmin
    from governance.admin.sign_off import StatusChangeRequestAdmin
    from governance.signoff.models import StatusChangeRequest
    from portal import urls
    from runbooks.models import Runbook

    class StockAdmin(admin.ModelAdmin):
        change_list_template = "admin/change_list.html"
        list_display = (
            "title",
            "readiness_level",
            "declared_level",
            "primary_cluster",
            "in_layers",
            "owner",
            "document",
        )
        list_filter = RunbookAdmin.list_filter
        search_fields = RunbookAdmin.search_fields
        list_select_related = ("primary_cluster", "document")
        list_per_page = RunbookAdmin.list_per_page

        def get_queryset(self, request: Any) -> Any:
            rows = super().get_queryset(request).prefetch_related("layers")
            return rows.defer("document__text", "document__html", "document__contents")

        def in_layers(self, runbook: Any) -> str:
            return ", ".join(layer.title for layer in runbook.layers.all())

    site = admin.AdminSite("stock")
    site.register(Runbook, StockAdmin)
    # Every page of the admin links to its lists.
    site.register(StatusChangeRequest, StatusChangeRequestAdmin)
    urls.urlpatterns.append(path("stock/", site.urls))
    clear_url_caches()
    return lambda: asked("/stock/runbooks/runbook/")


_templates: dict[str, Any] = {}


def _template(text: str) -> Any:
    from django.template import engines

    if text not in _templates:
        _templates[text] = engines["django"].from_string(text).template
    return _templates[text]


# ---- measuring


def timed(work: Callable[[], object]) -> float:
    """Return the milliseconds that a call takes."""
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1000


def queries_of(work: Callable[[], object]) -> int:
    """Return the number of queries of a call."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        work()
    return len(queries)


def measure(ready: int, rounds: int) -> dict[str, float]:
    """Measure portal and floor alternately, print both, and return the portal's medians by name."""
    from django.db import connection

    print(f"{connection.vendor}: median of {rounds}; targets in brackets")
    medians = {}
    for work in works(ready):
        for warm_up in (work.ours, work.floor, work.ours, work.floor):
            warm_up()
        pairs = [(timed(work.floor), timed(work.ours)) for _ in range(rounds)]
        floor, ours = (statistics.median(each) for each in zip(*pairs, strict=True))
        ratio = statistics.median(own / least for least, own in pairs)
        asked = f"{queries_of(work.ours):2} queries" + (
            f" [{work.queries}]" if work.queries else ""
        )
        print(
            f"  {work.name:<18} floor {floor:7.2f} ms  ours {ours:7.2f} ms  {ratio:5.2f} x "
            f"[{work.most}]  {asked}"
        )
        medians[work.name] = ours
    return medians


def profile(name: str, ready: int, rounds: int) -> None:
    """Print where the portal spends its time in one of the measured works."""
    work = next(work for work in works(ready) if work.name == name)
    work.ours()
    profiler = cProfile.Profile()
    profiler.enable()
    for _ in range(rounds):
        work.ours()
    profiler.disable()
    for order in ("tottime", "cumulative"):
        pstats.Stats(profiler).sort_stats(order).print_stats(45)


def in_a_database_of_its_own(work: Callable[[], Any]) -> Any:
    """Run a function in a temporary database, and return its result."""
    from django.conf import settings
    from django.db import connection
    from django.test.utils import setup_databases, teardown_databases

    name = (
        str(settings.VAR_DIR / "benchmark.sqlite3")
        if connection.vendor == "sqlite"
        else "test_benchmark_pages"
    )
    connection.settings_dict["TEST"]["NAME"] = name
    made = setup_databases(verbosity=0, interactive=False)
    try:
        return work()
    finally:
        teardown_databases(made, verbosity=0)


def analyze() -> None:
    """Update the database's statistics, which a database in use has too."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def main() -> None:
    """Read the options, create the rows, and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--ready", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--profile", default="")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    from django.conf import settings

    logging.disable()
    settings.PORTAL_READ = "public"
    settings.ALLOWED_HOSTS = ["testserver"]

    def run(rows: int) -> dict[str, float]:
        print(f"{rows} rows, {options.ready} of them signed ready, made in", end=" ")
        print(f"{timed(lambda: fill(rows, options.ready)) / 1000:.1f} s")
        analyze()
        if options.profile:
            profile(options.profile, options.ready, options.rounds)
            return {}
        return measure(options.ready, options.rounds)

    sizes = (options.rows // 10, options.rows * 10) if options.growth else (options.rows,)
    few, *more = [in_a_database_of_its_own(lambda rows=rows: run(rows)) for rows in sizes]
    for many in more:
        print(f"{sizes[0]} -> {sizes[1]} rows [1.3 x]")
        for name, median in many.items():
            if name == "REST, 1,000" and sizes[0] < 1_000:  # noqa: PLR2004
                continue  # there are fewer than a thousand rows
            print(f"  {name:<18} {median / few[name]:5.2f} x")


if __name__ == "__main__":
    main()
