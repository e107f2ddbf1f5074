"""An edit of one object or of many: equal entries and refusals, a fixed number of queries."""

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from governance import ledger
from governance.editing.audited_edit import AuditedEdit, audited_edit
from governance.ledger.models import ChangeLogEntry
from runbooks.models import Layer, Runbook
from tests import cast

pytestmark = pytest.mark.django_db


def edit_many(runbooks, change, *, by):
    """Change runbooks in one edit; returns the entries."""
    pks = [runbook.pk for runbook in runbooks]
    with ledger.atomic():
        edit = AuditedEdit.start(Runbook, pks, by=by, reason="Inspection")
        for runbook in runbooks:
            change(runbook)
        return edit.commit(pks)


def rename(runbook):
    runbook.title, runbook.owner = f"{runbook.title} (old)", "Operations"
    runbook.save()


def move_document(runbook):
    runbook.document_path = f"moved/{runbook.pk}.md"
    runbook.save()


@pytest.mark.parametrize("change", [rename, move_document])
def test_an_edit_of_many_leaves_the_entries_of_single_edits(people, change):
    single, *many = [cast.make_runbook(f"Pump {letter}") for letter in "ABC"]
    with audited_edit(single, by=people["ed"], reason="Inspection"):
        change(single)
    entries = [ChangeLogEntry.objects.latest("sequence")]
    entries += edit_many(many, change, by=people["ed"])
    assert {(entry.actor, entry.action, entry.reason) for entry in entries} == {
        ("ed", "changed", "Inspection")
    }
    assert [entry.subject for entry in entries] == [
        f"runbook:{runbook.slug}" for runbook in (single, *many)
    ]
    fields = {tuple(sorted(entry.changes)) for entry in entries}
    expected = {rename: ("aliases", "owner", "title"), move_document: ("document", "document_path")}
    assert fields == {expected[change]}


def test_open_requests_of_each_changed_runbook_lapse(people):
    runbooks = [cast.make_runbook() for _ in range(3)]
    requests = [cast.ask(runbook, by=people["ed"]) for runbook in runbooks]
    with audited_edit(runbooks[0], by=people["ed"]):
        rename(runbooks[0])
    edit_many(runbooks[1:2], rename, by=people["ed"])
    for request in requests:
        request.refresh_from_db()
    assert [request.state for request in requests] == ["lapsed", "lapsed", "open"]


def test_what_changes_nothing_leaves_no_entry(people):
    runbook = cast.make_runbook()
    before = ChangeLogEntry.objects.count()
    assert edit_many([runbook], Runbook.save, by=people["ed"]) == []
    assert ChangeLogEntry.objects.count() == before


def test_an_object_that_is_not_stored_is_refused(people):
    layer = Layer.objects.create(slug="night", title="Night")
    with pytest.raises(ObjectDoesNotExist), audited_edit(layer, by=people["ed"]):
        Layer.objects.filter(pk=layer.pk).delete()
    assert Layer.objects.filter(slug="night").exists(), "what cannot be told is not done"
    with pytest.raises(ObjectDoesNotExist), audited_edit(Layer(slug="x"), by=people["ed"]):
        pass


@pytest.mark.django_db(transaction=True)
def test_no_edit_is_committed_outside_a_transaction(people):
    runbook = cast.make_runbook()
    edit = AuditedEdit.start(Runbook, [runbook.pk], by=people["ed"])
    Runbook.objects.filter(pk=runbook.pk).update(owner="Operations")
    with pytest.raises(transaction.TransactionManagementError):
        edit.commit([runbook.pk])


def queries_of(count, people):
    """How many queries the two halves take for so many runbooks."""
    pks = [cast.make_runbook().pk for _ in range(count)]
    with ledger.atomic():
        with CaptureQueriesContext(connection) as first:
            edit = AuditedEdit.start(Runbook, pks, by=people["ed"])
        Runbook.objects.filter(pk__in=pks).update(owner="Operations")
        with CaptureQueriesContext(connection) as second:
            assert len(edit.commit(pks)) == count
    return len(first), len(second)


def test_the_queries_do_not_grow_with_the_objects(people):
    # Four for the rows and what they are linked with. Then one for paths and titles, the four
    # again, two for the ledger and one for open requests.
    assert queries_of(1, people) == queries_of(12, people) == (4, 8)
