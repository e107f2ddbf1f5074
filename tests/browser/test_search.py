"""Searching with the keyboard, in a real browser."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
RUNBOOK = "/runbooks/live-alert-pipeline-runbook/"
OPTIONS = '.combobox-list:not([hidden]) [role="option"]'


def focused(page):
    return page.evaluate("document.activeElement.id")


def type_and_wait(page, text):
    with page.expect_response("**/search/suggestions/**"):
        page.keyboard.type(text)
    page.wait_for_selector(OPTIONS)


def active(page):
    """The option that the field says is active."""
    chosen = page.evaluate("document.activeElement.getAttribute('aria-activedescendant')")
    return page.locator(f"#{chosen}") if chosen else None


@pytest.mark.parametrize("key", ["/", "Control+k", "Meta+k"])
@pytest.mark.parametrize(
    ("address", "field"),
    [("/", "search-text"), ("/search/?q=alert", "search-text"), ("/changes/", "quick-search")],
)
def test_a_key_leads_to_the_search_field(landscape, open_page, key, address, field):
    page = open_page()
    page.goto(address)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press(key)
    assert focused(page) == field
    assert page.input_value(f"#{field}") == ("alert" if "q=" in address else "")
    assert page.complaints == []


def test_where_no_field_is_seen_the_key_leads_to_the_search_page(landscape, open_page):
    page = open_page(width=390)
    page.goto("/changes/")
    page.keyboard.press("/")
    page.wait_for_url("**/search/")
    assert focused(page) == "search-text"


def test_a_slash_that_is_typed_stays_a_slash(landscape, open_page):
    page = open_page()
    page.goto("/runbooks/")
    page.click("[name=text]")
    page.keyboard.type("go/no-go")
    assert page.input_value("[name=text]") == "go/no-go"


def test_arrows_choose_and_enter_opens(landscape, open_page):
    page = open_page()
    page.goto("/")
    page.keyboard.press("/")
    type_and_wait(page, "alert pipline")
    field = page.locator("#search-text")
    assert field.get_attribute("role") == "combobox"
    assert field.get_attribute("aria-expanded") == "true"
    assert active(page) is None
    count = page.locator(OPTIONS).count()
    page.keyboard.press("ArrowDown")
    assert active(page).get_attribute("aria-selected") == "true"
    page.keyboard.press("ArrowUp")  # round to the last
    assert active(page).get_attribute("id").endswith(f"-{count - 1}")
    assert page.locator('[aria-selected="true"]').count() == 1
    while "Live Alert Pipeline Runbook" not in active(page).inner_text():
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{RUNBOOK}")
    assert page.complaints == []


def test_enter_without_a_choice_searches(landscape, open_page):
    page = open_page()
    page.goto("/changes/")
    page.keyboard.press("Control+k")
    type_and_wait(page, "severty")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?q=severty")
    assert page.locator(".hit .title").first.inner_text() == "Live Risk Severity Integration"


def test_escape_closes_the_list_then_empties_the_field_then_leaves_it(landscape, open_page):
    page = open_page()
    page.goto("/")
    page.keyboard.press("/")
    type_and_wait(page, "alert")
    page.keyboard.press("Escape")
    assert page.locator(OPTIONS).count() == 0
    assert page.locator("#search-text").get_attribute("aria-expanded") == "false"
    assert page.input_value("#search-text") == "alert"
    page.keyboard.press("Escape")
    assert page.input_value("#search-text") == ""
    page.keyboard.press("Escape")
    assert focused(page) != "search-text"


def test_a_list_that_answers_other_words_is_not_chosen_from(landscape, open_page):
    page = open_page()
    page.goto(RUNBOOK)  # lies on the shelf now
    page.goto("/")
    page.keyboard.press("/")
    page.wait_for_selector(OPTIONS)
    page.keyboard.type("grafana")
    page.keyboard.press("ArrowDown")
    page.wait_for_selector("#search-text[aria-activedescendant]")
    assert "Live Alert" not in active(page).inner_text()


def test_what_was_opened_or_starred_is_offered_and_stays_in_this_browser(landscape, open_page):
    page = open_page()
    page.goto("/runbooks/runbook-d2-reporting-and-compare-runs/")
    page.goto(RUNBOOK)
    page.click("[data-star]")
    assert page.locator("[data-star]").get_attribute("aria-pressed") == "true"
    page.goto("/changes/")
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.keyboard.press("/")
    page.wait_for_selector(OPTIONS)
    assert page.locator(OPTIONS).all_inner_texts() == [
        "Live Alert Pipeline Runbook",
        "RUNBOOK D2 — Reporting + Compare Runs",
    ]
    # The browser may still be fetching the page's own icon.
    assert [url for url in requests if not url.endswith("/favicon.svg")] == []
    assert "ready" not in page.evaluate("localStorage.getItem('portal.shelf')")
    page.goto("/search/")
    assert page.locator("[data-shelf-list] a").count() == 2
    page.click("[data-shelf-clear]")
    assert page.evaluate("localStorage.getItem('portal.shelf')") is None
    assert page.complaints == []


@pytest.mark.parametrize(
    "kept",
    [
        "nonsense",
        "[]",
        "null",
        '{"starred": 1}',
        '{"recent": [{"title": "x", "address": "javascript:alert(1)"}]}',
    ],
)
def test_nonsense_on_the_shelf_does_no_harm(landscape, open_page, kept):
    page = open_page()
    page.goto("/search/")
    page.evaluate("kept => localStorage.setItem('portal.shelf', kept)", kept)
    page.goto("/search/")
    assert page.locator("[data-shelf]").is_hidden()
    page.goto(RUNBOOK)
    page.click("[data-star]")
    assert page.complaints == []


def test_a_hit_leads_to_its_section(landscape, open_page):
    page = open_page()
    page.goto("/search/?q=probealarm")
    page.locator(".hit-section a").first.click()
    page.wait_for_url("**/runbooks/**#doc-**")
    assert page.evaluate(
        "document.querySelector(decodeURIComponent(location.hash.replace('.', '\\\\.'))) !== null"
    )


def test_without_javascript_the_form_finds_narrows_and_leads_on(landscape, open_page):
    page = open_page(javascript=False)
    page.goto("/changes/")
    page.fill("#quick-search", "escalaton")
    page.press("#quick-search", "Enter")
    assert page.locator(".hit .title").first.inner_text().startswith("Go/No-Go 2026")
    page.click("summary:has-text('Narrow down')")
    page.locator(".facet a").first.click()
    assert "q=escalaton&status=" in page.url
    page.goto(RUNBOOK)
    assert page.locator("[data-star]").is_hidden()


def test_a_suggestion_that_may_not_be_used_live_says_so(landscape, open_page):
    page = open_page()
    page.goto("/")
    page.keyboard.press("/")
    type_and_wait(page, "live")
    texts = page.locator(f"{OPTIONS}:has-text('Live Risk Severity')").last.inner_text()
    assert "not for live use" in texts
    assert "-ready" in page.locator(f"{OPTIONS}:has-text('Live Alert Pipeline')").inner_text()


@pytest.mark.parametrize(("width", "dark"), [(390, True), (390, False), (1280, True)])
def test_the_open_list_fits_the_window(landscape, open_page, width, dark):
    page = open_page(width=width, dark=dark)
    page.goto("/")
    page.keyboard.press("/")
    type_and_wait(page, "incident")
    box = page.locator(".combobox-list:not([hidden])").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth") <= width
