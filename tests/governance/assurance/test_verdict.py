"""Go or no-go: the truth table, and that whatever is in doubt is a no-go."""

import itertools
import json
from datetime import date, datetime
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.utils import timezone

from governance import guards, ledger
from governance.assurance import alarms, evidence
from governance.assurance.evidence import (
    EvidenceRows,
    verdict_on,
    verdict_on_slug,
    verdicts_on,
    with_verdicts,
)
from governance.assurance.integrity_incidents import note_checkpoint, note_ledger_state
from governance.assurance.verdict import Evidence, Verdict, decide
from governance.editing.audited_edit import audited_edit
from governance.findings.models import Finding
from governance.findings.resolve import resolve_findings
from governance.ledger.models import ChangeLogEntry, LedgerIncident
from governance.signoff.downgrade import downgrade
from runbooks.choices import REASON_TEXTS
from runbooks.digests import sha256_of_text
from runbooks.models import Document, Runbook, Situation, SituationRunbook
from runbooks.validity import Reason, SignedFacts
from tests import cast

TODAY = date(2026, 6, 15)
FACTS = SignedFacts(
    level="ready",
    year=2026,
    signed_document_sha256="d" * 64,
    document_sha256="d" * 64,
    document_path="docs/a.md",
    stored_path="docs/a.md",
    signed_metadata_sha256="m" * 64,
    metadata_sha256="m" * 64,
)
DOUBTS = {
    "signatures_complete": Reason.SIGNATURES_MISSING,
    "ledger_agrees": Reason.LEDGER_DISAGREES,
    "document_hash_matches": Reason.DOCUMENT_ALTERED,
}
ALARMS = (
    Reason.LEDGER_BROKEN,
    Reason.LEDGER_RESTORED,
    Reason.CLOCK_BEHIND_LEDGER,
    Reason.DATABASE_NOT_WRITABLE,
    Reason.MARK_UNREADABLE,
    Reason.GUARDS_MISSING,
)
ALL_WELL = dict.fromkeys(DOUBTS, True)
YEAR = timezone.localdate().year
BERLIN = ZoneInfo("Europe/Berlin")


def test_what_the_catalogue_says_is_said_here_too_and_every_reason_has_a_text():
    assert {reason.value for reason in Reason} <= {reason.value for reason in Reason}
    assert set(REASON_TEXTS) == set(Reason)


@pytest.mark.parametrize("alarms", [(), *((alarm,) for alarm in ALARMS), ALARMS])
@pytest.mark.parametrize("answers", list(itertools.product([True, False], repeat=len(DOUBTS))))
def test_go_only_when_everything_holds(answers, alarms):
    given = dict(zip(DOUBTS, answers, strict=True))
    verdict = decide(FACTS, Evidence(**given, alarms=alarms), today=TODAY, year=2026)
    assert verdict.go is (all(answers) and not alarms)
    expected = {DOUBTS[name] for name, holds in given.items() if not holds}
    assert {reason.value for reason in verdict.reasons} == {*expected, *alarms}


@pytest.mark.parametrize(
    ("year", "reasons"),
    [(2025, {"year_over"}), (2026, set()), (2027, {"expired"}), (2028, {"expired"})],
)
def test_the_year_that_is_asked_for_counts(year, reasons):
    assert set(decide(FACTS, Evidence(**ALL_WELL), today=TODAY, year=year).reasons) == reasons


def test_a_renewed_readiness_covers_the_year_that_runs_and_the_next():
    renewed = SignedFacts(**{**_fields(FACTS), "year": 2027, "from_year": 2026})
    for year in (2026, 2027):
        assert decide(renewed, Evidence(**ALL_WELL), today=TODAY, year=year).go
    for_next_year = SignedFacts(**{**_fields(FACTS), "year": 2027})
    assert decide(for_next_year, Evidence(**ALL_WELL), today=TODAY, year=2026).reasons == (
        Reason.NOT_YET_VALID,
    )
    assert decide(for_next_year, Evidence(**ALL_WELL), today=TODAY, year=2027).go


def test_the_last_day_of_the_rule_ends_it_before_the_year_does():
    short = SignedFacts(**{**_fields(FACTS), "until": TODAY})
    assert decide(short, Evidence(**ALL_WELL), today=TODAY, year=2026).valid_until == TODAY
    after = decide(short, Evidence(**ALL_WELL), today=date(2026, 6, 16), year=2026)
    assert after.reasons == (Reason.EXPIRED,)


def test_an_owner_alone_is_go_in_solo_mode_only_and_said_so():
    solo = SignedFacts(**{**_fields(FACTS), "solo": True})
    assert decide(solo, Evidence(**ALL_WELL), today=TODAY, year=2026).reasons == (
        Reason.NO_INDEPENDENT_REVIEW,
    )
    verdict = decide(solo, Evidence(**ALL_WELL), today=TODAY, year=2026, solo_mode=True)
    assert (verdict.go, verdict.independent) == (True, False)


def test_of_a_later_year_its_first_day_is_asked():
    """A rule may end the readiness on that very day."""
    for last, go in ((date(2026, 12, 31), False), (date(2027, 1, 1), True)):
        facts = SignedFacts(**{**_fields(FACTS), "year": 2027, "until": last})
        assert decide(facts, Evidence(**ALL_WELL), today=TODAY, year=2027).go is go


def test_a_review_that_owes_nothing_is_independent():
    verdict = decide(FACTS, Evidence(**ALL_WELL), today=TODAY, year=2026)
    assert (verdict.independent, verdict.dependence) == (True, ())


def test_a_level_without_a_year_has_no_last_day_and_no_review_to_speak_of():
    facts = SignedFacts(
        **{**_fields(FACTS), "level": "shadow", "year": None, "until": TODAY, "solo": True}
    )
    verdict = decide(facts, Evidence(False, False, False), today=TODAY, year=2025)
    assert verdict == Verdict(
        go=False,
        reasons=(Reason.NOT_READY,),
        valid_until=None,
        independent=None,
        dependence=(),
    )


def test_what_expired_still_says_when_and_who_reviewed_it_and_all_that_is_against_it():
    facts = SignedFacts(
        **{**_fields(FACTS), "year": 2025, "solo": True, "dependence": "first_day made_by_one"}
    )
    evidence = Evidence(**{**ALL_WELL, "ledger_agrees": False})
    verdict = decide(facts, evidence, today=TODAY, year=2026, solo_mode=True)
    assert verdict == Verdict(
        go=False,
        reasons=(Reason.EXPIRED, Reason.LEDGER_DISAGREES),
        valid_until=date(2025, 12, 31),
        independent=False,
        dependence=("solo", "first_day", "made_by_one"),
    )


def _fields(facts):
    return {name: getattr(facts, name) for name in facts.__slots__}


# ---- asked of the database


def reasons(runbook, **question):
    return set(verdict_on(Runbook.objects.get(pk=runbook.pk), **question).reasons)


@pytest.mark.django_db
def test_a_signed_runbook_is_go_until_the_end_of_its_year(ready_runbook):
    verdict = verdict_on_slug(ready_runbook.slug)
    assert (verdict.go, verdict.valid_until, verdict.independent) == (
        True,
        date(YEAR, 12, 31),
        True,
    )


@pytest.mark.django_db
def test_the_year_ends_at_midnight_in_the_portals_time_zone(ready_runbook):
    last = datetime(YEAR, 12, 31, 23, 59, 59, tzinfo=BERLIN)
    assert verdict_on(ready_runbook, at=last).go
    assert reasons(ready_runbook, at=datetime(YEAR + 1, 1, 1, tzinfo=BERLIN)) == {"expired"}


@pytest.mark.django_db
def test_an_unknown_runbook_and_a_nonsense_year_are_no_go(ready_runbook):
    assert verdict_on_slug("no-such").reasons == (Reason.UNKNOWN_RUNBOOK,)
    assert verdict_on_slug("\x00").go is False
    for year, reason in (
        (0, Reason.DOUBT),
        (1, Reason.YEAR_OVER),
        (9999, Reason.EXPIRED),
        (10_000, Reason.DOUBT),
    ):
        assert verdict_on(ready_runbook, year=year).reasons == (reason,)


@pytest.mark.django_db
def test_nothing_but_ready_is_go(runbook, people):
    assert reasons(runbook) == {"not_ready"}
    cast.approve(cast.ask(runbook, by=people["ed"], level="shadow"), by=people["rita"])
    assert reasons(runbook) == {"not_ready"}


@pytest.mark.django_db
def test_a_revoke_is_seen_at_the_next_question(ready_runbook, people):
    downgrade(runbook=ready_runbook, level="shadow", reason="Wrong step.", by=people["rita"])
    assert reasons(ready_runbook) == {"not_ready"}


@pytest.mark.django_db
def test_a_changed_text_and_changed_metadata_are_no_go(ready_runbook, people):
    runbook = Runbook.objects.get(pk=ready_runbook.pk)
    with audited_edit(runbook, by=people["ed"]):
        runbook.document = cast.store(runbook.document_path, "# Steps\n\n1. Something else.\n")
        runbook.scope = "Another."
        runbook.save()
    assert reasons(ready_runbook) == {"document_changed", "metadata_changed"}


@pytest.mark.django_db
def test_a_missing_guard_is_no_go(ready_runbook):
    guards.remove()
    assert reasons(ready_runbook) == {"guards_missing"}


@pytest.mark.django_db
def test_a_readiness_that_was_written_past_the_guards_is_no_go(runbook, people):
    """A readiness written after removing the guards has neither request nor ledger row."""
    guards.remove()
    Runbook.objects.filter(pk=runbook.pk).update(
        readiness_level="ready",
        readiness_year=YEAR,
        signed_document_sha256=runbook.document.sha256,
        signed_metadata_sha256=runbook.metadata_sha256(),
        signed_at=timezone.now(),
    )
    guards.install()
    assert reasons(runbook) == {"signatures_missing", "ledger_disagrees"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("column", "forged"),
    [
        ("readiness_year", YEAR + 1),
        ("signed_document_sha256", "0" * 64),
        ("signed_metadata_sha256", "0" * 64),
        ("signed_from_year", YEAR),
        ("signed_until", date(YEAR, 12, 30)),
        ("signed_solo", True),
        ("signed_dependence", "first_day"),
    ],
)
def test_a_signed_column_that_was_altered_past_the_guards_is_no_go(ready_runbook, column, forged):
    """No request was approved in these terms: the row alone may look as if it still held."""
    guards.remove()
    Runbook.objects.filter(pk=ready_runbook.pk).update(**{column: forged})
    guards.install()
    assert reasons(ready_runbook) >= {"signatures_missing", "ledger_disagrees"}


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["open", "rejected", "withdrawn", "lapsed"])
def test_a_request_that_is_not_approved_stands_behind_nothing(ready_runbook, state):
    """The database has no such row that was applied; the evidence may be another's."""
    read = EvidenceRows.now([ready_runbook])
    for decision in read.decisions:
        decision.request.state = state
    assert Reason.SIGNATURES_MISSING in verdict_on(ready_runbook, read=read).reasons


@pytest.mark.django_db
def test_a_signature_that_was_taken_out_past_the_guards_is_no_go(ready_runbook):
    guards.remove()
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM governance_signoff WHERE id = (SELECT max(id) FROM governance_signoff)"
        )
    guards.install()
    assert reasons(ready_runbook) == {"signatures_missing", "ledger_disagrees"}


@pytest.mark.django_db
def test_an_altered_ledger_row_about_it_is_no_go(ready_runbook):
    last = ChangeLogEntry.objects.filter(action="readiness_changed").latest("sequence")
    guards.remove()
    ChangeLogEntry.objects.filter(pk=last.pk).update(actor="nobody")
    guards.install()
    assert reasons(ready_runbook) == {"ledger_disagrees"}


@pytest.mark.django_db
def test_any_altered_row_is_no_go_for_the_command_and_for_everyone_once_it_was_noticed(
    ready_runbook,
):
    guards.remove()
    ChangeLogEntry.objects.filter(sequence=1).update(actor="nobody")
    guards.install()
    assert reasons(ready_runbook, thorough=True) == {"ledger_broken"}
    assert reasons(ready_runbook) == set()
    with pytest.raises(Exception, match="column actor"):
        call_command("verify_ledger")
    assert reasons(ready_runbook) == {"ledger_broken"}


@pytest.mark.django_db
def test_nobody_waves_a_broken_ledger_through_by_hand(ready_runbook, people):
    note_ledger_state(problem="Row 3 is not itself.")
    finding = Finding.objects.get(kind="broken_ledger")
    assert resolve_findings([finding], by=people["ed"]) == 0
    assert reasons(ready_runbook) == {"ledger_broken"}
    note_ledger_state(problem="")
    assert reasons(ready_runbook) == set()


@pytest.mark.django_db
def test_a_whole_chain_does_not_settle_what_a_checkpoint_found(ready_runbook):
    note_checkpoint(sequence=7, digest="f" * 64, problem="An old backup was restored.")
    note_ledger_state(problem="")
    assert reasons(ready_runbook) == {"ledger_broken"}
    digest = ChangeLogEntry.objects.get(sequence=7).hash
    note_checkpoint(sequence=7, digest=digest, problem="An old backup was restored.")
    note_ledger_state(problem="")
    assert reasons(ready_runbook) == {"ledger_broken"}  # the other one is not back
    guards.remove()
    LedgerIncident.objects.filter(hash="f" * 64).delete()
    guards.install()
    note_ledger_state(problem="")
    assert reasons(ready_runbook) == set()


@pytest.mark.django_db
def test_a_text_that_is_not_itself_is_no_go(ready_runbook):
    guards.remove()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE runbooks_document SET text = 'Open every valve.' WHERE id = %s",
            [ready_runbook.document_id],
        )
    guards.install()
    assert reasons(ready_runbook) == {"document_altered"}


@pytest.mark.django_db
def test_html_that_the_ledger_does_not_tell_of_is_no_go(ready_runbook):
    """It matches the digest beside it, which was altered as well."""
    html = "<p>Open every valve.</p>"
    guards.remove()
    Document.objects.filter(pk=ready_runbook.document_id).update(
        html=html, html_sha256=sha256_of_text(html)
    )
    guards.install()
    assert reasons(ready_runbook) == {"document_altered"}


@pytest.mark.django_db
def test_a_document_that_was_taken_away_past_the_guards_is_missing_and_no_doubt(ready_runbook):
    guards.remove()
    Runbook.objects.filter(pk=ready_runbook.pk).update(document=None)
    guards.install()
    assert reasons(ready_runbook) == {"document_missing"}


@pytest.mark.django_db
def test_a_database_that_fails_is_no_go(ready_runbook, monkeypatch):
    def fails(*_, **__):
        raise DatabaseError("gone")

    monkeypatch.setattr(alarms, "integrity_alarms", fails)
    assert reasons(ready_runbook) == {"ledger_broken", "guards_missing"}
    monkeypatch.setattr(evidence, "_altered_documents", fails)
    assert verdict_on(ready_runbook).reasons == (Reason.DATABASE_UNREACHABLE,)


@pytest.mark.django_db
def test_many_are_asked_in_a_fixed_number_of_queries(people, django_assert_num_queries):
    for number in range(6):
        cast.make_ready(cast.make_runbook(f"Valve {number}"))
    few, many = list(Runbook.objects.with_catalogue()[:2]), list(Runbook.objects.with_catalogue())
    with django_assert_num_queries(5):
        assert all(verdict.go for verdict in verdicts_on(few))
    with django_assert_num_queries(5):
        assert all(verdict.go for verdict in verdicts_on(many))


@pytest.mark.django_db
def test_one_is_asked_by_its_slug_in_a_fixed_number_of_queries(
    ready_runbook, django_assert_num_queries
):
    with django_assert_num_queries(7):
        assert verdict_on_slug(ready_runbook.slug).go


@pytest.mark.django_db
def test_the_question_by_slug_is_asked_as_it_was_put(ready_runbook):
    later = datetime(YEAR + 1, 1, 1, tzinfo=BERLIN)
    assert verdict_on_slug(ready_runbook.slug, at=later).reasons == (Reason.EXPIRED,)
    next_year = verdict_on_slug(ready_runbook.slug, year=YEAR + 1)
    assert next_year.reasons == (Reason.EXPIRED,)
    guards.remove()
    ChangeLogEntry.objects.filter(sequence=1).update(actor="nobody")
    guards.install()
    assert verdict_on_slug(ready_runbook.slug).go
    thorough = verdict_on_slug(ready_runbook.slug, thorough=True)
    assert thorough.reasons == (Reason.LEDGER_BROKEN,)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (DatabaseError("gone"), Reason.DATABASE_UNREACHABLE),
        (ValueError("forged"), Reason.DOUBT),
    ],
)
def test_a_runbook_that_cannot_be_read_is_no_go_with_the_reason(
    ready_runbook, monkeypatch, error, reason
):
    def fails(*_, **__):
        raise error

    monkeypatch.setattr(evidence, "decide", fails)
    assert verdict_on_slug(ready_runbook.slug).reasons == (reason,)
    monkeypatch.setattr(Runbook.objects, "select_related", fails)
    assert verdict_on_slug(ready_runbook.slug).reasons == (reason,)


@pytest.mark.django_db
def test_the_verdict_rests_on_what_was_read_where_it_is_given(ready_runbook):
    nothing = EvidenceRows(decisions=[], rows=[])
    assert set(verdict_on(ready_runbook, read=nothing).reasons) == {
        Reason.SIGNATURES_MISSING,
        Reason.LEDGER_DISAGREES,
        Reason.DOCUMENT_ALTERED,
    }
    read = EvidenceRows.now([ready_runbook])
    assert verdict_on(ready_runbook, read=read).go
    untold = EvidenceRows(decisions=read.decisions, rows=[])
    assert set(verdict_on(ready_runbook, read=untold).reasons) == {
        Reason.LEDGER_DISAGREES,
        Reason.DOCUMENT_ALTERED,
    }


@pytest.mark.django_db
def test_each_step_of_a_situation_has_the_verdict_on_its_runbook(ready_runbook, people):
    shadow = cast.make_runbook("Valve")
    leak, fire = (Situation.objects.create(title=title, slug=title) for title in ("leak", "fire"))
    for situation, runbooks in ((leak, (shadow, ready_runbook)), (fire, (ready_runbook,))):
        for position, runbook in enumerate(runbooks):
            SituationRunbook.objects.create(situation=situation, runbook=runbook, position=position)
    found = with_verdicts(iter([fire, leak]))
    assert [
        (situation, [(step.runbook, verdict.go) for step, verdict in steps])
        for situation, steps in found
    ] == [(fire, [(ready_runbook, True)]), (leak, [(shadow, False), (ready_runbook, True)])]
    for _, steps in found:
        for step, verdict in steps:
            assert step.runbook.standing == verdict.standing


# ---- the command and the API


def ask_command(*words):
    out = StringIO()
    try:
        call_command("verdict", *words, stdout=out)
    except SystemExit as end:
        return end.code, out.getvalue()
    return 0, out.getvalue()


@pytest.mark.django_db
def test_the_command_says_it_by_its_exit_code(ready_runbook, runbook):
    code, said = ask_command(ready_runbook.slug)
    assert (code, said.splitlines()[0]) == (0, f"go: {ready_runbook.slug}")
    assert ask_command(ready_runbook.slug, "--year", str(YEAR + 1))[0] == 1
    code, said = ask_command("no-such")
    assert (code, "unknown_runbook" in said) == (1, True)


@pytest.mark.django_db
def test_the_command_answers_machines_in_json(ready_runbook):
    code, said = ask_command(ready_runbook.slug, "--json")
    assert code == 0
    assert json.loads(said) == {
        "runbook": ready_runbook.slug,
        "verdict": "go",
        "reasons": [],
        "valid_until": f"{YEAR}-12-31",
        "independent": True,
        "not_independent_because": [],
    }


@pytest.mark.django_db
def test_the_api_answers_the_same_and_no_cache_keeps_it(ready_runbook, sign_in):
    address = f"/api/v1/runbooks/{ready_runbook.slug}/verdict/"
    answer = sign_in("otto").get(address)
    assert (answer.status_code, answer.json()["verdict"]) == (200, "go")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json()["year"] == YEAR
    other = sign_in("otto").get(f"{address}?year={YEAR + 1}").json()
    assert (other["year"], other["reasons"]) == (YEAR + 1, ["expired"])
    unknown = sign_in("otto").get("/api/v1/runbooks/no-such/verdict/")
    assert (unknown.status_code, unknown.json()["verdict"]) == (404, "no-go")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "query", ["year=x", "year=0", "year=99999999999", "year=-1", "yaer=2026", "year=2026&year=2027"]
)
def test_a_question_that_makes_no_sense_is_refused(ready_runbook, sign_in, query):
    assert (
        sign_in("otto").get(f"/api/v1/runbooks/{ready_runbook.slug}/verdict/?{query}").status_code
        == 400
    )


@pytest.mark.django_db
def test_the_page_says_what_the_verdict_says(ready_runbook, sign_in):
    assert "is-go" in sign_in("otto").get(ready_runbook.get_absolute_url()).content.decode()
    note_ledger_state(problem="Row 3 is not itself.")
    page = sign_in("otto").get(ready_runbook.get_absolute_url()).content.decode()
    assert "is-go" not in page
    assert "The ledger is broken" in page


@pytest.mark.django_db
def test_asking_writes_nothing(ready_runbook):
    rows = ChangeLogEntry.objects.count()
    verdict_on_slug(ready_runbook.slug, thorough=True)
    assert (ChangeLogEntry.objects.count(), ledger.verify().is_whole) == (rows, True)
