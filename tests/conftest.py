"""What every test shares."""

import os

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import call_command as real_call_command
from django.test import Client, testcases

from governance import guards
from tests import cast
from tests.runbooks.asking import LISTS, V1
from tests.runbooks.scene import make_scene


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """With ``REQUIRE_ALL=1`` (CI), a skipped test fails: nothing is left out silently."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("REQUIRE_ALL") == "1" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped although REQUIRE_ALL=1: {report.longrepr}"


def _call_command_past_the_guards(name, *args, **kwargs):
    """A test with real transactions empties the tables afterwards, which the guards refuse.

    They are lifted for that moment; ``flush`` sends ``post_migrate``, which puts them back.
    """
    if name == "flush":
        guards.remove()
        kwargs["inhibit_post_migrate"] = False
    return real_call_command(name, *args, **kwargs)


# For the whole session: the emptying comes after every fixture of the test has gone.
testcases.call_command = _call_command_past_the_guards


@pytest.fixture(autouse=True)
def _empty_cache():
    """Wrong API tokens are counted there."""
    cache.clear()


@pytest.fixture
def people(db) -> dict[str, User]:
    """The cast by name."""
    made = {name: cast.make_person(name, group=group) for name, group in cast.GROUPS.items()}
    made["sue"] = User.objects.create_superuser("sue", password=cast.PASSWORD)
    return made


@pytest.fixture
def sign_in(people):
    """``sign_in("rita")``: a client that is signed in as one of the cast."""

    def signed_in(name: str) -> Client:
        client = Client()
        client.force_login(people[name])
        return client

    return signed_in


@pytest.fixture
def runbook(people):
    """One runbook with a document, unassessed."""
    return cast.make_runbook()


@pytest.fixture
def ready_runbook(runbook):
    """The same, signed ready for this year."""
    return cast.make_ready(runbook)


@pytest.fixture
def mark(settings, tmp_path):
    """The file of this host's high-water mark; other tests keep none."""
    path = tmp_path / "host" / "mark.json"
    path.parent.mkdir()
    settings.LEDGER_MARK = str(path)
    return path


# ---- what the tests of catalogue, pages and REST share


@pytest.fixture
def scene(people):
    """A landscape with one row of every model."""
    return make_scene(people)


@pytest.fixture
def reader(settings):
    """A visitor without an account, where everybody may read."""
    settings.PORTAL_READ = "public"
    return Client()


@pytest.fixture
def details(scene):
    """The address of one row of every list, by the prefix of its route."""
    return {
        "runbooks": f"{V1}runbooks/{scene.ready.slug}/",
        "clusters": f"{V1}clusters/{scene.cluster.slug}/",
        "layers": f"{V1}layers/{scene.layer.slug}/",
        "sections": f"{V1}sections/{scene.section.slug}/",
        "situations": f"{V1}situations/{scene.situation.slug}/",
        "code-references": f"{V1}code-references/{scene.code_reference.pk}/",
        "changes": f"{V1}changes/1/",
        "sign-off-requests": f"{V1}sign-off-requests/{scene.request.pk}/",
        "findings": f"{V1}findings/{scene.finding.pk}/",
    }


@pytest.fixture
def every_address(details, scene):
    """Every address of the API that a row can be read at."""
    return [
        V1,
        "/api/schema/",
        *LISTS,
        *details.values(),
        f"{V1}runbooks/{scene.ready.slug}/document/",
        f"{V1}runbooks/{scene.ready.slug}/verdict/",
        f"{V1}runbooks/{scene.ready.slug}/gate/",
        f"{V1}resolve/",
    ]
