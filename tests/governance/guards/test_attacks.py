"""Ways round that somebody found once. Each is a short story that must not come true again."""

import json
from io import StringIO

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone

from governance import guards, ledger
from governance.accounts.roles import RISK_OWNERS
from governance.accounts.tokens import create_api_token
from governance.assurance.evidence import verdict_on
from governance.assurance.integrity_incidents import note_checkpoint, note_ledger_state
from governance.assurance.proof import proof_of
from governance.assurance.standings import live_ready
from governance.editing.audited_edit import audited_edit, delete
from governance.errors import ActionRefused
from governance.findings.models import Finding
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from governance.signoff.choices import RulePurpose
from governance.signoff.downgrade import downgrade
from governance.signoff.models import SignOff, SignOffRule, StatusChangeRequest
from governance.signoff.policy import Refusal
from governance.signoff.rules import replace_rule
from governance.signoff.submit import withdraw
from portal.accounts import DEMO_GROUP
from runbooks.models import Document, Runbook
from tests import cast
from tests.governance.guards.test_guards import execute
from tests.governance.ledger.test_checkpoint import check, rehash

pytestmark = pytest.mark.django_db
YEAR = timezone.localdate().year


def refused(call, *reasons):
    with pytest.raises(ActionRefused) as caught:
        call()
    assert caught.value.reasons == reasons


def reasons(runbook):
    return {
        reason.value
        for reason in verdict_on(Runbook.objects.get(pk=runbook.pk), thorough=True).reasons
    }


def past_the_guards(statement, *parameters):
    guards.remove()
    execute(statement, *parameters)
    guards.install()


# ---- the database


def test_a_temporary_table_does_not_stand_in_for_ours(runbook):
    if connection.vendor != "postgresql":
        return  # SQLite's triggers name the tables of their own database
    execute(
        "CREATE TEMP TABLE governance_statuschangerequest AS SELECT %s::bigint AS "
        "runbook_id, 'approved'::text AS state,"
        " NULL::timestamptz AS applied_at, 'unassessed'::text AS from_level, NULL::int AS "
        "from_year, 'ready'::text AS to_level,"
        " %s::int AS to_year, ''::text AS document_sha256, ''::text AS metadata_sha256, "
        "NULL::int AS valid_from_year,"
        " NULL::date AS valid_until, 'up'::text AS direction, true AS independent",
        runbook.pk,
        YEAR,
    )
    try:
        with pytest.raises(DatabaseError, match="approved request alone"):
            execute(
                (
                    "UPDATE runbooks_runbook SET readiness_level = 'ready', readiness_year = %s "
                    "WHERE id = %s"
                ),
                YEAR,
                runbook.pk,
            )
    finally:
        execute("DROP TABLE pg_temp.governance_statuschangerequest")


def test_a_guard_that_looks_elsewhere_is_noticed(runbook):
    if connection.vendor == "postgresql":
        execute("ALTER FUNCTION guard_runbook_update() RESET search_path")
        assert guards.missing() == ["guard_runbook_update"]


# ---- a broken ledger is not waved through


@pytest.mark.parametrize("who", ["sue", "ed"])
def test_nobody_deletes_the_finding_that_the_ledger_is_broken(ready_runbook, sign_in, who):
    note_ledger_state(problem="Row 3 is not itself.")
    finding, client = Finding.objects.get(kind="broken_ledger"), sign_in(who)
    client.post(f"/admin/governance/finding/{finding.pk}/delete/", {"post": "yes"})
    client.post(
        "/admin/governance/finding/",
        {"action": "delete_selected", "_selected_action": [finding.pk], "post": "yes"},
    )
    assert reasons(ready_runbook) == {"ledger_broken"}


@pytest.mark.parametrize("sequence", [89, 90, 91])
def test_no_other_checkpoint_settles_what_one_exposed(ready_runbook, sequence):
    note_checkpoint(sequence=90, digest="f" * 64, problem="Rows were cut off.")
    note_checkpoint(sequence=sequence, digest="e" * 64, problem="")
    assert reasons(ready_runbook) == {"ledger_broken"}


def test_when_the_ledger_is_broken_no_page_and_no_list_calls_anything_live_ready(
    ready_runbook, sign_in
):
    note_ledger_state(problem="Row 3 is not itself.")
    client = sign_in("otto")
    row = client.get("/api/v1/runbooks/").json()["results"][0]
    assert (row["live_ready"], row["reasons_against_live"]) == (False, ["ledger_broken"])
    for address in ("/", "/runbooks/", ready_runbook.get_absolute_url(), "/reports/readiness/"):
        page = client.get(address).content.decode()
        assert 'class="pip is-live"' not in page, address
        assert "is-go" not in page, address
    assert live_ready() == []


# ---- a forged row blocks no downgrade


FORGED = {
    "the change that is confirmed": (Action.CHANGE_CONFIRMED, "user:rita", "change"),
    "groups": (Action.CHANGED, "user:rita", "groups"),
    "a request": (Action.REQUEST_SUBMITTED, "runbook:{slug}", "request"),
    "an accepted break": (Action.BREAK_ACCEPTED, "ledger", "breaks"),
    "an imported file": (Action.LANDSCAPE_IMPORTED, "landscape:x", "source_sha256"),
    "a change of a rule": (Action.CHANGE_REFUSED, "signoffrule:ready.move", "change"),
}


@pytest.mark.parametrize(
    "value", [[[1]], {"a": 1}, 5, True, "x", [{"sequence": "x", "expected": [1]}]], ids=str
)
@pytest.mark.parametrize("what", FORGED)
def test_a_row_of_another_form_keeps_nobody_from_taking_a_readiness_down(
    ready_runbook, sign_in, settings, what, value
):
    settings.SIGNING_COOL_DOWN_HOURS = 24
    action, subject, name = FORGED[what]
    changes = {name: {"before": value, "after": value}}
    record = ledger.Record(
        ledger.SYSTEM, action, subject.format(slug=ready_runbook.slug), changes=changes
    )
    ledger.append(record)
    client = sign_in("rita")
    for address in ("/", "/sign-offs/", f"/admin/runbooks/runbook/{ready_runbook.pk}/downgrade/"):
        assert client.get(address).status_code == 200, address
    try:
        call_command("tick", stdout=StringIO(), stderr=StringIO())
    except CommandError as error:
        assert "failed:" not in str(error)  # noqa: PT017 - it may tell of the forged row
    downgrade(
        runbook=ready_runbook,
        level="track",
        reason="It floods.",
        by=User.objects.get(username="rita"),
    )
    assert verdict_on(Runbook.objects.get(pk=ready_runbook.pk)).word == "no-go"


# ---- the verdict is held against the ledger


def test_a_lowered_quorum_and_a_missing_signature_are_no_go(ready_runbook):
    guards.remove()
    execute("DELETE FROM governance_signoff WHERE id = (SELECT max(id) FROM governance_signoff)")
    execute("UPDATE governance_statuschangerequest SET required_signatures = 1")
    guards.install()
    assert reasons(ready_runbook) == {"ledger_disagrees"}


@pytest.mark.parametrize("column", ["statement", "signer_id"])
def test_a_signature_that_was_rewritten_is_no_go(ready_runbook, people, column):
    value = people["ruth"].pk if column == "signer_id" else "I approve everything."
    last = SignOff.objects.latest("pk")
    past_the_guards(f"UPDATE governance_signoff SET {column} = %s WHERE id = %s", value, last.pk)
    assert reasons(ready_runbook) == {"ledger_disagrees"}


def test_a_prolonged_readiness_is_no_go(runbook, people):
    replace_rule(
        target_level="ready",
        required_signatures=2,
        group=Group.objects.get(name=RISK_OWNERS),
        evidence_required=False,
        valid_days=3,
        by=people["sue"],
    )
    ready = cast.make_ready(runbook)
    guards.remove()
    StatusChangeRequest.objects.update(valid_until=None)
    Runbook.objects.update(signed_until=None)
    guards.install()
    assert reasons(ready) == {"ledger_disagrees"}


# ---- passwords


def test_the_form_for_ones_own_password_is_no_place_to_try_it_out(people, sign_in):
    client = sign_in("rita")

    def attempt(old):
        values = {
            "old_password": old,
            "new_password1": "my-own-horse-9",
            "new_password2": "my-own-horse-9",
        }
        return client.post("/admin/password_change/", values)

    assert [attempt("wrong").status_code for _ in range(5)] == [200] * 5
    assert (
        ChangeLogEntry.objects.filter(action=Action.CONFIRMATION_FAILED, actor="rita").count() == 5
    )
    assert "Too many wrong passwords" in attempt(cast.PASSWORD).content.decode()
    people["rita"].refresh_from_db()
    assert people["rita"].check_password(cast.PASSWORD)


def test_a_new_account_may_set_its_own_password_at_once(people, sign_in, settings):
    settings.SIGNING_COOL_DOWN_HOURS = 24
    values = {
        "old_password": cast.PASSWORD,
        "new_password1": "my-own-horse-battery",
        "new_password2": "my-own-horse-battery",
    }
    assert sign_in("rita").post("/admin/password_change/", values).status_code == 302


# ---- memberships


def test_a_group_that_was_deleted_and_made_again_keeps_no_member_of_old(runbook, people):
    """Otto was in a deleted group of the same name; he joins the new one after the opening."""
    night = Group.objects.create(name="Night owners")
    cast.join(people["otto"], "Night owners")
    delete(night, by=people["sue"])
    night = Group.objects.create(name="Night owners")
    cast.join(people["rita"], "Night owners")  # else nobody could sign, and nobody could ask
    replace_rule(
        target_level="shadow",
        required_signatures=1,
        group=night,
        evidence_required=False,
        by=people["sue"],
    )
    request = cast.ask(runbook, by=people["ed"], level="shadow")
    cast.join(people["otto"], "Night owners")
    refused(lambda: cast.approve(request, by=people["otto"]), Refusal.ACCOUNT_TOO_YOUNG)


def test_who_was_switched_off_past_the_ledger_and_on_by_it_counts_from_then(runbook, people):
    User.objects.filter(pk=people["rita"].pk).update(is_active=False)
    request = cast.ask(runbook, by=people["ed"])
    rita = User.objects.get(pk=people["rita"].pk)
    with audited_edit(rita, by=people["sue"]):
        rita.is_active = True
        rita.save()
    refused(lambda: cast.approve(request, by=rita), Refusal.ACCOUNT_TOO_YOUNG)


# ---- the lighter rule is no way up


def light_re_sign(people):
    replace_rule(
        target_level="ready",
        purpose=RulePurpose.RE_SIGN,
        required_signatures=1,
        group=Group.objects.get(name=RISK_OWNERS),
        evidence_required=False,
        by=people["sue"],
    )


def test_what_has_run_out_is_not_signed_anew_by_the_lighter_rule(runbook, people):
    light_re_sign(people)
    cast.make_ready(runbook)
    past_the_guards(
        "UPDATE runbooks_runbook SET signed_until = '2026-01-01' WHERE id = %s", runbook.pk
    )
    request = cast.ask(Runbook.objects.get(pk=runbook.pk), by=people["ed"])
    assert (request.rule.purpose, request.required_signatures) == (RulePurpose.MOVE, 2)


def test_what_was_signed_alone_is_not_signed_anew_by_the_lighter_rule(runbook, people, settings):
    light_re_sign(people)
    settings.GOVERNANCE_SOLO = True
    cast.approve(cast.ask(runbook, by=people["rita"]), by=people["rita"])
    settings.GOVERNANCE_SOLO = False
    request = cast.ask(Runbook.objects.get(pk=runbook.pk), by=people["ed"])
    assert (request.rule.purpose, request.required_signatures) == (RulePurpose.MOVE, 2)


# ---- what is shown is what is signed


def test_a_text_that_is_shown_otherwise_than_it_was_rendered_is_not_signed(people):
    import hashlib

    text, shown = "# Steps\n\n1. Open every valve.\n", "<p>Call the owner.</p>"
    document = Document.objects.create(
        path="docs/forged.md",
        sha256=cast.sha256(text),
        text=text,
        html=shown,
        html_sha256=hashlib.sha256(shown.encode()).hexdigest(),
        renderer=99,
        size=len(text),
        seen_at=timezone.now(),
    )
    runbook = cast.make_runbook("Forged", text=None, document_path="docs/forged.md")
    Runbook.objects.filter(pk=runbook.pk).update(document=document)
    refused(lambda: cast.ask(runbook, by=people["ed"]), Refusal.DOCUMENT_NOT_SHOWN)


# ---- rules


def test_a_rule_that_the_ledger_never_heard_of_is_obeyed_by_nobody(runbook, people):
    SignOffRule.objects.filter(target_level="ready", purpose="move").update(in_force=False)
    SignOffRule.objects.create(
        target_level="ready",
        version=7,
        required_signatures=1,
        group=Group.objects.get(name=RISK_OWNERS),
    )
    refused(lambda: cast.ask(runbook, by=people["ed"]), Refusal.RULE_MISSING)


def test_a_rule_that_the_ledger_tells_of_in_its_first_format_is_told_anew(runbook, people):
    from governance.ledger.snapshot import diff, snapshot
    from governance.post_migrate import ensure_default_rules

    SignOffRule.objects.filter(target_level="ready", purpose="move").update(in_force=False)
    old = SignOffRule.objects.create(
        target_level="ready",
        version=7,
        required_signatures=3,
        group=Group.objects.get(name=RISK_OWNERS),
    )
    with ledger.atomic():
        ledger.append(
            ledger.Record(
                actor=ledger.SYSTEM,
                action=Action.CREATED,
                subject=f"signoffrule:{old.pk}",
                changes=diff(None, snapshot(old)),
            )
        )
    ensure_default_rules()
    assert cast.ask(runbook, by=people["ed"]).required_signatures == 3
    rows = ChangeLogEntry.objects.count()
    ensure_default_rules()
    assert ChangeLogEntry.objects.count() == rows


def test_a_solo_rule_follows_the_levels_rule(runbook, people, settings):
    settings.GOVERNANCE_SOLO = True
    first = cast.ask(runbook, by=people["rita"])
    withdraw(request=first, reason="x", by=people["rita"])
    replace_rule(
        target_level="ready",
        required_signatures=2,
        group=Group.objects.get(name=RISK_OWNERS),
        evidence_required=False,
        valid_days=2,
        by=people["sue"],
    )
    assert cast.ask(runbook, by=people["rita"]).valid_until is not None


@pytest.mark.parametrize("days", [0, 3661, 9_999_999, -1])
def test_a_rule_for_a_senseless_number_of_days_is_refused_beside_its_field(people, sign_in, days):
    group = Group.objects.get(name=RISK_OWNERS)
    values = {
        "target_level": "shadow",
        "purpose": "move",
        "required_signatures": 1,
        "group": group.pk,
    }
    answer = sign_in("sue").post(
        "/admin/governance/signoffrule/add/", values | {"valid_days": days}
    )
    assert answer.status_code == 200
    assert "valid_days" in answer.context["adminform"].form.errors


# ---- what leaves the portal


def test_the_ledger_names_no_persons_address(people, sign_in):
    user = people["rolf"]
    with audited_edit(user, by=people["sue"]):
        user.email, user.first_name = "rolf@portal.example", "Rolf"
        user.is_staff = False
        user.save()
    told = json.dumps([entry.changes for entry in ChangeLogEntry.objects.all()])
    assert "rolf@portal.example" not in told
    assert "is_staff" in told


def test_a_demo_persons_token_lets_nobody_into_another_portal(people, settings):
    _, token = create_api_token(user=people["otto"], by=people["sue"])
    client = Client(headers={"authorization": f"Bearer {token}"})
    assert client.get("/api/v1/runbooks/").status_code == 200
    people["otto"].groups.add(Group.objects.create(name=DEMO_GROUP))
    settings.PORTAL_DEMO = False
    assert client.get("/api/v1/runbooks/").status_code == 401


def test_the_sentence_names_the_year_that_a_renewal_goes_on_covering(ready_runbook, people):
    request = cast.ask(ready_runbook, by=people["ed"], year=YEAR + 1)
    cast.approve(request, by=people["rita"])
    assert f"It also covers {YEAR}." in request.sign_offs.get().statement


# ---- proofs


@pytest.fixture
def proof(ready_runbook):
    return proof_of(ready_runbook)


def appended(proof, **fields):
    last = proof["entries"][-1]
    row = {
        **last,
        **fields,
        "sequence": last["sequence"] + 1,
        "previous_hash": last["hash"],
        "digests": "",
    }
    proof["entries"].append(row)
    return row


def test_a_row_behind_the_checkpoint_proves_nothing(proof):
    kept = dict(proof["checkpoint"])
    appended(proof)
    rehash(proof)
    proof["checkpoint"] = kept
    assert "not at its last row" in check(proof, checkpoint=kept)


def test_a_checkpoint_from_before_the_approval_proves_nothing_of_it(proof):
    first = proof["entries"][0]
    old = {**proof["checkpoint"], "sequence": first["sequence"], "hash": first["hash"]}
    assert "older than the approval" in check(proof, checkpoint=old)


def test_ready_without_an_opening_is_no_downgrade(proof):
    proof["entries"] = proof["entries"][-1:]
    proof["metadata"] = {"title": "Other"}
    assert "ready is never given so" in check(proof)


def test_other_sentences_than_the_signed_ones_are_noticed(proof):
    proof["statements"][0]["statement"] = "I approve everything for ever."
    assert "sentences are not those" in check(proof)


def test_a_rejection_between_signature_and_application_is_noticed(proof):
    row = dict(proof["entries"][1], action="request_rejected", digests="")
    proof["entries"].insert(2, row)
    rehash(proof)
    assert "ended otherwise: request_rejected" in check(proof)


# ---- nonsense that once was an error page


@pytest.mark.parametrize("chosen", ["abc", "9" * 23, "", "\x00", "٣"])
@pytest.mark.parametrize("name", ["runbooks/runbook", "governance/apitoken", "governance/finding"])
def test_a_chosen_row_that_is_none_is_refused(ready_runbook, sign_in, name, chosen):
    action = {"runbooks/runbook": "ask_for_renewals", "governance/apitoken": "revoke"}.get(
        name, "mark_resolved"
    )
    answer = sign_in("sue").post(
        f"/admin/{name}/", {"action": action, "_selected_action": [chosen]}
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("place", [".", "/", "/etc/passwd/x"])
def test_a_place_that_is_no_file_is_told(ready_runbook, place):
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("checkpoint", "--output", place, stdout=StringIO())


def test_a_signature_of_other_letters_is_a_wrong_one(ready_runbook, tmp_path, settings):
    settings.CHECKPOINT_KEY = "0123456789abcdef"
    path = tmp_path / "checkpoint.json"
    call_command("checkpoint", "--output", str(path), stdout=StringIO())
    path.write_text(json.dumps(json.loads(path.read_text()) | {"signature": "é"}))
    with pytest.raises(CommandError, match="signature is wrong"):
        call_command("verify_ledger", "--checkpoint", str(path), stdout=StringIO())


def test_one_part_of_tick_that_fails_holds_up_no_other(runbook, people, monkeypatch):
    User.objects.filter(username="rita").update(email="rita@portal.example")
    User.objects.filter(username="rolf").update(
        email="rolf@portal.example\nBcc: all@portal.example"
    )
    cast.ask(runbook, by=people["ed"])

    def fails(**_):
        raise RuntimeError("power cut")

    monkeypatch.setattr("governance.management.commands.tick.lapse_expired_requests", fails)
    out = StringIO()
    with pytest.raises(CommandError, match="lapse failed: power cut"):
        call_command("tick", stdout=out)
    assert "Reminders sent: 1" in out.getvalue()


def test_the_history_of_a_rule_and_of_a_request_is_the_ledgers(ready_runbook, sign_in):
    client = sign_in("sue")
    rule = SignOffRule.objects.get(target_level="ready", purpose="move", in_force=True)
    request = StatusChangeRequest.objects.get()
    for name, pk in (("signoffrule", rule.pk), ("statuschangerequest", request.pk)):
        page = client.get(f"/admin/governance/{name}/{pk}/history/").content.decode()
        assert "#" in page
        assert "Default rule of a new portal." in page or "Drilled." in page
    assert ledger.verify().is_whole
    assert django_settings.AXES_FAILURE_LIMIT == 10
