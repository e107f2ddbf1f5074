"""An index that is missing, damaged or being built: search and governance still work."""

import threading
from contextlib import contextmanager, suppress

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection

from governance.assurance.standings import standing_of
from governance.editing.audited_edit import audited_edit
from governance.signoff.downgrade import downgrade
from runbooks.models import (
    Layer,
    Runbook,
    RunbookAlias,
    SearchEntry,
    SearchPassage,
    SearchPlaces,
    SearchStamp,
    SearchWord,
    Situation,
)
from runbooks.search import databases, index, retrieval
from runbooks.search.query import holding
from tests import cast
from tests.runbooks.asking import answer

pytestmark = pytest.mark.django_db(transaction=True)
NOTICE = "The search index is not available, so only titles and names were searched"


@pytest.fixture
def reader(client, settings):
    settings.PORTAL_READ = "public"
    return client


@pytest.fixture
def pump(people):
    index.rebuild()
    made = cast.make_runbook("Überdruck pump", text="# A\n\n## Valve\n\nClose the bluelever.\n")
    RunbookAlias.objects.create(runbook=made, name="Sumpmachine")
    Situation.objects.create(slug="flood", title="Cellarflood")
    return made


def execute(*statements):
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def drop(model):
    def break_it():
        cascade = " CASCADE" if connection.vendor == "postgresql" else ""
        if connection.vendor == "sqlite":
            execute("PRAGMA foreign_keys = OFF")
        execute(f"DROP TABLE {model._meta.db_table}{cascade}")
        if connection.vendor == "sqlite":
            execute("PRAGMA foreign_keys = ON")

    return break_it


def scribble():
    """FTS5's own tables hold what is none of its."""
    execute("UPDATE search_text_data SET block = X'00FF00FF00FF' WHERE id > 1")


BREAKS = {
    "the full text index": databases.remove,
    "the entries": drop(SearchEntry),
    "the passages": drop(SearchPassage),
    "the places": drop(SearchPlaces),
    "the words": drop(SearchWord),
    "the stamp": drop(SearchStamp),
    "a stamp that was never set": lambda: SearchStamp.objects.all().delete(),
    **({"the full text index's contents": scribble} if connection.vendor == "sqlite" else {}),
}


@pytest.fixture(params=BREAKS)
def broken(request, pump):
    """Each way to break it, in a process that has searched before.

    It is repaired by the documented command.
    """
    way = request.param
    answer("pump")
    if way == "the words":  # else they are known still
        retrieval._vocabularies.clear()
    BREAKS[way]()
    yield way
    call_command("rebuild_search", verbosity=0)
    assert index.staleness(thoroughly=True) == []


def test_an_operator_gets_the_titles_and_is_told_so(broken, pump, reader):
    for question in ("ueberdruck", "Überdruck pump", "sumpmachine", "pum"):
        response = reader.get(f"/search/?q={question}")
        content = response.content.decode()
        assert response.status_code == 200
        assert pump.get_absolute_url() in content, question
        assert NOTICE in content
        assert "Not for live use" in content
    assert "/situations/flood/" in reader.get("/search/?q=cellarflood").content.decode()
    assert NOTICE in reader.get("/search/?q=bluelever").content.decode()
    assert reader.get("/search/").status_code == 200


def test_suggestions_and_filters_answer_too(broken, pump, reader):
    (suggestion,) = reader.get("/search/suggestions/?q=ueberdr").json()["suggestions"]
    assert (suggestion["address"], suggestion["live_ready"]) == (pump.get_absolute_url(), False)
    assert reader.get("/search/?q=pump&layer=pumps&status=unassessed").status_code == 200
    assert list(holding(Runbook.objects.all(), "pump")) == [pump]
    assert [row["slug"] for row in reader.get("/api/v1/runbooks/?text=pump").json()["results"]] == [
        pump.slug
    ]


def rename(runbook):
    with audited_edit(runbook, by="ed", reason="x"):
        runbook.refresh_from_db()
        runbook.title = "Renamed"
        runbook.save()


def test_a_readiness_comes_down_and_a_sign_off_goes_through_all_the_same(
    broken, pump, people, reader
):
    cast.make_ready(pump)
    assert standing_of(Runbook.objects.get(pk=pump.pk)).is_live_ready
    assert [found.standing.is_live_ready for found in answer("ueberdruck").runbooks] == [True]
    downgrade(runbook=pump, level="shadow", reason="Wrong step.", by=people["rita"])
    assert not standing_of(Runbook.objects.get(pk=pump.pk)).is_live_ready
    assert [found.standing.is_live_ready for found in answer("ueberdruck").runbooks] == [False]
    if broken == "the full text index's contents":
        # SQLite ends a transaction that meets damaged pages: a change of words may be refused
        # whole, one of standing is not.
        with suppress(DatabaseError):
            rename(pump)
        return
    rename(pump)
    Layer.objects.get(slug="pumps").runbooks.clear()
    assert answer("renamed").runbooks[0].pk == pump.pk


def test_the_check_names_it_and_the_command_puts_it_right(broken, pump):
    with pytest.raises((CommandError, DatabaseError)):
        call_command("rebuild_search", check=True)
    call_command("rebuild_search", verbosity=0)
    call_command("rebuild_search", check=True, verbosity=0)
    (found,) = answer("bluelever").runbooks
    assert not answer("bluelever").by_title
    assert found.pk == pump.pk


def test_an_error_that_is_not_the_indexs_stops_the_write(pump, monkeypatch):
    """A lock makes the write fail as a whole, to be retried: no index falls behind silently."""

    def locked(*_args, **_kwargs):
        raise DatabaseError("locked")

    monkeypatch.setattr(index, "keep", locked)
    with pytest.raises(DatabaseError, match="locked"):
        rename(pump)
    assert not Runbook.objects.filter(title="Renamed").exists()
    assert index.staleness() == []


@contextmanager
def rebuilding():
    """Rebuilds in another thread as long as the block runs, three times at least."""
    done, failed, rounds = threading.Event(), [], []

    def work():
        try:
            while not done.is_set() or len(rounds) < 3:
                index.rebuild()
                rounds.append(1)
        except DatabaseError as error:
            failed.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    assert failed == []


def test_a_search_during_a_rebuild_finds_what_it_found_before(pump, reader):
    with rebuilding():
        for _ in range(25):
            response = reader.get("/search/?q=bluelever")
            assert response.status_code == 200
            assert pump.get_absolute_url() in response.content.decode()
            assert len(reader.get("/search/suggestions/?q=bluelev").json()["suggestions"]) == 1
