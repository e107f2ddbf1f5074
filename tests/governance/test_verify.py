"""Verifying reads each row as the database holds it, and says of it just what the specification says."""

import json
from datetime import UTC, datetime

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from governance import guards, ledger
from governance.models import ChangeLogEntry
from tests.governance.test_ledger import entries

ROWS = "governance_changelogentry"
sqlite_alone = pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL holds a time, not a text")
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
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
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT CAST(recorded_at AS text) FROM {ROWS}")
        assert cursor.fetchall() == [(text.removesuffix(".000000"),)]


def rewrite(value):
    """Change the time of the last row behind the guards' back."""
    guards.remove()
    last = ChangeLogEntry.objects.latest("sequence")
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {ROWS} SET recorded_at = %s WHERE sequence = %s", [value, last.sequence])
    return last


@sqlite_alone
@pytest.mark.parametrize("moment", ["2026-01-02 03:04:05.000006", "2026-01-02 03:04:05", "2026-12-31 23:59:59.900000"])
def test_every_spelling_that_django_stores_verifies(db, moment):
    with_ledger_at(moment)
    assert ledger.verify().is_whole


@sqlite_alone
@pytest.mark.parametrize("spelled", ["2026-01-02T03:04:05+00:00", "2026-01-02 04:04:05+01:00", "20260102T030405"])
def test_the_same_time_in_another_spelling_is_the_same_time(db, spelled):
    with_ledger_at("2026-01-02 03:04:05")
    rewrite(spelled)
    assert ledger.verify().is_whole


@sqlite_alone
@pytest.mark.parametrize(
    "spelled",
    [
        "2026-01-02 03:04:05.1",
        "2026-01-02 03:04:06",
        "yesterday",
        "",
        5,
        "2026-01-02 03:04:05.00000x",
        "0" * 19,
        "ä" * 26,
    ],
)
def test_another_time_or_none_is_named(db, spelled):
    with_ledger_at("2026-01-02 03:04:05")
    last = rewrite(spelled)
    found = ledger.verify()
    assert (found.bad_sequence, found.column) == (last.sequence, "recorded_at")


def test_what_is_verified_is_every_column(db):
    assert set(ledger._Row._fields) == {field.name for field in ChangeLogEntry._meta.concrete_fields}
