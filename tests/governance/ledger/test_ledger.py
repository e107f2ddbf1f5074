"""The ledger: what it says, and that nobody can make it say something else unnoticed."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from governance import guards, ledger
from governance.ledger.chain import entry_of
from governance.ledger.models import ChangeLogEntry

CELLS = (
    "recorded_at",
    "actor",
    "action",
    "subject",
    "subject_title",
    "reason",
    "release",
    "changes",
    "hash",
)


def entries(count=12):
    """A chain in memory."""
    made, previous = [], ledger.GENESIS
    for sequence in range(1, count + 1):
        record = ledger.Record(
            actor=ledger.SystemActor("ed"),
            action="changed",
            subject=f"runbook:{sequence}",
            subject_title="Überprüfung",
            reason="why",
            changes={"scope": {"before": "a", "after": "ä"}},
        )
        at = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(seconds=sequence)
        entry = entry_of(record, sequence=sequence, recorded_at=at, previous_hash=previous)
        made.append(entry)
        previous = entry.hash
    return made


def test_canonical_bytes_are_what_the_specification_says():
    entry = entries(1)[0]
    assert ledger.canonical_bytes(entry).decode() == (
        '{"action":"changed","actor":"ed","changes":{"scope":{"after":"ä","before":"a"}},'
        f'"digests":"{entry.digests}",'
        f'"previous_hash":"{"0" * 64}","reason":"why",'
        '"recorded_at":"2026-01-01T12:00:01.000000Z","release":"",'
        '"sequence":1,"subject":"runbook:1","subject_title":"Überprüfung"}'
    )


def test_a_whole_chain_verifies():
    assert ledger.verify_entries(iter(entries())).is_whole


@settings(deadline=None)
@given(row=st.integers(0, 11), cell=st.sampled_from(CELLS), data=st.data())
def test_no_change_of_a_single_cell_goes_unnoticed(row, cell, data):
    chain = entries()
    old = getattr(chain[row], cell)
    if cell == "recorded_at":
        new = data.draw(st.datetimes(timezones=st.just(UTC)).filter(lambda value: value != old))
    elif cell == "changes":
        new = data.draw(st.dictionaries(st.text(max_size=3), st.text(max_size=3)))
    else:
        new = data.draw(
            st.text(st.characters(exclude_categories=["Cs"])).filter(lambda value: value != old)
        )
    setattr(chain[row], cell, new)
    result = ledger.verify_entries(iter(chain))
    assert not result.is_whole
    assert result.bad_sequence in (row + 1, row + 2)


def column_named(**changes):
    """The column that is named after changes of the third row, and the place in the chain."""
    chain = entries()
    for name, value in changes.items():
        setattr(chain[2], name, value)
    result = ledger.verify_entries(iter(chain))
    assert (result.bad_sequence, result.count, result.last_hash) == (3, 2, chain[1].hash)
    return result.column


def test_the_altered_columns_of_a_row_are_named():
    assert column_named(actor="nobody") == "actor"
    assert column_named(changes={}, reason="other", actor="nobody") == "actor, reason, changes"
    assert column_named(hash="0" * 64) == "hash"
    assert column_named(subject="\ud800") == "changes"  # no bytes, so that no digest is made
    assert column_named(previous_hash="0" * 64, actor="nobody") == "previous_hash"


def test_altered_digests_are_named_and_not_the_columns_that_they_stand_for():
    digests = entries()[2].digests
    assert column_named(digests="0" * len(digests)) == "digests"
    assert column_named(digests=f"{'0' * 8}{digests[8:]}") == "digests"
    assert column_named(digests=digests[:-8]) == "digests"
    assert column_named(digests="") == "digests"


def test_of_a_row_of_the_earlier_format_no_column_is_known():
    """It has no digests, and its hash was made without them."""
    row = entries()[2]
    row.digests = ""
    old = {"digests": "", "hash": ledger.hash_of(row)}
    chain = entries(3)
    chain[2].digests, chain[2].hash = "", old["hash"]
    assert ledger.verify_entries(iter(chain)).is_whole
    assert column_named(**old, actor="nobody") == "a column"


def test_a_chain_that_was_made_anew_from_one_row_on_is_noticed_there():
    chain = entries(4)
    chain[2].previous_hash = "0" * 64
    chain[2].hash = ledger.hash_of(chain[2])
    result = ledger.verify_entries(iter(chain))
    assert (result.bad_sequence, result.column) == (3, "previous_hash")
    assert "made anew" in result.sentence


def test_a_row_that_cannot_be_read_ends_the_walk_where_it_stands():
    chain = entries(2)

    def read():
        yield from chain
        raise ValueError("no JSON")

    result = ledger.verify_entries(read())
    assert (result.count, result.last_hash, result.bad_sequence) == (2, chain[1].hash, 3)
    assert (result.column, result.problem) == ("(the whole row)", "cannot be read: no JSON")


@pytest.mark.parametrize("row", [0, 5, 10])
def test_a_removed_row_is_named(row):
    chain = entries()
    del chain[row]
    result = ledger.verify_entries(iter(chain))
    assert (result.bad_sequence, result.column) == (row + 2, "sequence")


def test_two_swapped_rows_are_noticed():
    chain = entries()
    chain[3], chain[4] = chain[4], chain[3]
    assert not ledger.verify_entries(iter(chain)).is_whole


@pytest.mark.django_db
def test_what_is_stored_reads_back_to_the_same_hash(ready_runbook):
    assert all(ledger.hash_of(entry) == entry.hash for entry in ChangeLogEntry.objects.all())


@pytest.mark.django_db
def test_verify_ledger_names_the_first_bad_row(ready_runbook):
    out = StringIO()
    call_command("verify_ledger", stdout=out)
    assert "The chain is whole" in out.getvalue()
    guards.remove()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE governance_changelogentry SET actor = 'nobody' WHERE sequence = 3")
    guards.install()
    with pytest.raises(CommandError, match="broken at row 3, column actor"):
        call_command("verify_ledger")


@pytest.mark.django_db
def test_verify_ledger_says_when_a_guard_is_missing(people):
    guards.remove()
    with pytest.raises(CommandError, match="guards are missing"):
        call_command("verify_ledger")
