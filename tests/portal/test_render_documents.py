"""``render_documents``: made anew, or looked over for what somebody changed past the guards."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from governance import guards
from runbooks.documents import RENDERER
from runbooks.models import Document
from tests import cast

pytestmark = pytest.mark.django_db


def said(*arguments):
    output = StringIO()
    call_command("render_documents", *arguments, stdout=output)
    return output.getvalue()


def past_the_guards(**values):
    guards.remove()
    Document.objects.update(**values)
    guards.install()


def test_it_renders_anew_and_says_how_many(db):
    cast.store("docs/a.md", "# A")
    assert "0 document(s)" in said()
    past_the_guards(renderer=RENDERER - 1, html="old")
    assert "1 document(s)" in said()
    assert "Every document" in said("--check")


def test_a_check_names_what_somebody_changed_and_writes_nothing(db):
    document = cast.store("docs/a.md", "# A")
    forged = "<p>forged</p>"
    past_the_guards(html=forged, html_sha256=cast.sha256(forged))
    with pytest.raises(CommandError, match=r"docs/a\.md"):
        said("--check")
    document.refresh_from_db()
    assert document.html == forged


def test_a_check_sees_changed_contents(db):
    cast.store("docs/a.md", "## A")
    past_the_guards(contents=[])
    with pytest.raises(CommandError, match=r"docs/a\.md"):
        said("--check")
