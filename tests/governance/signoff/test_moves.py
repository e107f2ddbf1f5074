"""Renewing, signing anew, retiring and reinstating, rules that end a readiness, and solo mode."""

from datetime import date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.utils import timezone

from governance import ledger
from governance.accounts.roles import RISK_OWNERS
from governance.assurance.evidence import verdict_on
from governance.assurance.standings import live_ready, standing_of
from governance.editing.audited_edit import audited_edit
from governance.errors import ActionRefused, RequestLapsed
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from governance.signoff.bulk_renewal import open_renewals
from governance.signoff.changes import since_last_approval
from governance.signoff.choices import RequestState, RulePurpose
from governance.signoff.downgrade import downgrade
from governance.signoff.lapse import lapse_expired_requests
from governance.signoff.models import SignOffRule, StatusChangeRequest
from governance.signoff.policy import Refusal
from governance.signoff.rules import replace_rule
from governance.signoff.submit import submit, withdraw
from runbooks.models import Layer, Runbook, Situation, SituationRunbook
from tests import cast

pytestmark = pytest.mark.django_db
YEAR = timezone.localdate().year
BERLIN = ZoneInfo("Europe/Berlin")


def refused(call, *reasons):
    with pytest.raises(ActionRefused) as caught:
        call()
    assert caught.value.reasons == reasons


def sign(request, people, *names):
    for name in names:
        cast.approve(request, by=people[name])
    request.refresh_from_db()
    return Runbook.objects.get(pk=request.runbook_id)


def change_text(runbook, people, text="# Steps\n\n1. Look twice.\n2. Act.\n"):
    with audited_edit(runbook, by=people["ed"]):
        runbook.document = cast.store(runbook.document_path, text)
        runbook.save()
    return Runbook.objects.get(pk=runbook.pk)


# ---- renewing


def test_a_renewal_for_next_year_does_not_take_away_this_one(ready_runbook, people):
    renewed = sign(cast.ask(ready_runbook, by=people["ed"], year=YEAR + 1), people, "rita", "rolf")
    assert (renewed.readiness_year, renewed.signed_from_year) == (YEAR + 1, YEAR)
    assert standing_of(renewed).is_live_ready
    assert renewed in live_ready()
    assert verdict_on(renewed).go
    assert verdict_on(renewed, at=datetime(YEAR + 1, 12, 31, 12, tzinfo=BERLIN)).go
    assert not verdict_on(renewed, at=datetime(YEAR + 2, 1, 1, tzinfo=BERLIN)).go


def test_ready_for_next_year_alone_does_not_hold_yet(runbook, people):
    early = sign(cast.ask(runbook, by=people["ed"], year=YEAR + 1), people, "rita", "rolf")
    assert early.signed_from_year is None
    assert [reason.value for reason in verdict_on(early).reasons] == ["not_yet_valid"]
    assert live_ready() == []


def test_a_renewal_of_what_no_longer_holds_does_not_bring_this_year_back(ready_runbook, people):
    drifted = change_text(ready_runbook, people)
    renewed = sign(cast.ask(drifted, by=people["ed"], year=YEAR + 1), people, "rita", "rolf")
    assert renewed.signed_from_year is None
    assert not verdict_on(renewed).go


def test_what_holds_is_not_asked_for_again(ready_runbook, people):
    refused(lambda: cast.ask(ready_runbook, by=people["ed"]), Refusal.NOTHING_CHANGES)
    sign(cast.ask(ready_runbook, by=people["ed"], year=YEAR + 1), people, "rita", "rolf")
    refused(lambda: cast.ask(ready_runbook, by=people["ed"]), Refusal.YEAR_ALREADY_SIGNED)


# ---- signing anew


def test_a_changed_text_is_signed_anew_in_one_step_under_a_rule_of_its_own(ready_runbook, people):
    drifted = change_text(ready_runbook, people)
    assert not standing_of(drifted).is_live_ready
    request = submit(
        runbook=drifted, level="ready", year=YEAR, rationale="A typo.", by=people["ed"]
    )  # no evidence: the rule does not ask for it again
    assert (request.rule.purpose, request.move) == (RulePurpose.RE_SIGN, "re_sign")
    assert request.required_signatures == 2
    signed = sign(request, people, "rita", "rolf")
    assert standing_of(signed).is_live_ready
    assert signed.signed_document_sha256 == drifted.document.sha256


def test_the_rule_for_signing_anew_can_be_another_than_the_one_for_the_level(ready_runbook, people):
    group = Group.objects.get(name=RISK_OWNERS)
    replace_rule(
        target_level="ready",
        purpose=RulePurpose.RE_SIGN,
        required_signatures=1,
        group=group,
        evidence_required=False,
        by=people["sue"],
    )
    request = submit(
        runbook=change_text(ready_runbook, people),
        level="ready",
        year=YEAR,
        rationale="A typo.",
        by=people["ed"],
    )
    assert standing_of(sign(request, people, "ruth")).is_live_ready


def test_the_rule_for_signing_anew_is_no_way_up(runbook, people):
    """The database refuses a request that would use it to reach a level."""
    request = cast.ask(runbook, by=people["ed"])
    withdraw(request=request, reason="x", by=people["ed"])
    forged = StatusChangeRequest.objects.get(pk=request.pk)
    forged.pk, forged.state, forged.closed_at, forged.closed_reason = None, "open", None, ""
    forged.rule = SignOffRule.objects.get(target_level="ready", purpose="re_sign", in_force=True)
    with pytest.raises(IntegrityError, match="starts open, under a rule"), transaction.atomic():
        forged.save(force_insert=True)


def test_what_has_changed_since_the_last_approval_is_shown_line_by_line(ready_runbook, people):
    drifted = change_text(ready_runbook, people)
    with audited_edit(drifted, by=people["ed"]):
        drifted.scope = "Restart two pumps."
        drifted.save()
    request = submit(runbook=drifted, level="ready", year=YEAR, rationale="Two.", by=people["ed"])
    since = since_last_approval(request)
    assert (since.text.added, since.text.removed) == (1, 1)
    assert [line.text for line in since.text.lines if line.kind == "added"] == ["1. Look twice."]
    assert [(row["field"], row["after"]) for row in since.metadata] == [
        ("scope", "Restart two pumps.")
    ]


def test_a_first_request_has_nothing_to_be_compared_with(runbook, people):
    assert since_last_approval(cast.ask(runbook, by=people["ed"])) is None


def test_an_unchanged_renewal_says_that_nothing_has_changed(ready_runbook, people):
    assert since_last_approval(cast.ask(ready_runbook, by=people["ed"], year=YEAR + 1)).is_unchanged


def test_the_page_where_one_signs_shows_the_difference_and_the_checks(
    ready_runbook, people, sign_in
):
    drifted = change_text(ready_runbook, people)
    request = submit(
        runbook=drifted, level="ready", year=YEAR, rationale="A typo.", by=people["ed"]
    )
    page = (
        sign_in("rita")
        .get(f"/admin/governance/statuschangerequest/{request.pk}/change/")
        .content.decode()
    )
    assert "<ins>1. Look twice.</ins>" in page
    assert "<del>1. Look.</del>" in page
    for words in ("Checks before signing", "No owner named", "does not block, but consider it"):
        assert words in page


def test_a_form_that_went_stale_gets_409_and_the_new_difference(runbook, people, sign_in):
    request, client = cast.ask(runbook, by=people["ed"]), sign_in("rita")
    url = f"/admin/governance/statuschangerequest/{request.pk}/"
    seen = client.get(f"{url}change/").context["form"].initial["seen"]
    change_text(runbook, people)
    values = {"seen": seen, "decision": "approve", "comment": "Read.", "password": cast.PASSWORD}
    answer = client.post(f"{url}decide/", values)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "What has changed since the request was opened" in page
    assert "<ins>1. Look twice.</ins>" in page
    assert "Request again, with the current content" in page
    request.refresh_from_db()
    assert request.state == RequestState.LAPSED


# ---- retiring and reinstating


@pytest.mark.parametrize("level", ["unassessed", "rnd_only", "shadow", "ready"])
def test_a_retired_runbook_is_reinstated_as_what_it_was(runbook, people, level):
    if level != "unassessed":
        request = cast.ask(runbook, by=people["ed"], level=level)
        sign(request, people, *("rita", "rolf")[: request.required_signatures])
    downgrade(runbook=runbook, level="retired", reason="Not used.", by=people["ruth"])
    others = {"unassessed", "rnd_only", "safety_sandbox", "track", "shadow", "ready"} - {level}
    for other in others:
        with pytest.raises(ActionRefused):
            cast.ask(runbook, by=people["ed"], level=other)
    request = cast.ask(runbook, by=people["ed"], level=level)
    back = sign(request, people, *("rita", "rolf")[: request.required_signatures])
    assert (back.readiness_level, request.move) == (level, "reinstate")


def test_the_database_knows_what_it_was_too(runbook, people):
    sign(cast.ask(runbook, by=people["ed"], level="rnd_only"), people, "rita")
    downgrade(runbook=runbook, level="retired", reason="Not used.", by=people["ruth"])
    request = cast.ask(runbook, by=people["ed"], level="rnd_only")
    withdraw(request=request, reason="x", by=people["ed"])
    forged = StatusChangeRequest.objects.get(pk=request.pk)
    forged.pk, forged.state, forged.closed_at, forged.closed_reason = None, "open", None, ""
    forged.to_level, forged.to_year, forged.required_signatures = "ready", YEAR, 2
    forged.rule = SignOffRule.objects.get(target_level="ready", purpose="move", in_force=True)
    with pytest.raises(IntegrityError, match="on a way that the tables know"), transaction.atomic():
        forged.save(force_insert=True)


# ---- rules that end a readiness


def set_valid_days(people, days, level="ready"):
    return replace_rule(
        target_level=level,
        required_signatures=2 if level == "ready" else 1,
        group=Group.objects.get(name=RISK_OWNERS),
        evidence_required=False,
        valid_days=days,
        by=people["sue"],
    )


def test_a_rule_may_end_a_readiness_before_its_year_and_the_sentence_names_the_day(runbook, people):
    set_valid_days(people, 10)
    start = datetime(YEAR, 3, 1, 12, tzinfo=BERLIN)
    for person in people.values():
        person.date_joined = start - timedelta(days=9)
        person.save()
    request = cast.ask(runbook, by=people["ed"], at=start)
    assert request.valid_until == date(YEAR, 3, 10)
    cast.approve(request, by=people["rita"], at=start)
    cast.approve(request, by=people["rolf"], at=start)
    assert "It is valid until" in request.sign_offs.first().statement
    signed = Runbook.objects.get(pk=runbook.pk)
    assert verdict_on(signed, at=datetime(YEAR, 3, 10, 23, tzinfo=BERLIN)).go
    assert [
        reason.value
        for reason in verdict_on(signed, at=datetime(YEAR, 3, 11, tzinfo=BERLIN)).reasons
    ] == ["expired"]


def test_a_rule_never_makes_a_year_longer(runbook, people):
    set_valid_days(people, 3000)
    assert cast.ask(runbook, by=people["ed"]).valid_until == date(YEAR, 12, 31)


def test_other_levels_may_end_too_and_can_then_be_signed_anew(runbook, people):
    set_valid_days(people, 10, level="shadow")
    start = timezone.now()
    request = cast.ask(runbook, by=people["ed"], level="shadow", at=start)
    signed = sign(request, people, "rita")
    assert signed.valid_until == timezone.localdate(start) + timedelta(days=9)
    assert signed.signature_holds()
    assert not signed.signature_holds(at=start + timedelta(days=11))
    refused(lambda: cast.ask(runbook, by=people["ed"], level="shadow"), Refusal.NOTHING_CHANGES)


def test_a_lowered_rule_does_not_lower_an_open_request(runbook, people):
    request = cast.ask(runbook, by=people["ed"])
    replace_rule(
        target_level="ready",
        required_signatures=1,
        group=Group.objects.get(name=RISK_OWNERS),
        evidence_required=False,
        by=people["sue"],
    )
    assert sign(request, people, "rita").readiness_level == "unassessed"
    assert sign(request, people, "rolf").readiness_level == "ready"


# ---- requests that run out


def test_a_request_whose_year_is_over_lapses_and_says_so(runbook, people):
    request = cast.ask(runbook, by=people["ed"])
    after = datetime(YEAR + 1, 1, 1, 0, 1, tzinfo=BERLIN)
    with pytest.raises(RequestLapsed):
        cast.approve(request, by=people["rita"], at=after)
    request.refresh_from_db()
    assert (request.state, "valid until" in request.closed_reason) == (RequestState.LAPSED, True)
    assert ChangeLogEntry.objects.first().action == Action.REQUEST_LAPSED


def test_what_ran_out_is_closed_without_anybody_looking(runbook, people):
    request = cast.ask(runbook, by=people["ed"])
    assert lapse_expired_requests(by=ledger.SYSTEM) == 0
    assert lapse_expired_requests(by=ledger.SYSTEM, at=datetime(YEAR + 1, 1, 2, tzinfo=BERLIN)) == 1
    request.refresh_from_db()
    assert request.state == RequestState.LAPSED


# ---- solo mode


@pytest.fixture
def solo(settings):
    settings.GOVERNANCE_SOLO = True


def test_solo_mode_is_off_by_default(runbook, people):
    request = cast.ask(runbook, by=people["rita"])
    assert (request.independent, request.required_signatures) == (True, 2)
    refused(lambda: cast.approve(request, by=people["rita"]), Refusal.OWN_REQUEST)


def test_in_solo_mode_an_owner_signs_alone_and_it_is_labelled_everywhere(
    runbook, people, sign_in, solo
):
    request = cast.ask(runbook, by=people["rita"])
    assert (request.is_solo, request.required_signatures, request.rule.purpose) == (True, 1, "solo")
    signed = sign(request, people, "rita")
    assert standing_of(signed).is_live_ready
    assert signed.signed_solo
    assert "no independent review" in request.sign_offs.get().statement
    verdict = verdict_on(signed)
    assert (verdict.go, verdict.independent) == (True, False)
    situation = Situation.objects.create(slug="dry", title="Pump runs dry")
    SituationRunbook.objects.create(situation=situation, runbook=signed, position=1)
    label = "no independent review"
    client = sign_in("otto")
    now = timezone.now().isoformat().replace("+00:00", "Z")
    for address in (
        "/",
        "/runbooks/",
        signed.get_absolute_url(),
        f"/runbooks/?as_of={now}",
        f"{signed.get_absolute_url()}?as_of={now}",
        "/situations/",
        situation.get_absolute_url(),
        "/a/any:alert:red/",
        f"/search/?q={signed.title}",
        "/landscape/",
        "/sign-offs/",
        request.get_absolute_url(),
        "/reports/readiness/",
    ):
        assert label in client.get(address).content.decode(), address
    assert label in sign_in("ed").get("/admin/runbooks/runbook/").content.decode()
    found = client.get("/api/v1/resolve/").json()["situations"][0]["runbooks"][0]
    assert (found["verdict"], found["independent"]) == ("go", False)
    assert client.get(f"/api/v1/runbooks/{signed.slug}/").json()["signed_solo"] is True


def test_what_was_signed_alone_stays_labelled_when_it_is_taken_down(runbook, people, sign_in, solo):
    """Whoever takes it down reviews nothing, and the lighter rule for signing anew stays shut."""
    sign(cast.ask(runbook, by=people["rita"]), people, "rita")
    downgrade(runbook=runbook, level="shadow", reason="Not for now.", by=people["rolf"])
    lower = Runbook.objects.get(pk=runbook.pk)
    assert (lower.readiness_level, lower.signed_solo) == ("shadow", True)
    assert "no independent review" in sign_in("otto").get(lower.get_absolute_url()).content.decode()


def test_whoever_is_no_risk_owner_does_not_sign_alone_in_solo_mode_either(runbook, people, solo):
    request = cast.ask(runbook, by=people["ed"])
    assert (request.is_solo, request.required_signatures) == (False, 2)
    refused(
        lambda: cast.approve(request, by=people["ed"]),
        Refusal.NOT_A_RISK_OWNER,
        Refusal.OWN_REQUEST,
    )


def test_when_solo_mode_ends_what_was_signed_alone_is_no_go(runbook, people, solo, settings):
    signed = sign(cast.ask(runbook, by=people["rita"]), people, "rita")
    settings.GOVERNANCE_SOLO = False
    assert [reason.value for reason in verdict_on(signed).reasons] == ["no_independent_review"]
    assert live_ready() == []


def test_when_solo_mode_ends_an_open_request_of_it_is_not_signed(runbook, people, solo, settings):
    request = cast.ask(runbook, by=people["rita"])
    settings.GOVERNANCE_SOLO = False
    for name in ("rita", "rolf"):
        refused(partial(cast.approve, request, by=people[name]), Refusal.SOLO_MODE_IS_OFF)


def test_a_migrate_without_solo_mode_takes_its_rules_out_of_force(runbook, people, solo, settings):
    from governance.post_migrate import ensure_default_rules

    cast.ask(runbook, by=people["rita"])
    assert SignOffRule.objects.filter(purpose="solo", in_force=True).exists()
    settings.GOVERNANCE_SOLO = False
    ensure_default_rules()
    assert not SignOffRule.objects.filter(purpose="solo", in_force=True).exists()


def test_no_rule_but_a_solo_one_lets_the_requester_sign(people):
    rule = SignOffRule.objects.get(target_level="shadow", purpose="move", in_force=True)
    rule.pk, rule.version, rule.in_force, rule.separate_from_requester = None, 9, False, False
    with pytest.raises(IntegrityError, match="rule_only_solo_signs_alone"), transaction.atomic():
        rule.save(force_insert=True)


# ---- campaigns


def test_a_campaign_opens_one_request_for_each_and_says_who_was_refused(people, sign_in):
    ready = [cast.make_ready(cast.make_runbook(f"Valve {number}")) for number in range(3)]
    rnd = cast.make_runbook("Research")
    sign(cast.ask(rnd, by=people["ed"], level="rnd_only"), people, "rita")
    campaign = open_renewals(
        runbooks=[*ready, rnd],
        year=YEAR + 1,
        rationale="Yearly.",
        evidence=cast.EVIDENCE,
        by=people["ed"],
    )
    assert [request.runbook for request in campaign.opened] == ready
    assert [runbook for runbook, _ in campaign.refused] == [rnd]
    assert {request.rationale for request in campaign.opened} == {"Yearly."}
    assert all(request.is_open and request.approvals == 0 for request in campaign.opened)


def test_a_campaign_is_started_from_the_list_in_the_admin(ready_runbook, people, sign_in):
    client = sign_in("ed")
    chosen = {"action": "ask_for_renewals", "_selected_action": [ready_runbook.pk]}
    asked = client.post("/admin/runbooks/runbook/", chosen)
    assert (asked.status_code, asked.context["form"].initial["year"]) == (200, YEAR + 1)
    empty = client.post("/admin/runbooks/runbook/", chosen | {"year": "", "rationale": ""})
    assert empty.status_code == 400
    filled = chosen | {"year": YEAR + 1, "rationale": "Yearly.", "evidence": cast.EVIDENCE}
    done = client.post("/admin/runbooks/runbook/", filled, follow=True)
    assert "1 request is open." in done.content.decode()
    assert StatusChangeRequest.objects.open().get().requested_by == people["ed"]
    again = client.post("/admin/runbooks/runbook/", filled, follow=True)
    assert "already has an open request" in again.content.decode()


def test_whoever_may_not_ask_finds_no_campaign(ready_runbook, sign_in):
    page = sign_in("ada").get("/admin/runbooks/runbook/").content.decode()
    assert "ask_for_renewals" not in page
    chosen = {"action": "ask_for_renewals", "_selected_action": [ready_runbook.pk]}
    sign_in("ada").post("/admin/runbooks/runbook/", chosen | {"year": YEAR + 1, "rationale": "x"})
    assert not StatusChangeRequest.objects.open().exists()


def test_a_renamed_layer_lapses_a_renewal_like_any_change(ready_runbook, people):
    request = cast.ask(ready_runbook, by=people["ed"], year=YEAR + 1)
    layer = Layer.objects.get(slug="pumps")
    with audited_edit(layer, by=people["ed"]):
        layer.title = "Engines"
        layer.save()
    request.refresh_from_db()
    assert request.state == RequestState.LAPSED
