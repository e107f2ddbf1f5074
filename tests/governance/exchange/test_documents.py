"""Storing documents: rendered by the current renderer, guarded, rendered again by a new one."""

import hashlib

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from governance import guards, ledger
from governance.assurance.standings import standing_of
from governance.exchange.documents import render_documents_anew
from governance.findings.models import Finding
from governance.ledger.models import ChangeLogEntry
from runbooks.documents import RENDERER
from runbooks.models import Document, Section
from tests import cast

pytestmark = pytest.mark.django_db
TEXT = "# Stop\n\n- the feed\n"
TOO_DEEP = "> " * 500 + "deepest"


@pytest.fixture
def document(db):
    return cast.store("docs/stop.md", TEXT)


@pytest.fixture
def older_document(document):
    """The same, as a renderer before this one left it."""
    return as_older(document)


def as_older(document, html="<p>old</p>", renderer=RENDERER - 1):
    guards.remove()
    Document.objects.filter(pk=document.pk).update(
        html=html, contents=[], html_sha256=digest(html), renderer=renderer
    )
    guards.install()
    document.refresh_from_db()
    return document


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def refused(**values):
    with pytest.raises(IntegrityError, match="never edited"), transaction.atomic():
        Document.objects.update(**values)


def test_a_stored_text_names_its_renderer_and_the_digest_of_its_html(document):
    assert document.renderer == RENDERER
    assert document.html_sha256 == digest(document.html)
    recorded = ChangeLogEntry.objects.get(action="document_stored").changes
    assert recorded["html_sha256"]["after"] == document.html_sha256
    assert recorded["renderer"]["after"] == RENDERER


@pytest.mark.parametrize(
    "values",
    [
        {"html": "<p>forged</p>"},
        {"contents": []},
        {"html_sha256": "0" * 64},
        {"renderer": RENDERER + 1},
        {"renderer": 0},
    ],
)
def test_what_the_renderer_in_force_made_is_never_replaced(document, values):
    refused(**values)


def test_what_an_older_renderer_made_is_replaced_once_and_with_nothing_else(older_document):
    refused(html="<p>forged</p>")
    refused(renderer=RENDERER + 1)
    refused(renderer=RENDERER, text="another")
    refused(renderer=RENDERER, sha256="0" * 64)
    Document.objects.update(renderer=RENDERER)
    refused(renderer=RENDERER)


def test_migrate_renders_anew_what_an_older_renderer_made(older_document):
    call_command("migrate", verbosity=0)
    older_document.refresh_from_db()
    assert older_document.html.startswith('<h2 id="doc-stop">')
    assert older_document.renderer == RENDERER
    assert older_document.hash_matches


def test_rendering_anew_is_a_row_in_the_ledger_and_leaves_the_text(older_document):
    before = (older_document.text, older_document.sha256)
    assert render_documents_anew(by=ledger.SYSTEM) == 1
    older_document.refresh_from_db()
    assert (older_document.text, older_document.sha256) == before
    changes = ChangeLogEntry.objects.order_by("-sequence").first().changes
    assert set(changes) == {"html_sha256", "renderer"}
    assert render_documents_anew(by=ledger.SYSTEM) == 0


def test_rendering_anew_lets_no_open_request_lapse_and_no_signature_fall(ready_runbook):
    as_older(ready_runbook.document)
    render_documents_anew(by=ledger.SYSTEM)
    ready_runbook.refresh_from_db()
    assert standing_of(ready_runbook).is_live_ready


def test_html_that_is_not_what_its_digest_names_is_not_itself(document):
    guards.remove()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE runbooks_document SET html = '<p>forged</p>'")
    guards.install()
    document.refresh_from_db()
    assert not document.hash_matches


def test_a_text_that_cannot_be_rendered_is_kept_shown_as_it_stands_and_found(db):
    document = cast.store("docs/deep.md", TOO_DEEP)
    assert document.html.startswith('<pre class="unrendered">')
    assert document.hash_matches
    finding = Finding.objects.get(kind="unrenderable_document")
    assert (finding.subject, finding.file, finding.resolved_at) == (
        "docs/deep.md",
        "docs/deep.md",
        None,
    )
    assert "shown unrendered" in finding.message


def test_the_finding_is_open_once_and_settled_by_a_text_that_can_be_rendered(db):
    cast.store("docs/deep.md", TOO_DEEP)
    cast.store("docs/deep.md", TOO_DEEP + " again")
    assert Finding.objects.filter(resolved_at__isnull=True).count() == 1
    cast.store("docs/deep.md", TEXT)
    assert Finding.objects.filter(resolved_at__isnull=True).count() == 0


def test_migrate_tries_again_what_could_not_be_rendered(document):
    as_older(document, renderer=0)
    render_documents_anew(by=ledger.SYSTEM)
    document.refresh_from_db()
    assert document.renderer == RENDERER


def test_what_still_cannot_be_rendered_is_left_alone(db):
    cast.store("docs/deep.md", TOO_DEEP)
    rows = ChangeLogEntry.objects.count()
    assert render_documents_anew(by=ledger.SYSTEM) == 0
    assert ChangeLogEntry.objects.count() == rows


def test_a_byte_order_mark_is_stored_and_not_shown(db):
    document = cast.store("docs/mark.md", "\ufeff# Stop\n")
    assert document.html == '<h2 id="doc-stop">Stop</h2>\n'
    assert document.hash_matches


def test_a_hostile_note_is_saved_in_the_admin_and_shown_as_it_stands(sign_in):
    note = "*" + "[" * 20_000
    form = {"number": 1, "title": "Pumps", "slug": "pumps", "note": note, "reason": "Why not."}
    form |= {"entries-TOTAL_FORMS": 0, "entries-INITIAL_FORMS": 0}
    assert sign_in("ed").post("/admin/runbooks/section/add/", form).status_code == 302
    assert Section.objects.get(slug="pumps").note_html == f'<pre class="unrendered">{note}</pre>'
