"""No green against the verdict: any write that bypasses the portal removes the seal."""

from functools import partial

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.utils import timezone

from governance.assurance.evidence import verdict_on
from governance.assurance.models import Assurance
from governance.assurance.renewal import renew_all
from governance.assurance.standings import (
    add_standings,
    live_ready,
    standing_of,
    standings,
    with_assurance,
)
from governance.editing.audited_edit import audited_edit
from governance.ledger.models import ChangeLogEntry
from governance.signoff.downgrade import downgrade
from governance.signoff.models import SignOff, StatusChangeRequest
from runbooks.models import Cluster, Document, Layer, Runbook
from runbooks.validity import Reason
from tests import cast
from tests.tampering import past_every_guard, past_the_refusals

pytestmark = pytest.mark.django_db


def applied(runbook):
    return StatusChangeRequest.objects.filter(runbook=runbook, applied_at__isnull=False).latest(
        "pk"
    )


def changed_row(runbook):
    subject = f"runbook:{runbook.slug}"
    return ChangeLogEntry.objects.filter(subject=subject, action="readiness_changed").latest(
        "sequence"
    )


def runbook_column(column, value):
    return lambda write, runbook: write(
        f"UPDATE runbooks_runbook SET {column} = %s WHERE id = %s", value, runbook.pk
    )


def request_column(column, value):
    return lambda write, runbook: write(
        f"UPDATE governance_statuschangerequest SET {column} = %s WHERE id = %s",
        value,
        applied(runbook).pk,
    )


def decision_lost(write, runbook):
    decision = SignOff.objects.filter(request=applied(runbook)).latest("pk")
    write("DELETE FROM governance_signoff WHERE id = %s", decision.pk)


def decision_turned(write, runbook):
    decision = SignOff.objects.filter(request=applied(runbook)).latest("pk")
    write("UPDATE governance_signoff SET decision = 'reject' WHERE id = %s", decision.pk)


def decision_given_by_the_requester(write, runbook):
    request = applied(runbook)
    decision = SignOff.objects.filter(request=request).latest("pk")
    write(
        "UPDATE governance_signoff SET signer_id = %s WHERE id = %s",
        request.requested_by_id,
        decision.pk,
    )


def signer_renamed(write, runbook):
    write("UPDATE auth_user SET username = 'somebody-else' WHERE username = 'rita'")


def text_swapped(write, runbook):
    write("UPDATE runbooks_document SET text = 'Stop.' WHERE id = %s", runbook.document_id)


def html_swapped(write, runbook):
    html = "<p>Open every valve.</p>"
    write(
        "UPDATE runbooks_document SET html = %s, html_sha256 = %s WHERE id = %s",
        html,
        cast.sha256(html),
        runbook.document_id,
    )


def document_swapped(write, runbook):
    other = cast.store(runbook.document_path, "# Open every valve\n")
    write(
        "UPDATE runbooks_runbook SET document_id = %s, signed_document_sha256 = %s WHERE id = %s",
        other.pk,
        other.sha256,
        runbook.pk,
    )


def ledger_row_changed(write, runbook):
    write(
        "UPDATE governance_changelogentry SET changes = '{}' WHERE sequence = %s",
        changed_row(runbook).sequence,
    )


def ledger_row_lost(write, runbook):
    write(
        "DELETE FROM governance_changelogentry WHERE sequence = %s", changed_row(runbook).sequence
    )


def layer_renamed(write, runbook):
    write("UPDATE runbooks_layer SET title = 'Other' WHERE slug = 'pumps'")


def layer_unlinked(write, runbook):
    write("DELETE FROM runbooks_runbook_layers WHERE runbook_id = %s", runbook.pk)


def cluster_renamed(write, runbook):
    write(
        "UPDATE runbooks_cluster SET title = 'Other' WHERE id = %s",
        Runbook.objects.get(pk=runbook.pk).primary_cluster_id,
    )


def cluster_linked(write, runbook):
    other = Cluster.objects.create(slug="other", title="Other")
    write(
        "INSERT INTO runbooks_runbook_related_clusters (runbook_id, cluster_id) VALUES (%s, %s)",
        runbook.pk,
        other.pk,
    )


TAMPERINGS = {
    # The twelve.
    "decision lost": decision_lost,
    "decision turned": decision_turned,
    "requester signs": decision_given_by_the_requester,
    "signer renamed": signer_renamed,
    "year moved": runbook_column("readiness_year", timezone.localdate().year + 1),
    "html swapped": html_swapped,
    "text swapped": text_swapped,
    "document and its hash swapped": document_swapped,
    "ledger row changed": ledger_row_changed,
    "ledger row lost": ledger_row_lost,
    "request unapplied": request_column("applied_at", None),
    "quorum raised": request_column("required_signatures", 3),
    # And more.
    "title changed": runbook_column("title", "Other"),
    "scope changed": runbook_column("scope", "Other"),
    "layer renamed": layer_renamed,
    "layer unlinked": layer_unlinked,
    "cluster renamed": cluster_renamed,
    "cluster linked": cluster_linked,
    "solo hidden": request_column("dependence", "made_by_party"),
}


@pytest.fixture
def sealed(ready_runbook):
    ready_runbook.layers.add(Layer.objects.get_or_create(slug="pumps", title="Pumps")[0])
    cluster, _ = Cluster.objects.get_or_create(slug="c7", first_number=7, last_number=7)
    Runbook.objects.filter(pk=ready_runbook.pk).update(primary_cluster=cluster)
    runbook = cast.make_ready(Runbook.objects.get(pk=ready_runbook.pk))
    assert standing_of(runbook).is_live_ready
    return runbook


def is_green(runbook):
    """Whether the row, read as a list reads it, is shown as live-ready."""
    rows = with_assurance(Runbook.objects.with_catalogue()).filter(pk=runbook.pk)
    (row,) = add_standings(rows)
    assert row.standing.is_live_ready == standing_of(Runbook.objects.get(pk=row.pk)).is_live_ready
    return row.standing.is_live_ready


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_what_is_written_past_the_refusing_guards_is_shown_green_nowhere(sealed, tampering):
    TAMPERINGS[tampering](past_the_refusals, sealed)
    assert not verdict_on(Runbook.objects.get(pk=sealed.pk)).go
    assert not is_green(sealed)
    assert live_ready() == []


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_what_the_owner_of_the_database_writes_past_every_guard_is_found_by_the_next_tick(
    sealed, tampering
):
    """Docs/threat_model.md names this limit: the owner can drop what takes the seal away."""
    TAMPERINGS[tampering](past_every_guard, sealed)
    renew_all()
    assert not is_green(sealed)
    assert not Assurance.objects.get(pk=sealed.pk).seal


@pytest.mark.parametrize("tampering", ["text swapped", "layer renamed"])
def test_a_page_that_meets_a_seal_against_its_verdict_takes_it_away(
    sealed, client, tampering, settings
):
    settings.PORTAL_READ = "public"
    TAMPERINGS[tampering](past_every_guard, sealed)
    assert Assurance.objects.get(pk=sealed.pk).seal
    client.get(sealed.get_absolute_url())
    assert not Assurance.objects.get(pk=sealed.pk).seal


def test_an_old_seal_that_is_copied_back_fits_no_more(sealed):
    before = Assurance.objects.get(pk=sealed.pk)
    Runbook.objects.filter(pk=sealed.pk).update(scope="Other")
    Assurance.objects.filter(pk=sealed.pk).update(seal=before.seal)
    assert not is_green(sealed)


def test_a_seal_of_another_runbook_or_key_fits_not(sealed, settings):
    other = cast.make_ready(cast.make_runbook("Other pump"))
    seal = Assurance.objects.get(pk=other.pk).seal
    Assurance.objects.filter(pk=sealed.pk).update(seal=seal)
    assert not is_green(sealed)
    assert is_green(other)
    settings.SECRET_KEY, old = "another" * 10, settings.SECRET_KEY
    assert not is_green(other)
    settings.SECRET_KEY_FALLBACKS = [old]
    assert is_green(other)


@pytest.mark.parametrize(
    "write",
    [
        "UPDATE governance_assurance SET generation = generation - 1",
        "UPDATE governance_assurance SET generation = generation + 2",
        "UPDATE governance_assurance SET generation = 9223372036854775807",
        "UPDATE governance_assurance SET seal = 'x', change_hash = 'other'",
        "UPDATE governance_assurance SET seal = 'x', change_sequence = 1",
        "DELETE FROM governance_assurance",
        "INSERT INTO governance_assurance SELECT * FROM governance_assurance",
    ],
)
def test_the_database_refuses_an_assurance_that_rests_on_nothing(sealed, write):
    Assurance.objects.update(generation=F("generation") + 1, seal="")
    with (
        pytest.raises(DatabaseError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(write)
    assert Assurance.objects.count() == 1


def test_a_new_row_needs_an_approved_request(runbook, people):
    request = cast.ask(runbook, by=people["ed"])
    last = ChangeLogEntry.objects.first()
    with pytest.raises(DatabaseError), transaction.atomic():
        Assurance.objects.create(
            runbook=runbook,
            request=request,
            change_sequence=last.sequence,
            change_hash=last.hash,
            seal="x",
            written_at=timezone.now(),
        )


# ---- on again


def test_a_change_that_leaves_the_signature_as_it_is_leaves_the_runbook_green(sealed, people):
    with audited_edit(sealed, by=people["ed"]):
        sealed.owner = "Night shift"
        sealed.save()
    assert is_green(sealed)


def test_a_change_and_its_way_back_end_green(sealed, people):
    for scope in ("Other", sealed.scope):
        with audited_edit(sealed, by=people["ed"]):
            sealed.scope = scope
            sealed.save()
        assert is_green(sealed) == (scope != "Other")


def test_a_layer_that_is_renamed_and_named_back_leaves_its_runbooks_green(sealed, people):
    layer = Layer.objects.get(slug="pumps")
    title = layer.title
    for name in ("Other", title):
        with audited_edit(layer, by=people["ed"]):
            layer.title = name
            layer.save()
        assert is_green(sealed) == (name == title)


def test_without_a_seal_it_is_not_green_although_all_holds_and_the_next_look_seals_it(sealed):
    Assurance.objects.update(seal="")
    row = Runbook.objects.get(pk=sealed.pk)
    assert verdict_on(row).go
    assert standing_of(row).reasons == (Reason.ASSURANCE_MISSING,)
    assert renew_all() == 1
    assert renew_all() == 0
    assert is_green(sealed)


def test_a_seal_is_not_written_over_a_later_generation(sealed, monkeypatch):
    """Somebody changes the runbook while a renewal looks at it."""
    from governance.assurance import renewal

    Assurance.objects.update(seal="")
    real = renewal.seal_of

    def slowly(runbook, proof):
        Runbook.objects.filter(pk=sealed.pk).update(scope="Other")
        return real(runbook, proof)

    monkeypatch.setattr(renewal, "seal_of", slowly)
    assert renew_all() == 0
    assert not Assurance.objects.get(pk=sealed.pk).seal


def test_a_forged_ledger_row_keeps_nobody_from_editing_or_from_a_downgrade(sealed, people):
    past_the_refusals(
        "UPDATE governance_changelogentry SET changes = '[]' WHERE sequence = %s",
        changed_row(sealed).sequence,
    )
    with audited_edit(sealed, by=people["ed"]):
        sealed.owner = "Night shift"
        sealed.save()
    assert Runbook.objects.get(pk=sealed.pk).owner == "Night shift"
    assert not is_green(sealed)
    downgrade(runbook=sealed, level="shadow", reason="Forged.", by=people["rita"])
    assert Runbook.objects.get(pk=sealed.pk).readiness_level == "shadow"


def test_a_change_that_speaks_of_very_many_names_finds_the_ready_one(sealed, monkeypatch):
    from governance.assurance import renewal

    monkeypatch.setattr(renewal, "MAX_NAMES", 3)
    entries = [
        ChangeLogEntry(action="changed", subject=f"{kind}:{name}")
        for kind in ("layer", "cluster", "document", "runbook")
        for name in (*(f"n{number}" for number in range(7)), sealed.slug)
    ]
    assert renewal._touched_by(entries) == [sealed.pk]


# ---- cost


def test_fifty_rows_cost_the_same_in_and_outside_of_a_request_and_read_one_by_one(
    people, django_assert_num_queries
):
    for number in range(5):
        cast.make_ready(cast.make_runbook(f"Valve {number}"))
    rows = with_assurance(Runbook.objects.with_catalogue())
    for read in (partial(list, rows), partial(list, rows.iterator())):
        with django_assert_num_queries(3):
            assert len(add_standings(read())) == 5
    plain = list(Runbook.objects.with_catalogue())
    with django_assert_num_queries(3):
        assert all(standing.is_live_ready for standing in standings(plain).values())


def test_what_does_not_claim_to_be_ready_costs_nothing(runbook, django_assert_num_queries):
    rows = list(with_assurance(Runbook.objects.with_catalogue()))
    with django_assert_num_queries(0):
        assert not standings(rows)[runbook.pk].is_live_ready


def test_no_document_is_read_for_a_list(sealed, django_assert_num_queries):
    (row,) = add_standings(with_assurance(Runbook.objects.with_catalogue()))
    assert "text" in row.document.get_deferred_fields()
    assert Document.objects.count()
