"""The admin: every write is a ledger row, nothing moves a readiness but the sign-off page."""

import re
from html import unescape

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.forms.models import model_to_dict
from django.urls import reverse
from django.utils import timezone

from governance.admin.base import AuditedAdmin, ReadOnlyAdmin
from governance.assurance.standings import standing_of
from governance.findings.models import Finding
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from governance.signoff.choices import RequestState
from governance.signoff.models import SignOff, SignOffRule, StatusChangeRequest
from runbooks.models import Cluster, CodeReference, Layer, Runbook, Section, Situation
from tests import cast

pytestmark = pytest.mark.django_db
YEAR = timezone.localdate().year


def admin_url(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def form_values(client, url):
    """What a browser would send back if the person pressed Save at once."""
    form = client.get(url).context["adminform"].form
    values = {}
    for bound in form:
        value = bound.value()
        if value is not None and value is not False:
            values[bound.html_name] = (
                [getattr(part, "pk", part) for part in value]
                if isinstance(value, list)
                else as_a_browser_sends(value)
            )
    for formset in client.get(url).context["inline_admin_formsets"]:
        for bound in formset.formset.management_form:
            values[bound.html_name] = bound.value()
        for row in formset.formset.forms:
            values |= {
                bound.html_name: as_a_browser_sends(bound.value())
                for bound in row
                if bound.value() is not None
            }
    return values


def as_a_browser_sends(value):
    """A text area's line ends are CR LF when they are sent (HTML, form submission)."""
    return value.replace("\n", "\r\n") if isinstance(value, str) else value


def text_of(response):
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", response.content.decode())))


def test_every_admin_writes_the_ledger_or_writes_nothing():
    for model, model_admin in admin.site._registry.items():
        assert isinstance(model_admin, AuditedAdmin | ReadOnlyAdmin), model


def test_every_model_of_the_design_is_in_the_admin():
    from django.apps import apps

    from runbooks.models.search import DERIVED

    registered = set(admin.site._registry)
    inlines = {
        inline.model
        for model_admin in registered
        for inline in admin.site._registry[model_admin].inlines
    }
    for label in ("runbooks", "governance"):
        assert set(apps.get_app_config(label).get_models()) - set(DERIVED) <= registered | inlines


def test_every_admin_page_answers_a_superuser(ready_runbook, sign_in):
    client = sign_in("sue")
    cast.make_runbook("Second pump")
    for model in admin.site._registry:
        assert client.get(admin_url(model, "changelist")).status_code == 200, model
        first = model._default_manager.first()
        if first is not None and model is not LogEntry:
            assert client.get(admin_url(model, "change", first.pk)).status_code == 200, model
            assert client.get(admin_url(model, "history", first.pk)).status_code == 200, model


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (
            Cluster,
            {
                "kind": "cluster",
                "first_number": 7,
                "last_number": 9,
                "title": "Valves",
                "slug": "cluster-7-9",
            },
        ),
        (Layer, {"title": "Valves", "slug": "valves"}),
        (CodeReference, {"path": "src/valves/", "position": 1}),
    ],
)
def test_add_change_and_delete_are_three_ledger_rows(sign_in, model, values):
    client, rows = sign_in("ed"), ChangeLogEntry.objects.count()
    assert client.post(admin_url(model, "add"), values).status_code == 302
    made = model._default_manager.get()
    field = "path" if model is CodeReference else "title"
    url = admin_url(model, "change", made.pk)
    assert (
        client.post(
            url, form_values(client, url) | {field: "Changed", "reason": "Renamed."}
        ).status_code
        == 302
    )
    assert client.post(admin_url(model, "delete", made.pk), {"post": "yes"}).status_code == 302
    done = ChangeLogEntry.objects.order_by("sequence")[rows:]
    assert [(row.action, row.actor) for row in done] == [
        (Action.CREATED, "ed"),
        (Action.CHANGED, "ed"),
        (Action.DELETED, "ed"),
    ]
    assert done[1].reason == "Renamed."
    assert done[1].changes[field]["after"] == "Changed"


def test_deleting_many_at_once_is_a_row_for_each(sign_in):
    client = sign_in("ed")
    for name in ("a", "b"):
        Layer.objects.create(title=name, slug=name)
    rows = ChangeLogEntry.objects.count()
    chosen = list(Layer.objects.values_list("pk", flat=True))
    response = client.post(
        admin_url(Layer, "changelist"),
        {"action": "delete_selected", "_selected_action": chosen, "post": "yes"},
    )
    assert response.status_code == 302
    assert ChangeLogEntry.objects.count() == rows + 2


def test_a_situations_steps_are_told_with_it(runbook, sign_in):
    client = sign_in("ed")
    values = {
        "title": "Cellar wet",
        "slug": "cellar-wet",
        "position": 1,
        "steps-TOTAL_FORMS": 1,
        "steps-INITIAL_FORMS": 0,
        "steps-0-position": 1,
        "steps-0-runbook": runbook.pk,
    }
    client.post(admin_url(Situation, "add"), values)
    entry = ChangeLogEntry.objects.first()
    assert entry.subject == "situation:cellar-wet"
    assert entry.changes["steps"]["after"] == [f"1. {runbook.title}"]


def test_a_sections_role_is_rendered_when_it_is_stored(runbook, sign_in):
    client = sign_in("ed")
    values = {
        "number": 2,
        "title": "Pumps",
        "slug": "pumps",
        "note": "**Careful** <script>alert(1)</script>",
        "entries-TOTAL_FORMS": 1,
        "entries-INITIAL_FORMS": 0,
        "entries-0-position": 1,
        "entries-0-runbook": runbook.pk,
        "entries-0-role": "For *night* shifts.",
    }
    client.post(admin_url(Section, "add"), values)
    section = Section.objects.get()
    assert section.entries.get().role_html == "<p>For <em>night</em> shifts.</p>"
    assert "<script" not in section.note_html


def test_a_save_without_a_change_is_no_row_and_lapses_nothing(runbook, people, sign_in):
    request, client = cast.ask(runbook, by=people["ed"]), sign_in("ed")
    url, rows = admin_url(Runbook, "change", runbook.pk), ChangeLogEntry.objects.count()
    assert client.post(url, form_values(client, url)).status_code == 302
    request.refresh_from_db()
    assert (ChangeLogEntry.objects.count(), request.state) == (rows, RequestState.OPEN)


FORGED = {
    "readiness_level": "ready",
    "readiness_year": YEAR,
    "signed_document_sha256": "0" * 64,
    "signed_metadata_sha256": "0" * 64,
    "signed_at_0": "2026-01-01",
    "declared_level": "ready",
    "declared_year": YEAR,
    "state": "approved",
    "status": "approved",
    "user": 1,
    "signed_by": 1,
    "quorum": 0,
    "required_signatures": 1,
    "requested_by": 1,
    "independent": "",
    "readiness": "ready",
    "document": 1,
}


def test_the_runbook_form_moves_no_readiness_whatever_is_sent(runbook, sign_in):
    client = sign_in("ed")
    url, before = admin_url(Runbook, "change", runbook.pk), model_to_dict(runbook)
    client.post(url, form_values(client, url) | FORGED | {"owner": "Pump desk"})
    runbook.refresh_from_db()
    assert runbook.owner == "Pump desk"
    assert (runbook.readiness_level, runbook.readiness_year, runbook.signed_at) == (
        "unassessed",
        None,
        None,
    )
    assert runbook.declared_level == before["declared_level"]


def test_forged_fields_of_a_request_are_ignored(runbook, people, sign_in):
    client = sign_in("ed")
    values = {
        "runbook": runbook.pk,
        "to_level": "ready",
        "to_year": YEAR,
        "rationale": "x",
        "evidence": cast.EVIDENCE,
    }
    forged = FORGED | {"requested_by": people["rita"].pk, "document_sha256": "0" * 64}
    assert client.post(admin_url(StatusChangeRequest, "add"), forged | values).status_code == 302
    request = StatusChangeRequest.objects.get()
    assert (request.state, request.required_signatures, request.requested_by) == (
        RequestState.OPEN,
        2,
        people["ed"],
    )
    assert request.document_sha256 == runbook.document.sha256


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"to_year": ""}, "Enter the year"),
        ({"to_year": 2001}, "The year is in the past"),
        ({"to_level": "shadow"}, "Only the level “ready” has a year"),
        ({"to_level": "retired"}, "Select a valid choice"),
        ({"to_level": "unassessed", "to_year": ""}, "cannot change to this level in one step"),
        ({"evidence": ""}, "at least one evidence link"),
        ({"evidence": "javascript:alert(1)"}, "evidence as links"),
        ({"evidence": "https://[broken"}, "evidence as links"),
        ({"rationale": ""}, "This field is required"),
        ({"runbook": 99999}, "Select a valid choice"),
        ({"to_year": 10**30}, "this year or next year"),
    ],
)
def test_a_request_that_cannot_be_opened_says_why_beside_the_field(
    runbook, sign_in, changes, words
):
    values = {
        "runbook": runbook.pk,
        "to_level": "ready",
        "to_year": YEAR,
        "rationale": "x",
        "evidence": cast.EVIDENCE,
    }
    response = sign_in("ed").post(admin_url(StatusChangeRequest, "add"), values | changes)
    assert response.status_code == 200
    shown = text_of(response)
    assert words in shown or "Ensure this value" in shown, response.context["errors"]
    assert StatusChangeRequest.objects.count() == 0


def test_a_link_to_ask_for_a_runbook_that_is_gone_opens_the_form(sign_in):
    page = sign_in("ed").get(admin_url(StatusChangeRequest, "add"), {"runbook": "999999"})
    assert page.status_code == 200


NO_ROWS = ["x", "1,2", "-1", "9" * 23, "\u0663", "1 ", "true"]


@pytest.mark.parametrize("value", NO_ROWS)
def test_every_form_refuses_what_is_no_row_where_rows_are_chosen_by_a_search(
    ready_runbook, sign_in, value
):
    client, tried = sign_in("sue"), 0
    client.raise_request_exception = False
    for model, model_admin in admin.site._registry.items():
        own = {name: name for name in model_admin.autocomplete_fields}
        of_inlines = {
            f"{inline.model._meta.model_name}s-0-{name}": name
            for inline in model_admin.inlines
            for name in inline.autocomplete_fields
        }
        for sent in own | of_inlines:
            assert client.get(admin_url(model, "add"), {sent: value}).status_code == 400, sent
            assert client.post(admin_url(model, "add"), {sent: value}).status_code == 400, sent
            tried += 1
    assert tried >= 6


@pytest.mark.parametrize("who", ["ada", "otto"])
def test_auditors_and_operators_ask_for_nothing(runbook, sign_in, who):
    assert sign_in(who).get(admin_url(StatusChangeRequest, "add")).status_code in (302, 403)


def test_a_second_request_is_refused_in_words_alone(runbook, people, sign_in):
    """The field that carries the reason is not checked again, so no other message joins it."""
    client = sign_in("ed")
    page = client.get(admin_url(StatusChangeRequest, "add")).content.decode()
    assert 'value="Send for signature"' in page
    assert 'value="Save"' not in page
    cast.ask(runbook, by=people["ed"])
    values = {"runbook": runbook.pk, "to_level": "ready", "to_year": YEAR, "rationale": "x"}
    response = client.post(
        admin_url(StatusChangeRequest, "add"), values | {"evidence": cast.EVIDENCE}
    )
    assert "already has an open request" in text_of(response)
    assert "cannot be null" not in text_of(response)


def test_a_decision_is_one_of_two_buttons_and_never_the_enter_key(runbook, people, sign_in):
    request = cast.ask(runbook, by=people["ed"])
    page = sign_in("rita").get(admin_url(StatusChangeRequest, "change", request.pk))
    form = page.content.decode().split("/decide/", 1)[1].split("</form>")[0]
    buttons = re.findall(r"<(?:button|input)[^>]*type=.submit.[^>]*>", form)
    assert "disabled" in buttons[0]  # the one that the Enter key presses
    assert ["approve" in button for button in buttons[1:]] == [True, False]
    assert ["reject" in button for button in buttons[1:]] == [False, True]
    assert 'type="radio"' not in form


def test_who_has_approved_is_told_so_and_what_is_missing(runbook, people, sign_in):
    request = cast.ask(runbook, by=people["ed"])
    cast.approve(request, by=people["rita"])
    page = text_of(sign_in("rita").get(admin_url(StatusChangeRequest, "change", request.pk)))
    assert "You approved this on" in page
    assert "1 more signature is needed." in page
    assert "You cannot decide on this request" not in page


def decide(client, request, *, decision="approve", password=cast.PASSWORD, **changes):
    page = client.get(admin_url(StatusChangeRequest, "change", request.pk))
    seen = page.context["form"].initial["seen"] if page.context["form"] else "x"
    values = {
        "seen": seen,
        "decision": decision,
        "comment": "Read.",
        "password": password,
    } | changes
    return client.post(
        reverse("admin:governance_statuschangerequest_decide", args=[request.pk]), values
    )


def test_the_page_shows_what_is_signed_and_who_has_signed(runbook, people, sign_in):
    request = cast.ask(runbook, by=people["ed"])
    cast.approve(request, by=people["rolf"])
    page = text_of(sign_in("rita").get(admin_url(StatusChangeRequest, "change", request.pk)))
    for shown in (
        f"unassessed → {YEAR}-ready",
        runbook.document.sha256,
        runbook.metadata_sha256(),
        runbook.document_path,
        runbook.scope,
        str(runbook.primary_cluster),
        "Pumps",
        "Drilled.",
        cast.EVIDENCE,
        "2 × Risk owners",
        "rolf",
        "Read in full.",
        "I approve “",
        "Look.",  # the document itself
    ):
        assert shown in page, shown


def test_two_signatures_in_the_admin_make_it_ready(runbook, people, sign_in):
    request = cast.ask(runbook, by=people["ed"])
    assert decide(sign_in("rita"), request).status_code == 302
    assert decide(sign_in("rolf"), request).status_code == 302
    runbook.refresh_from_db()
    assert standing_of(runbook).is_live_ready


def test_a_wrong_password_signs_nothing(runbook, people, sign_in):
    request = cast.ask(runbook, by=people["ed"])
    response = decide(sign_in("rita"), request, password="wrong")
    assert response.status_code == 400
    assert "Wrong password" in text_of(response)
    assert SignOff.objects.count() == 0


def test_another_persons_password_signs_nothing(runbook, people, sign_in):
    people["rolf"].set_password("another-good-password")
    people["rolf"].save()
    request = cast.ask(runbook, by=people["ed"])
    assert decide(sign_in("rita"), request, password="another-good-password").status_code == 400
    assert SignOff.objects.count() == 0


@pytest.mark.parametrize(
    "changes", [{"decision": ""}, {"decision": "maybe"}, {"comment": ""}, {"comment": "  "}]
)
def test_half_a_decision_is_none(runbook, people, sign_in, changes):
    request = cast.ask(runbook, by=people["ed"])
    assert decide(sign_in("rita"), request, **changes).status_code == 400
    assert SignOff.objects.count() == 0


def test_the_requester_finds_the_reason_and_no_form(runbook, people, sign_in):
    request = cast.ask(runbook, by=people["rita"])
    page = sign_in("rita").get(admin_url(StatusChangeRequest, "change", request.pk))
    assert "so someone else must sign it" in text_of(page)
    assert page.context["form"] is None
    assert decide(sign_in("rita"), request).status_code == 403
    assert SignOff.objects.count() == 0


@pytest.mark.parametrize(
    ("who", "status"), [("ed", 403), ("ada", 403), ("otto", 302), ("sue", 403)]
)
def test_nobody_but_a_risk_owner_decides(runbook, people, sign_in, who, status):
    request = cast.ask(runbook, by=people["ruth"])
    url = reverse("admin:governance_statuschangerequest_decide", args=[request.pk])
    values = {"seen": "x", "decision": "approve", "comment": "x", "password": cast.PASSWORD}
    assert sign_in(who).post(url, values).status_code == status
    assert SignOff.objects.count() == 0


def test_a_stale_page_gets_409_and_the_new_state(runbook, people, sign_in):
    request, client = cast.ask(runbook, by=people["ed"]), sign_in("rita")
    seen = (
        client.get(admin_url(StatusChangeRequest, "change", request.pk))
        .context["form"]
        .initial["seen"]
    )
    cast.approve(request, by=people["rolf"])
    response = decide(client, request, seen=seen)
    assert response.status_code == 409
    assert "has changed since the page was loaded" in text_of(response)
    assert SignOff.objects.count() == 1


def test_a_changed_document_gets_409_and_the_request_lapses(runbook, people, sign_in):
    request, client = cast.ask(runbook, by=people["ed"]), sign_in("rita")
    runbook.document = cast.store(runbook.document_path, "# Other\n")
    runbook.save()
    response = decide(client, request)
    request.refresh_from_db()
    assert (response.status_code, request.state) == (409, RequestState.LAPSED)
    assert "document sha256" in text_of(response)


def test_the_inbox_holds_what_waits_for_me_alone(runbook, people, sign_in):
    mine, other = (
        cast.ask(runbook, by=people["ed"]),
        cast.ask(cast.make_runbook(), by=people["rita"]),
    )
    client = sign_in("rita")
    inbox = client.get(admin_url(StatusChangeRequest, "changelist"), {"inbox": "awaiting"})
    assert list(inbox.context["cl"].queryset) == [mine]
    assert "Inbox: 1 request waiting for you" in text_of(inbox)
    yours = client.get(admin_url(StatusChangeRequest, "changelist"), {"inbox": "yours"})
    assert list(yours.context["cl"].queryset) == [other]
    decide(client, mine)
    assert "Inbox: 0 requests waiting for you" in text_of(
        client.get(admin_url(StatusChangeRequest, "changelist"))
    )


def test_the_requester_withdraws_with_a_reason(runbook, people, sign_in):
    request, client = cast.ask(runbook, by=people["ed"]), sign_in("ed")
    url = reverse("admin:governance_statuschangerequest_withdraw", args=[request.pk])
    client.post(url, {"reason": ""})
    request.refresh_from_db()
    assert request.state == RequestState.OPEN
    client.post(url, {"reason": "Too early."})
    request.refresh_from_db()
    assert request.state == RequestState.WITHDRAWN


def test_a_risk_owner_takes_a_readiness_down_in_the_admin(ready_runbook, sign_in):
    url = reverse("admin:runbooks_runbook_downgrade", args=[ready_runbook.pk])
    assert sign_in("ed").post(url, {"level": "shadow", "reason": "x"}).status_code == 400
    assert sign_in("rita").post(url, {"level": "ready", "reason": "x"}).status_code == 400
    assert (
        sign_in("rita").post(url, {"level": "shadow", "reason": "Wrong step."}).status_code == 302
    )
    ready_runbook.refresh_from_db()
    assert ready_runbook.readiness_level == "shadow"


def test_a_signed_runbook_is_not_deleted_and_the_page_says_so(ready_runbook, sign_in):
    response = sign_in("sue").post(admin_url(Runbook, "delete", ready_runbook.pk), {"post": "yes"})
    assert response.status_code == 200
    assert "Cannot delete runbook" in text_of(response)
    assert Runbook.objects.filter(pk=ready_runbook.pk).exists()


def test_the_ledger_is_view_only_and_speaks_in_words(ready_runbook, sign_in):
    client = sign_in("sue")
    entry = ChangeLogEntry.objects.filter(action=Action.READINESS_CHANGED).get()
    page = text_of(client.get(admin_url(ChangeLogEntry, "change", entry.pk)))
    assert f"readiness unassessed {YEAR}-ready" in page
    assert client.get(admin_url(ChangeLogEntry, "add")).status_code == 403
    assert (
        client.post(admin_url(ChangeLogEntry, "change", entry.pk), {"actor": "x"}).status_code
        == 403
    )
    assert (
        client.post(admin_url(ChangeLogEntry, "delete", entry.pk), {"post": "yes"}).status_code
        == 403
    )


def test_a_runbooks_history_is_the_ledgers(runbook, people, sign_in):
    client = sign_in("ed")
    url = admin_url(Runbook, "change", runbook.pk)
    client.post(url, form_values(client, url) | {"scope": "Another scope.", "reason": "Clearer."})
    page = text_of(client.get(admin_url(Runbook, "history", runbook.pk)))
    assert "scope Restart a pump without flooding the cellar. Another scope." in page
    assert "Clearer." in page


def test_a_changed_rule_is_a_new_version_with_a_ledger_row(people, sign_in):
    client, rows = sign_in("sue"), ChangeLogEntry.objects.count()
    rule = SignOffRule.objects.get(target_level="ready", purpose="move", in_force=True)
    values = {
        "target_level": "ready",
        "purpose": "move",
        "required_signatures": 3,
        "group": rule.group_id,
        "evidence_required": "on",
    }
    assert client.post(admin_url(SignOffRule, "add"), values).status_code == 302
    newest = SignOffRule.objects.get(target_level="ready", purpose="move", in_force=True)
    assert (newest.version, newest.required_signatures) == (2, 3)
    assert ChangeLogEntry.objects.count() == rows + 1
    assert client.post(admin_url(SignOffRule, "change", rule.pk), values).status_code == 403


def test_editors_and_risk_owners_cannot_change_the_rules(sign_in):
    for who in ("ed", "rita", "ada"):
        assert sign_in(who).get(admin_url(SignOffRule, "add")).status_code == 403


def test_membership_of_the_risk_owners_is_in_the_ledger(people, sign_in):
    client = sign_in("sue")
    url = admin_url(User, "change", people["otto"].pk)
    values = form_values(client, url)
    values |= {"groups": list(people["rita"].groups.values_list("pk", flat=True))}
    values |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    values.pop("last_login", None)
    assert client.post(url, values).status_code == 302
    entry = ChangeLogEntry.objects.first()
    assert entry.changes["groups"] == {"before": ["Operators"], "after": ["Risk owners"]}
    assert "password" not in entry.changes


def test_findings_are_marked_resolved_with_a_ledger_row(people, sign_in):
    finding = Finding.objects.create(
        kind="other", subject="x", message="y", first_seen=timezone.now()
    )
    values = {"action": "mark_resolved", "_selected_action": [finding.pk]}
    sign_in("ed").post(admin_url(Finding, "changelist"), values)
    finding.refresh_from_db()
    assert finding.resolved_at
    assert ChangeLogEntry.objects.first().subject == f"finding:{finding.pk}"


@pytest.mark.django_db(transaction=True)
def test_looking_at_a_form_takes_no_lock(people, sign_in):
    runbook, client, locked = cast.make_runbook(), sign_in("ed"), []

    def note(execute, sql, params, many, context):
        locked.append(connection.in_atomic_block)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        assert client.get(admin_url(Runbook, "change", runbook.pk)).status_code == 200
        assert client.get(admin_url(Runbook, "changelist")).status_code == 200
    assert locked
    assert not any(locked)
