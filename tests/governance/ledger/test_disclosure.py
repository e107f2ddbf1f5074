"""Who may read ledger entries: all see the sequence, auditors and administrators the content."""

import json
import re
from io import StringIO

import pytest
from django.contrib import admin
from django.contrib.auth.models import AnonymousUser, User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from governance import guards, ledger
from governance.accounts.roles import may_read_security_entries
from governance.accounts.tokens import create_api_token
from governance.admin.base import AuditedAdmin
from governance.editing.audited_edit import audited_edit
from governance.findings.models import Finding
from governance.ledger.choices import Action
from governance.ledger.disclosure import (
    AUDIENCE_OF_ACTION,
    AUDIENCE_OF_SUBJECT,
    RESTRICTED,
    UNREADABLE,
    Audience,
    disclosed,
    is_restricted,
    unrestricted,
)
from governance.ledger.models import ChangeLogEntry
from portal.rest.governance_fields import ChangeSerializer
from runbooks.models import Runbook
from tests import cast

pytestmark = pytest.mark.django_db

ABOUT_ACCOUNTS = {"user", "group", "apitoken"}
MAY_READ = ("ada", "sue")
MAY_NOT = (None, "otto", "ed", "rita")
KEPT = {"sequence", "recorded_at", "action", "previous_hash", "hash"}


@pytest.fixture
def told(ready_runbook, people):
    """A ledger with an entry of many kinds, among them ones about accounts."""
    create_api_token(user=people["otto"], by=people["sue"], label="nightly")
    with audited_edit(people["otto"], by=people["sue"]):
        people["otto"].is_superuser = True
        people["otto"].save()
    with audited_edit(people["otto"], by=people["sue"]):
        people["otto"].is_superuser = False
        people["otto"].save()
    return ready_runbook


def client_of(name, sign_in, settings):
    settings.PORTAL_READ = "public"
    return sign_in(name) if name else Client()


def restricted_rows():
    return [
        row
        for row in ChangeLogEntry.objects.order_by("sequence")
        if is_restricted(row.action, row.subject)
    ]


# ---- the table


def test_every_action_has_an_audience():
    assert set(AUDIENCE_OF_ACTION) == set(Action)


def test_every_action_and_its_audience_are_explained_in_the_documentation(settings):
    text = (settings.BASE_DIR / "docs" / "ledger.md").read_text(encoding="utf-8")
    says = re.search(
        r"^\| `action` \| says \|\n\|---\|---\|\n((?:\|.+\|\n)+)\n", text, re.MULTILINE
    )
    first_cells = [line.split(" | ")[0] for line in says[1].splitlines()]
    told = re.findall(r"`(\w+)`", " ".join(first_cells))
    assert sorted(told) == sorted(Action.values)
    restricted = re.findall(r"^\| (`.+) \| auditors and administrators \|$", text, re.MULTILINE)
    named = set(re.findall(r"`(\w+)`", " ".join(restricted)))
    assert named == {
        action
        for action, audience in AUDIENCE_OF_ACTION.items()
        if audience is not Audience.READERS
    }


def test_every_kind_of_object_whose_changes_are_recorded_has_an_audience():
    recorded = {
        model._meta.model_name
        for model, admin_of in admin.site._registry.items()
        if isinstance(admin_of, AuditedAdmin)
    }
    assert recorded <= set(AUDIENCE_OF_SUBJECT)
    assert {
        kind for kind in AUDIENCE_OF_SUBJECT if is_restricted(Action.CHANGED, f"{kind}:x")
    } == ABOUT_ACCOUNTS


@pytest.mark.parametrize("subject", ["", "user", "user:otto", "unheard-of:x", "x"])
def test_what_the_table_does_not_know_is_restricted(subject):
    assert is_restricted(Action.CHANGED, subject)
    assert is_restricted("unheard_of", "runbook:x")


def test_the_query_and_the_table_say_the_same(told):
    rows = set(ChangeLogEntry.objects.filter(unrestricted()).values_list("sequence", flat=True))
    hidden = {row.sequence for row in restricted_rows()}
    assert rows | hidden == set(ChangeLogEntry.objects.values_list("sequence", flat=True))
    assert not rows & hidden
    assert rows
    assert hidden


def test_auditors_and_administrators_may_read_and_nobody_else(people):
    assert {name for name, user in people.items() if may_read_security_entries(user)} == set(
        MAY_READ
    )
    assert not may_read_security_entries(AnonymousUser())
    people["sue"].is_active = False
    assert not may_read_security_entries(people["sue"])


# ---- REST


@pytest.mark.parametrize("name", MAY_NOT)
def test_the_feed_is_complete_and_tells_nothing_of_accounts(told, sign_in, settings, name):
    client = client_of(name, sign_in, settings)
    rows = client.get("/api/v1/changes/?page_size=1000").json()["results"]
    assert [row["sequence"] for row in rows] == list(range(1, ChangeLogEntry.objects.count() + 1))
    assert [row["previous_hash"] for row in rows[1:]] == [row["hash"] for row in rows[:-1]]
    hidden = [row for row in rows if row["action"] == RESTRICTED]
    assert [row["sequence"] for row in hidden] == [row.sequence for row in restricted_rows()]
    for row in hidden:
        assert row["recorded_at"]
        assert not any(row[member] for member in set(row) - KEPT), row
        one = client.get(f"/api/v1/changes/{row['sequence']}/").json()
        assert one == row
    text = json.dumps(rows)
    for secret in ("is_superuser", "nightly", "user:otto", "rgp_"):
        assert secret not in text


@pytest.mark.parametrize("name", MAY_READ)
def test_auditors_and_administrators_read_all_of_the_feed(told, sign_in, settings, name):
    rows = (
        client_of(name, sign_in, settings).get("/api/v1/changes/?page_size=1000").json()["results"]
    )
    stored = ChangeSerializer(ChangeLogEntry.objects.order_by("sequence"), many=True).data
    assert rows == json.loads(json.dumps(stored, default=str))


@pytest.mark.parametrize(
    "query", ["action=token_created", "subject=user:otto", "subject=user:otto&action=changed"]
)
def test_a_filter_does_not_find_what_it_must_not_tell(told, sign_in, settings, query):
    for name in MAY_NOT:
        assert (
            client_of(name, sign_in, settings).get(f"/api/v1/changes/?{query}").json()["results"]
            == []
        )
    for name in MAY_READ:
        assert (
            client_of(name, sign_in, settings).get(f"/api/v1/changes/?{query}").json()["results"]
            != []
        )


def test_a_filter_still_finds_what_everybody_may_read(told, sign_in, settings):
    found = (
        client_of(None, sign_in, settings)
        .get("/api/v1/changes/?action=readiness_changed")
        .json()["results"]
    )
    assert [row["action"] for row in found] == ["readiness_changed"]


# ---- pages and admin


@pytest.mark.parametrize("name", MAY_NOT)
def test_the_pages_show_that_there_is_an_entry_and_not_what(told, sign_in, settings, name):
    client = client_of(name, sign_in, settings)
    last = ChangeLogEntry.objects.order_by("-sequence").first()
    assert is_restricted(last.action, last.subject)
    listed = client.get("/changes/").content.decode()
    assert f"#{last.sequence}<" in listed
    assert "Only auditors and administrators may read this entry." in listed
    one = client.get(last.get_absolute_url()).content.decode()
    assert last.hash in one
    assert last.previous_hash in one
    for text in (listed, one):
        assert "superuser" not in text
        assert "user:otto" not in text


@pytest.mark.parametrize("name", MAY_READ)
def test_the_pages_show_it_to_auditors_and_administrators(told, sign_in, settings, name):
    last = ChangeLogEntry.objects.order_by("-sequence").first()
    page = client_of(name, sign_in, settings).get(last.get_absolute_url()).content.decode()
    assert "user:otto" in page
    assert "superuser" in page


ADMIN = "/admin/governance/changelogentry/"


@pytest.mark.parametrize("name", ["ed", "rita"])
def test_the_admin_lists_the_sequence_and_tells_nothing_of_accounts(told, sign_in, name):
    client = sign_in(name)
    listed = client.get(f"{ADMIN}?all=")
    assert listed.context["cl"].result_count == ChangeLogEntry.objects.count()
    assert "(restricted)" in listed.content.decode()
    last = ChangeLogEntry.objects.order_by("-sequence").first()
    one = client.get(f"{ADMIN}{last.pk}/change/").content.decode()
    assert last.hash in one
    assert "superuser" not in one
    assert "user:otto" not in one
    history = client.get(f"/admin/governance/changelogentry/{last.pk}/history/")
    assert history.status_code in (200, 403, 404)


@pytest.mark.parametrize(
    "query",
    [
        "q=otto",
        "q=sue",
        "action=token_created",
        "actor=sue",
        "subject__startswith=user:o",
        "actor__contains=s",
    ],
)
@pytest.mark.parametrize("name", ["ed", "rita"])
def test_a_search_in_the_admin_does_not_find_what_it_must_not_tell(told, sign_in, name, query):
    found = {row.pk for row in sign_in(name).get(f"{ADMIN}?{query}").context["cl"].result_list}
    assert not found & {row.sequence for row in restricted_rows()}
    audited = {row.pk for row in sign_in("ada").get(f"{ADMIN}?{query}").context["cl"].result_list}
    assert audited & {row.sequence for row in restricted_rows()}


def test_a_sort_in_the_admin_does_not_tell_by_the_place(told, sign_in):
    listed = sign_in("ed").get(f"{ADMIN}?o=3&all=").context["cl"].result_list
    assert not {row.pk for row in listed} & {row.sequence for row in restricted_rows()}


def test_the_history_of_an_account_is_withheld_from_whoever_may_merely_see_the_account(
    told, people, sign_in
):
    from django.contrib.auth.models import Permission

    people["ed"].user_permissions.add(Permission.objects.get(codename="view_user"))
    address = f"/admin/auth/user/{people['otto'].pk}/history/"
    withheld = sign_in("ed").get(address).content.decode()
    assert "(restricted)" in withheld
    assert "superuser" not in withheld
    assert "superuser" in sign_in("sue").get(address).content.decode()


# ---- entries that cannot be read


UNREADABLE_CHANGES = '{"scope": {"before": null, "after": ' + "9" * 5000 + "}}"


@pytest.fixture
def unreadable(ready_runbook, people):
    """An entry about the runbook that Python refuses to read: a number of five thousand digits."""
    guards.remove()
    last = ChangeLogEntry.objects.order_by("-sequence").first()
    columns = (
        last.sequence + 1,
        str(last.recorded_at),
        "x",
        "changed",
        f"runbook:{ready_runbook.slug}",
        UNREADABLE_CHANGES,
    )
    changes = "%s::jsonb" if connection.vendor == "postgresql" else "%s"
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO governance_changelogentry (sequence, recorded_at, actor, action, "
            "subject, subject_title, reason,"
            " release, changes, digests, previous_hash, hash) VALUES (%s, %s, %s, %s, %s, "
            f"'', '', '', {changes}, '', %s, %s)",
            [*columns, last.hash, "f" * 64],
        )
    with pytest.raises(ValueError, match="digits"):
        ChangeLogEntry.objects.get(pk=last.sequence + 1)
    return last.sequence + 1


@pytest.mark.parametrize("name", ["otto", "ada", "sue"])
def test_an_entry_that_cannot_be_read_hides_no_other(
    unreadable, ready_runbook, people, sign_in, name
):
    client = sign_in(name)
    for address in (
        "/changes/",
        f"/runbooks/{ready_runbook.slug}/history/",
        f"/changes/{unreadable}/",
    ):
        response = client.get(address)
        assert response.status_code == 200, address
        assert "This entry cannot be read." in response.content.decode(), address
    rows = client.get("/api/v1/changes/?page_size=1000").json()["results"]
    assert [row["sequence"] for row in rows] == list(range(1, unreadable + 1))
    assert (rows[-1]["action"], rows[-1]["hash"], rows[-1]["recorded_at"]) == (
        UNREADABLE,
        "f" * 64,
        None,
    )
    assert client.get(f"/api/v1/changes/{unreadable}/").json() == rows[-1]


def test_the_runbook_of_an_entry_that_cannot_be_read_is_shown_and_no_go(
    unreadable, ready_runbook, sign_in
):
    response = sign_in("otto").get(ready_runbook.get_absolute_url())
    assert response.status_code == 200
    assert "This entry cannot be read." in response.content.decode()
    assert sign_in("otto").get(f"/api/v1/runbooks/{ready_runbook.slug}/gate/").status_code == 409


def test_the_admin_shows_an_entry_that_cannot_be_read(unreadable, ready_runbook, sign_in):
    client = sign_in("sue")
    addresses = (
        ADMIN,
        f"{ADMIN}?q=pump",
        f"{ADMIN}{unreadable}/change/",
        f"/admin/runbooks/runbook/{ready_runbook.pk}/history/",
    )
    for address in addresses:
        response = client.get(address)
        assert response.status_code == 200, address
    assert not ledger.verify().is_whole


def test_no_page_fails_for_an_entry_that_cannot_be_read(unreadable, people, scene_of_pages):
    for client, address in scene_of_pages:
        assert client.get(address).status_code < 500, address


@pytest.fixture
def scene_of_pages(ready_runbook, people, sign_in):
    """Every address of pages, admin and REST that takes no parameter, or the runbook's slug."""
    from tests.portal.addresses import every_route

    clients = {name: sign_in(name) for name in ("otto", "rita", "sue")}
    for client in clients.values():
        client.raise_request_exception = False
    request = cast.ask(cast.make_runbook(), by=people["ed"])
    values = {"": {"slug": ready_runbook.slug, "pk": request.pk, "format": "json"}}
    values["admin:runbooks_runbook_downgrade"] = {"pk": ready_runbook.pk}
    for label, pk in (
        ("runbooks_runbook", ready_runbook.pk),
        ("governance_statuschangerequest", request.pk),
    ):
        for verb in ("change", "delete", "history"):
            values[f"admin:{label}_{verb}"] = {"object_id": pk}
    known = [
        route
        for route in every_route()
        if route.name not in ("", "readyz")
        and route.parameters <= {*values[""], *values.get(route.name, {})}
        and "logout" not in route.name
    ]
    assert len(known) > 60
    return [(client, route.address(values)) for route in known for client in clients.values()]


def test_a_reader_gets_entries_and_never_a_gap(told):
    for security in (True, False):
        rows = list(disclosed(ChangeLogEntry.objects.order_by("sequence"), security=security))
        assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
    assert User.objects.exists()


# ---- findings that tell of accounts


@pytest.fixture
def findings_about_accounts(runbook, people):
    """An account and a runbook changed past the ledger, and an account unknown to the ledger."""
    new = User(username="new")
    for instance in (new, runbook):
        with audited_edit(instance, by=people["sue"]):
            instance.owner = "Operations"
            instance.save()
    User.objects.filter(pk=new.pk).update(is_superuser=True)
    Runbook.objects.update(owner="Nobody")
    with pytest.raises(CommandError, match="user:new"):
        call_command("tick", stdout=StringIO(), stderr=StringIO())
    subjects = set(Finding.objects.values_list("subject", flat=True))
    assert {"user:new", "user:sue", f"runbook:{runbook.slug}"} <= subjects


@pytest.mark.parametrize("name", [*MAY_READ, *MAY_NOT])
def test_a_finding_about_an_account_is_read_by_auditors_and_administrators_alone(
    findings_about_accounts, runbook, sign_in, settings, name
):
    client = client_of(name, sign_in, settings)
    number = Finding.objects.get(subject="user:new").pk
    addresses = [
        "/reports/findings/",
        "/reports/findings/?text=superuser",
        "/reports/findings/?format=csv",
        "/api/v1/findings/",
        "/api/v1/findings/?text=superuser",
        f"/api/v1/findings/{number}/",
        "/admin/governance/finding/",
        f"/admin/governance/finding/{number}/change/",
        f"/admin/governance/finding/{number}/history/",
    ]
    told_in = [
        address
        for address in addresses
        if "user:" in client.get(address, follow=True).content.decode()
    ]
    assert told_in == (addresses if name in MAY_READ else [])
    assert f"runbook:{runbook.slug}" in client.get("/api/v1/findings/").content.decode()
