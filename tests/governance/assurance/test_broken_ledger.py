"""A ledger that does not verify is no-go at once, and people can continue.

Nothing that the application may write settles it.
"""

import json

import pytest
from django.apps import apps
from django.core.management import CommandError
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.test import Client

from governance import guards, ledger
from governance.assurance.evidence import verdict_on
from governance.assurance.integrity_incidents import note_checkpoint, note_ledger_state
from governance.assurance.proof import NothingToProve, proof_of
from governance.assurance.standings import live_ready
from governance.findings.models import Finding
from governance.ledger import acceptance
from governance.ledger.models import ChangeLogEntry, LedgerIncident
from governance.signoff.downgrade import downgrade
from runbooks.models import Runbook
from tests import cast
from tests.governance.guards.test_guards import execute, insert_ledger_row, refused
from tests.governance.ledger.test_checkpoint import run

pytestmark = pytest.mark.django_db


def reasons(runbook):
    return {reason.value for reason in verdict_on(Runbook.objects.get(pk=runbook.pk)).reasons}


def past_the_guards(statement, *parameters):
    guards.remove()
    execute(statement, *parameters)
    guards.install()


def append_a_bad_row(**values):
    """Well-formed, so that no guard can see that its hash is none of its own."""
    newest = ChangeLogEntry.objects.order_by("-sequence").first()
    spelled = "%Y-%m-%d %H:%M:%S.%f" if connection.vendor == "sqlite" else "%Y-%m-%d %H:%M:%S.%f+00"
    insert_ledger_row(recorded_at=newest.recorded_at.strftime(spelled), **values)
    return newest.sequence + 1


def alter_row(sequence):
    past_the_guards(
        "UPDATE governance_changelogentry SET actor = 'nobody' WHERE sequence = %s", sequence
    )


# ---- noticed at once


@pytest.mark.django_db(transaction=True)
def test_an_appended_row_that_does_not_verify_is_no_go_at_the_next_question(mark, ready_runbook):
    assert reasons(ready_runbook) == set()
    append_a_bad_row()
    assert reasons(ready_runbook) == {"ledger_broken"}
    assert Client().get("/readyz").json()["reasons"] == ["ledger_broken"]
    assert live_ready() == []


@pytest.mark.django_db(transaction=True)
def test_it_stays_so_while_the_portal_goes_on_writing(mark, ready_runbook, people):
    before = mark.read_text()
    number = append_a_bad_row()
    downgrade(
        runbook=cast.make_ready(cast.make_runbook()), level="shadow", reason="x", by=people["rita"]
    )
    assert reasons(ready_runbook) == {"ledger_broken"}
    assert json.loads(mark.read_text())["sequence"] == number - 1 == json.loads(before)["sequence"]


# ---- nothing that the application may write settles it


def settled_by_hand():
    Finding.objects.filter(kind="broken_ledger").update(resolved_at="2026-01-01T00:00:00Z")
    LedgerIncident.objects.update(settled_at="2026-01-01T00:00:00Z")


@pytest.mark.parametrize("is_appended", [True, False], ids=["appended", "altered"])
def test_no_update_of_the_applications_own_brings_a_go_back(ready_runbook, is_appended):
    if is_appended:
        append_a_bad_row()
    else:
        alter_row(3)
    with pytest.raises(CommandError, match="is broken at row"):
        run("verify_ledger")
    settled_by_hand()
    assert reasons(ready_runbook) == {"ledger_broken"}


def test_no_update_settles_what_a_checkpoint_exposed(ready_runbook):
    note_checkpoint(sequence=7, digest="f" * 64, problem="An old backup was restored.")
    settled_by_hand()
    assert reasons(ready_runbook) == {"ledger_broken"}


def test_the_finding_is_shown_alone_and_decides_nothing(ready_runbook):
    note_ledger_state(problem="Row 3 is not itself.", sequence=3)
    Finding.objects.all().delete()
    assert reasons(ready_runbook) == {"ledger_broken"}


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM governance_ledgerincident",
        "UPDATE governance_ledgerincident SET sequence = 1",
        "UPDATE governance_ledgerincident SET message = 'All is well.'",
        "UPDATE governance_ledgerincident SET hash = 'x'",
        "UPDATE governance_ledgerincident SET settled_at = NULL WHERE settled_at IS NOT NULL",
        "INSERT INTO governance_ledgerincident (sequence, hash, message, found_at, settled_at)"
        " VALUES (1, '', 'x', '2026-01-01', '2026-01-01')",
    ],
)
def test_the_database_refuses_to_rewrite_an_incident(ready_runbook, statement):
    note_ledger_state(problem="Row 3 is not itself.", sequence=3)
    note_ledger_state(problem="")
    note_ledger_state(problem="Row 3 is not itself.", sequence=3)
    with pytest.raises(IntegrityError, match="incident of the ledger"), transaction.atomic():
        execute(statement)


# ---- rows that nobody could read again are refused


NESTED = '{"a": ' + '{"a": ' * 800 + "1" + "}" * 801
UNREADABLE_CHANGES = {
    "many digits": '{"a": {"after": 1%s}}' % ("0" * 5_000),
    "just too many": '{"a": {"after": 9223372036854775808}}',
    "below": '{"a": {"after": -9223372036854775809}}',
    "deep in it": '{"a": {"after": [1, {"b": [%s]}]}}' % ("9" * 400),
    "a fraction": '{"a": {"after": 1.5}}',
    "an exponent": '{"a": {"after": 1e999}}',
    "nested": NESTED,
    "nested lists": '{"a": {"after": ' + "[" * 800 + "]" * 800 + "}}",
    "half a pair": r'{"a": {"after": "\ud83d"}}',
    "half a pair, the other": r'{"a": {"after": "\ude00x"}}',
    "half a pair in a name": r'{"a": {"\ud83d": 1}}',
    "no number": '{"a": {"after": NaN}}',
    "infinite": '{"a": {"after": Infinity}}',
    "a null byte": r'{"a": {"after": "\u0000"}}' if connection.vendor == "postgresql" else "{",
}


@pytest.mark.parametrize("changes", UNREADABLE_CHANGES.values(), ids=UNREADABLE_CHANGES.keys())
def test_a_row_that_nobody_could_read_again_is_refused(runbook, changes):
    with pytest.raises((IntegrityError, DatabaseError)), transaction.atomic():
        insert_ledger_row(changes=changes)
    assert not ChangeLogEntry.objects.filter(hash="2" * 64).exists()


@pytest.mark.parametrize(
    "column", ["actor", "subject", "subject_title", "reason", "release", "digests", "hash"]
)
@pytest.mark.parametrize("value", ["CAST(x'ff' AS TEXT)", "CAST(x'61eda080' AS TEXT)", "x'61'"])
def test_sqlite_takes_no_text_that_is_none(runbook, column, value):
    if connection.vendor == "sqlite":
        names = [field.column for field in ChangeLogEntry._meta.concrete_fields]
        newest = ChangeLogEntry.objects.order_by("-sequence").first()
        given = {
            "sequence": "sequence + 1",
            "previous_hash": "hash",
            "hash": f"'{'2' * 64}'",
            column: value,
        }
        selected = ", ".join(given.get(name, f'"{name}"') for name in names)
        quoted = ", ".join(f'"{name}"' for name in names)
        refused(
            lambda: execute(
                f"INSERT INTO governance_changelogentry ({quoted}) SELECT {selected}"
                f" FROM governance_changelogentry WHERE sequence = {newest.sequence}"
            ),
            "can be read|one spelling",
        )


READABLE_CHANGES = [
    '{"a": {"before": null, "after": 9223372036854775807}}',
    '{"a": {"after": -9223372036854775808}, "b": {"after": true}}',
    r'{"a": {"after": "\ud83d\ude00 \\ud83d \ufffd ü"}}',
    '{"a": {"after": "😀 � \\u00df"}, "� 😀": {"after": [[], {}, ""]}}',
    json.dumps({"a": {"after": {f"runbook:{'x' * 390}": {"y" * 390: [{"z" * 390: 1}]}}}}),
]


@pytest.mark.parametrize("changes", READABLE_CHANGES)
def test_a_row_that_can_be_read_again_is_taken(runbook, changes):
    number = append_a_bad_row(changes=changes, actor="Zoë 😀 �", reason="«Grün» – ß")
    assert ChangeLogEntry.objects.get(sequence=number).changes == json.loads(changes)


# ---- the way on


@pytest.fixture(params=["altered", "appended", "missing", "unreadable"])
def broken(request, ready_runbook, people):
    """A permanently broken ledger, in each possible way; returns the sequence of the bad row."""
    last = ChangeLogEntry.objects.count()
    if request.param == "appended":
        number = append_a_bad_row()
        cast.store("docs/goes_on.md", "# On\n")
    elif request.param == "missing":
        past_the_guards("DELETE FROM governance_changelogentry WHERE sequence = %s", last - 2)
        number = last - 1
    elif request.param == "unreadable":
        number = last - 2
        changes = '{"a": {"after": 1%s}}' % ("0" * 5_000)
        past_the_guards(
            "UPDATE governance_changelogentry SET changes = %s WHERE sequence = %s", changes, number
        )
    else:
        number = last - 2
        alter_row(number)
    return number


def test_a_person_goes_on_with_a_chain_that_is_broken_for_good(broken, ready_runbook):
    with pytest.raises(CommandError, match=f"broken at row {broken}"):
        run("verify_ledger")
    assert "ledger_broken" in reasons(ready_runbook)
    said = run("accept_broken_ledger", "--as", "rita", "--reason", "The disk of Tuesday is lost.")
    assert ready_runbook.slug in said
    assert f"row {broken}" in said
    assert Runbook.objects.get(pk=ready_runbook.pk).readiness_level == "unassessed"
    row = ChangeLogEntry.objects.get(action="break_accepted")
    assert (row.actor, row.reason) == ("rita", "The disk of Tuesday is lost.")
    told = row.changes["breaks"]["before"]
    assert [each["sequence"] for each in told] == [broken]
    assert (
        told[0]["hash"]
        == ChangeLogEntry.objects.filter(sequence=broken).values_list("hash", flat=True).get()
    )
    verified = run("verify_ledger")
    assert "whole" in verified
    assert f"Row {broken} is not valid; it was accepted as it is (row {row.sequence}" in verified
    run("tick")
    again = cast.make_ready(ready_runbook)
    assert reasons(again) == set()
    assert proof_of(again)["entries"]
    assert Client().get("/readyz").status_code == 200


def test_a_new_break_is_found_as_before(broken, ready_runbook):
    run("accept_broken_ledger", "--as", "rita", "--reason", "Lost.")
    again = cast.make_ready(ready_runbook)
    later = ChangeLogEntry.objects.filter(sequence__gt=broken + 1).first().sequence - 1
    alter_row(later)
    assert ledger.verify().bad_sequence == later
    with pytest.raises(CommandError, match=f"broken at row {later}"):
        run("tick")
    assert "ledger_broken" in reasons(again)


def test_an_accepted_row_that_is_altered_once_more_is_found(broken, ready_runbook):
    run("accept_broken_ledger", "--as", "rita", "--reason", "Lost.")
    again = cast.make_ready(ready_runbook)
    past_the_guards(
        "UPDATE governance_changelogentry SET reason = 'Another.' WHERE sequence = %s", broken
    )
    assert ledger.verify().bad_sequence == broken
    assert reasons(again) == {"ledger_broken"}  # the incident is known: at once


def test_a_row_before_an_accepted_one_that_is_taken_out_is_found(broken, ready_runbook):
    run("accept_broken_ledger", "--as", "rita", "--reason", "Lost.")
    before = (
        ChangeLogEntry.objects.filter(sequence__lt=broken).order_by("-sequence").first().sequence
    )
    past_the_guards("DELETE FROM governance_changelogentry WHERE sequence = %s", before)
    assert not ledger.verify().is_whole


def test_a_forged_word_that_it_was_accepted_brings_nothing_back(ready_runbook):
    append_a_bad_row()
    forged = ledger.break_found(ledger.verify())
    with ledger.atomic():
        told = {**forged._asdict(), "hash": "2" * 64}
        changes = {"breaks": {"before": [told], "after": None}}
        ledger.append(
            ledger.Record(
                actor=ledger.SYSTEM, action="break_accepted", subject="ledger", changes=changes
            )
        )
    assert ledger.verify().bad_sequence == forged.sequence
    with pytest.raises(CommandError, match="is broken at row"):
        run("tick")
    settled_by_hand()
    assert reasons(ready_runbook) == {"ledger_broken"}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"breaks": {}},
        {"breaks": {"before": 1}},
        {"breaks": {"before": [7, {}, {"sequence": []}]}},
    ],
)
def test_a_row_about_an_acceptance_that_makes_no_sense_accepts_nothing(ready_runbook, changes):
    with ledger.atomic():
        ledger.append(
            ledger.Record(
                actor=ledger.SYSTEM, action="break_accepted", subject="ledger", changes=changes
            )
        )
    number = append_a_bad_row()
    assert ledger.verify().bad_sequence == number
    assert acceptance.acceptance_of_loss("f" * 64) is None


@pytest.mark.parametrize(
    ("who", "why"), [("ed", "risk owner"), ("otto", "risk owner"), ("nobody-here", "no active")]
)
def test_not_everybody_accepts_a_broken_ledger(broken, ready_runbook, who, why):
    rows = ChangeLogEntry.objects.count()
    with pytest.raises(CommandError, match=why):
        run("accept_broken_ledger", "--as", who, "--reason", "Lost.")
    assert ChangeLogEntry.objects.count() == rows


def test_a_whole_ledger_is_not_accepted_as_broken(ready_runbook):
    with pytest.raises(CommandError, match="nothing to accept"):
        run("accept_broken_ledger", "--as", "rita", "--reason", "Just so.")
    assert reasons(ready_runbook) == set()


def test_what_was_approved_before_a_break_is_proved_no_more(ready_runbook, people):
    downgrade(runbook=ready_runbook, level="retired", reason="x", by=people["rita"])
    other = cast.make_ready(cast.make_runbook("Other"))
    alter_row(ChangeLogEntry.objects.count() - 1)
    run("accept_broken_ledger", "--as", "rita", "--reason", "Lost.")
    with pytest.raises(NothingToProve, match="are not valid"):
        proof_of(Runbook.objects.get(pk=ready_runbook.pk))
    assert Runbook.objects.get(pk=other.pk).readiness_level == "unassessed"


def test_an_upgrade_keeps_what_was_found_before(ready_runbook):
    loader = MigrationLoader(connection)
    steps = [step for key, step in loader.disk_migrations.items() if key[0] == "governance"]
    (keep,) = [one.code for step in steps for one in step.operations if getattr(one, "code", None)]
    Finding.objects.create(
        kind="broken_ledger", subject="ledger", message="Row 3.", first_seen="2026-01-01T00:00:00Z"
    )
    Finding.objects.create(
        kind="broken_ledger", subject=f"ledger, seen from a checkpoint {'f' * 64}", line=7,
        message="Lost.", first_seen="2026-01-01T00:00:00Z",
    )  # fmt: skip
    keep(apps, None)
    assert list(LedgerIncident.objects.values_list("sequence", "hash")) == [(0, ""), (7, "f" * 64)]
    assert reasons(ready_runbook) == {"ledger_broken"}
