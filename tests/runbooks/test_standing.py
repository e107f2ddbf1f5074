"""Reasons against live use from one row: fail closed; years end in the portal's time zone."""

import itertools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from governance.assurance.standings import standing_of
from governance.errors import ActionRefused
from runbooks.choices import ReadinessLevel
from runbooks.validity import READY, Reason, SignedFacts, Standing, reasons_against_live
from tests import cast

BERLIN = ZoneInfo("Europe/Berlin")
TODAY = date(2026, 6, 15)
SIGNED = SignedFacts(
    level=READY,
    year=2026,
    document_path="docs/pump.md",
    stored_path="docs/pump.md",
    signed_document_sha256="d" * 64,
    document_sha256="d" * 64,
    signed_metadata_sha256="e" * 64,
    metadata_sha256="e" * 64,
)


def reasons(*, today=TODAY, **changes):
    facts = {name: getattr(SIGNED, name) for name in SignedFacts.__dataclass_fields__}
    return reasons_against_live(SignedFacts(**{**facts, **changes}), today=today)


def test_signed_unchanged_and_in_its_year_is_live_ready():
    assert reasons() == ()


@pytest.mark.parametrize("level", [level for level in ReadinessLevel.values if level != "ready"])
def test_no_other_level_is_live_ready_whatever_else_is_signed(level):
    assert reasons(level=level) == (Reason.NOT_READY,)


@pytest.mark.parametrize("level", ["", "READY", "Ready", "ready ", "2026-ready", "live", None])
def test_an_unknown_level_is_not_ready(level):
    assert reasons(level=level) == (Reason.NOT_READY,)


def test_a_standing_permits_live_use_only_without_a_reason_against_it():
    assert Standing(()).is_live_ready is True
    assert Standing((Reason.EXPIRED,)).is_live_ready is False


def test_ready_without_a_year_is_not_ready():
    assert reasons(year=None) == (Reason.NOT_READY,)
    # Nor where the row has the other two ends of a time.
    assert reasons(year=None, from_year=2026, until=date(2026, 12, 31)) == (Reason.NOT_READY,)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"signed_document_sha256": "", "signed_metadata_sha256": ""}, {Reason.UNSIGNED}),
        ({"signed_document_sha256": ""}, {Reason.UNSIGNED}),
        ({"signed_metadata_sha256": ""}, {Reason.UNSIGNED}),
        ({"year": 2025}, {Reason.EXPIRED}),
        ({"year": 2027}, {Reason.NOT_YET_VALID}),
        ({"document_sha256": ""}, {Reason.DOCUMENT_MISSING}),
        ({"document_sha256": "f" * 64}, {Reason.DOCUMENT_CHANGED}),
        ({"document_sha256": "D" * 64}, {Reason.DOCUMENT_CHANGED}),
        ({"stored_path": "docs/other.md"}, {Reason.DOCUMENT_ELSEWHERE}),
        ({"stored_path": ""}, {Reason.DOCUMENT_ELSEWHERE}),
        ({"document_path": ""}, {Reason.DOCUMENT_ELSEWHERE}),
        ({"document_sha256": "", "stored_path": ""}, {Reason.DOCUMENT_MISSING}),
        ({"metadata_sha256": "f" * 64}, {Reason.METADATA_CHANGED}),
        ({"metadata_sha256": ""}, {Reason.METADATA_CHANGED}),
        # Nothing signed and nothing there: two empty values are no match.
        (
            {"signed_document_sha256": "", "document_sha256": ""},
            {Reason.UNSIGNED, Reason.DOCUMENT_MISSING},
        ),
        ({"signed_metadata_sha256": "", "metadata_sha256": ""}, {Reason.UNSIGNED}),
    ],
)
def test_each_doubt_has_its_reason(changes, expected):
    assert expected <= set(reasons(**changes))
    if not any(name.startswith("signed") for name in changes):
        assert expected == set(reasons(**changes))


def test_every_reason_can_be_given():
    given = {
        *reasons(level="shadow"),
        *reasons(signed_document_sha256=""),
        *reasons(year=2025),
        *reasons(year=2027),
        *reasons(document_sha256=""),
        *reasons(document_sha256="f" * 64),
        *reasons(stored_path="docs/other.md"),
        *reasons(metadata_sha256=""),
        *reasons(solo=True),
    }
    # Of the rest, governance tells: the evidence, the portal's alarms, and the question itself.
    evidence = {Reason.SIGNATURES_MISSING, Reason.LEDGER_DISAGREES, Reason.DOCUMENT_ALTERED}
    alarms = {
        Reason.LEDGER_BROKEN,
        Reason.GUARDS_MISSING,
        Reason.LEDGER_RESTORED,
        Reason.MARK_UNREADABLE,
        Reason.CLOCK_BEHIND_LEDGER,
        Reason.DATABASE_NOT_WRITABLE,
    }
    question = {
        Reason.YEAR_OVER,
        Reason.NOT_NOW,
        Reason.UNKNOWN_RUNBOOK,
        Reason.NOT_PERMITTED,
        Reason.BAD_REQUEST,
        Reason.DATABASE_UNREACHABLE,
        Reason.DOUBT,
    }
    assert given | evidence | alarms | question | {Reason.ASSURANCE_MISSING} == set(Reason)


def test_all_reasons_are_told_at_once_and_not_the_first_alone():
    assert set(reasons(year=2025, document_sha256="f" * 64, metadata_sha256="f" * 64)) == {
        Reason.EXPIRED,
        Reason.DOCUMENT_CHANGED,
        Reason.METADATA_CHANGED,
    }


def test_of_all_combinations_exactly_the_whole_ones_are_live_ready():
    """The truth table: three values for every field, and no way to an empty answer but the one."""
    digests = ("", "d" * 64, "e" * 64)
    for level, year, place, signed, now, signed_metadata, metadata in itertools.product(
        ("ready", "shadow", "bogus"),
        (None, 2025, 2026, 2027),
        ("", "a.md"),
        digests,
        digests,
        digests,
        digests,
    ):
        facts = SignedFacts(
            level=level,
            year=year,
            document_path="a.md",
            stored_path=place,
            signed_document_sha256=signed,
            document_sha256=now,
            signed_metadata_sha256=signed_metadata,
            metadata_sha256=metadata,
        )
        whole = all(
            (
                level == "ready",
                year == 2026,
                place,
                signed,
                signed == now,
                signed_metadata,
                signed_metadata == metadata,
            )
        )
        assert (reasons_against_live(facts, today=TODAY) == ()) is whole, facts


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2025, 12, 31), (Reason.NOT_YET_VALID,)),
        (date(2026, 1, 1), ()),
        (date(2026, 12, 31), ()),
        (date(2027, 1, 1), (Reason.EXPIRED,)),
    ],
)
def test_a_readiness_holds_from_the_first_to_the_last_day_of_its_year(today, expected):
    assert reasons(today=today) == expected


@pytest.fixture
def signed_for_2026(people):
    """A runbook that was signed ready in the middle of 2026."""
    june = datetime(2026, 6, 15, 12, tzinfo=UTC)
    for person in people.values():
        person.date_joined = june - timedelta(days=1)
        person.save()
    return cast.make_ready(cast.make_runbook(), at=june)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 1, 1, 0, 0, tzinfo=BERLIN), ()),
        (datetime(2025, 12, 31, 23, 59, tzinfo=BERLIN), (Reason.NOT_YET_VALID,)),
        (datetime(2026, 12, 31, 23, 59, tzinfo=BERLIN), ()),
        (datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=BERLIN), ()),
        (datetime(2027, 1, 1, 0, 0, tzinfo=BERLIN), (Reason.EXPIRED,)),
        # UTC is an hour behind: the portal's year is over although UTC's is not.
        (datetime(2026, 12, 31, 22, 59, tzinfo=UTC), ()),
        (datetime(2026, 12, 31, 23, 0, tzinfo=UTC), (Reason.EXPIRED,)),
        (datetime(2026, 12, 31, 23, 59, tzinfo=UTC), (Reason.EXPIRED,)),
        (datetime(2025, 12, 31, 23, 0, tzinfo=UTC), ()),
    ],
)
def test_the_year_ends_at_midnight_in_the_portals_time_zone(signed_for_2026, moment, expected):
    assert standing_of(signed_for_2026, at=moment).reasons == expected


@pytest.mark.django_db
def test_the_portals_time_zone_counts_and_not_a_built_in_one(signed_for_2026, settings):
    settings.TIME_ZONE = "Pacific/Honolulu"
    assert standing_of(signed_for_2026, at=datetime(2027, 1, 1, 0, 0, tzinfo=BERLIN)).reasons == ()
    assert standing_of(signed_for_2026, at=datetime(2027, 1, 1, 10, 0, tzinfo=UTC)).reasons == (
        Reason.EXPIRED,
    )


@pytest.mark.django_db
def test_a_runbook_that_nobody_signed_is_not_live_ready(runbook):
    assert standing_of(runbook).reasons == (Reason.NOT_READY,)
    assert not standing_of(runbook).is_live_ready


@pytest.mark.django_db
def test_a_runbook_that_was_never_stored_is_not_live_ready():
    from runbooks.models import Runbook

    assert standing_of(Runbook(title="New")).reasons == (Reason.NOT_READY,)


@pytest.mark.django_db
def test_a_declared_readiness_is_a_claim_and_permits_nothing(people):
    claimed = cast.make_runbook(declared_level="ready", declared_year=date.today().year)
    assert standing_of(claimed).reasons == (Reason.NOT_READY,)


@pytest.mark.django_db
def test_a_signature_given_before_midnight_for_this_year_is_asked_in_the_portals_year(
    runbook, people
):
    """At 23:30 UTC on 31 December it is next year in Berlin: last year's readiness has expired."""

    moment = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    with pytest.raises(ActionRefused):
        cast.ask(runbook, by=people["ed"], year=2026, at=moment)
    assert cast.ask(runbook, by=people["ed"], year=2027, at=moment).to_year == 2027
