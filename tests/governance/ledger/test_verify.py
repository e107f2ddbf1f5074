"""Verifying reads rows as the database stores them, and reports what the specification says."""

import json
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from governance import guards, ledger
from governance.assurance.evidence import verdict_on
from governance.findings.models import Finding
from governance.ledger.models import ChangeLogEntry
from governance.ledger.verification import StoredRow, Verification, verify_row
from runbooks.models import Runbook
from tests.governance.ledger.test_ledger import entries

ROWS = "governance_changelogentry"
# SQLite holds a text, PostgreSQL a time.
SAME_TIME = [
    "2026-01-02T03:04:05+00:00", "2026-01-02 04:04:05+01:00", "20260102T030405",
    "2026-01-02T03:04:05", "2026-01-02 03:04:05.000000", "2026-01-02 03:04:05Z",
]  # fmt: skip
ANOTHER_TIME = {
    "sqlite": [
        "2026-01-02 03:04:05.1", "2026-01-02 03:04:06", "yesterday", "", 5,
        "2026-01-02 03:04:05.00000x", "0" * 19, "ä" * 26,
    ],
    "postgresql": [
        "2026-01-02 03:04:05.1+00:00", "2026-01-02 03:04:06+00:00", "2026-01-02 04:04:05+00:00",
    ],
}  # fmt: skip
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def specified(entry):
    """docs/ledger.md, in the words of its own example."""
    row = {name: getattr(entry, name) for name in ledger.HASHED_FIELDS} | {"digests": entry.digests}
    row["recorded_at"] = f"{entry.recorded_at:%Y-%m-%dT%H:%M:%S.%f}Z"
    row = {name: value for name, value in row.items() if name != "digests" or value}
    return json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


@settings(deadline=None)
@given(
    text=st.text(st.characters(exclude_categories=["Cs"])),
    changes=st.dictionaries(st.text(max_size=3), json_values),
    digests=st.sampled_from(["", "a" * 72, '"']),
)
def test_the_bytes_are_those_of_the_specification_for_any_value(text, changes, digests):
    entry = entries(1)[0]
    entry.actor = entry.reason = entry.subject = entry.subject_title = entry.release = text
    entry.changes, entry.digests = changes, digests
    assert ledger.canonical_bytes(entry) == specified(entry)


def with_ledger_at(text):
    guards.remove()
    ChangeLogEntry.objects.all().delete()
    guards.install()
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    ledger.append_all([ledger.Record(ledger.SYSTEM, "changed", "runbook:pump")] * 3, at=moment)
    if connection.vendor == "sqlite":  # what is verified is this very text
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT DISTINCT CAST(recorded_at AS text) FROM {ROWS}")
            assert cursor.fetchall() == [(text.removesuffix(".000000"),)]


def rewrite(value):
    """Change the time of the last row behind the guards' back."""
    guards.remove()
    last = ChangeLogEntry.objects.latest("sequence")
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {ROWS} SET recorded_at = %s WHERE sequence = %s", [value, last.sequence]
        )
    return last


@pytest.mark.parametrize(
    "moment", ["2026-01-02 03:04:05.000006", "2026-01-02 03:04:05", "2026-12-31 23:59:59.900000"]
)
def test_every_spelling_that_django_stores_verifies(db, moment):
    with_ledger_at(moment)
    assert ledger.verify().is_whole


@pytest.mark.parametrize("spelled", SAME_TIME)
def test_the_same_time_in_another_spelling_is_named_where_sql_compares_texts(db, spelled):
    with_ledger_at("2026-01-02 03:04:05")
    last = rewrite(spelled)
    found = ledger.verify()
    if connection.vendor == "postgresql":  # keeps the time, not the text
        assert found.is_whole
    else:
        assert (found.bad_sequence, found.column) == (last.sequence, "recorded_at")


@pytest.mark.parametrize("spelled", ANOTHER_TIME[connection.vendor])
def test_another_time_or_none_is_named(db, spelled):
    with_ledger_at("2026-01-02 03:04:05")
    last = rewrite(spelled)
    found = ledger.verify()
    assert (found.bad_sequence, found.column) == (last.sequence, "recorded_at")


def test_what_is_verified_is_every_column(db):
    assert set(StoredRow._fields) == {field.name for field in ChangeLogEntry._meta.concrete_fields}


# ---- cells that SQL and Python could read differently

READ_TWICE = {
    "another value first": '{"request": {"before": null, "after": 2},'
    ' "request": {"before": null, "after": 1}}',
    "twice inside": '{"request": {"after": 2, "before": null, "after": 1}}',
    "twice in a list": '{"request": {"before": null, "after": 1},'
    ' "more": {"after": [{"a": 2, "a": 1}]}}',
    "an escaped key": '{"\\u0072equest": {"before": null, "after": 1}}',
    "both keys": '{"request": {"after": 2}, "\\u0072equest": {"before": null, "after": 1}}',
    "an exponent": '{"request": {"before": null, "after": 1e0}}',
    "a fraction": '{"request": {"before": null, "after": 1.0}}',
    "true": '{"request": {"before": null, "after": true}}',
    "a text": '{"request": {"before": null, "after": "1"}}',
    "a blank before it": ' {"request": {"before": null, "after": 1}}',
}


def with_request_number():
    """A ledger whose last row tells of request 1; returns that row."""
    told = {"request": {"before": None, "after": 1}}
    with ledger.atomic():
        return ledger.append(
            ledger.Record(ledger.SYSTEM, "request_withdrawn", "runbook:pump", changes=told)
        )


def overwrite(row, column, value):
    """Change one cell past the guards."""
    guards.remove()
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {ROWS} SET {column} = {value} WHERE sequence = %s", [row.sequence])
    guards.install()


@pytest.mark.parametrize("name", READ_TWICE)
def test_json_that_sql_and_python_read_differently_is_named(db, name):
    row = with_request_number()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT data_type FROM information_schema.columns WHERE column_name = 'changes'"
            )
            assert cursor.fetchall() == [("jsonb",)]  # one value for each key, whatever was written
        if name in (
            "another value first",
            "twice inside",
            "an escaped key",
            "both keys",
            "a blank before it",
            "an exponent",
        ):
            overwrite(row, "changes", f"'{READ_TWICE[name]}'")
            row.refresh_from_db()
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SELECT changes -> 'request' -> 'after' FROM {ROWS} WHERE sequence = %s",
                    [row.sequence],
                )
                assert cursor.fetchone()[0] in ("1", 1)
            assert row.changes["request"]["after"] == 1
            return
    overwrite(row, "changes", f"'{READ_TWICE[name]}'")
    found = ledger.verify()
    assert (found.bad_sequence, found.column) == (row.sequence, "changes")
    with pytest.raises(CommandError, match=f"row {row.sequence}, column changes"):
        call_command("verify_ledger")


def test_a_key_that_is_named_twice_is_said_in_so_many_words(db):
    row = with_request_number()
    if connection.vendor == "sqlite":
        overwrite(row, "changes", f"'{READ_TWICE['another value first']}'")
        assert "names a key twice" in ledger.verify().sentence


@pytest.mark.parametrize(
    "column",
    ["sequence", "actor", "subject", "reason", "changes", "digests", "previous_hash", "hash"],
)
def test_a_cell_of_another_type_is_named(db, column):
    row = with_request_number()
    if connection.vendor == "sqlite":  # PostgreSQL's columns have one type
        overwrite(row, column, f"CAST({column} AS blob)")
        assert ledger.verify().column == column


def test_a_text_with_a_nul_behind_it_is_named(db):
    row = with_request_number()
    if connection.vendor == "sqlite":  # PostgreSQL takes no NUL
        overwrite(row, "subject", "subject || char(0) || 'x'")
        assert ledger.verify().column == "subject"


def test_what_django_writes_is_read(db):
    changes = {
        'ü\u2028\\"': {
            "before": None,
            "after": ["\u00e9", "e\u0301", -1, True, {"a": {}}, "\x7f", 2**63 - 1],
        }
    }
    with ledger.atomic():
        ledger.append(ledger.Record(ledger.SYSTEM, "changed", "runbook:pump", changes=changes))
    assert ledger.verify().is_whole


# ---- rows that cannot be read at all, written past the guards


UNREADABLE_ROWS = {
    "sqlite": [
        ("recorded_at", "'garbage'"), ("recorded_at", "x'00ff'"), ("changes", "'[1]'"),
        ("actor", "CAST(x'ff' AS TEXT)"), ("reason", "x'ff'"), ("changes", "deep"),
    ],
    "postgresql": [
        ("recorded_at", "'infinity'"), ("changes", "'[1]'"), ("recorded_at", "'20000-01-01'"),
    ],
}  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(("column", "value"), UNREADABLE_ROWS[connection.vendor])
def test_a_row_that_cannot_be_read_is_named_and_noted_and_every_verdict_is_no_go(
    ready_runbook, column, value
):
    number = ChangeLogEntry.objects.count() - 1
    guards.remove()
    with connection.cursor() as cursor:
        if value == "deep":  # nested so deep that no reader of JSON follows
            deep = '{"a":' * 900 + "{}" + "}" * 900
            cursor.execute(
                "UPDATE governance_changelogentry SET changes = %s WHERE sequence = %s",
                [deep, number],
            )
        else:
            cursor.execute(
                f"UPDATE governance_changelogentry SET {column} = {value} WHERE sequence = %s",
                [number],
            )
    guards.install()
    found = ledger.verify()
    before = ChangeLogEntry.objects.values_list("hash", flat=True).get(sequence=number - 1)
    assert (found.bad_sequence, found.count, found.last_hash) == (number, number - 1, before)
    two_before = ChangeLogEntry.objects.values_list("hash", flat=True).get(sequence=number - 2)
    assert ledger.verify(after=Verification(number - 2, two_before)) == found
    with pytest.raises(CommandError, match=f"row {number}"):
        call_command("verify_ledger")
    assert Finding.objects.filter(kind="broken_ledger", resolved_at=None).exists()
    verdict = verdict_on(Runbook.objects.get(pk=ready_runbook.pk))
    assert not verdict.go
    with pytest.raises(CommandError, match="no-go"):
        call_command("tick", stdout=StringIO())


@pytest.mark.django_db
def test_a_forged_row_that_no_reader_expects_is_a_no_go_and_no_crash(ready_runbook):
    guards.remove()
    ChangeLogEntry.objects.filter(action="readiness_changed").update(
        changes={"request": "x", "readiness": 7}
    )
    guards.install()
    assert not verdict_on(Runbook.objects.get(pk=ready_runbook.pk)).go


# ---- from one row on


def alter(*sequences):
    guards.remove()
    ChangeLogEntry.objects.filter(sequence__in=sequences).update(actor="nobody")
    guards.install()


def grow(rows):
    ledger.append_all([ledger.Record(ledger.SYSTEM, "changed", "runbook:pump")] * rows)


@pytest.mark.django_db
def test_an_earlier_verification_is_gone_on_with():
    grow(3)
    earlier = ledger.verify()
    grow(2)
    whole = ledger.verify()
    assert ledger.verify(after=earlier) == whole
    assert whole.count == earlier.count + 2
    alter(whole.count)
    later = ledger.verify(after=earlier)
    assert (later.bad_sequence, later.column) == (whole.count, "actor")
    alter(earlier.count)
    assert ledger.verify(after=earlier) == later  # the rows before were verified earlier


@pytest.mark.django_db
def test_an_earlier_verification_that_found_a_break_stays_the_answer():
    grow(3)
    alter(ledger.verify().count)
    broken = ledger.verify()
    grow(1)
    assert ledger.verify(after=broken) is broken


@pytest.mark.django_db
def test_accepted_breaks_are_passed_and_told_and_any_other_is_not():
    grow(6)
    last = ledger.verify().count
    alter(last - 4, last - 1)
    first = ledger.verify()
    accepted = {ledger.break_found(first)}
    second = ledger.verify(accepted=accepted)
    assert (first.bad_sequence, second.bad_sequence) == (last - 4, last - 1)
    assert (second.count, second.accepted) == (last - 2, (last - 4,))
    accepted.add(ledger.break_found(second))
    whole = ledger.verify(accepted=accepted)
    assert (whole.is_whole, whole.count, whole.accepted) == (True, last, (last - 4, last - 1))
    grow(1)
    assert ledger.verify(after=whole).accepted == (last - 4, last - 1)
    assert not ledger.verify(accepted=set()).is_whole


@pytest.mark.django_db
def test_a_break_names_its_row_its_place_and_what_stands_there():
    grow(3)
    last = ledger.verify().count
    before = ChangeLogEntry.objects.get(sequence=last - 1).hash
    alter(last)
    found = ledger.break_found(ledger.verify())
    assert (found.sequence, found.expected, found.previous_hash) == (last, last, before)
    guards.remove()
    ChangeLogEntry.objects.filter(sequence=last).update(actor="another")
    guards.install()
    changed = ledger.break_found(ledger.verify())
    assert changed._replace(stored_sha256="") == found._replace(stored_sha256="")
    assert changed.stored_sha256 != found.stored_sha256


@pytest.mark.django_db
def test_one_row_is_verified_with_its_link_to_the_row_before():
    grow(4)
    last = ledger.verify().count
    for sequence in (1, 2, last):
        found = verify_row(sequence)
        assert (found.is_whole, found.count) == (True, sequence)
    alter(last - 1)
    assert (verify_row(last - 1).bad_sequence, verify_row(last - 1).column) == (last - 1, "actor")
    assert verify_row(last).is_whole  # what it links to is the stored hash
    guards.remove()
    ChangeLogEntry.objects.filter(sequence=last - 1).update(hash="0" * 64)
    guards.install()
    assert verify_row(last).column == "previous_hash"
    guards.remove()
    ChangeLogEntry.objects.filter(sequence=last - 1).delete()
    guards.install()
    assert verify_row(last).column == "previous_hash"


@pytest.mark.django_db
def test_a_whole_chain_is_read_at_once(django_assert_num_queries):
    grow(3)
    with django_assert_num_queries(1):
        assert ledger.verify().is_whole


@pytest.mark.django_db
def test_behind_a_gap_the_row_that_cannot_be_read_is_named_and_not_the_one_that_is_missing():
    grow(6)
    last = ledger.verify().count
    guards.remove()
    ChangeLogEntry.objects.filter(sequence=last - 1).delete()
    if connection.vendor == "sqlite":  # PostgreSQL stores no such row
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {ROWS} SET actor = CAST(x'ff' AS TEXT) WHERE sequence = %s", [last]
            )
    guards.install()
    assert (ledger.verify().bad_sequence, ledger.verify().count) == (last, last - 2)
