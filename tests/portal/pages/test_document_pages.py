"""Documents on the pages: links between them hold whatever becomes of the catalogue."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from governance.exchange.models import LandscapeSource
from runbooks.documents.links import DOCUMENT_ROUTE
from runbooks.models import CodeReference, Runbook
from tests import cast

pytestmark = pytest.mark.django_db
NOTE = "(not in the portal)"


def shown(client, runbook):
    return client.get(runbook.get_absolute_url()).content.decode()


def test_the_address_in_stored_html_is_the_portals_own():
    assert reverse("document", args=["docs/a b.md"]) == f"{DOCUMENT_ROUTE}docs/a%20b.md"


def test_a_link_to_another_document_leads_to_its_runbook(people, reader):
    other = cast.make_runbook(document_path="docs/other one.md")
    runbook = cast.make_runbook(text="[other](other%20one.md#part)", document_path="docs/this.md")
    assert 'href="/documents/docs/other%20one.md#doc-part"' in shown(reader, runbook)
    assert NOTE not in shown(reader, runbook)
    response = reader.get("/documents/docs/other%20one.md")
    assert (response.status_code, response["Location"]) == (302, other.get_absolute_url())


def test_a_link_to_code_leads_to_its_reference(people, reader):
    reference = CodeReference.objects.create(path="src/alert.py")
    runbook = cast.make_runbook(text="[code](../src/alert.py)", document_path="docs/this.md")
    assert NOTE not in shown(reader, runbook)
    assert reader.get("/documents/src/alert.py")["Location"] == reference.get_absolute_url()


def test_a_link_to_the_landscape_file_leads_to_the_landscape(people, reader):
    LandscapeSource.objects.create(
        file="docs/landscape.md", text="x", sha256=cast.sha256("x"), imported_at=timezone.now()
    )
    runbook = cast.make_runbook(text="[all](landscape.md)", document_path="docs/this.md")
    assert NOTE not in shown(reader, runbook)
    assert reader.get("/documents/docs/landscape.md")["Location"] == "/landscape/"


def test_a_link_to_a_missing_document_says_so_before_and_after_it_is_followed(people, reader):
    runbook = cast.make_runbook(text="[other](other.md)", document_path="docs/this.md")
    assert NOTE in shown(reader, runbook)
    response = reader.get("/documents/docs/other.md")
    assert response.status_code == 404
    assert "This document is not in the portal" in response.content.decode()
    assert "docs/other.md" in response.content.decode()


def test_the_note_goes_when_the_runbook_comes_and_returns_when_its_path_changes(people, reader):
    runbook = cast.make_runbook(text="[other](other.md)", document_path="docs/this.md")
    other = cast.make_runbook(document_path="docs/other.md")
    assert NOTE not in shown(reader, runbook)
    Runbook.objects.filter(pk=other.pk).update(document_path="docs/moved.md")
    assert NOTE in shown(reader, runbook)


def test_several_runbooks_of_one_document_are_a_choice(people, reader):
    first, second = (cast.make_runbook(document_path="docs/shared.md") for _ in range(2))
    content = reader.get("/documents/docs/shared.md").content.decode()
    assert first.title in content
    assert second.title in content


def test_who_may_not_read_learns_nothing_of_paths(people, client):
    cast.make_runbook(document_path="docs/this.md")
    for path in ("docs/this.md", "docs/none.md"):
        assert client.get(f"/documents/{path}")["Location"].startswith("/login/")


@pytest.mark.parametrize(
    "path", ["..", "a/../../b", "%2e%2e/x", "//evil.example/x", "x" * 3000, "%f0%28", "<b>"]
)
def test_an_odd_path_is_answered(people, reader, path):
    response = reader.get(f"/documents/{path}")
    assert response.status_code == 404
    assert "<b>" not in response.content.decode()


def test_links_cost_one_query_however_many_there_are(people, reader):
    def queries(number):
        runbook = cast.make_runbook(text="".join(f"[{n}](n{n}.md)\n" for n in range(number)))
        with CaptureQueriesContext(connection) as captured:
            reader.get(runbook.get_absolute_url())
        return len(captured)

    assert queries(1) == queries(40) == queries(0) + 1


def test_a_text_that_could_not_be_rendered_has_a_page(people, reader):
    runbook = cast.make_runbook(text="> " * 5_000 + "<b>deepest")
    assert "&lt;b&gt;deepest</pre>" in shown(reader, runbook)


@pytest.mark.parametrize("text", ["# Steps\n\n1. Look.\n", None])
def test_the_way_to_the_text_stands_behind_the_banner_and_leads_to_it_or_to_why_there_is_none(
    people, reader, text
):
    page = reader.get(cast.make_runbook(text=text).get_absolute_url()).content.decode()
    assert page.index('id="safety"') < page.index('href="#text"') < page.index('id="text"')
    assert page.index('id="text"') < page.index(
        'class="document"' if text else "The document is missing"
    )


def test_signs_that_nobody_sees_are_shown_on_the_runbooks_page(people, reader):
    turned = "\u202e"
    runbook = cast.make_runbook(
        f"Pump{turned}A", text=f"# A\n\nrm{turned}B\n", owner=f"Desk{turned}C"
    )
    page = reader.get(runbook.get_absolute_url()).content.decode()
    for shown in ("Pump[U+202E]A", "rm[U+202E]B", "Desk[U+202E]C"):
        assert shown in page
