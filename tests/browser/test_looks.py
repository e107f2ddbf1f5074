"""What a page must never do, at any width, in any mode: overflow, complain, need JavaScript."""

import pytest
from django.apps import apps

from tests import cast

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SIGNED, UNSIGNED = "live-alert-pipeline-runbook", "live-risk-severity-integration"
PAGES = (
    "/",
    "/login/",
    "/runbooks/",
    "/runbooks/?cluster=abc",
    f"/runbooks/{SIGNED}/",
    f"/runbooks/{UNSIGNED}/",
    f"/runbooks/{UNSIGNED}/history/",
    "/situations/",
    "/situations/red-severity-im-live-dashboard/",
    "/clusters/cluster-82-85-live-alerts-and-escalation/",
    "/layers/governance/",
    "/landscape/",
    "/search/?q=alert",
    "/changes/",
    "/changes/1/",
    "/sign-offs/",
    "/reports/findings/",
    "/api/docs/",
    "/no-such-page/",
)
# The innermost elements that reach over the right edge.
TOO_WIDE = """[...document.querySelectorAll("body *")]
  .filter((each) => each.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .filter((each) => !each.closest(".scroll"))
  .map((each) => each.outerHTML.slice(0, 120)).slice(-4)"""


@pytest.mark.parametrize(
    ("width", "dark", "language"),
    [(390, True, "de-DE"), (390, False, "en-GB"), (1280, False, "de-DE")],
)
def test_no_page_overflows_or_breaks_the_policy(landscape, open_page, width, dark, language):
    page = open_page(width=width, dark=dark, language=language)
    for path in PAGES:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (
            path,
            page.evaluate(TOO_WIDE),
        )
        assert page.locator("h1").count() == 1, path
        assert page.evaluate("document.documentElement.lang") == language[:2], path
    assert [text for text in page.complaints if "404" not in text] == []


def test_the_page_where_one_signs_fits_a_phone(landscape, people, sign_in_page):
    runbook = apps.get_model("runbooks.Runbook").objects.get(slug=UNSIGNED)
    request = cast.ask(runbook, by=people["ed"])
    page = sign_in_page("rita", width=390)
    page.goto(f"/admin/governance/statuschangerequest/{request.pk}/change/")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.complaints == []


def test_the_pages_need_no_javascript(landscape, open_page):
    page = open_page(javascript=False)
    page.goto("/")
    page.fill("main [name=q]", "alert pipeline")
    page.press("main [name=q]", "Enter")
    page.click('main a:text-is("Live Alert Pipeline Runbook")')
    assert page.locator("h1").inner_text() == "Live Alert Pipeline Runbook"


def test_print_keeps_the_banner_and_drops_the_navigation(landscape, open_page):
    page = open_page()
    page.goto(f"/runbooks/{UNSIGNED}/")
    page.emulate_media(media="print")
    assert page.get_by_text("Not for live use").first.is_visible()
    assert not page.locator("header nav").first.is_visible()
