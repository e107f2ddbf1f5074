"""The warning is never missing: on no page does a runbook look ready for live that is not."""

import re

import pytest
from django.urls import reverse

from governance.signoff.downgrade import downgrade
from runbooks.choices import REASON_TEXTS
from runbooks.models import Runbook
from runbooks.validity import Reason
from tests import cast
from tests.runbooks.asking import LIST, banner, page

pytestmark = pytest.mark.django_db


def test_a_live_ready_runbook_carries_no_warning(scene, reader):
    banners, words = banner(reader, scene.ready)
    assert banners == ["is-go"]
    assert "Not for live use" not in words
    assert "Signed for live use until" in words


def test_an_unassessed_runbook_carries_the_warning_with_its_reason(scene, reader):
    banners, words = banner(reader, scene.waiting)
    assert banners == ["is-caution"]
    assert "Not for live use" in words
    assert str(REASON_TEXTS[Reason.NOT_READY]) in words


@pytest.mark.parametrize("level", ["rnd_only", "safety_sandbox", "shadow", "track"])
def test_a_lower_signed_level_carries_the_warning(runbook, people, reader, level):
    cast.approve(cast.ask(runbook, by=people["ed"], level=level), by=people["rita"])
    banners, words = banner(reader, runbook)
    assert "is-go" not in banners
    assert str(REASON_TEXTS[Reason.NOT_READY]) in words


def test_a_declared_readiness_carries_the_warning_all_the_same(people, reader):
    banners, words = banner(reader, cast.make_runbook(declared_level="ready", declared_year=2026))
    assert banners == ["is-caution"]
    assert "nobody has signed that" in words


def test_a_retired_runbook_carries_a_stop(ready_runbook, people, reader):
    downgrade(runbook=ready_runbook, level="retired", reason="Not used.", by=people["rita"])
    assert banner(reader, ready_runbook)[0] == ["is-stop"]


def without_legend(response):
    """The page without the list of what the badges mean, which shows every badge."""
    return re.sub(r'<dl class="legend">.*?</dl>', "", response.content.decode(), flags=re.DOTALL)


def test_a_live_ready_runbook_is_marked_on_every_page_that_lists_it(scene, reader):
    situation = scene.ready.situations.first().get_absolute_url()
    for address in (
        "/",
        LIST,
        "/landscape/",
        situation,
        scene.cluster.get_absolute_url(),
        scene.layer.get_absolute_url(),
    ):
        assert "is-live" in without_legend(reader.get(address)), address


DRIFTS = {
    Reason.DOCUMENT_CHANGED: lambda runbook: Runbook.objects.filter(pk=runbook.pk).update(
        document=cast.store(runbook.document_path, "# Other steps\n")
    ),
    Reason.DOCUMENT_MISSING: lambda runbook: Runbook.objects.filter(pk=runbook.pk).update(
        document=None
    ),
    Reason.METADATA_CHANGED: lambda runbook: Runbook.objects.filter(pk=runbook.pk).update(
        version="v9"
    ),
}


@pytest.mark.parametrize("reason", DRIFTS)
def test_what_changed_after_the_signature_is_a_stop_on_every_page_that_shows_it(
    scene, reader, reason
):
    DRIFTS[reason](scene.ready)
    banners, words = banner(reader, scene.ready)
    assert "is-stop" in banners
    assert "is-go" not in banners
    assert str(REASON_TEXTS[reason]) in words
    situation = scene.ready.situations.first().get_absolute_url()
    for address in (
        "/",
        LIST,
        "/landscape/",
        situation,
        scene.cluster.get_absolute_url(),
        scene.layer.get_absolute_url(),
    ):
        assert "is-live" not in without_legend(reader.get(address)), address
    assert "Not for live use." in page(reader, situation).words


@pytest.mark.parametrize("years", [1, -1])
def test_an_expired_readiness_is_a_stop(scene, reader, years, time_machine_at):
    time_machine_at(scene.ready.readiness_year + years)
    banners, words = banner(reader, scene.ready)
    assert banners == ["is-stop"]
    assert str(REASON_TEXTS[Reason.EXPIRED if years > 0 else Reason.NOT_YET_VALID]) in words


@pytest.fixture
def time_machine_at():
    """Sets the clock to a summer day of a year, for pages, which take no time as an argument."""
    import time_machine

    travels = []

    def travel(year):
        travels.append(time_machine.travel(f"{year}-06-15T12:00:00Z", tick=True))
        travels[-1].start()

    yield travel
    for travelled in travels:
        travelled.stop()


def test_an_earlier_text_says_that_it_must_not_be_followed(scene, reader):
    shown = page(
        reader, reverse("runbook-version", args=[scene.ready.slug, scene.old_document.sha256])
    )
    assert shown.banners == ["is-stop"]
    assert "Do not follow it" in shown.words
    assert "An earlier version" in shown.words


def test_the_present_text_of_a_runbook_that_is_not_live_ready_carries_the_warning_too(
    scene, reader
):
    shown = page(
        reader, reverse("runbook-version", args=[scene.waiting.slug, scene.waiting.document.sha256])
    )
    assert shown.banners == ["is-caution"]


def test_a_live_ready_text_says_that_it_is_the_signed_one(scene, reader):
    shown = page(
        reader, reverse("runbook-version", args=[scene.ready.slug, scene.ready.document.sha256])
    )
    assert shown.banners == []
    assert "current, signed version" in shown.words


def test_a_step_of_a_situation_warns_before_it_names_the_runbook(scene, reader):
    content = reader.get(scene.waiting.situations.first().get_absolute_url()).content.decode()
    assert content.index("Not for live use.") < content.index(f">{scene.waiting.title}<")
