"""The database refuses, whoever asks: each test tries the forbidden write."""

import json
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from governance import guards, ledger
from governance.assurance.evidence import verdict_on
from governance.assurance.standings import standing_of
from governance.ledger.models import ChangeLogEntry
from governance.signoff.downgrade import downgrade
from governance.signoff.models import SignOff, SignOffRule, StatusChangeRequest
from governance.signoff.submit import withdraw
from runbooks.models import Document, Runbook
from tests import cast

pytestmark = pytest.mark.django_db


def execute(sql, *parameters):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def refused(call, words):
    with pytest.raises(IntegrityError, match=words), transaction.atomic():
        call()


ALONE = "approved request alone"


def test_every_guard_stands_after_migrate(db):
    assert guards.missing() == []


def test_a_removed_guard_is_noticed_and_migrate_puts_it_back(db):
    guards.remove()
    assert len(guards.missing()) >= len(guards.rules.GUARDS)
    call_command("migrate", verbosity=0)
    assert guards.missing() == []


def test_a_guard_of_an_earlier_release_does_not_stop_the_migrate_that_replaces_it(db):
    guards.remove()
    call_command("migrate", verbosity=0, skip_checks=False)
    assert guards.missing() == []


def test_queryset_update_moves_no_readiness(runbook):
    refused(
        lambda: Runbook.objects.filter(pk=runbook.pk).update(
            readiness_level="ready", readiness_year=2026
        ),
        ALONE,
    )


def test_save_moves_no_readiness(runbook):
    runbook.readiness_level = "shadow"
    refused(runbook.save, ALONE)


def test_bulk_update_moves_no_readiness(runbook):
    runbook.readiness_level = "shadow"
    refused(lambda: Runbook.objects.bulk_update([runbook], ["readiness_level"]), ALONE)


def test_raw_sql_moves_no_readiness(runbook):
    refused(
        lambda: execute(
            (
                "UPDATE runbooks_runbook SET readiness_level = 'ready', readiness_year = 2026 "
                "WHERE id = %s"
            ),
            runbook.pk,
        ),
        ALONE,
    )


def test_raw_sql_forges_no_signed_document(ready_runbook):
    refused(
        lambda: execute(
            "UPDATE runbooks_runbook SET signed_document_sha256 = %s WHERE id = %s",
            "0" * 64,
            ready_runbook.pk,
        ),
        ALONE,
    )


def test_a_new_runbook_is_never_born_ready(people):
    refused(
        lambda: Runbook.objects.create(
            slug="x", title="x", readiness_level="ready", readiness_year=2026
        ),
        "starts unassessed",
    )


def test_loaddata_moves_no_readiness(runbook, tmp_path):
    row = {
        "model": "runbooks.runbook",
        "pk": runbook.pk,
        "fields": {
            "slug": runbook.slug,
            "title": runbook.title,
            "readiness_level": "ready",
            "readiness_year": 2026,
        },
    }
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([row]))
    refused(lambda: call_command("loaddata", str(path), verbosity=0), ALONE)


def test_loaddata_brings_no_ready_runbook(people, tmp_path):
    row = {
        "model": "runbooks.runbook",
        "pk": 991,
        "fields": {"slug": "n", "title": "n", "readiness_level": "ready", "readiness_year": 2026},
    }
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([row]))
    refused(lambda: call_command("loaddata", str(path), verbosity=0), "starts unassessed")


def test_a_used_approval_moves_nothing_a_second_time(ready_runbook, people):

    year = ready_runbook.readiness_year
    downgrade(runbook=ready_runbook, level="shadow", reason="Wrong step.", by=people["rita"])
    refused(
        lambda: execute(
            (
                "UPDATE runbooks_runbook SET readiness_level = 'ready', readiness_year = %s "
                "WHERE id = %s"
            ),
            year,
            ready_runbook.pk,
        ),
        ALONE,
    )


def test_a_signed_runbook_is_not_deleted(ready_runbook):
    refused(
        lambda: execute("DELETE FROM runbooks_runbook WHERE id = %s", ready_runbook.pk),
        "retire it|violates foreign key|FOREIGN KEY",
    )


def test_insert_or_replace_is_no_way_round(ready_runbook):
    if connection.vendor != "sqlite":
        return  # PostgreSQL knows no such statement
    refused(
        lambda: execute(
            "INSERT OR REPLACE INTO runbooks_runbook SELECT * FROM runbooks_runbook WHERE id = %s",
            ready_runbook.pk,
        ),
        "starts unassessed",
    )
    refused(
        lambda: execute(
            "INSERT OR REPLACE INTO governance_changelogentry SELECT * FROM "
            "governance_changelogentry"
        ),
        "grows at its end",
    )


def test_a_request_is_not_approved_without_its_signatures(runbook, people):
    request = cast.ask(runbook, by=people["ed"])
    cast.approve(request, by=people["rita"])
    refused(
        lambda: StatusChangeRequest.objects.filter(pk=request.pk).update(
            state="approved", closed_at=timezone.now()
        ),
        "signatures are complete",
    )


def test_what_a_request_pins_is_pinned(runbook, people):
    request = cast.ask(runbook, by=people["ed"])
    for field, value in (
        ("required_signatures", 1),
        ("independent", False),
        ("document_sha256", "0" * 64),
        ("to_year", 2031),
        ("metadata", {"title": "other"}),
        ("requested_by", people["rita"]),
    ):
        refused(
            lambda field=field, value=value: StatusChangeRequest.objects.filter(
                pk=request.pk
            ).update(**{field: value}),
            "pinned",
        )


def test_a_closed_request_never_opens_again(ready_runbook):
    refused(
        lambda: StatusChangeRequest.objects.update(state="open", closed_at=None, applied_at=None),
        "never moves",
    )


def test_a_request_is_not_born_approved_nor_under_a_lower_quorum(runbook, people):
    request = cast.ask(runbook, by=people["ed"])

    withdraw(request=request, reason="x", by=people["ed"])
    for changes in (
        {"state": "approved", "closed_at": timezone.now()},
        {"state": "open", "closed_at": None, "required_signatures": 1},
    ):
        forged = StatusChangeRequest.objects.get(pk=request.pk)
        forged.pk, forged.closed_at = None, None
        for name, value in changes.items():
            setattr(forged, name, value)
        refused(lambda: forged.save(force_insert=True), "starts open")  # noqa: B023


def test_the_requester_cannot_be_made_to_sign_by_raw_insert(runbook, people):
    request = cast.ask(runbook, by=people["rita"])
    refused(
        lambda: SignOff.objects.create(
            request=request,
            signer=people["rita"],
            decision="approve",
            comment="x",
            statement="x",
            document_sha256=request.document_sha256,
            metadata_sha256=request.metadata_sha256,
            signed_at=timezone.now(),
        ),
        "never from the requester",
    )


def test_a_decision_is_never_changed_nor_deleted(ready_runbook):
    refused(lambda: SignOff.objects.update(comment="nicer"), "never changed")
    refused(lambda: SignOff.objects.all()._raw_delete("default"), "never deleted")


def test_a_ledger_row_is_never_changed_nor_deleted(ready_runbook):
    refused(lambda: ChangeLogEntry.objects.update(actor="nobody"), "never changed")
    refused(lambda: ChangeLogEntry.objects.all()._raw_delete("default"), "never deleted")


def test_the_ledger_has_no_gap_and_no_back_dating(runbook):
    last = ChangeLogEntry.objects.order_by("-sequence").first()
    for changes in (
        {"sequence": last.sequence + 2},
        {"sequence": last.sequence + 1, "previous_hash": "1" * 64},
        {"sequence": last.sequence + 1, "recorded_at": last.recorded_at - timedelta(days=1)},
    ):
        forged = ChangeLogEntry(
            **{
                "sequence": last.sequence + 1,
                "recorded_at": timezone.now(),
                "actor": "x",
                "action": "changed",
                "subject": "x",
                "previous_hash": last.hash,
                "hash": "2" * 64,
                **changes,
            }
        )
        refused(lambda: forged.save(force_insert=True), "grows at its end")  # noqa: B023


UNREADABLE_TIMES = {
    "sqlite": [
        "zzzz", "now", "", "2090-02-30 10:00:00", "2090-13-01 10:00:00", "2090-01-01 23:61:00",
        "2090-01-01 10:00:00..1", "2090-01-01 10:00:00.1.2", "2090-01-01 10:00:00.",
        "2090-01-01 10:00:00x1", "2090-01-01 10:00:00.1234567", "2460000.5", "9999-01-01 00:00:00",
        "2090-01-01", "2090-01-01T10:00:00", "2090-01-01 10:00:00+02:00", "2090-01-01 10:00:00Z",
        "2090-01-01 24:00:00", 4102444800, b"2090-01-01 10:00:00",
    ],
    "postgresql": ["infinity", "9999-01-01 00:00:00Z", "2101-06-01 00:00:00Z"],
}  # fmt: skip


def insert_ledger_row(**values):
    """A row with everything right that a guard can see, by the application's own INSERT."""
    last = ChangeLogEntry.objects.order_by("-sequence").first()
    row = {
        "sequence": last.sequence + 1,
        "recorded_at": "2090-01-01 10:00:00",
        "actor": "x",
        "action": "changed",
        "subject": "x",
        "subject_title": "",
        "reason": "",
        "release": "",
        "changes": "{}",
        "digests": "",
        "previous_hash": last.hash,
        "hash": "2" * 64,
        **values,
    }
    marks = ", ".join(["%s"] * len(row))
    execute(
        f"INSERT INTO governance_changelogentry ({', '.join(row)}) VALUES ({marks})", *row.values()
    )


@pytest.mark.parametrize("when", UNREADABLE_TIMES[connection.vendor])
def test_the_ledger_takes_no_time_that_nobody_can_read_again(runbook, when):
    refused(lambda: insert_ledger_row(recorded_at=when), "can be read")


@pytest.mark.parametrize(
    "changes",
    ["[]", '"x"', "7", "null", '{"a": 1}', '{"a": null}', '{"a": []}', '{"a": {}, "b": "x"}'],
)
def test_the_ledger_takes_no_changes_that_nobody_can_read_again(runbook, changes):
    refused(lambda: insert_ledger_row(changes=changes), "can be read")


@pytest.mark.parametrize(
    "changes",
    [
        '{"request": {"after": 1}, "request": {"after": 2}}',
        '{"a": {"after": {"b": [{"c": 1, "c": 2}]}}}',
        '{"request": {"after": 1}, "\\u0072equest": {"after": 2}}',
    ],
)
def test_the_ledger_takes_no_key_twice(runbook, changes):
    if connection.vendor == "sqlite":
        refused(lambda: insert_ledger_row(changes=changes), "one spelling")
        return
    insert_ledger_row(changes=changes)  # jsonb keeps one value of a key, for SQL and Python alike
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT changes::text FROM governance_changelogentry ORDER BY sequence DESC LIMIT 1"
        )
        assert cursor.fetchone()[0].count("2") == 1


@pytest.mark.parametrize("column", ["actor", "subject", "changes", "hash"])
def test_the_ledger_takes_no_bytes_for_a_text(runbook, column):
    if connection.vendor == "sqlite":
        value = b"{}" if column == "changes" else b"x" * 64
        refused(lambda: insert_ledger_row(**{column: value}), "one spelling")


@pytest.mark.parametrize(
    ("column", "value"),
    [("metadata", '{"a": 1, "a": 2}'), ("rationale", b"x"), ("independent", "f")],
)
def test_a_request_is_stored_in_one_spelling(runbook, people, column, value):
    if connection.vendor != "sqlite":
        return
    request = cast.ask(runbook, by=people["ed"])
    withdraw(request=request, reason="x", by=people["ed"])
    columns = [field.column for field in request._meta.concrete_fields]
    values = [
        "(SELECT max(id) + 1 FROM governance_statuschangerequest)" if name == "id" else name
        for name in columns
    ]
    values = [
        {"state": "'open'", "closed_at": "NULL", column: "%s"}.get(name, each)
        for name, each in zip(columns, values, strict=True)
    ]
    statement = (
        f"INSERT INTO governance_statuschangerequest ({', '.join(columns)}) SELECT "
        f"{', '.join(values)}"
    )
    refused(
        lambda: execute(f"{statement} FROM governance_statuschangerequest", value), "one spelling"
    )


def test_a_forged_row_keeps_nobody_from_taking_a_readiness_down(ready_runbook, people):
    guards.remove()
    insert_ledger_row(
        changes=f'{{"a": {{"after": {"9" * 5000}}}}}'
    )  # more digits than anybody reads
    guards.install()
    downgrade(runbook=ready_runbook, level="shadow", reason="Wrong step.", by=people["rita"])
    assert not verdict_on(Runbook.objects.get(pk=ready_runbook.pk)).go
    assert ledger.verify().bad_sequence == ChangeLogEntry.objects.count() - 1


@pytest.mark.parametrize("microsecond", [0, 1, 499_999, 999_499, 999_500, 999_999])
def test_every_time_that_the_portal_writes_is_taken(people, microsecond):
    moment = timezone.now().replace(
        year=2090, month=12, day=31, hour=23, minute=59, second=59, microsecond=microsecond
    )
    with ledger.atomic():
        ledger.append(ledger.Record(actor=ledger.SYSTEM, action="changed", subject="x"), at=moment)
    assert ledger.verify().is_whole


def test_what_can_be_read_is_taken_by_the_guard(runbook):
    insert_ledger_row(changes='{"a": {"before": null, "after": 1}}')
    assert ChangeLogEntry.objects.order_by("-sequence").first().changes == {
        "a": {"before": None, "after": 1}
    }


@pytest.mark.parametrize(
    "table", ["governance_changelogentry", "governance_signoff", "runbooks_runbook"]
)
def test_postgresql_never_empties_a_governed_table(ready_runbook, table):
    if connection.vendor == "postgresql":
        execute("SET CONSTRAINTS ALL IMMEDIATE")  # else it refuses for another reason
        refused(lambda: execute(f"TRUNCATE {table} CASCADE"), "never emptied")


def test_the_ledger_is_written_in_a_transaction_or_not_at_all(transactional_db):
    with pytest.raises(transaction.TransactionManagementError):
        ledger.append(ledger.Record(actor=ledger.SYSTEM, action="changed", subject="x"))


def test_a_document_is_never_edited_nor_deleted(runbook):
    refused(lambda: Document.objects.update(text="# Flood the cellar"), "never edited")
    refused(lambda: Document.objects.update(html="<p>Flood the cellar</p>"), "never edited")
    refused(
        lambda: Document.objects.all()._raw_delete("default"),
        "never deleted|violates foreign key|FOREIGN KEY",
    )


def test_loaddata_replaces_no_document(runbook, tmp_path):
    path = tmp_path / "rows.json"
    call_command("dumpdata", "runbooks.document", output=str(path), verbosity=0)
    path.write_text(path.read_text().replace("Look.", "Do not look."))
    refused(lambda: call_command("loaddata", str(path), verbosity=0), "never edited")


def test_a_rule_is_never_edited_nor_put_back_in_force(people):
    for changes in (
        {"required_signatures": 1},
        {"group": Group.objects.get(name="Operators")},
        {"target_level": "track"},
    ):
        refused(
            lambda changes=changes: SignOffRule.objects.filter(target_level="ready").update(
                **changes
            ),
            "never edited",
        )
    SignOffRule.objects.filter(target_level="ready").update(in_force=False)
    refused(
        lambda: SignOffRule.objects.filter(target_level="ready").update(in_force=True),
        "never edited",
    )


def test_a_runbook_keeps_its_slug(runbook):
    refused(lambda: Runbook.objects.filter(pk=runbook.pk).update(slug="another"), "keeps its slug")


def test_requests_do_not_swap_their_numbers(runbook, people):
    request = cast.ask(runbook, by=people["ed"])
    refused(
        lambda: StatusChangeRequest.objects.filter(pk=request.pk).update(id=request.pk + 1000),
        "pinned",
    )


def raw_sign_off(request, signer):
    return SignOff.objects.create(
        request=request,
        signer=signer,
        decision="approve",
        comment="x",
        statement="x",
        document_sha256=request.document_sha256,
        metadata_sha256=request.metadata_sha256,
        signed_at=timezone.now(),
    )


@pytest.mark.parametrize("who", ["ed", "otto", "ada", "sue"])
def test_nobody_outside_the_rules_group_signs_by_raw_insert(runbook, people, who):
    request = cast.ask(runbook, by=people["ruth"])
    refused(lambda: raw_sign_off(request, people[who]), "from the rule's group")


def test_an_inactive_risk_owner_does_not_sign_by_raw_insert(runbook, people):
    request = cast.ask(runbook, by=people["ed"])
    User.objects.filter(username="rita").update(is_active=False)
    refused(lambda: raw_sign_off(request, people["rita"]), "from the rule's group")


@pytest.mark.parametrize(
    "changes",
    [
        {"independent": False},
        {"direction": "down"},
        {"direction": "down", "to_level": "shadow", "to_year": None},
        {"rule": None},
        {
            "direction": "down",
            "from_level": "ready",
            "from_year": 2026,
            "to_level": "retired",
            "to_year": None,
        },
    ],
)
def test_a_forged_request_stands_under_no_rule(runbook, people, changes):

    request = cast.ask(runbook, by=people["ed"])
    withdraw(request=request, reason="x", by=people["ed"])
    forged = StatusChangeRequest.objects.get(pk=request.pk)
    forged.pk, forged.state, forged.closed_at = None, "open", None
    for name, value in changes.items():
        setattr(forged, name, value)
    refused(lambda: forged.save(force_insert=True), "starts open")


def test_a_neutered_guard_is_noticed(people):
    if connection.vendor == "postgresql":
        execute(
            "CREATE OR REPLACE FUNCTION guard_ledger_update() RETURNS trigger LANGUAGE plpgsql"
            " AS $$ BEGIN RETURN NEW; END $$"
        )
    else:
        execute("DROP TRIGGER guard_ledger_update")
        execute(
            "CREATE TRIGGER guard_ledger_update BEFORE UPDATE ON governance_changelogentry "
            "WHEN 1 = 0"
            " BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    assert guards.missing() == ["guard_ledger_update"]


def test_a_disabled_guard_is_noticed_on_postgresql(people):
    if connection.vendor == "postgresql":
        execute("SET CONSTRAINTS ALL IMMEDIATE")
        execute("ALTER TABLE governance_changelogentry DISABLE TRIGGER guard_ledger_update")
        assert guards.missing() == ["guard_ledger_update"]


def test_the_role_that_docs_describe_signs_and_cannot_rewrite(people):
    """The role of ``docs/postgresql_role.sql``, run without psql's own commands.

    The whole sign-off works under the role, and nothing else does.
    """
    if connection.vendor != "postgresql":
        return  # SQLite knows no roles
    sql = (django_settings.BASE_DIR / "docs" / "postgresql_role.sql").read_text(encoding="utf-8")
    execute("CREATE ROLE portal_app")
    execute(
        "\n".join(
            line
            for line in sql.splitlines()
            if not line.startswith(("--", "\\", "BEGIN;", "COMMIT;"))
        ).replace("%", "%%")
    )
    execute("SET ROLE portal_app")
    try:
        ready = cast.make_ready(cast.make_runbook("Under the role"))
        assert standing_of(ready).is_live_ready
        assert ledger.verify().is_whole
        assert guards.missing() == []
        for statement in (
            "UPDATE governance_changelogentry SET actor = 'nobody'",
            "DELETE FROM governance_signoff",
            "UPDATE governance_statuschangerequest SET required_signatures = 1",
            "UPDATE runbooks_document SET text = 'x'",
            "TRUNCATE governance_changelogentry",
            "ALTER TABLE governance_changelogentry DISABLE TRIGGER ALL",
            "DROP TRIGGER guard_ledger_update ON governance_changelogentry",
            "SET session_replication_role = replica",
            "CREATE TABLE mine (id int)",
            "INSERT INTO django_migrations (app, name, applied) VALUES ('x', 'y', now())",
        ):
            with pytest.raises(DatabaseError, match=r"permission denied|must be owner"):
                execute(statement)
    finally:
        execute("RESET ROLE")
