"""The sign-off's promises: what it takes, who counts, and what a signature covers."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from governance import guards, ledger
from governance.accounts.roles import RISK_OWNERS
from governance.assurance.standings import standing_of
from governance.editing.audited_edit import audited_edit
from governance.errors import ActionRefused, RequestLapsed, StaleForm
from governance.ledger.choices import Action
from governance.ledger.labels import labelled_changes
from governance.ledger.models import ChangeLogEntry
from governance.signoff.choices import RequestState
from governance.signoff.decide import form_etag, reject, sign
from governance.signoff.downgrade import downgrade
from governance.signoff.models import SignOff, StatusChangeRequest
from governance.signoff.policy import Refusal
from governance.signoff.rules import replace_rule
from governance.signoff.submit import submit, withdraw
from runbooks.models import Document, Layer, Runbook
from tests import cast

pytestmark = pytest.mark.django_db


def refused(call, *reasons):
    with pytest.raises(ActionRefused) as caught:
        call()
    assert caught.value.reasons == reasons


def test_two_risk_owners_make_a_runbook_ready(runbook, people):
    request = cast.ask(runbook, by=people["ed"])
    cast.approve(request, by=people["rita"])
    runbook.refresh_from_db()
    assert runbook.readiness_level == "unassessed"
    cast.approve(request, by=people["rolf"])
    runbook.refresh_from_db()
    assert (runbook.readiness_level, runbook.readiness_year) == ("ready", timezone.localdate().year)
    assert standing_of(runbook).is_live_ready


def test_every_step_is_a_ledger_row_and_the_chain_is_whole(runbook, people):
    start = ChangeLogEntry.objects.count()
    cast.make_ready(runbook)
    done = list(ChangeLogEntry.objects.order_by("sequence").values_list("action", "actor")[start:])
    assert done == [
        (Action.REQUEST_SUBMITTED, "ed"),
        (Action.REQUEST_SIGNED, "rita"),
        (Action.REQUEST_SIGNED, "rolf"),
        (Action.READINESS_CHANGED, "rolf"),
    ]
    assert ledger.verify().is_whole


def test_requester_cannot_sign_their_own_request(runbook, people):
    request = cast.ask(runbook, by=people["rita"])
    refused(lambda: cast.approve(request, by=people["rita"]), Refusal.OWN_REQUEST)


@pytest.mark.parametrize("who", ["ed", "otto", "ada", "sue"])
def test_only_risk_owners_sign_superuser_or_not(runbook, people, who):
    request = cast.ask(runbook, by=people["ruth"])
    refused(lambda: cast.approve(request, by=people[who]), Refusal.NOT_A_RISK_OWNER)


def test_one_person_counts_once(runbook, people):
    request = cast.ask(runbook, by=people["ed"])
    cast.approve(request, by=people["rita"])
    refused(lambda: cast.approve(request, by=people["rita"]), Refusal.SIGNED_ALREADY)
    assert SignOff.objects.count() == 1


def test_an_account_made_after_the_request_does_not_count(runbook, people):
    request = cast.ask(runbook, by=people["ed"], at=timezone.now() - timedelta(hours=1))
    late = cast.make_person("late", group=RISK_OWNERS)
    refused(lambda: cast.approve(request, by=late), Refusal.ACCOUNT_TOO_YOUNG)


def test_a_signer_who_left_the_group_no_longer_counts_towards_the_quorum(runbook, people):
    request = cast.ask(runbook, by=people["ed"])
    cast.approve(request, by=people["rita"])
    people["rita"].groups.remove(Group.objects.get(name=RISK_OWNERS))
    cast.approve(request, by=people["rolf"])
    request.refresh_from_db()
    assert request.state == RequestState.OPEN
    cast.approve(request, by=people["ruth"])
    request.refresh_from_db()
    assert request.state == RequestState.APPROVED


def test_a_signer_who_was_deactivated_no_longer_counts(runbook, people):
    request = cast.ask(runbook, by=people["ed"])
    cast.approve(request, by=people["rita"])
    people["rita"].is_active = False
    people["rita"].save()
    cast.approve(request, by=people["rolf"])
    runbook.refresh_from_db()
    assert runbook.readiness_level == "unassessed"


def test_one_rejection_ends_a_request(runbook, people):
    request = cast.ask(runbook, by=people["ed"])
    at = timezone.now() + timedelta(seconds=5)
    reject(
        request=request,
        comment="Step 3 is wrong.",
        seen=form_etag(request),
        password=cast.PASSWORD,
        by=people["rita"],
        at=at,
    )
    request.refresh_from_db()
    assert (request.state, request.closed_reason) == (RequestState.REJECTED, "Step 3 is wrong.")
    told = ChangeLogEntry.objects.get(action=Action.REQUEST_REJECTED)
    assert (request.closed_at, request.sign_offs.get().signed_at, told.recorded_at) == (at, at, at)
    refused(lambda: cast.approve(request, by=people["rolf"]), Refusal.REQUEST_CLOSED)


def test_a_decision_needs_a_comment(runbook, people):
    request = cast.ask(runbook, by=people["ed"])
    seen = form_etag(request)
    refused(
        lambda: sign(
            request=request, comment="  ", seen=seen, password=cast.PASSWORD, by=people["rita"]
        ),
        Refusal.COMMENT_MISSING,
    )


def test_only_the_requester_withdraws(runbook, people):
    request = cast.ask(runbook, by=people["ed"])
    refused(
        lambda: withdraw(request=request, reason="x", by=people["rita"]), Refusal.NOT_THE_REQUESTER
    )
    withdraw(request=request, reason="Too early.", by=people["ed"])
    request.refresh_from_db()
    assert request.state == RequestState.WITHDRAWN


def test_reopening_carries_no_signature_over(runbook, people):
    first = cast.ask(runbook, by=people["ed"])
    cast.approve(first, by=people["rita"])
    withdraw(request=first, reason="Again.", by=people["ed"])
    second = cast.ask(runbook, by=people["ed"])
    cast.approve(second, by=people["rolf"])
    runbook.refresh_from_db()
    assert runbook.readiness_level == "unassessed"


def test_one_open_request_per_runbook(runbook, people):
    cast.ask(runbook, by=people["ed"])
    refused(lambda: cast.ask(runbook, by=people["ruth"]), Refusal.OPEN_REQUEST_EXISTS)


def test_an_edit_of_the_metadata_lapses_the_request_and_names_the_field(runbook, people):
    request = cast.ask(runbook, by=people["ed"])
    cast.approve(request, by=people["rita"])
    with audited_edit(runbook, by=people["ed"]):
        runbook.scope = "Something else."
        runbook.save()
    request.refresh_from_db()
    assert request.state == RequestState.LAPSED
    assert "scope" in request.closed_reason


def test_a_save_that_changes_nothing_changes_nothing(runbook, people):
    request = cast.ask(runbook, by=people["ed"])
    rows = ChangeLogEntry.objects.count()
    with audited_edit(runbook, by=people["ed"]):
        runbook.save()
    request.refresh_from_db()
    assert request.state == RequestState.OPEN
    assert ChangeLogEntry.objects.count() == rows


def test_an_edit_of_owner_and_escalation_touches_no_request(runbook, people):
    request = cast.ask(runbook, by=people["ed"])
    with audited_edit(runbook, by=people["ed"]):
        runbook.owner, runbook.escalation_contact = "Pump desk", "extension 1"
        runbook.save()
    request.refresh_from_db()
    assert request.state == RequestState.OPEN


def test_renaming_a_layer_lapses_the_requests_of_its_runbooks(runbook, people):
    request = cast.ask(runbook, by=people["ed"])
    layer = Layer.objects.get(slug="pumps")
    with audited_edit(layer, by=people["ed"]):
        layer.title = "Pumps and valves"
        layer.save()
    request.refresh_from_db()
    assert request.state == RequestState.LAPSED


def test_another_document_behind_the_back_lapses_at_the_signature(runbook, people):
    request = cast.ask(runbook, by=people["ed"])
    runbook.document = cast.store(runbook.document_path, "# Other steps\n")
    runbook.save()  # past the action, as a careless script would
    with pytest.raises(RequestLapsed) as lapsed:
        cast.approve(request, by=people["rita"])
    request.refresh_from_db()
    assert request.state == RequestState.LAPSED
    assert request.closed_reason
    assert str(lapsed.value) == request.closed_reason
    assert ChangeLogEntry.objects.get(action=Action.REQUEST_LAPSED).actor == "(system)"
    assert SignOff.objects.count() == 0


def test_a_stale_page_signs_nothing(runbook, people):
    request = cast.ask(runbook, by=people["ed"])
    seen = form_etag(request)
    cast.approve(request, by=people["rita"])
    with pytest.raises(StaleForm):
        sign(request=request, comment="ok", seen=seen, password=cast.PASSWORD, by=people["rolf"])
    assert SignOff.objects.count() == 1


@pytest.mark.parametrize(
    ("level", "year", "reason"),
    [
        ("ready", None, Refusal.YEAR_MISSING),
        ("ready", 2001, Refusal.YEAR_PAST),
        ("ready", 2099, Refusal.YEAR_TOO_FAR),
        ("shadow", 2026, Refusal.YEAR_NOT_WANTED),
    ],
)
def test_ready_is_asked_for_this_year_or_the_next(runbook, people, level, year, reason):
    refused(
        lambda: submit(
            runbook=runbook,
            level=level,
            year=year,
            rationale="x",
            evidence=cast.EVIDENCE,
            by=people["ed"],
        ),
        reason,
    )


def test_ready_needs_evidence_and_a_rationale(runbook, people):
    refused(
        lambda: submit(
            runbook=runbook,
            level="ready",
            year=timezone.localdate().year,
            rationale=" ",
            by=people["ed"],
        ),
        Refusal.RATIONALE_MISSING,
        Refusal.EVIDENCE_MISSING,
    )


def test_a_runbook_without_a_document_cannot_be_signed(people):
    refused(
        lambda: cast.ask(cast.make_runbook(text=None), by=people["ed"]), Refusal.DOCUMENT_MISSING
    )


@pytest.mark.parametrize("who", ["otto", "ada", "sue"])
def test_only_editors_and_risk_owners_ask(runbook, people, who):
    refused(lambda: cast.ask(runbook, by=people[who]), Refusal.NOT_AN_EDITOR)


def test_rnd_only_does_not_become_ready_in_one_step(runbook, people):
    cast.approve(cast.ask(runbook, by=people["ed"], level="rnd_only"), by=people["rita"])
    refused(lambda: cast.ask(runbook, by=people["ed"]), Refusal.RND_ONLY_CANNOT_BE_READY)


def test_what_the_file_declares_rnd_only_does_not_become_ready_unassessed(people):
    runbook = cast.make_runbook(declared_level="rnd_only")
    refused(lambda: cast.ask(runbook, by=people["ed"]), Refusal.RND_ONLY_CANNOT_BE_READY)


def test_rnd_only_finds_no_detour_through_unassessed_or_retired(runbook, people):
    cast.approve(cast.ask(runbook, by=people["ed"], level="rnd_only"), by=people["rita"])
    refused(
        lambda: downgrade(runbook=runbook, level="unassessed", reason="x", by=people["rita"]),
        Refusal.NOT_A_DOWNGRADE,
    )
    downgrade(runbook=runbook, level="retired", reason="Not used.", by=people["rita"])
    refused(lambda: cast.ask(runbook, by=people["ed"]), Refusal.NOT_WHAT_IT_WAS)
    refused(lambda: cast.ask(runbook, by=people["ed"], level="unassessed"), Refusal.NOT_WHAT_IT_WAS)
    cast.approve(cast.ask(runbook, by=people["ed"], level="rnd_only"), by=people["rita"])
    runbook.refresh_from_db()
    assert runbook.readiness_level == "rnd_only"


def test_a_downgrade_takes_effect_at_once_and_lapses_what_waits(ready_runbook, people):
    renewal = cast.ask(ready_runbook, by=people["ed"], year=timezone.localdate().year + 1)
    downgrade(runbook=ready_runbook, level="shadow", reason="Wrong step found.", by=people["ruth"])
    ready_runbook.refresh_from_db()
    renewal.refresh_from_db()
    assert ready_runbook.readiness_level == "shadow"
    assert renewal.state == RequestState.LAPSED


def test_an_editor_cannot_take_a_readiness_down(ready_runbook, people):
    refused(
        lambda: downgrade(runbook=ready_runbook, level="shadow", reason="x", by=people["ed"]),
        Refusal.NOT_A_RISK_OWNER,
    )


def test_a_lower_rule_does_not_reach_an_open_request(runbook, people):
    request = cast.ask(runbook, by=people["ed"])
    replace_rule(
        target_level="ready",
        required_signatures=1,
        group=Group.objects.get(name=RISK_OWNERS),
        evidence_required=False,
        by=people["sue"],
    )
    cast.approve(request, by=people["rita"])
    request.refresh_from_db()
    assert (request.state, request.required_signatures, request.independent) == (
        RequestState.OPEN,
        2,
        True,
    )


def test_the_ledger_is_written_in_english_whoever_acts(runbook, people):
    with override("de"):
        request = cast.ask(runbook, by=people["ed"])
        cast.approve(request, by=people["rita"])
        cast.approve(request, by=people["rolf"])
    entry = ChangeLogEntry.objects.get(action=Action.READINESS_CHANGED)
    assert entry.changes["readiness"]["before"] == "unassessed"
    with override("de"):
        assert "nicht bewertet" in [row["before"] for row in labelled_changes(entry)]


def test_whoever_changed_the_language_meanwhile_reads_the_sentence_again(runbook, people):
    request = cast.ask(runbook, by=people["ed"])
    seen = form_etag(request)
    with override("de"), pytest.raises(StaleForm):
        sign(request=request, comment="ok", seen=seen, password=cast.PASSWORD, by=people["rita"])


def test_the_sentence_of_an_approval_says_until_when_and_names_what_is_pinned(runbook, people):
    request = cast.ask(runbook, by=people["ed"])
    cast.approve(request, by=people["rita"])
    said, pinned = SignOff.objects.get().statement.split("\n")
    year = request.to_year
    assert said == (
        f"I approve “{runbook.title}” ({runbook.version}) for live use until Dec. 31, {year} "
        f"({year}-ready), as shown on this page."
    )
    for part in (request.document_path, request.document_sha256, request.metadata_sha256):
        assert part in pinned
    assert f"unassessed → {year}-ready" in pinned


def test_the_sentence_of_an_approval_for_next_year_says_from_when(runbook, people):
    year = timezone.localdate().year + 1
    request = cast.ask(runbook, by=people["ed"], year=year)
    cast.approve(request, by=people["rita"])
    said = SignOff.objects.get().statement
    assert f"for live use from Jan. 1, {year} until Dec. 31, {year}" in said


def test_a_rejection_stands_under_a_sentence_of_its_own(runbook, people):
    request = cast.ask(runbook, by=people["ed"])
    reject(
        request=request,
        comment="No.",
        seen=form_etag(request),
        password=cast.PASSWORD,
        by=people["rita"],
    )
    assert SignOff.objects.get().statement.startswith("I reject the change of")


def test_another_path_brings_its_own_text_or_none(runbook, people):
    other = cast.store("docs/other.md", "# Another text\n")
    for path, document in (("docs/other.md", other), ("docs/nowhere.md", None)):
        with audited_edit(runbook, by=people["ed"]):
            runbook.document_path = path
            runbook.save()
        runbook.refresh_from_db()
        assert runbook.document == document


def test_a_text_of_another_path_is_neither_signed_nor_live_ready(ready_runbook, people):
    Runbook.objects.filter(pk=ready_runbook.pk).update(document_path="docs/nowhere.md")
    ready_runbook.refresh_from_db()
    assert "document_elsewhere" in standing_of(ready_runbook).reasons
    refused(
        lambda: cast.ask(ready_runbook, by=people["ed"], year=timezone.localdate().year + 1),
        Refusal.DOCUMENT_NOT_SHOWN,
    )


def test_a_text_that_is_not_what_its_sha256_names_is_not_signed(runbook, people):
    request = cast.ask(runbook, by=people["ed"])
    guards.remove()
    Document.objects.update(text="# Flood the cellar")
    guards.install()
    refused(lambda: cast.approve(request, by=people["rita"]), Refusal.DOCUMENT_NOT_SHOWN)


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "https://[broken", "wiki/page", "ftp://host/x"]
)
def test_evidence_is_links_whoever_asks(runbook, people, link):
    refused(
        lambda: submit(
            runbook=runbook,
            level="shadow",
            year=None,
            rationale="x",
            evidence=link,
            by=people["ed"],
        ),
        Refusal.EVIDENCE_NOT_A_LINK,
    )


def test_whoever_joined_the_group_after_the_request_does_not_count(runbook, people):
    request = cast.ask(runbook, by=people["ed"])
    with audited_edit(people["otto"], by=people["sue"]):
        people["otto"].groups.add(Group.objects.get(name=RISK_OWNERS))
    refused(lambda: cast.approve(request, by=people["otto"]), Refusal.ACCOUNT_TOO_YOUNG)
    runbook = cast.make_runbook()
    cast.approve(cast.ask(runbook, by=people["ed"]), by=people["otto"])


def test_the_signed_text_keeps_its_address_when_the_path_is_edited(ready_runbook, people, client):
    request = StatusChangeRequest.objects.get()
    with audited_edit(ready_runbook, by=people["ed"]):
        ready_runbook.document_path = "docs/nowhere.md"
        ready_runbook.save()
    client.force_login(people["ada"])
    page = client.get(request.get_absolute_url()).content.decode()
    address = f"/sign-offs/{request.pk}/document/"
    assert address in page
    shown = client.get(address).content.decode()
    assert request.document_sha256 in shown
    assert "Below: the signed text" in shown
    assert "the sign-off is not valid" in shown


def test_whoever_signs_sees_the_signs_that_nobody_sees_in_sentence_metadata_text_and_difference(
    people, client
):
    """People sign what they see: a character that reverses the text is shown by its number."""
    turned = "\u202e"
    runbook = cast.make_ready(cast.make_runbook(f"Pump{turned}A"))
    with audited_edit(runbook, by=people["ed"]):
        runbook.document = cast.store(runbook.document_path, f"# Steps\n\n1. rm{turned}B\n")
        runbook.scope = f"Restart{turned}C"
        runbook.save()
    request = cast.ask(runbook, by=people["ed"])
    client.force_login(people["rita"])
    page = client.get(
        reverse("admin:governance_statuschangerequest_change", args=[request.pk])
    ).content.decode()
    assert page.count("rm[U+202E]B") == 2
    assert page.count("Restart[U+202E]C") == 2
    assert "Pump[U+202E]A" in page[page.index('class="sign-off-statement"') :]
    assert "Restart[U+202E]C" in client.get(request.get_absolute_url()).content.decode()
    cast.approve(request, by=people["rita"])
    assert turned in request.sign_offs.get().statement
