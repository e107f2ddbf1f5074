"""The catalogue's questions: what is found, and what may be used live."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from governance.assurance.renewal import renew_all
from governance.assurance.standings import add_standings, live_ready, standing_of, with_assurance
from governance.signoff.downgrade import downgrade
from runbooks.managers import MAX_WORDS, RELATED_FIELDS, SEARCHED
from runbooks.models import Cluster, Layer, Runbook, RunbookAlias, Situation, SituationRunbook
from runbooks.validity import Reason
from tests import cast

pytestmark = pytest.mark.django_db


def found(text):
    return set(Runbook.objects.matching(text))


# ---- text


@pytest.fixture
def pump(people):
    """A runbook with one word of its own in every field that is searched."""
    runbook = cast.make_runbook(
        "Titleword",
        text="# Documentword\n",
        document_path="docs/pathword.md",
        slug="slugword",
        owner="Ownerword desk",
    )
    runbook.scope = "Scopeword."
    runbook.save()
    Cluster.objects.filter(pk=runbook.primary_cluster_id).update(title="Clusterword")
    runbook.layers.set([Layer.objects.create(slug="l", title="Layerword")])
    situation = Situation.objects.create(slug="s", title="Situationword")
    SituationRunbook.objects.create(situation=situation, runbook=runbook)
    RunbookAlias.objects.create(runbook=runbook, name="Aliasword")
    return runbook


@pytest.fixture
def other(people):
    return cast.make_runbook("Other")


WORD_OF_FIELD = {
    "title": "titleword",
    "slug": "slugword",
    "aliases__name": "aliasword",
    "scope": "scopeword",
    "document_path": "pathword",
    "owner": "ownerword",
    "layers__title": "layerword",
    "primary_cluster__title": "clusterword",
    "situations__title": "situationword",
    "document__text": "documentword",
}


def test_every_searched_field_has_a_word_above():
    assert set(SEARCHED) == set(WORD_OF_FIELD)


@pytest.mark.parametrize("field", WORD_OF_FIELD)
def test_a_word_is_found_wherever_it_stands(pump, other, field):
    assert found(WORD_OF_FIELD[field]) == {pump}
    assert found(WORD_OF_FIELD[field].upper()) == {pump}
    assert found(WORD_OF_FIELD[field][1:-1]) == {pump}


def test_every_word_must_be_found_but_not_in_the_same_place(pump, other):
    assert found("documentword LAYERWORD titleword") == {pump}
    assert found("documentword elsewhere") == set()


def test_no_words_find_everything(pump, other):
    assert found("") == found(" \t\n ") == {pump, other}


@pytest.mark.parametrize("sign", ["%", "_", "\\", "'", '"', ";--", "[a-z]", "*"])
def test_signs_that_databases_read_as_patterns_are_read_as_text(pump, other, sign):
    assert found(sign) == set() or sign == "_"
    Runbook.objects.filter(pk=other.pk).update(owner=f"desk {sign} desk")
    assert other in found(sign)
    assert pump not in found(sign)


def test_a_runbook_is_found_once_however_often_the_word_stands_in_it(pump):
    for number in range(3):
        pump.layers.add(
            Layer.objects.create(slug=f"titleword-{number}", title=f"Titleword {number}")
        )
    assert [runbook.pk for runbook in Runbook.objects.matching("titleword")] == [pump.pk]
    assert Runbook.objects.matching("titleword").count() == 1


def test_only_the_first_words_count_so_that_a_long_text_costs_no_more(pump):
    words = ["titleword"] * MAX_WORDS
    assert found(" ".join([*words, "nowhere"])) == {pump}
    assert found(" ".join([*words[1:], "nowhere"])) == set()


def test_text_composes_with_the_other_questions(pump, other):
    assert list(
        Runbook.objects.covering(str(pump.primary_cluster.first_number)).matching("titleword")
    ) == [pump]
    assert not Runbook.objects.covering("999999").matching("titleword").exists()


def test_situations_are_found_by_title_comment_and_runbook(pump):
    Situation.objects.update(comment="It hums.")
    for text in ("situationword", "hums", "titleword", "hums titleword"):
        assert Situation.objects.matching(text).count() == 1
    assert not Situation.objects.matching("hums elsewhere").exists()


# ---- clusters


def test_a_number_finds_runbooks_by_primary_and_related_clusters_once_each(people):
    primary, related, both, none = (
        cast.make_runbook(title) for title in ("Primary", "Related", "Both", "None")
    )
    wide = Cluster.objects.create(slug="wide", first_number=5_000, last_number=5_010)
    narrow = Cluster.objects.create(slug="narrow", first_number=5_003, last_number=5_003)
    Runbook.objects.filter(pk__in=(primary.pk, both.pk)).update(primary_cluster=wide)
    related.related_clusters.add(wide, narrow)
    both.related_clusters.add(wide, narrow)
    assert sorted(runbook.title for runbook in Runbook.objects.covering("5003")) == [
        "Both",
        "Primary",
        "Related",
    ]
    assert {runbook.title for runbook in Runbook.objects.covering("5010")} == {
        "Both",
        "Primary",
        "Related",
    }
    assert none not in Runbook.objects.covering("5003")
    assert not Runbook.objects.covering("nonsense").exists()


# ---- live-ready


def test_only_signed_and_unchanged_runbooks_are_live_ready(ready_runbook, other):
    assert live_ready() == [ready_runbook]


def test_a_declared_readiness_makes_nothing_live_ready(people):
    cast.make_runbook(declared_level="ready", declared_year=timezone.localdate().year)
    assert live_ready() == []


def test_a_changed_document_takes_live_away(ready_runbook):
    ready_runbook.document = cast.store(ready_runbook.document_path, "# Other steps\n")
    ready_runbook.save()
    assert live_ready() == []


def test_the_signed_document_put_back_is_live_ready_again_after_the_next_look(ready_runbook):
    signed = ready_runbook.document
    Runbook.objects.update(document=cast.store(ready_runbook.document_path, "# Other steps\n"))
    Runbook.objects.update(document=signed)
    assert standing_of(Runbook.objects.get()).reasons == (Reason.ASSURANCE_MISSING,)
    renew_all()
    assert live_ready() == [ready_runbook]


def test_a_document_that_went_away_takes_live_away(ready_runbook):
    Runbook.objects.filter(pk=ready_runbook.pk).update(document=None)
    assert live_ready() == []


@pytest.mark.parametrize("field", ["title", "document_path", "version", "scope"])
def test_metadata_that_changed_behind_the_back_takes_live_away(ready_runbook, field):
    Runbook.objects.filter(pk=ready_runbook.pk).update(**{field: "changed behind the back"})
    assert live_ready() == []


@pytest.mark.parametrize(
    "owner", ["layer", "cluster", "related", "without layers", "without cluster"]
)
def test_what_hangs_on_the_metadata_counts_as_much(ready_runbook, owner):
    if owner == "layer":
        Layer.objects.update(title="Renamed")
    elif owner == "cluster":
        Cluster.objects.update(title="Renamed")
    elif owner == "related":
        ready_runbook.related_clusters.add(
            Cluster.objects.create(slug="x", first_number=1, last_number=1)
        )
    elif owner == "without layers":
        ready_runbook.layers.clear()
    else:
        Runbook.objects.update(primary_cluster=None)
    assert live_ready() == []


@pytest.mark.parametrize("field", ["owner", "escalation_contact", "position"])
def test_what_a_signature_does_not_cover_may_change(ready_runbook, field):
    Runbook.objects.update(**{field: 7})
    assert live_ready() == [ready_runbook]


def test_live_ends_with_the_year_in_the_portals_time_zone(ready_runbook):
    year = timezone.localdate().year
    last_second = datetime(year, 12, 31, 22, 59, 59, tzinfo=UTC)
    assert live_ready(at=last_second) == [ready_runbook]
    assert live_ready(at=last_second + timedelta(seconds=1)) == []
    assert list(Runbook.objects.signed_ready(at=last_second)) == [ready_runbook]
    assert list(Runbook.objects.signed_ready(at=last_second + timedelta(seconds=1))) == []


def test_a_runbook_signed_for_next_year_is_not_live_ready_yet(runbook, people):
    year = timezone.localdate().year
    request = cast.ask(runbook, by=people["ed"], year=year + 1)
    for name in ("rita", "rolf"):
        cast.approve(request, by=people[name])
    assert live_ready() == []
    assert live_ready(at=datetime(year + 1, 6, 1, tzinfo=UTC)) == [runbook]


def test_a_downgrade_takes_live_away_at_once(ready_runbook, people):
    downgrade(runbook=ready_runbook, level="shadow", reason="Wrong step.", by=people["rita"])
    assert live_ready() == []


def test_live_ready_composes_with_what_was_asked_before(ready_runbook):
    assert live_ready(Runbook.objects.filter(layers__slug="pumps")) == [ready_runbook]
    assert live_ready(Runbook.objects.none()) == []


def test_the_answer_agrees_with_what_each_row_says_of_itself(ready_runbook, people):
    for _ in range(3):
        cast.make_runbook()
    changed = cast.make_ready(cast.make_runbook())
    Runbook.objects.filter(pk=changed.pk).update(scope="changed")
    assert {runbook.pk for runbook in live_ready()} == {
        runbook.pk for runbook in Runbook.objects.all() if standing_of(runbook).is_live_ready
    }


# ---- cost


def test_a_list_costs_the_same_for_three_rows_and_for_thirty(people, django_assert_num_queries):
    def read():
        # The rows with cluster, document, layers, related clusters and assurance; and whether the
        # portal is in doubt.
        with django_assert_num_queries(3):
            for runbook in add_standings(with_assurance(Runbook.objects.with_catalogue())):
                (
                    str(runbook.primary_cluster),
                    runbook.related("layers"),
                    runbook.related("related_clusters"),
                    runbook.standing.reasons,
                )

    for _ in range(3):
        cast.make_ready(cast.make_runbook())
    read()
    for _ in range(27):
        cast.make_runbook()
    read()


def test_what_is_at_hand_is_what_the_database_says_in_its_order(ready_runbook):
    ready_runbook.layers.add(
        Layer.objects.create(slug="a", title="A layer"), Layer.objects.create(slug="z", title="Z")
    )
    for number in (9, 5, None, 7):
        cluster = Cluster.objects.create(
            slug=f"c{number}", first_number=number, last_number=number, title="“C\\”"
        )
        ready_runbook.related_clusters.add(cluster)
    Situation.objects.create(slug="s", title='A "situation"').runbooks.add(ready_runbook)
    row = Runbook.objects.with_page().get()
    for name, fields in RELATED_FIELDS.items():
        related = getattr(Runbook.objects.get(), name).all()
        assert row.related(name) == list(related)
        assert [[getattr(each, field) for field in fields] for each in row.related(name)] == [
            list(each) for each in related.values_list(*fields)
        ]
    assert row.metadata_sha256() == Runbook.objects.get().metadata_sha256()


@pytest.mark.parametrize("name", ["layers", "related_clusters"])
def test_what_is_at_hand_is_forgotten_when_it_is_edited_or_read_anew(ready_runbook, name):
    row = Runbook.objects.with_catalogue().get()
    model = Runbook._meta.get_field(name).related_model
    added = model.objects.create(slug="added", title="Added")
    before = row.metadata_sha256()
    getattr(row, name).add(added)
    assert added in row.related(name)
    assert row.metadata_sha256() != before
    row = Runbook.objects.with_catalogue().get()
    getattr(row, name).clear()
    assert row.related(name) == []
    row = Runbook.objects.with_catalogue().get()
    getattr(Runbook.objects.get(), name).add(added)
    row.refresh_from_db()
    assert row.related(name) == [added]


def test_a_list_reads_no_document_text(ready_runbook):
    row = Runbook.objects.with_catalogue().get()
    assert {"text", "html", "contents"} <= row.document.get_deferred_fields()


def test_umlauts_are_found_as_they_are_written(people):
    made = cast.make_runbook("Überblick über Störungen")
    assert found("Überblick") == found("Störung") == {made}
    if connection.vendor == "postgresql":  # SQLite folds ASCII letters alone
        assert found("ÜBERBLICK") == {made}
