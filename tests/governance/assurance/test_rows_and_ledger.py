"""Stored rows against the ledger: a column changed past the guards is found, named, and no-go."""

from io import StringIO

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import CommandError, call_command
from django.db import connection

from governance import guards, ledger
from governance.accounts.roles import RISK_OWNERS
from governance.assurance.comparison import ledger_facts, stored_catalogue, stored_requests
from governance.assurance.comparison.compare import compare_with_ledger
from governance.assurance.evidence import verdict_on
from governance.editing.audited_edit import audited_edit, delete
from governance.findings.choices import FindingKind
from governance.findings.models import Finding
from governance.findings.resolve import resolve_findings
from governance.ledger import row_digests
from governance.ledger.canonical import hash_of
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from governance.signoff.decide import form_etag, reject
from governance.signoff.downgrade import downgrade
from governance.signoff.models import SignOff, SignOffRule, StatusChangeRequest
from governance.signoff.rules import replace_rule
from governance.signoff.submit import withdraw
from runbooks.models import Cluster, CodeReference, Layer, Runbook, RunbookAlias, Section, Situation
from tests import cast
from tests.governance.guards.test_guards import execute

pytestmark = pytest.mark.django_db
REQUESTS, SIGN_OFFS = "governance_statuschangerequest", "governance_signoff"
# Another value for each column that the chain covers, as an SQL expression.
OTHER_REQUEST = {
    "id": "id + 1000",
    "runbook_id": "(SELECT max(id) FROM runbooks_runbook)",
    "direction": "'down'",
    "from_level": "'track'",
    "from_year": "2025",
    "to_level": "'shadow'",
    "to_year": "to_year + 1",
    "rationale": "'Nobody drilled.'",
    "evidence": "''",
    "rule_id": "rule_id + 1",
    "required_signatures": "1",
    "independent": "false",
    "valid_from_year": "2024",
    "valid_until": "'2031-01-01'",
    "document_path": "'docs/other.md'",
    "document_sha256": "'" + "0" * 64 + "'",
    "metadata": """'{"title": "Other"}'""",
    "metadata_sha256": "'" + "0" * 64 + "'",
    "requested_by_id": "(SELECT id FROM auth_user WHERE username = 'ruth')",
    "requested_at": "'2026-01-01 00:00:00'",
    "state": "'lapsed'",
    "closed_at": "'2026-01-01 00:00:00'",
    "closed_reason": "'x'",
    "applied_at": "'2026-01-01 00:00:00'",
    "dependence": "'solo'",
}
OTHER_SIGN_OFF = {
    "id": "id + 1000",
    "request_id": "(SELECT max(id) FROM governance_statuschangerequest)",
    "signer_id": "(SELECT id FROM auth_user WHERE username = 'ruth')",
    "decision": "'reject'",
    "comment": "'I read nothing.'",
    "statement": "'I approve everything.'",
    "document_sha256": "'" + "0" * 64 + "'",
    "metadata_sha256": "'" + "0" * 64 + "'",
    "seen_sha256": "'" + "0" * 64 + "'",
    "signed_at": "'2026-01-01 00:00:00'",
}
# Columns that a check of the database ties to another one, so that both are changed.
TOGETHER = {
    (REQUESTS, "to_level"): ", to_year = NULL",
    (REQUESTS, "from_year"): ", from_level = 'ready'",
    (REQUESTS, "state"): ", applied_at = NULL",
}


def past_the_guards(statement, *parameters):
    guards.remove()
    try:
        execute(statement, *parameters)
    finally:
        guards.install()


def change_cell(table, column, value, pk):
    past_the_guards(
        f"UPDATE {table} SET {column} = {value}{TOGETHER.get((table, column), '')} WHERE id = %s",
        pk,
    )


def no_go_reasons(runbook):
    return {reason.value for reason in verdict_on(Runbook.objects.get(pk=runbook.pk)).reasons}


def verify():
    """What ``verify_ledger`` complains of; empty when nothing."""
    try:
        call_command("verify_ledger", stdout=StringIO())
    except CommandError as error:
        return str(error)
    return ""


def tick():
    try:
        call_command("tick", stdout=StringIO())
    except CommandError as error:
        return str(error)
    return ""


def opened():
    return {
        finding.subject: finding.message
        for finding in Finding.objects.filter(kind=FindingKind.LEDGER_DISAGREES, resolved_at=None)
    }


# ---- requests and decisions


def test_each_column_of_a_request_and_of_a_decision_is_covered_by_the_chain():
    covered = {*row_digests.REQUEST_COLUMNS, *row_digests.CLOSING_COLUMNS}
    assert (
        {field.column for field in StatusChangeRequest._meta.concrete_fields}
        == covered
        == set(OTHER_REQUEST)
    )
    covered = set(row_digests.SIGN_OFF_COLUMNS)
    assert (
        {field.column for field in SignOff._meta.concrete_fields} == covered == set(OTHER_SIGN_OFF)
    )


@pytest.mark.parametrize("column", [name for name in OTHER_REQUEST if name != "id"])
def test_a_changed_cell_of_a_request_is_found_and_no_go(ready_runbook, people, column):
    cast.make_runbook()
    request = StatusChangeRequest.objects.get()
    change_cell(REQUESTS, column, OTHER_REQUEST[column], request.pk)
    said = verify()
    assert f"{REQUESTS} row {request.pk}" in said
    assert column in said
    assert tick()
    assert column in opened()[f"{REQUESTS} row {request.pk}"]
    reasons = no_go_reasons(ready_runbook)
    # One that no longer looks applied, or is another runbook's, bears nothing out any more.
    assert reasons & {"ledger_disagrees", "signatures_missing"}
    if column in (
        "rationale",
        "evidence",
        "metadata",
        "requested_by_id",
        "requested_at",
        "closed_reason",
        "rule_id",
    ):
        assert reasons == {"ledger_disagrees"}


@pytest.mark.parametrize(
    "column", [name for name in OTHER_SIGN_OFF if name not in ("id", "request_id")]
)
def test_a_changed_cell_of_a_decision_is_found_and_no_go(ready_runbook, people, column):
    decision = SignOff.objects.latest("pk")
    change_cell(SIGN_OFFS, column, OTHER_SIGN_OFF[column], decision.pk)
    said = verify()
    assert f"{SIGN_OFFS}, row {decision.pk}, column {column}" in said
    assert tick()
    assert list(opened()) == [f"{SIGN_OFFS} row {decision.pk}"]
    assert Finding.objects.get(kind=FindingKind.LEDGER_DISAGREES).runbook_id == ready_runbook.pk
    assert "ledger_disagrees" in no_go_reasons(ready_runbook)


def test_a_decision_that_was_moved_to_another_request_is_found(ready_runbook, people):
    other = cast.ask(cast.make_runbook(), by=people["ed"])
    change_cell(SIGN_OFFS, "request_id", str(other.pk), SignOff.objects.latest("pk").pk)
    assert "(its decisions)" in verify()
    assert no_go_reasons(ready_runbook)


def test_a_number_of_a_decision_that_was_changed_is_found(ready_runbook):
    change_cell(SIGN_OFFS, "id", "id + 1000", SignOff.objects.latest("pk").pk)
    assert "column id" in verify()
    assert "ledger_disagrees" in no_go_reasons(ready_runbook)


def test_a_deleted_request_and_a_deleted_decision_are_found(runbook, people):
    request = cast.ask(runbook, by=people["ed"], level="shadow")
    withdraw(request=request, reason="x", by=people["ed"])
    past_the_guards(f"DELETE FROM {REQUESTS}")
    assert "no longer stored" in verify()


def test_a_downgrade_is_covered_too(ready_runbook, people):
    downgrade(runbook=ready_runbook, level="shadow", reason="Wrong step.", by=people["rita"])
    assert verify() == ""
    last = SignOff.objects.latest("pk")
    change_cell(SIGN_OFFS, "comment", "'Fine.'", last.pk)
    assert f"row {last.pk}, column comment" in verify()


@pytest.mark.parametrize("ending", ["withdrawn", "rejected", "lapsed"])
def test_how_a_request_was_closed_is_covered(runbook, people, ending):
    request = cast.ask(runbook, by=people["ed"], level="shadow")
    if ending == "withdrawn":
        withdraw(request=request, reason="x", by=people["ed"])
    elif ending == "rejected":
        seen = form_etag(request)
        reject(request=request, comment="No.", seen=seen, password=cast.PASSWORD, by=people["rita"])
    else:
        with audited_edit(runbook, by=people["ed"]):
            runbook.scope = "Other."
            runbook.save()
    request.refresh_from_db()
    assert (request.state, verify()) == (ending, "")
    change_cell(REQUESTS, "closed_reason", "'Nothing.'", request.pk)
    assert "column closed_reason" in verify()
    change_cell(REQUESTS, "state", "'open', closed_at = NULL", request.pk)
    assert "state" in verify()


def test_it_resolves_itself_when_it_is_put_right(ready_runbook):
    decision = SignOff.objects.latest("pk")
    change_cell(SIGN_OFFS, "comment", "'I read nothing.'", decision.pk)
    assert tick()
    assert opened()
    past_the_guards(
        f"UPDATE {SIGN_OFFS} SET comment = %s WHERE id = %s", decision.comment, decision.pk
    )
    assert (tick(), opened()) == ("", {})
    assert no_go_reasons(ready_runbook) == set()
    assert ledger.verify().is_whole


def test_signing_anew_after_a_downgrade_goes_on(ready_runbook, people):
    change_cell(SIGN_OFFS, "comment", "'I read nothing.'", SignOff.objects.latest("pk").pk)
    downgrade(runbook=ready_runbook, level="shadow", reason="Tampered with.", by=people["rita"])
    cast.make_ready(Runbook.objects.get(pk=ready_runbook.pk))
    assert no_go_reasons(ready_runbook) == set()
    assert "column comment" in verify()  # what was changed stays named


def test_metadata_that_names_a_key_twice_is_named(ready_runbook):
    if connection.vendor != "sqlite":
        return  # jsonb keeps one
    request = StatusChangeRequest.objects.get()
    statement = (
        f'UPDATE {REQUESTS} SET metadata = replace(metadata, \'{{"title"\', \'{{"title": '
        '"Other", "title"\')'
    )
    past_the_guards(statement)
    assert StatusChangeRequest.objects.get().metadata == request.metadata
    assert "column metadata: names a key twice" in verify()


# ---- rows of an earlier version: no digest


def as_an_earlier_version_wrote_it():
    """Take the digests out of every ledger row and make the chain anew."""
    guards.remove()
    previous = ledger.GENESIS
    for row in ChangeLogEntry.objects.order_by("sequence"):
        row.changes = {
            name: value for name, value in row.changes.items() if name not in row_digests.COVERED
        }
        row.previous_hash = previous
        row.digests = ledger.digests_of(row)
        row.hash = previous = hash_of(row)
        row.save()
    guards.install()


def test_what_an_earlier_version_wrote_stays_valid(ready_runbook, people):
    other = cast.make_runbook()
    request = cast.ask(other, by=people["ed"], level="shadow")
    withdraw(request=request, reason="x", by=people["ed"])
    request = cast.ask(other, by=people["ed"], level="shadow")
    seen = form_etag(request)
    reject(request=request, comment=" No. ", seen=seen, password=cast.PASSWORD, by=people["rita"])
    cast.approve(cast.ask(other, by=people["ed"], level="shadow"), by=people["rita"])
    downgrade(
        runbook=Runbook.objects.get(pk=other.pk), level="retired", reason="Old.", by=people["rita"]
    )
    as_an_earlier_version_wrote_it()
    assert (verify(), tick()) == ("", "")
    assert no_go_reasons(ready_runbook) == set()


@pytest.mark.parametrize(
    "column", ["rationale", "evidence", "metadata", "requested_by_id", "required_signatures"]
)
def test_what_an_earlier_version_told_of_a_request_is_compared(ready_runbook, people, column):
    as_an_earlier_version_wrote_it()
    change_cell(REQUESTS, column, OTHER_REQUEST[column], StatusChangeRequest.objects.get().pk)
    assert column in verify()
    assert no_go_reasons(ready_runbook) & {"ledger_disagrees"}


@pytest.mark.parametrize(
    "column", ["comment", "statement", "signer_id", "decision", "document_sha256"]
)
def test_what_an_earlier_version_told_of_a_decision_is_compared(ready_runbook, people, column):
    as_an_earlier_version_wrote_it()
    change_cell(SIGN_OFFS, column, OTHER_SIGN_OFF[column], SignOff.objects.latest("pk").pk)
    assert column in verify()
    assert no_go_reasons(ready_runbook)


# ---- the catalogue, accounts and rules


@pytest.fixture
def told(people):
    """One object of each kind, made and linked by the portal's doors."""
    by, made = people["ed"], {}

    def make(name, instance, **links):
        with audited_edit(instance, by=by):
            instance.save()
            for link, others in links.items():
                getattr(instance, link).set(others)
        made[name] = instance
        return instance

    cluster = make("cluster", Cluster(slug="c-1", first_number=1, last_number=2, title="Pumps"))
    other = make("other", Cluster(slug="c-3", first_number=3, last_number=3, title="Valves"))
    layer = make("layer", Layer(slug="pumps", title="Pumps"))
    document = cast.store("docs/pump.md", "# Steps\n\n1. Look.\n")
    runbook = Runbook(
        slug="pump",
        title="Pump",
        document_path="docs/pump.md",
        primary_cluster=cluster,
        document=document,
    )
    runbook.owner, runbook.escalation_contact = "Ops", "+49 1"
    with audited_edit(runbook, by=by):
        runbook.save()
        runbook.layers.add(layer)
        runbook.related_clusters.add(other)
        RunbookAlias.objects.create(runbook=runbook, name="Old pump")
    made["runbook"], made["document"] = runbook, document
    section = Section(slug="s-1", number=1, title="Pumps")
    with audited_edit(section, by=by):
        section.save()
        section.entries.create(runbook=runbook, position=1, role="First help")
    situation = Situation(slug="stands-still", title="Pump stands still")
    with audited_edit(situation, by=by):
        situation.save()
        situation.steps.create(runbook=runbook, position=1, headings="Steps\nMore")
    make("code", CodeReference(path="src/pump.py"), runbooks=[runbook])
    helpers = Group(name="Helpers")
    make("group", helpers, permissions=[Permission.objects.get(codename="view_runbook")])
    new = User(username="new")
    make("user", new, groups=[helpers])
    return made | {"section": section, "situation": situation}


def altered():
    return {
        found.subject: found.sentence for found in stored_catalogue.disagreements() if found.is_told
    }


PAST_THE_LEDGER = {
    "owner": (
        "UPDATE runbooks_runbook SET owner = 'Mallory'",
        "runbook:pump",
        "“owner” is “Mallory”, but the last value in the ledger is “Ops”",
    ),
    "escalation contact": (
        "UPDATE runbooks_runbook SET escalation_contact = '+49 666'",
        "runbook:pump",
        "“escalation_contact”",
    ),
    "title": ("UPDATE runbooks_runbook SET title = 'Other'", "runbook:pump", "“title”"),
    "position": ("UPDATE runbooks_runbook SET position = 9", "runbook:pump", "“position”"),
    "layers": ("DELETE FROM runbooks_runbook_layers", "runbook:pump", "“layers” is empty"),
    "related clusters": (
        "DELETE FROM runbooks_runbook_related_clusters",
        "runbook:pump",
        "“related_clusters” is empty",
    ),
    "primary cluster": (
        "UPDATE runbooks_runbook SET primary_cluster_id = NULL",
        "runbook:pump",
        "“primary_cluster” is empty",
    ),
    "document": (
        "UPDATE runbooks_runbook SET document_id = NULL",
        "runbook:pump",
        "“document” is empty",
    ),
    "alias": ("UPDATE runbooks_runbookalias SET name = 'Other'", "runbook:pump", "“aliases”"),
    "cluster": (
        "UPDATE runbooks_cluster SET last_number = 99 WHERE slug = 'c-1'",
        "cluster:c-1",
        "“last_number”",
    ),
    "layer": ("UPDATE runbooks_layer SET title = 'Other'", "layer:pumps", "“title”"),
    "section": ("UPDATE runbooks_section SET note = 'Other'", "section:s-1", "“note”"),
    "role": ("UPDATE runbooks_sectionentry SET role = 'Other'", "section:s-1", "“entries”"),
    "step": (
        "UPDATE runbooks_situationrunbook SET position = 2",
        "situation:stands-still",
        "“steps”",
    ),
    "headings": (
        "UPDATE runbooks_situationrunbook SET headings = ''",
        "situation:stands-still",
        "“steps”",
    ),
    "alert": (
        "UPDATE runbooks_situation SET alert_category = 'x'",
        "situation:stands-still",
        "“alert_category”",
    ),
    "code": (
        "DELETE FROM runbooks_codereference_runbooks",
        "codereference:src/pump.py",
        "“runbooks” is empty",
    ),
    "document's path": (
        "UPDATE runbooks_document SET source_revision = 'x'",
        "document:",
        "“source_revision”",
    ),
    "superuser": (
        "UPDATE auth_user SET is_superuser = true WHERE username = 'new'",
        "user:new",
        "“is_superuser”",
    ),
    "active": (
        "UPDATE auth_user SET is_active = false WHERE username = 'new'",
        "user:new",
        "“is_active”",
    ),
    "member": (
        "UPDATE auth_user_groups SET group_id = (SELECT id FROM auth_group WHERE name = 'Risk "
        "owners')"
        " WHERE user_id = (SELECT id FROM auth_user WHERE username = 'new')",
        "user:new",
        "“groups”",
    ),
    "joined": (
        "UPDATE auth_user SET date_joined = '2020-01-01 00:00:00' WHERE username = 'new'",
        "user:new",
        "“date_joined”",
    ),
    "permission": (
        "INSERT INTO auth_group_permissions (group_id, permission_id) SELECT g.id, p.id"
        " FROM auth_group g, auth_permission p"
        " WHERE g.name = 'Helpers' AND p.codename = 'delete_runbook'",
        "group:Helpers",
        "“permissions”",
    ),
    "rule": (
        (
            "UPDATE governance_signoffrule SET required_signatures = 1"
            " WHERE target_level = 'ready' AND purpose = 'move'"
        ),
        "signoffrule:ready.move v1",
        "“required_signatures”",
    ),
    "rule in force": (
        (
            "UPDATE governance_signoffrule SET in_force = false WHERE target_level = 'ready' AND "
            "purpose = 'move'"
        ),
        "signoffrule:ready.move v1",
        "“in_force”",
    ),
}


def test_what_the_portal_wrote_is_what_the_ledger_told(told):
    assert altered() == {}


@pytest.mark.parametrize("what", PAST_THE_LEDGER)
def test_a_value_that_was_changed_past_the_ledger_is_found(told, what):
    statement, subject, words = PAST_THE_LEDGER[what]
    past_the_guards(statement)
    found = altered()
    assert len(found) == 1, found
    ((named, sentence),) = found.items()
    assert named.startswith(subject)
    assert words in sentence


def test_tick_opens_the_finding_and_settles_it_when_the_value_is_put_right(told):
    runbook = told["runbook"]
    past_the_guards("UPDATE runbooks_runbook SET escalation_contact = '+49 666'")
    assert "“escalation_contact” is “+49 666”" in tick()
    finding = Finding.objects.get(kind=FindingKind.LEDGER_DISAGREES)
    assert (finding.subject, finding.runbook_id, finding.severity) == (
        "runbook:pump",
        runbook.pk,
        "error",
    )
    assert "escalation_contact" in verify()
    past_the_guards("UPDATE runbooks_runbook SET escalation_contact = '+49 1'")
    assert (tick(), verify(), opened()) == ("", "", {})


def test_saving_the_right_value_settles_it(told, people):
    past_the_guards("UPDATE runbooks_runbook SET owner = 'Mallory'")
    runbook = Runbook.objects.get()
    with audited_edit(runbook, by=people["ed"]):
        runbook.owner = "Operations"
        runbook.save()
    assert altered() == {}


def test_a_row_that_was_made_past_the_ledger_and_one_that_was_deleted_past_it_are_found(told):
    Layer.objects.create(slug="new", title="New")
    past_the_guards("DELETE FROM runbooks_situationrunbook")
    past_the_guards("DELETE FROM runbooks_searchentry WHERE situation_id IS NOT NULL")
    past_the_guards("DELETE FROM runbooks_situation")
    tick()
    assert "no longer stored" in opened()["situation:stands-still"]
    unknown = Finding.objects.get(kind=FindingKind.NOT_IN_LEDGER, subject="layer:new")
    assert unknown.severity == "warning"


def test_names_that_changed_since_are_no_disagreement(told, people):
    for name, field, value in (
        ("cluster", "title", "Pumps and valves"),
        ("layer", "title", "Pumping"),
        ("other", "last_number", 4),
        ("runbook", "title", "Pump (new)"),
        ("group", "name", "Hands"),
        ("code", "path", "src/pumps.py"),
    ):
        instance = type(told[name]).objects.get(pk=told[name].pk)
        with audited_edit(instance, by=people["ed"]):
            setattr(instance, field, value)
            instance.save()
    assert altered() == {}
    past_the_guards("DELETE FROM runbooks_runbook_layers")
    past_the_guards(
        "DELETE FROM auth_user_groups WHERE user_id = (SELECT id FROM auth_user WHERE "
        "username = 'new')"
    )
    assert sorted(altered()) == ["runbook:pump", "user:new"]


def test_what_was_deleted_by_the_portal_is_no_disagreement(told, people):
    for instance in (told["group"], told["runbook"], told["cluster"], told["layer"]):
        delete(type(instance).objects.get(pk=instance.pk), by=people["sue"])
    assert altered() == {}


def test_a_new_version_of_a_rule_is_no_disagreement(told, people):
    group = Group.objects.get(name=RISK_OWNERS)
    terms = {
        "target_level": "ready",
        "group": group,
        "evidence_required": False,
        "by": people["sue"],
    }
    replace_rule(required_signatures=3, **terms)
    assert altered() == {}
    SignOffRule.objects.filter(target_level="shadow").update(in_force=False)
    assert list(altered()) == ["signoffrule:shadow.move v1"] or len(altered()) == 2


def test_what_is_signed_is_compared_with_the_last_change(ready_runbook):
    past_the_guards("UPDATE runbooks_runbook SET signed_until = '2031-01-01'")
    (sentence,) = altered().values()
    assert "“signed_until”" in sentence


def test_every_kind_that_the_ledger_records_is_compared(told):
    recorded = {
        subject.partition(":")[0]
        for subject in ChangeLogEntry.objects.values_list("subject", flat=True)
    }
    assert recorded <= {*ledger_facts.KINDS, ledger_facts.RULE}


def test_the_queries_do_not_grow_with_the_catalogue(told, people, django_assert_num_queries):
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as before:
        list(stored_catalogue.disagreements())
    for number in range(20):
        runbook = Runbook(slug=f"more-{number}", title=f"More {number}")
        with audited_edit(runbook, by=people["ed"]):
            runbook.save()
            runbook.layers.add(told["layer"])
    with CaptureQueriesContext(connection) as after:
        list(stored_catalogue.disagreements())
    assert len(after) == len(before)


def test_what_a_person_set_aside_is_not_told_again(told, people):
    past_the_guards("UPDATE runbooks_runbook SET owner = 'Mallory'")
    assert tick()
    resolve_findings(findings=Finding.objects.filter(subject="runbook:pump"), by=people["ed"])
    assert tick() == ""
    assert "owner" in verify()  # the auditor is told all the same


def test_a_forged_row_stops_no_comparison(told):
    with ledger.atomic():
        forged = {
            "owner": {"after": {"a": [1]}},
            "title": {},
            "moved": {"after": "x"},
            "version": {"after": True},
        }
        for action, subject in (
            (Action.CHANGED, "runbook:pump"),
            (Action.LANDSCAPE_IMPORTED, "landscape:x"),
            (Action.CHANGED, "signoffrule:ready.move"),
            (Action.READINESS_CHANGED, "runbook:pump"),
            (Action.REQUEST_SIGNED, "runbook:pump"),
            (Action.DELETED, "cluster:c-1"),
        ):
            ledger.append(
                ledger.Record(
                    ledger.SYSTEM, action, subject, changes={**forged, "request": {"after": 7}}
                )
            )
    assert tick()
    assert list(stored_requests.differences())


def test_a_change_between_two_reads_is_no_disagreement(told, people, monkeypatch):
    """The comparison takes no lock: a recorded change in between first looks altered."""
    facts = stored_catalogue.read_ledger_facts()  # read before the change
    runbook = Runbook.objects.get()
    with audited_edit(runbook, by=people["ed"]):
        runbook.owner = "Operations"
        runbook.save()
    looks = iter([facts])
    read = stored_catalogue.read_ledger_facts
    monkeypatch.setattr(stored_catalogue, "read_ledger_facts", lambda: next(looks, None) or read())
    assert list(stored_catalogue.disagreements())
    looks = iter([facts])
    assert compare_with_ledger().altered == ()


def test_a_forged_row_beside_a_changed_decision_hides_nothing(ready_runbook):
    """Whoever changed a comment adds a ledger row that tells of the new one."""
    decision = SignOff.objects.latest("pk")
    change_cell(SIGN_OFFS, "comment", "'I read nothing.'", decision.pk)
    decision.refresh_from_db()
    told = ChangeLogEntry.objects.get(action=Action.REQUEST_SIGNED, actor=decision.signer.username)
    forged = told.changes | row_digests.digest_change(decision, "sign_off_row")
    with ledger.atomic():
        ledger.append(
            ledger.Record(decision.signer, Action.REQUEST_SIGNED, told.subject, changes=forged)
        )
    assert ledger.verify().is_whole
    assert "ledger_disagrees" in no_go_reasons(ready_runbook)
    assert REQUESTS in verify()


@pytest.mark.parametrize(
    ("table", "column"),
    [(REQUESTS, "requested_at"), (REQUESTS, "applied_at"), (SIGN_OFFS, "signed_at")],
)
def test_a_time_in_another_spelling_is_named(ready_runbook, table, column):
    if connection.vendor == "sqlite":  # PostgreSQL keeps the time, not the text
        past_the_guards(f"UPDATE {table} SET {column} = replace({column}, ' ', 'T')")
        assert f"column {column}: is the same value in another spelling" in verify()
