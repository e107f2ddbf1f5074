"""The index follows the catalogue, whatever door a change comes through."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from governance import guards
from governance.editing.audited_edit import audited_edit
from runbooks.models import (
    Cluster,
    CodeReference,
    Document,
    Layer,
    Runbook,
    SearchEntry,
    SearchPassage,
    SearchPlaces,
    SearchStamp,
    SearchSynonym,
    SearchWord,
    Section,
    SectionEntry,
    Situation,
    SituationRunbook,
)
from runbooks.search import checks, databases, index, signals
from tests import cast
from tests.runbooks.asking import answer

pytestmark = pytest.mark.django_db


def found(question):
    answered = answer(question)
    return [hit.runbook for hit in answered.hits(answered.runbooks)]


@pytest.fixture
def pump(people):
    return cast.make_runbook("Pump", text="# Pump\n\n## Valve\n\nClose the bluelever.\n")


@pytest.fixture
def situation(pump):
    made = Situation.objects.create(slug="flood", title="Cellarflood", comment="Commentword")
    SituationRunbook.objects.create(situation=made, runbook=pump, position=1)
    return made


def up_to_date():
    return index.staleness(thoroughly=True) == []


def linked(pump, situation):
    """One way to change each source of the index, and the word that must be found afterwards."""
    section = Section.objects.create(slug="s", number=1, title="Sectionword")
    entry = SectionEntry.objects.create(section=section, runbook=pump, role="Roleword")
    code = CodeReference.objects.create(path="src/pathword.py")
    code.runbooks.add(pump)
    return {
        "title": (pump, "title", "Newtitleword"),
        "scope": (pump, "scope", "Scopeword"),
        "path": (pump, "document_path", "docs/newpathword.md"),
        "owner": (pump, "owner", "Ownerword"),
        "cluster": (pump.primary_cluster, "title", "Clusterword"),
        "layer": (pump.layers.first(), "title", "Layerword"),
        "situation": (situation, "title", "Situationword"),
        "comment": (situation, "comment", "Othercomment"),
        "section": (section, "title", "Chapterword"),
        "role": (entry, "role", "Newroleword"),
        "code": (code, "path", "src/othercode.py"),
    }


@pytest.mark.parametrize("what", [
    "title", "scope", "path", "owner", "cluster", "layer", "situation", "comment", "section",
    "role", "code",
])  # fmt: skip
@pytest.mark.parametrize("way", ["save", "update", "bulk_update"])
def test_a_changed_word_is_found_at_once_and_the_old_one_no_more(pump, situation, what, way):
    row, field, value = linked(pump, situation)[what]
    setattr(row, field, value)
    manager = type(row)._default_manager
    if way == "save":
        row.save()
    elif way == "update":
        manager.filter(pk=row.pk).update(**{field: value})
    else:
        manager.bulk_update([row], [field])
    word = value.removeprefix("docs/").removeprefix("src/").removesuffix(".md").removesuffix(".py")
    assert found(word) == [pump]
    assert up_to_date()


def test_every_model_that_the_index_is_made_of_is_listened_to():
    assert {model.__name__ for model in signals.AFFECTED} == {
        "Cluster", "CodeReference", "Document", "Layer", "Runbook", "Section", "SectionEntry",
        "Situation", "SituationRunbook", "RunbookAlias",
    }  # fmt: skip


def test_another_text_is_found_at_once_and_the_old_one_no_more(pump):
    assert found("bluelever") == [pump]
    pump.document = cast.store(pump.document_path, "# Pump\n\nTurn the redwheel.\n")
    pump.save()
    assert found("redwheel") == [pump]
    assert found("bluelever") == []
    assert not SearchWord.objects.filter(word="bluelever").exists()


def test_a_text_that_is_rendered_anew_is_read_anew(pump):
    guards.remove()
    Document.objects.filter(pk=pump.document_id).update(
        html='<h2 id="doc-new">Newheading</h2><p>x</p>'
    )
    (hit,) = answer("newheading").hits(answer("newheading").runbooks)
    assert hit.address.endswith("#doc-new")


@pytest.mark.parametrize("way", ["add", "set", "remove", "clear", "reverse add", "reverse clear"])
def test_links_are_followed_from_either_side(pump, way):
    layer = Layer.objects.create(slug="l", title="Linkedword")
    pump.layers.add(layer)
    assert found("linkedword") == [pump]
    {
        "add": lambda: pump.layers.add(layer),
        "set": lambda: pump.layers.set([]),
        "remove": lambda: pump.layers.remove(layer),
        "clear": pump.layers.clear,
        "reverse add": lambda: layer.runbooks.add(pump),
        "reverse clear": layer.runbooks.clear,
    }[way]()
    assert found("linkedword") == ([pump] if "add" in way else [])


@pytest.mark.parametrize(
    "model", [Layer, Situation, Section, CodeReference, SituationRunbook, SectionEntry]
)
def test_what_is_deleted_is_found_no_more(pump, situation, model):
    linked(pump, situation)
    model.objects.all().delete()
    assert up_to_date()


def test_a_deleted_runbook_takes_its_words_along(pump, situation):
    linked(pump, situation)
    other = cast.make_runbook("Other")
    SituationRunbook.objects.create(situation=situation, runbook=other, position=2)
    pump.code_references.clear()
    pump.delete()
    assert up_to_date()
    assert not SearchWord.objects.filter(word="bluelever").exists()
    assert found("cellarflood") == [other]  # it comes first in the situation now
    Runbook.objects.all().delete()
    Situation.objects.all().delete()
    assert (
        SearchEntry.objects.count()
        == SearchPassage.objects.count()
        == SearchPlaces.objects.count()
        == SearchWord.objects.count()
        == 0
    )


def test_rows_made_in_bulk_are_found(people):
    Runbook.objects.bulk_create(
        [Runbook(slug=f"bulk-{each}", title=f"Bulkword {each}") for each in range(3)]
    )
    assert len(found("bulkword")) == 3


def test_an_import_is_found_and_leaves_the_index_up_to_date(people):
    from tests.runbooks.search_quality.measure import import_fixtures

    import_fixtures()
    assert up_to_date()
    assert SearchEntry.objects.filter(situation__isnull=False).count() == Situation.objects.count()


def test_what_is_rolled_back_is_not_found(pump):
    with transaction.atomic():
        pump.scope = "Rolledback"
        pump.save()
        assert found("rolledback") == [pump]
        transaction.set_rollback(True)
    assert found("rolledback") == []
    assert found("pump") == [pump]


def test_a_sign_off_does_not_touch_the_index(pump):
    before = SearchStamp.objects.get().value
    cast.make_ready(pump)
    assert SearchStamp.objects.get().value == before
    assert answer("pump").runbooks[0].standing.is_live_ready


def test_a_save_that_changes_nothing_changes_nothing(pump):
    before = SearchStamp.objects.get().value
    pump.save()
    assert SearchStamp.objects.get().value == before


def test_much_can_be_written_at_once(pump, django_assert_max_num_queries):
    with index.deferred():
        for number in range(5):
            pump.scope = f"Heldword {number}"
            pump.save()
        assert found("heldword") == []
    assert found("heldword") == [pump]


# ---- when it is behind


def test_a_row_that_came_past_everything_is_told_of_and_can_be_put_right(pump):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE runbooks_runbook SET scope = 'Pastword' WHERE id = %s", [pump.pk])
    assert index.staleness() == []
    with pytest.raises(CommandError, match="1 entries say something else"):
        call_command("rebuild_search", check=True)
    call_command("rebuild_search", stdout=StringIO())
    assert found("pastword") == [pump]
    call_command("rebuild_search", check=True, stdout=StringIO())


def test_a_missing_entry_or_another_text_is_a_warning(pump):
    assert checks.search_index_is_up_to_date(databases=["default"]) == []
    SearchEntry.objects.filter(runbook=pump).update(document=None)
    assert "another text" in checks.search_index_is_up_to_date(databases=["default"])[0].msg
    index.forget(runbooks=[pump.pk])
    (warning,) = checks.search_index_is_up_to_date(databases=["default"])
    assert warning.id == "runbooks.W001"
    assert "1 runbooks are not in the index" in warning.msg
    assert checks.search_index_is_up_to_date(databases=None) == []


def test_loaded_rows_are_told_of_until_the_index_is_rebuilt(pump, tmp_path):
    file = tmp_path / "rows.json"
    with file.open("w") as out:
        call_command("dumpdata", "runbooks.runbook", "runbooks.situation", stdout=out)
    call_command("loaddata", str(file), verbosity=0)
    assert index.staleness() != []
    call_command("rebuild_search", stdout=StringIO())
    assert index.staleness(thoroughly=True) == []


def test_migrate_builds_what_an_existing_catalogue_lacks(pump):
    SearchPassage.objects.all().delete()
    SearchEntry.objects.all().delete()
    SearchStamp.objects.all().delete()
    assert found("bluelever") == []
    call_command("migrate", verbosity=0)
    assert found("bluelever") == [pump]


def test_no_two_passages_of_an_entry_have_one_position(pump):
    first = SearchPassage.objects.filter(entry__runbook=pump).order_by("position")[0]
    twin = SearchPassage(entry=first.entry, position=first.position)
    with pytest.raises(IntegrityError, match=r"search_?passage"), transaction.atomic():
        twin.save(force_insert=True)


def test_migrate_puts_the_full_text_index_back(pump):
    # PostgreSQL cannot alter a table while a deferred check of its rows is pending.
    connection.check_constraints()
    databases.remove()
    assert index.staleness() == ["The full text index is not in the database."]
    call_command("migrate", verbosity=0)
    assert found("bluelever") == [pump]


# ---- synonyms


def test_synonyms_are_edited_in_the_admin_and_work_at_once(pump, sign_in):
    assert found("gizmo") == []
    ed = sign_in("ed")
    response = ed.post(
        "/admin/runbooks/searchsynonym/add/",
        {"words": "gizmo, bluelever", "reason": "They say so."},
    )
    assert response.status_code == 302
    assert found("gizmo") == [pump]
    from governance.ledger.models import ChangeLogEntry

    entry = ChangeLogEntry.objects.order_by("-sequence").first()
    assert (entry.actor, entry.changes["words"]["after"]) == ("ed", "gizmo, bluelever")
    SearchSynonym.objects.get(words="gizmo, bluelever").delete()
    assert found("gizmo") == []


@pytest.mark.parametrize(
    "words", ["", "alone", "same, SAME", ",,", ", ".join(f"w{each}" for each in range(60))]
)
def test_a_group_that_says_nothing_is_refused(sign_in, words):
    response = sign_in("ed").post("/admin/runbooks/searchsynonym/add/", {"words": words})
    assert response.status_code == 200
    assert response.context["errors"]


@pytest.mark.parametrize("name", ["rita", "ada"])
def test_who_may_not_edit_situations_may_not_edit_synonyms(sign_in, name):
    client = sign_in(name)
    assert client.get("/admin/runbooks/searchsynonym/").status_code == 200
    assert client.get("/admin/runbooks/searchsynonym/add/").status_code == 403
    assert client.post("/admin/runbooks/searchsynonym/add/", {"words": "a, b"}).status_code == 403


def test_an_edit_through_the_actions_is_found(pump):
    with audited_edit(pump, by="ed", reason="x"):
        pump.scope = "Actionword"
        pump.save()
    assert found("actionword") == [pump]


def test_a_cluster_is_found_by_number_and_range(pump):
    Cluster.objects.filter(pk=pump.primary_cluster_id).update(first_number=8_282, last_number=8_285)
    assert found("cluster 8282–8285") == [pump]


def test_a_hit_in_a_text_that_nobody_signed_leads_to_no_section_and_shows_nothing_of_it(
    pump, people
):
    """The page shows the signed text: the section would not be there, and must not be followed."""
    cast.make_ready(pump)
    with audited_edit(pump, by=people["ed"]):
        pump.document = cast.store(
            pump.document_path, "# Pump\n\n## Sluice\n\nOpen the redwheel.\n"
        )
        pump.save()
    answered = answer("redwheel")
    (hit,) = answered.hits(answered.runbooks)
    assert (hit.heading, hit.anchor, hit.passage_text) == ("", "", pump.scope)
    assert not hit.standing.is_live_ready
