"""The models of the catalogue: what the database refuses, and what every model must have."""

import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, models, transaction
from django.utils import timezone
from django.utils.functional import Promise

from governance import guards
from runbooks.models import (
    Cluster,
    CodeReference,
    Document,
    Layer,
    Runbook,
    RunbookAlias,
    Section,
    SectionEntry,
    Situation,
    SituationRunbook,
)
from runbooks.models.search import DERIVED, SearchSynonym
from runbooks.slugs import SlugRegister, slug_for
from tests import cast

pytestmark = pytest.mark.django_db

# Rows that the search derives from the others are shown to nobody by name (tests/search/).
CATALOGUE = [
    model for model in apps.get_app_config("runbooks").get_models() if model not in DERIVED
]
MODELS = [*CATALOGUE, *apps.get_app_config("governance").get_models()]
by_name = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)


# ---- what the database refuses: for each named constraint, the forbidden writes


def document(**changes):
    fields = {
        "path": "docs/a.md",
        "sha256": "a" * 64,
        "text": "a",
        "html": "a",
        "size": 1,
        "seen_at": timezone.now(),
    }
    return Document(**{**fields, **changes})


def plain_runbook(**changes):
    return Runbook(**{"slug": "plain", "title": "Plain", **changes})


def in_one_section_twice():
    runbook, section = cast.make_runbook(), Section.objects.create(slug="s", number=1, title="S")
    SectionEntry.objects.create(section=section, runbook=runbook)
    return SectionEntry(section=section, runbook=runbook, position=2)


def in_one_situation_twice():
    runbook, situation = cast.make_runbook(), Situation.objects.create(slug="s", title="S")
    SituationRunbook.objects.create(situation=situation, runbook=runbook)
    return SituationRunbook(situation=situation, runbook=runbook, position=2)


def the_same_cluster_twice(**fields):
    Cluster.objects.create(slug="first", **fields)
    return Cluster(slug="second", **fields)


def two_that_answer_other_alerts():
    Situation.objects.create(slug="one", title="One", alert_default=True)
    return Situation(slug="two", title="Two", alert_default=True)


def the_same_document_twice():
    document().save()
    return document(text="other")


FORBIDDEN = [
    ("cluster_range_is_whole", lambda: Cluster(slug="c", first_number=5, title="C")),
    ("cluster_range_is_whole", lambda: Cluster(slug="c", last_number=5, title="C")),
    ("cluster_range_is_whole", lambda: Cluster(slug="c", first_number=5, last_number=4)),
    ("cluster_has_number_or_title", lambda: Cluster(slug="c")),
    ("cluster_kind_is_known", lambda: Cluster(slug="c", kind="river", title="C")),
    ("cluster_is_named_once", lambda: the_same_cluster_twice(first_number=5, last_number=6)),
    ("one_situation_answers_other_alerts", two_that_answer_other_alerts),
    ("cluster_is_named_once", lambda: the_same_cluster_twice(kind="stream", title="Reporting")),
    (
        "cluster_is_named_once",
        lambda: the_same_cluster_twice(kind="phase", first_number=16, last_number=16, suffix="A"),
    ),
    ("document_version_is_kept_once", the_same_document_twice),
    ("document_sha256_is_hex", lambda: document(sha256="A" * 64)),
    ("document_sha256_is_hex", lambda: document(sha256="a" * 63)),
    ("document_sha256_is_hex", lambda: document(sha256="")),
    ("document_sha256_is_hex", lambda: document(sha256="g" * 64)),
    ("runbook_readiness_is_known", lambda: plain_runbook(readiness_level="excellent")),
    ("runbook_declared_is_known", lambda: plain_runbook(declared_level="excellent")),
    ("runbook_ready_has_a_year", lambda: plain_runbook(readiness_level="ready")),
    (
        "runbook_ready_has_a_year",
        lambda: plain_runbook(readiness_level="ready", readiness_year=2019),
    ),
    (
        "runbook_ready_has_a_year",
        lambda: plain_runbook(readiness_level="ready", readiness_year=2101),
    ),
    (
        "runbook_ready_has_a_year",
        lambda: plain_runbook(readiness_level="shadow", readiness_year=2026),
    ),
    ("runbook_declared_ready_has_a_year", lambda: plain_runbook(declared_level="ready")),
    (
        "runbook_declared_ready_has_a_year",
        lambda: plain_runbook(declared_level="ready", declared_year=2019),
    ),
    (
        "runbook_declared_ready_has_a_year",
        lambda: plain_runbook(declared_level="track", declared_year=2026),
    ),
    ("runbook_signed_fields_together", lambda: plain_runbook(signed_document_sha256="a" * 64)),
    ("runbook_signed_fields_together", lambda: plain_runbook(signed_metadata_sha256="a" * 64)),
    ("runbook_stands_once_in_a_section", in_one_section_twice),
    ("runbook_stands_once_in_a_situation", in_one_situation_twice),
]


def words_of_the_refusal(name):
    """The database's message; for a unique constraint, SQLite names the columns instead."""
    for model in MODELS:
        for constraint in model._meta.constraints:
            fields = getattr(constraint, "fields", ())
            if constraint.name == name and fields and connection.vendor == "sqlite":
                return re.escape(
                    ", ".join(
                        f"{model._meta.db_table}.{model._meta.get_field(field).column}"
                        for field in fields
                    )
                )
    return name


@pytest.mark.parametrize(
    ("name", "make"), FORBIDDEN, ids=[f"{name}-{at}" for at, (name, _) in enumerate(FORBIDDEN)]
)
def test_the_database_refuses_what_a_constraint_forbids(name, make, people):
    guards.remove()  # they would refuse first; this is about what stands behind them
    forbidden = make()
    with pytest.raises(IntegrityError, match=words_of_the_refusal(name)), transaction.atomic():
        forbidden.save()


def test_every_constraint_of_the_catalogue_is_tried_above():
    named = {constraint.name for model in CATALOGUE for constraint in model._meta.constraints}
    assert named == {name for name, _ in FORBIDDEN}


UNIQUE = {
    Cluster: ("slug",),
    CodeReference: ("path",),
    Layer: ("slug", "title"),
    Runbook: ("slug", "title"),
    SearchSynonym: ("words",),
    Section: ("slug",),
    Situation: ("slug", "title"),
    RunbookAlias: ("name",),
}
UNIQUE_BY_FIELDS = {model: names for model, names in UNIQUE.items() if model is not RunbookAlias}


NAMES = ("slug", "title", "path", "words")


def test_a_further_name_leads_to_one_runbook(runbook):
    RunbookAlias.objects.create(runbook=runbook, name="Old pump")
    with pytest.raises(IntegrityError), transaction.atomic():
        RunbookAlias.objects.create(runbook=cast.make_runbook(), name="Old pump")
    with pytest.raises(ValidationError, match="with this title already exists"):
        RunbookAlias(runbook=runbook, name=runbook.title).full_clean()


@pytest.mark.parametrize(
    ("model", "name"),
    [(model, name) for model, names in UNIQUE_BY_FIELDS.items() for name in names],
)
def test_a_unique_name_is_given_once(model, name):
    texts = {field.name: f"{field.name} one" for field in model._meta.fields if field.name in NAMES}
    numbers = {"number": 1} if model is Section else {}
    model.objects.create(**texts, **numbers)
    other = {key: f"{value} more" for key, value in texts.items()}
    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.create(**{**other, name: texts[name]}, **numbers)


def test_every_unique_field_of_the_catalogue_is_tried_above():
    found = {
        (model, field.name)
        for model in CATALOGUE
        for field in model._meta.fields
        if field.unique and not field.primary_key
    }
    assert found == {(model, name) for model, names in UNIQUE.items() for name in names}


def test_the_edges_of_a_range_and_of_the_years_are_allowed():
    guards.remove()
    Cluster.objects.create(slug="one", first_number=7, last_number=7)
    Cluster.objects.create(slug="zero", first_number=0, last_number=0)
    plain_runbook(declared_level="ready", declared_year=2020).save()
    plain_runbook(slug="other", title="Other", declared_level="ready", declared_year=2100).save()


def test_what_runbooks_hang_on_is_not_deleted_under_them(runbook):
    for held in (runbook.primary_cluster, runbook.document):
        with pytest.raises(models.ProtectedError), transaction.atomic():
            held.delete()


# ---- what every model owes to its readers


def is_a_name(name):
    """A translatable text, or a word that is the same in every language."""
    return isinstance(name, Promise) or name in ("ID", "sha256")


@by_name
def test_every_model_has_a_name_in_the_readers_language(model):
    assert isinstance(model._meta.verbose_name, Promise)
    assert isinstance(model._meta.verbose_name_plural, Promise)
    assert str(model._meta.verbose_name) != str(model._meta.verbose_name_plural)


# Derived from the Markdown beside them, and shown nowhere by name.
NAMELESS = {"note_html", "role_html"}


@by_name
def test_every_field_has_a_name_in_the_readers_language(model):
    own = [
        field
        for field in model._meta.get_fields()
        if not field.auto_created and field.name not in NAMELESS
    ]
    assert [field.name for field in own if not is_a_name(field.verbose_name)] == []


@by_name
def test_every_model_says_what_it_is(model, scene):
    text = str(scene.one_of(model))
    assert text.strip()
    assert f"{model.__name__} object" not in text


class Anchors(HTMLParser):
    """Gathers the ids of a page."""

    def __init__(self):
        super().__init__()
        self.ids = []

    def handle_starttag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == "id"]


def anchors_of(response):
    parser = Anchors()
    parser.feed(response.content.decode())
    return parser.ids


ADDRESSED = [model for model in MODELS if hasattr(model, "get_absolute_url")]


@pytest.mark.parametrize("model", ADDRESSED, ids=lambda model: model.__name__)
def test_every_address_of_an_object_leads_to_a_page_that_holds_it(model, scene, reader):
    address = urlsplit(scene.one_of(model).get_absolute_url())
    response = reader.get(
        address.path,
        query_params=dict(part.split("=") for part in address.query.split("&") if part),
    )
    assert response.status_code == 200
    if address.fragment:
        assert anchors_of(response).count(address.fragment) == 1


def test_only_rows_that_live_inside_another_have_no_address_of_their_own():
    assert {model.__name__ for model in set(MODELS) - set(ADDRESSED)} == {
        "SearchSynonym",
        "SectionEntry",
        "SituationRunbook",
        "ApiToken",
        "Assurance",
        "JobRun",
        "LedgerIncident",
        "Reminder",
    }


def test_a_document_that_stands_behind_no_runbook_leads_to_the_landscape(scene, reader):
    assert scene.old_document.get_absolute_url() == "/landscape/"
    assert document().get_absolute_url() == "/landscape/"


def test_the_address_of_a_document_holds_after_its_runbooks_path_was_changed_behind_the_back(
    scene, reader
):
    Runbook.objects.filter(pk=scene.ready.pk).update(document_path="docs/elsewhere.md")
    address = scene.ready.document.get_absolute_url()
    assert address.startswith(scene.ready.get_absolute_url())
    assert reader.get(address).status_code == 200


# ---- slugs


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Go/No-Go 2026 – Live Alerts & Escalation", "go-no-go-2026-live-alerts-and-escalation"),
        ("Störung: Über-Größe", "stoerung-ueber-groesse"),
        ("Armstrong × El Karoui", "armstrong-x-el-karoui"),
        ("R&D + Ops", "r-and-d-and-ops"),
        ("Café Ñandú", "cafe-nandu"),
        ("  --A__b--  ", "a-b"),
        ("", "item"),
        ("日本語", "item"),
        ("🚨", "item"),
        ("\x00\n", "item"),
    ],
)
def test_a_slug_can_be_read_aloud(title, slug):
    assert slug_for(title) == slug


def test_a_slug_is_cut_and_never_ends_in_a_hyphen():
    assert slug_for("ab " * 200).startswith("ab-ab")
    assert len(slug_for("ab " * 200)) <= 80
    assert not slug_for("a" * 79 + " b").endswith("-")


def test_a_slug_of_a_slug_is_the_same():
    assert slug_for(slug_for("Go/No-Go – Ä")) == slug_for("Go/No-Go – Ä")


def test_a_taken_slug_is_numbered_from_two():
    assert SlugRegister(set()).take("Pump") == "pump"
    assert SlugRegister({"pump"}).take("Pump") == "pump-2"
    assert SlugRegister({"pump", "pump-2", "pump-4"}).take("Pump") == "pump-3"


def test_a_numbered_slug_of_a_long_title_fits_the_column():
    base = slug_for("x" * 200)
    taken = {base, *(f"{base}-{number}" for number in range(2, 1000))}
    assert len(SlugRegister(taken).take("x" * 200)) <= Runbook._meta.get_field("slug").max_length


# ---- clusters


@pytest.fixture
def clusters():
    def make(slug, first=None, last=None, **fields):
        return Cluster.objects.create(
            slug=slug, first_number=first, last_number=last or first, **fields
        )

    return {
        "82-85": make("82-85", 82, 85),
        "83": make("83", 83),
        "85-90": make("85-90", 85, 90),
        "16a": make("16a", 16, kind="phase", suffix="A"),
        "16b": make("16b", 16, kind="phase", suffix="B"),
        "stream": make("stream", kind="stream", title="Reporting 83"),
    }


@pytest.mark.parametrize(
    ("number", "found"),
    [
        ("82", {"82-85"}),
        ("83", {"82-85", "83"}),
        (" 83 ", {"82-85", "83"}),
        ("083", {"82-85", "83"}),
        ("85", {"82-85", "85-90"}),
        ("81", set()),
        ("91", set()),
        ("16", {"16a", "16b"}),
        ("16A", {"16a"}),
        ("16a", {"16a"}),
        ("16 B", {"16b"}),
        ("16C", set()),
        ("83A", set()),
        ("0", set()),
    ],
)
def test_a_number_finds_every_cluster_whose_range_covers_it(clusters, number, found):
    assert {cluster.slug for cluster in Cluster.objects.covering(number)} == found


@pytest.mark.parametrize(
    "nonsense",
    ["", "abc", "83-85", "-83", "8.3", "9999999", "83;--", "\x00", "Cluster 83", "83ABCDE"],
)
def test_what_is_no_number_finds_no_cluster(clusters, nonsense):
    assert not Cluster.objects.covering(nonsense).exists()


def test_overlapping_clusters_share_a_number_and_a_kind(clusters):
    def overlapping(slug):
        return {cluster.slug for cluster in Cluster.objects.overlapping(clusters[slug])}

    assert overlapping("82-85") == {"83", "85-90"}
    assert overlapping("83") == {"82-85"}
    assert overlapping("85-90") == {"82-85"}
    assert overlapping("16a") == {"16b"}
    assert overlapping("stream") == set()


@pytest.mark.parametrize(
    ("fields", "text", "number"),
    [
        (
            {"first_number": 82, "last_number": 85, "title": "Alerts"},
            "Cluster 82–85 (Alerts)",
            "Cluster 82–85",
        ),
        ({"first_number": 82, "last_number": 82}, "Cluster 82", "Cluster 82"),
        (
            {"kind": "phase", "first_number": 16, "last_number": 16, "suffix": "A"},
            "Phase 16A",
            "Phase 16A",
        ),
        ({"kind": "track", "title": "Finish-C"}, "Finish-C", "Finish-C"),
        ({"first_number": 0, "last_number": 0}, "Cluster 0", "Cluster 0"),
    ],
)
def test_a_cluster_is_written_as_the_landscape_writes_it(fields, text, number):
    cluster = Cluster(slug="x", **fields)
    assert str(cluster) == text
    assert cluster.number_label == number


# ---- what a signature covers


def test_the_hash_of_the_metadata_does_not_hang_on_the_order_of_clusters_and_layers(people):
    one, two = cast.make_runbook("One"), cast.make_runbook("Two")
    clusters = [
        Cluster.objects.create(slug=f"r{n}", first_number=n, last_number=n) for n in (7, 6, 5)
    ]
    layers = [Layer.objects.create(slug=f"l{n}", title=f"Layer {n}") for n in (3, 1, 2)]
    for runbook, order in ((one, 1), (two, -1)):
        runbook.related_clusters.set(clusters[::order])
        runbook.layers.set(layers[::order])
    two.title, two.document_path, two.primary_cluster = (
        one.title,
        one.document_path,
        one.primary_cluster,
    )
    assert one.metadata_sha256() == two.metadata_sha256()
    prefetched = Runbook.objects.with_catalogue().get(pk=one.pk)
    assert prefetched.metadata_sha256() == one.metadata_sha256()


GOVERNED = {
    "title": lambda runbook: setattr(runbook, "title", "Other"),
    "document_path": lambda runbook: setattr(runbook, "document_path", "docs/other.md"),
    "version": lambda runbook: setattr(runbook, "version", "v9"),
    "scope": lambda runbook: setattr(runbook, "scope", "Other."),
    "primary_cluster": lambda runbook: setattr(runbook, "primary_cluster", None),
    "related_clusters": lambda runbook: runbook.related_clusters.add(Cluster.objects.first()),
    "layers": lambda runbook: runbook.layers.clear(),
}
UNGOVERNED = {
    "slug": "other",
    "owner": "Other desk",
    "escalation_contact": "extension 1",
    "position": 99,
    "declared_level": "track",
    "declared_text": "other",
}


@pytest.mark.parametrize("name", GOVERNED)
def test_a_change_of_a_governed_field_changes_the_hash(runbook, name):
    before = runbook.metadata_sha256()
    GOVERNED[name](runbook)
    assert runbook.metadata_sha256() != before


def test_the_governed_fields_are_those_that_the_design_names(runbook):
    assert set(runbook.governed_metadata()) == set(GOVERNED)


@pytest.mark.parametrize("name", UNGOVERNED)
def test_a_change_of_any_other_field_leaves_the_hash_alone(runbook, name):
    before = runbook.metadata_sha256()
    setattr(runbook, name, UNGOVERNED[name])
    assert runbook.metadata_sha256() == before


@pytest.mark.parametrize("what", ["cluster", "layer"])
def test_the_new_name_of_a_cluster_or_layer_changes_the_hash_of_its_runbooks(runbook, what):
    before = runbook.metadata_sha256()
    other = runbook.primary_cluster if what == "cluster" else runbook.layers.get()
    other.title = "Other"
    other.save()
    assert Runbook.objects.get(pk=runbook.pk).metadata_sha256() != before


def test_two_fields_cannot_trade_their_texts_unnoticed(people):
    """Canonical JSON: no pair of texts in two fields hashes like another pair."""
    one = cast.make_runbook("Swap")
    one.version, one.scope = "a", "b"
    first = one.metadata_sha256()
    one.version, one.scope = "b", "a"
    assert one.metadata_sha256() != first
    one.version, one.scope = 'a","scope":"b', ""
    assert one.metadata_sha256() != first


def test_the_hash_is_the_documented_one(people):
    """sha256 of canonical JSON: sorted keys, UTF-8, no white space, for other programs."""
    runbook = Runbook(title="Störung", document_path="docs/a.md", version="v1", scope="x")
    runbook.save()
    text = (
        '{"document_path":"docs/a.md","layers":[],"primary_cluster":"","related_clusters":[],'
        '"scope":"x","title":"Störung","version":"v1"}'
    )
    assert runbook.metadata_sha256() == cast.sha256(text)
