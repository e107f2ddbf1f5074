"""What takes long is done while nobody waits: no transaction is open when it is called.

Rendering, reading files, reading texts, hashing passwords, verifying the whole ledger, e-mail: each
is watched, and every door that leads to it is walked through.
"""

import ast
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth import hashers
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from governance import guards, ledger
from governance.assurance.integrity_incidents import accept_restored_ledger, note_checkpoint
from governance.editing.audited_edit import audited_edit
from governance.exchange.documents import render_documents_anew
from governance.findings import catalogue_checks
from governance.ledger import verification
from governance.mail import send_after_commit
from governance.signoff import bulk_renewal
from governance.signoff.decide import form_etag
from governance.signoff.models import StatusChangeRequest
from runbooks.documents import RENDERER
from runbooks.documents.rendering.sandbox import RenderingProcess
from runbooks.documents.sources.folder import FolderSource
from runbooks.models import Document, Layer, Section
from runbooks.search import index, index_documents
from tests import cast
from tests.governance.admin.test_admin import admin_url, form_values
from tests.governance.admin.test_import_page import hidden, upload

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("governance", "portal", "runbooks")
STEPS = "# Steps\n\n1. Look.\n"


# ---- what is watched


class Watch:
    """Every slow call, by name, with whether a transaction was open."""

    def __init__(self, monkeypatch):
        self.inside: dict[str, list[bool]] = {}
        self._monkeypatch = monkeypatch

    def over(self, owner, function, name, *, counts=lambda *_args, **_kwargs: True):
        original = getattr(owner, function)

        def watched(*args, **kwargs):
            if counts(*args, **kwargs):
                self.inside.setdefault(name, []).append(connection.in_atomic_block)
            return original(*args, **kwargs)

        self._monkeypatch.setattr(owner, function, watched)


@pytest.fixture
def watch(monkeypatch):
    watch = Watch(monkeypatch)
    watch.over(RenderingProcess, "render", "rendering")
    watch.over(FolderSource, "read", "reading a file")
    watch.over(FolderSource, "files", "listing files")
    watch.over(catalogue_checks, "read_header", "reading a text")
    watch.over(hashers.MD5PasswordHasher, "encode", "hashing a password")
    watch.over(
        verification,
        "verify_entries",
        "verifying the ledger",
        counts=lambda *_, expected=1, **__: expected == 1,
    )
    watch.over(EmailMessage, "send", "e-mail")
    watch.over(EmailBackend, "send_messages", "e-mail")
    return watch


# ---- the doors


def folder(tmp_path, number=3):
    """A landscape with its documents."""
    from benchmarks.import_landscape import landscape

    (tmp_path / "docs").mkdir(exist_ok=True)
    for each in range(number):
        (tmp_path / "docs" / f"{each}.md").write_text(f"# Runbook {each}\n\n1. Look.\n")
    file = tmp_path / "landscape.md"
    file.write_text(landscape(number))
    return file


def import_by_command(tmp_path, people):
    call_command(
        "import_landscape",
        folder(tmp_path),
        docs_root=tmp_path,
        stdout=StringIO(),
        stderr=StringIO(),
    )
    return {"rendering", "reading a file", "reading a text"}


def import_by_page(tmp_path, people):
    text = folder(tmp_path).read_text()
    client = Client()
    client.force_login(people["ed"])
    shown = upload(client, text)
    applied = client.post("/admin/runbooks/runbook/import/", {**hidden(shown), "apply": "1"})
    assert applied.status_code == 302
    return {"rendering", "reading a file", "reading a text"}


def sync(tmp_path, people):
    cast.make_runbook("Pump", document_path="docs/0.md", text=None)
    folder(tmp_path)
    call_command("sync_documents", docs_root=str(tmp_path), stdout=StringIO())
    return {"rendering", "reading a file", "listing files", "reading a text"}


def store_a_document(tmp_path, people):
    cast.store("docs/a.md", STEPS)
    return {"rendering"}


def render_anew(tmp_path, people):
    cast.make_runbook("Pump")
    guards.remove()
    Document.objects.update(renderer=RENDERER - 1)
    guards.install()
    assert render_documents_anew(by=ledger.SYSTEM) == 1
    return {"rendering"}


def save_a_section(tmp_path, people):
    client = Client()
    client.force_login(people["sue"])
    runbook = cast.make_runbook("Pump")
    address = reverse("admin:runbooks_section_add")
    form = form_values(client, address) | {
        "title": "Pumps",
        "slug": "pumps",
        "number": "1",
        "note": "  A *note*.\r\n\r\nMore. ",
        "entries-TOTAL_FORMS": "1",
        "entries-0-position": "1",
        "entries-0-runbook": str(runbook.pk),
        "entries-0-role": "A *role*.",
    }
    assert client.post(address, form).status_code == 302
    section = Section.objects.get()
    assert "<em>note</em>" in section.note_html
    assert "<em>role</em>" in section.entries.get().role_html
    changed = admin_url(Section, "change", section.pk)
    form = form_values(client, changed) | {"note": "Another **note**."}
    assert client.post(changed, form).status_code == 302
    assert "<strong>note</strong>" in Section.objects.get().note_html
    return {"rendering"}


def sign_by_page(tmp_path, people):
    request = cast.ask(cast.make_runbook("Pump"), by=people["ed"])
    client = Client()
    client.force_login(people["rita"])
    address = reverse("admin:governance_statuschangerequest_decide", args=[request.pk])
    decision = {
        "decision": "approve",
        "comment": "Read.",
        "password": cast.PASSWORD,
        "seen": form_etag(request),
    }
    client.post(address, decision)
    assert request.sign_offs.count() == 1
    return {"hashing a password"}


def add_an_account(tmp_path, people):
    client = Client()
    client.force_login(people["sue"])
    new = {
        "username": "nina",
        "usable_password": "true",
        "password1": "a-long-one-71",
        "password2": "a-long-one-71",
    }
    assert client.post(reverse("admin:auth_user_add"), new).status_code == 302
    assert User.objects.get(username="nina").check_password("a-long-one-71")
    return {"hashing a password"}


def set_the_password_of_another(tmp_path, people):
    client = Client()
    client.force_login(people["sue"])
    new = {"usable_password": "true", "password1": "a-long-one-71", "password2": "a-long-one-71"}
    address = reverse("admin:auth_user_password_change", args=[people["ed"].pk])
    assert client.post(address, new).status_code == 302
    assert User.objects.get(username="ed").check_password("a-long-one-71")
    return {"hashing a password"}


def set_ones_own_password(tmp_path, people):
    client = Client()
    client.force_login(people["ed"])
    new = {
        "old_password": cast.PASSWORD,
        "new_password1": "a-long-one-71",
        "new_password2": "a-long-one-71",
    }
    assert client.post("/admin/password_change/", new).status_code == 302
    assert User.objects.get(username="ed").check_password("a-long-one-71")
    return {"hashing a password"}


def sign_in(tmp_path, people):
    assert (
        Client().post("/login/", {"username": "otto", "password": cast.PASSWORD}).status_code == 302
    )
    return {"hashing a password"}


def take_a_checkpoint(tmp_path, people):
    call_command("checkpoint", output=tmp_path / "kept.json", stdout=StringIO())
    return {"verifying the ledger"}


def export_a_proof(tmp_path, people):
    runbook = cast.make_ready(cast.make_runbook("Pump"))
    call_command("export_proof", runbook.slug, output=tmp_path / "proof.json", stdout=StringIO())
    return {"verifying the ledger"}


def accept_a_restore(tmp_path, people):
    note_checkpoint(sequence=99, digest="0" * 64, problem="Rows are lost.")
    accept_restored_ledger(reason="Restored.", by=people["rita"])
    return {"verifying the ledger"}


def tick(tmp_path, people):
    User.objects.filter(username="rita").update(email="rita@portal.example")
    cast.ask(cast.make_runbook("Pump"), by=people["ed"])
    call_command("tick", stdout=StringIO())
    return {"verifying the ledger", "reading a text", "e-mail"}


def tell_of_a_change(tmp_path, people):
    with audited_edit(cast.make_runbook("Pump"), by=people["ed"]):
        send_after_commit(subject="A change", body="Look.", to=["rita@portal.example"])
    return {"e-mail"}


DOORS = (
    import_by_command, import_by_page, sync, store_a_document, render_anew, save_a_section,
    sign_by_page, add_an_account, set_the_password_of_another, set_ones_own_password, sign_in,
    take_a_checkpoint, export_a_proof, accept_a_restore, tick, tell_of_a_change,
)  # fmt: skip


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_nothing_slow_is_done_in_a_transaction(door, watch, people, tmp_path, settings):
    settings.DOCS_ROOT = str(tmp_path)
    watch.inside.clear()  # the cast's own passwords
    expected = door(tmp_path, people)
    assert expected <= watch.inside.keys()
    assert {name: calls for name, calls in watch.inside.items() if any(calls)} == {}


# ---- the search index


def test_many_runbooks_are_read_for_the_index_after_the_change(people, monkeypatch):
    layer = Layer.objects.create(slug="pumps", title="Pumps")
    for number in range(index.MAX_AT_ONCE + 5):
        cast.make_runbook(f"Pump {number}")
    inside = []
    drafted = index_documents.draft_of_runbook

    def draft(*args, **kwargs):
        inside.append(connection.in_atomic_block)
        return drafted(*args, **kwargs)

    monkeypatch.setattr(index_documents, "draft_of_runbook", draft)
    with audited_edit(layer, by=people["ed"]):
        layer.title = "Waterworks"
        layer.save()
    assert inside == [False] * (index.MAX_AT_ONCE + 5)
    assert index.staleness(thoroughly=True) == []


def test_a_long_text_is_read_for_the_index_after_the_change(people, monkeypatch):
    read = []
    passages = index_documents.passages_of
    monkeypatch.setattr(
        index_documents,
        "passages_of",
        lambda html: read.append(connection.in_atomic_block) or passages(html),
    )
    cast.make_runbook("Pump", text="# Pump\n\n" + "Close the valve and look. " * 5_000)
    assert read == [False]
    assert index.staleness(thoroughly=True) == []


# ---- many rows at once


def test_renewals_for_many_take_the_lock_one_by_one(people, monkeypatch):
    runbooks = [cast.make_ready(cast.make_runbook(f"Pump {number}")) for number in range(3)]
    depths, submit = [], bulk_renewal.submit
    monkeypatch.setattr(
        bulk_renewal,
        "submit",
        lambda **asked: depths.append(connection.in_atomic_block) or submit(**asked),
    )
    client = Client()
    client.force_login(people["ed"])
    year = timezone.localdate().year + 1
    chosen = {
        "action": "ask_for_renewals",
        "_selected_action": [runbook.pk for runbook in runbooks],
    }
    sent = {"year": year, "rationale": "Drilled.", "evidence": cast.EVIDENCE}
    client.post(reverse("admin:runbooks_runbook_changelist"), chosen | sent)
    assert depths == [False] * 3
    assert StatusChangeRequest.objects.filter(state="open").count() == 3


def test_no_more_rows_are_deleted_at_once_than_others_can_wait_for(people, monkeypatch):
    monkeypatch.setattr("governance.admin.base.MAX_DELETED", 2)
    for number in range(3):
        Layer.objects.create(slug=f"l-{number}", title=f"Layer {number}")
    client = Client()
    client.force_login(people["sue"])
    address = reverse("admin:runbooks_layer_changelist")
    keys = list(Layer.objects.values_list("pk", flat=True))
    for chosen in (
        {"_selected_action": keys},
        {"_selected_action": keys[:1], "select_across": "1"},
    ):
        answer = client.post(
            address, {"action": "delete_selected", "post": "yes", **chosen}, follow=True
        )
        assert "at most 2 rows" in answer.content.decode()
    assert Layer.objects.count() == 3
    client.post(address, {"action": "delete_selected", "post": "yes", "_selected_action": keys[:2]})
    assert Layer.objects.count() == 1


# ---- nobody else

# Every module that does something slow, and why it holds no lock.
SLOW = {
    "rendered_fragments", "render_fragment", "render_document", "rendered_text", "make_password",
    "set_password", "check_password", "send_messages", "send_mail", "mail_admins",
    "check_catalogue_rows", "open_source", "urlopen", "Popen", "rebuild", "verify",
}  # fmt: skip
WALKED = {
    "governance/findings/reconcile.py": "tick",
    "governance/signoff/reauthentication.py": "sign_by_page",
    "governance/exchange/documents.py": "store_a_document",
    "governance/assurance/integrity_incidents.py": "accept_a_restore",
    "governance/editing/sections.py": "save_a_section",
    "governance/admin/accounts.py": "add_an_account",
    "governance/admin/catalogue.py": "save_a_section",
    "governance/admin/imports.py": "import_by_page",
    "governance/exchange/importing/apply.py": "import_by_command",
    "governance/mail.py": "tell_of_a_change",
    "governance/management/commands/checkpoint.py": "take_a_checkpoint",
    "governance/management/commands/import_landscape.py": "import_by_command",
    "governance/management/commands/sync_documents.py": "sync",
    "governance/management/commands/tick.py": "tick",
    "governance/assurance/proof.py": "export_a_proof",
    # Reads alone.
    "governance/assurance/evidence.py": "",
    "governance/management/commands/verify_ledger.py": "",
    "portal/management/commands/render_documents.py": "",
    # The rows since this host's mark alone, once they are committed.
    "governance/ledger/high_water_mark.py": "",
    # In processes of their own, which are asked by the modules above.
    "runbooks/documents/rendering/sandbox.py": "",
    "runbooks/documents/rendering/worker.py": "",
    "runbooks/documents/sources/git_objects.py": "",
    # Portions: tests/runbooks/search/test_catching_up.py.
    "runbooks/search/post_migrate.py": "",
    "runbooks/management/commands/rebuild_search.py": "",
    # All or nothing, in the demo's own database, before its server starts.
    "portal/management/commands/seed_demo.py": "",
}


def called_names(path):
    """The names that a module calls, attributes by their last part."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield (
                node.func.attr
                if isinstance(node.func, ast.Attribute)
                else getattr(node.func, "id", "")
            )


def test_every_module_that_does_something_slow_is_walked_above():
    found = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if "migrations" not in path.parts and SLOW.intersection(called_names(path))
    }
    assert found == WALKED.keys()
    assert {name for name in WALKED.values() if name} <= {door.__name__ for door in DOORS}
