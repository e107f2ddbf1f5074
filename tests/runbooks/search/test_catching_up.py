"""Outdated entries: marked with the change and rebuilt after it in batches, whatever happens."""

import threading

import pytest
from django.db import connection, transaction

from runbooks.models import Layer, Runbook, SearchEntry, SearchStamp, SearchWord
from runbooks.search import entries, index, index_documents
from tests import cast
from tests.runbooks.asking import answer

pytestmark = pytest.mark.django_db(transaction=True)


def found(question):
    return {hit.runbook.title for hit in answer(question).runbooks}


@pytest.fixture
def pumps(people, monkeypatch):
    """Five runbooks in one layer; three at once are many."""
    monkeypatch.setattr(index, "MAX_AT_ONCE", 2)
    monkeypatch.setattr(index, "ENTRIES_AT_ONCE", 2)
    made = [
        cast.make_runbook(f"Pump {number}", text=f"# P\n\nTurn wheel{number}x.\n")
        for number in range(5)
    ]
    index.catch_up()
    return made


def rename(title="Waterworks"):
    layer = Layer.objects.get(slug="pumps")
    layer.title = title
    layer.save()


def test_a_change_of_many_is_found_after_its_commit(pumps):
    with transaction.atomic():
        rename()
        assert SearchEntry.objects.filter(behind__gt=0).count() == 5
    assert len(found("waterworks")) == 5
    assert index.staleness(thoroughly=True) == []


def test_a_change_that_is_rolled_back_leaves_nothing_behind(pumps):
    with transaction.atomic():
        rename()
        transaction.set_rollback(True)
    assert index.staleness(thoroughly=True) == []


def test_new_runbooks_are_not_found_before_they_are_read_and_the_check_says_so(pumps, monkeypatch):
    monkeypatch.setattr(index, "catch_up", lambda **_: 0)
    new = [Runbook(slug=f"valve-{number}", title=f"Valve {number}") for number in range(4)]
    Runbook.objects.bulk_create(new)
    assert found("valve") == set()
    assert index.staleness() == ["4 entries are waiting to be rebuilt."]
    monkeypatch.undo()
    assert index.catch_up() == 4
    assert len(found("valve")) == 4
    assert index.staleness(thoroughly=True) == []


def test_whoever_is_ended_on_the_way_leaves_the_rest_to_the_next(pumps, monkeypatch):
    drafted, calls = index_documents.draft_of_runbook, []

    def draft(*args, **kwargs):
        calls.append(1)
        if len(calls) > 3:
            raise KeyboardInterrupt
        return drafted(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(index_documents, "draft_of_runbook", draft)
        with pytest.raises(KeyboardInterrupt):
            rename()
    assert len(found("waterworks")) == 2
    assert index.staleness() == ["3 entries are waiting to be rebuilt."]
    assert index.catch_up() == 3
    assert index.staleness(thoroughly=True) == []


@pytest.mark.parametrize("how", ["one", "many"])
def test_a_change_while_the_sources_are_read_is_not_overwritten(pumps, monkeypatch, how):
    """Another process changes a runbook after its words were read and before they are written."""
    drafted, done = index_documents.draft_of_runbook, []

    def change():
        if how == "one":
            Runbook.objects.filter(pk=pumps[0].pk).update(scope="Newestword")
        else:
            Runbook.objects.update(scope="Newestword")
        connection.close()

    def draft(*args, **kwargs):
        made = drafted(*args, **kwargs)
        if not done:
            done.append(1)
            thread = threading.Thread(target=change)
            thread.start()
            thread.join()
        return made

    monkeypatch.setattr(index_documents, "draft_of_runbook", draft)
    rename()
    assert len(found("newestword")) == (1 if how == "one" else 5)
    assert len(found("waterworks")) == 5
    assert index.staleness(thoroughly=True) == []


def test_many_at_once_keep_the_words_counted(pumps):
    """Half of them write one runbook each, half a layer; the counts are those of a sequence."""
    problems = []

    def work(number):
        try:
            if number % 2:
                Runbook.objects.filter(pk=pumps[number % 5].pk).update(
                    scope=f"Scope word{number} x"
                )
            else:
                rename(f"Layer word{number}")
        except Exception as error:
            problems.append(repr(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    index.catch_up()
    assert problems == []
    assert index.staleness(thoroughly=True) == []
    stored = dict(SearchWord.objects.values_list("word", "count"))
    assert stored == dict(entries.counted())


def test_a_rebuild_goes_in_portions_and_lets_others_write(pumps, monkeypatch):
    drafted, spans = index_documents.draft_of_runbook, []

    def draft(*args, **kwargs):
        spans.append(connection.in_atomic_block)
        return drafted(*args, **kwargs)

    monkeypatch.setattr(index_documents, "draft_of_runbook", draft)
    SearchStamp.objects.all().delete()
    assert index.rebuild() == 5
    assert spans == [False] * 5
    assert index.is_built()
    assert dict(SearchWord.objects.values_list("word", "count")) == dict(entries.counted())
    assert index.staleness(thoroughly=True) == []
