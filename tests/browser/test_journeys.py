"""What each of the people does, in a real browser."""

import pytest
from django.utils import timezone

from tests import cast

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SLUG = "live-risk-severity-integration"
YEAR = timezone.localdate().year


def ask_for_ready(page):
    page.goto("/admin/governance/statuschangerequest/add/")
    page.click(".field-runbook .select2-selection")
    page.keyboard.type("Live Risk Sev")
    page.click(".select2-results__option >> text=Live Risk Severity Integration")
    page.select_option("#id_to_level", "ready")
    page.fill("#id_to_year", str(YEAR))
    page.fill("#id_rationale", "Drilled twice.")
    page.fill("#id_evidence", "https://evidence.example/drill/1")
    page.click("[name=_save]")


def sign_from_the_inbox(page):
    page.goto("/admin/")
    page.click("text=/Inbox: 1/i")
    page.click(f"text=Live Risk Severity Integration → {YEAR}-ready")
    page.fill("[name=comment]", "Read in full, against the drill's log.")
    page.fill("[name=password]", cast.PASSWORD)
    page.click("[name=decision][value=approve]")
    assert "Your decision was recorded" in page.inner_text(".messagelist")


def test_from_request_to_live_ready(landscape, sign_in_page):
    operator = sign_in_page("otto", width=390)
    operator.goto(f"/runbooks/{SLUG}/")
    assert "Not for live use" in operator.inner_text("main")

    editor = sign_in_page("ed")
    ask_for_ready(editor)
    assert "It needs 2 signatures" in editor.inner_text(".messagelist")

    for owner in ("rita", "rolf"):
        page = sign_in_page(owner)
        sign_from_the_inbox(page)
        assert page.complaints == []

    operator.reload()
    assert "Not for live use" not in operator.inner_text("main")
    assert f"{YEAR}" in operator.inner_text("main")
    assert editor.complaints == []


def test_an_operator_finds_a_runbook_with_the_keyboard_alone(landscape, open_page):
    page = open_page()
    page.goto("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')").startswith(
        "#"
    )  # the skip link
    page.focus("main [name=q]")
    page.keyboard.type("red severity")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?q=red+severity")
    assert "RED Severity im Live-Dashboard" in page.inner_text("main")


def test_a_situation_leads_to_its_runbook_in_two_steps(landscape, open_page):
    page = open_page(width=390)
    page.goto("/")
    page.click('main a:has-text("RED Severity im Live-Dashboard")')
    page.click('main a:has-text("Live Risk Severity Integration")')
    assert page.url.endswith(f"/runbooks/{SLUG}/")


def test_the_contents_lead_to_their_heading(landscape, open_page):
    page = open_page()
    page.goto(f"/runbooks/{SLUG}/")
    link = page.locator("a[href^='#doc-']:visible").first
    target = link.get_attribute("href")
    link.click()
    assert page.locator(f"[id='{target[1:]}']").is_visible()
