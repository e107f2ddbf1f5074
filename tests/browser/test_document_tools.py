"""What a reader does with a document in a real browser: copy, link, tick, wrap, print."""

import pytest
from playwright.sync_api import expect

from tests import cast

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
COMMANDS = (
    "systemctl stop feed",
    'grep -E "<run_id>" log.txt | sort \\\n  --unique',
    "all:\n\techo x  ",
    "\n\nblank lines around\n",
    "  indented: 1\n    deeper: &amp; ä 日本",
    "+--+   +--+\n|in|-->|out|",
)
WIDE = "journalctl --unit feed.service " + "--output=short-iso " * 20
TEXT = "\n\n".join(
    [
        "# Pump",
        "## Stop it",
        *(f"```bash\n{command}\n```" for command in COMMANDS),
        "1. Step\n   ```\n   in a step\n     kept\n   ```",
        "## Check",
        "    indented code",
        "- [ ] Feed is **stopped**\n- [x] Desk was told\n  - [ ] by phone\n",
        "## Wide",
        f"```\n{WIDE}\n```",
        "## More of it",
        "<details>\n<summary>Why</summary>\n\nfolded words\n\n</details>",
        *(f"### Part {number}\n\n" + "words " * 200 for number in range(5)),
    ]
)


@pytest.fixture
def reading(people, settings, open_page):
    """``reading(width=390)``: the document's page."""
    settings.PORTAL_READ = "public"
    runbook = cast.make_runbook(text=TEXT)

    def opened(**options):
        page = open_page(**options)
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.goto(runbook.get_absolute_url())
        return page

    return opened


def clipboard(page):
    return page.evaluate("navigator.clipboard.readText()")


def copy(page, number):
    block = page.locator(".code").nth(number)
    block.hover()
    block.get_by_role("button", name="Copy").click()
    block.get_by_text("Copied").wait_for()
    return clipboard(page)


@pytest.mark.parametrize("width", [1280, 390])
def test_the_clipboard_gets_what_stands_between_the_fences(reading, width):
    page = reading(width=width)
    assert [copy(page, number) for number in range(len(COMMANDS))] == list(COMMANDS)
    assert copy(page, len(COMMANDS)) == "in a step\n  kept"
    assert copy(page, len(COMMANDS) + 1) == "indented code"
    assert page.complaints == []


def test_it_copies_without_a_clipboard_of_the_browser_too(reading):
    page = reading()
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    block = page.locator(".code").first
    block.hover()
    block.get_by_role("button", name="Copy").click()
    block.get_by_text("Copied").wait_for()
    page.evaluate(
        "document.body.prepend(Object.assign(document.createElement('textarea'), {id: 'paste'}))"
    )
    page.focus("#paste")
    page.keyboard.press("Control+V")
    assert page.input_value("#paste") == COMMANDS[0]


def test_every_heading_has_a_link_that_shows_on_hover_and_on_focus(reading):
    page = reading()
    heading = page.locator(".document h3").filter(has_text="Check")
    anchor = heading.locator(".anchor")
    assert anchor.evaluate("node => getComputedStyle(node).opacity") == "0"
    heading.hover()
    assert anchor.evaluate("node => getComputedStyle(node).opacity") == "1"
    page.mouse.move(0, 0)
    anchor.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    assert anchor.evaluate("node => getComputedStyle(node).opacity") == "1"
    assert anchor.get_attribute("aria-label") == "Link to this heading: Check"
    page.keyboard.press("Enter")
    assert page.url.endswith("#doc-check")
    assert (
        page.locator(".document .anchor").count()
        == page.locator(".document :is(h2, h3, h4)").count()
    )


def test_a_link_to_an_anchor_opens_there(reading):
    page = reading()
    page.goto(page.url + "#doc-part-3")
    expect(page.locator("#doc-part-3")).to_be_in_viewport()


def boxes(page):
    return page.locator(".document input").evaluate_all("boxes => boxes.map(box => box.checked)")


def test_a_checklist_is_ticked_kept_in_the_tab_and_reset(reading):
    page = reading()
    assert boxes(page) == [False, True, False]
    page.get_by_role("checkbox", name="Feed is stopped").check()
    page.get_by_role("checkbox", name="by phone").check()
    assert page.locator(".checklist-count").inner_text() == "3 / 3."
    page.reload()
    assert boxes(page) == [True, True, True]
    page.get_by_role("button", name="Reset").click()
    assert boxes(page) == [False, True, False]
    page.reload()
    assert boxes(page) == [False, True, False]
    assert "They are not recorded" in page.locator(".checklist-tools").inner_text()


def test_another_tab_starts_unticked(reading):
    page = reading()
    page.get_by_role("checkbox", name="Feed is stopped").check()
    other = page.context.new_page()
    other.goto(page.url)
    assert boxes(other) == [False, True, False]


def test_ticking_tells_the_server_nothing(reading):
    page = reading()
    requests = []
    page.on(
        "request",
        lambda request: requests.append(request.url) if "favicon" not in request.url else None,
    )
    page.get_by_role("checkbox", name="Feed is stopped").check()
    page.get_by_role("button", name="Reset").click()
    assert requests == []


@pytest.mark.parametrize("width", [1280, 390])
def test_a_wide_block_can_be_wrapped_and_a_narrow_one_offers_nothing(reading, width):
    page = reading(width=width)
    wide = page.locator(".code").filter(has_text="journalctl")
    wide.hover()
    toggle = wide.get_by_role("button", name="Wrap lines")
    assert wide.locator("pre").evaluate("node => node.scrollWidth > node.clientWidth")
    toggle.click()
    assert toggle.get_attribute("aria-pressed") == "true"
    assert wide.locator("pre").evaluate("node => node.scrollWidth <= node.clientWidth")
    assert copy(page, page.locator(".code").count() - 1) == WIDE
    toggle.click()
    assert toggle.get_attribute("aria-pressed") == "false"
    assert not page.locator(".code").first.locator(".code-wrap").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_contents_are_folded_on_a_phone_and_beside_the_text_elsewhere(reading):
    page = reading(width=390)
    links = page.locator(".fold .contents a")
    assert not links.first.is_visible()
    page.locator(".fold summary").click()
    assert links.first.is_visible()
    assert [text.strip() for text in links.all_inner_texts()][:3] == ["Stop it", "Check", "Wide"]
    assert reading(width=1280).locator(".side-contents a").first.is_visible()


def test_paper_has_every_word_and_no_button(reading):
    page = reading()
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.get_by_text("folded words").is_visible()
    assert page.locator(".code pre").last.evaluate("node => node.scrollWidth <= node.clientWidth")
    for name in (".code-copy", ".code-wrap", ".checklist-reset", ".anchor"):
        assert not page.locator(name).first.is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0


def test_without_javascript_the_page_is_complete(reading):
    page = reading(javascript=False)
    assert page.get_by_text("systemctl stop feed").is_visible()
    assert page.locator(".code-copy").count() == 0
    assert page.locator(".document input:disabled").count() == 3
    page.locator(".side-contents a").last.click()
    assert page.url.endswith("#doc-part-4")


def test_whoever_signs_is_shown_what_is_folded_too(people, sign_in_page):
    request = cast.ask(cast.make_runbook(text=TEXT), by=people["ed"])
    page = sign_in_page("rita")
    page.goto(f"/admin/governance/statuschangerequest/{request.pk}/change/")
    box = page.locator(".sign-off-text").get_by_text("folded words").bounding_box()
    assert box["height"] > 10


# ---- tables

PATHS = (
    "| # | Path | What to do |\n|---|---|---|\n| 1 | `src/pumps/"
    + "a_long_name/" * 5
    + "valve.py` | Close it |\n"
)
MANY = "|" + " Wide heading |" * 12 + "\n|" + "---|" * 12 + "\n|" + " words |" * 12 + "\n"
TABLES = f"# Tables\n\n## Paths\n\n{PATHS}\n## Many columns\n\n{MANY}"


@pytest.fixture
def tables(people, settings, open_page):
    """``tables(width=390)``: a page with a table of long paths and one of many columns."""
    settings.PORTAL_READ = "public"
    runbook = cast.make_runbook(text=TABLES)

    def opened(**options):
        page = open_page(**options)
        page.goto(runbook.get_absolute_url())
        return page

    return opened


def test_on_a_phone_a_long_path_breaks_and_the_last_column_is_in_sight(tables):
    page = tables(width=390)
    cell = page.get_by_role("cell", name="Close it").bounding_box()
    assert cell["x"] + cell["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize("javascript", [True, False])
def test_a_wide_table_is_named_by_its_heading_and_scrolls_by_the_keyboard(tables, javascript):
    page = tables(width=390, javascript=javascript)
    wide = page.get_by_role("group", name="Many columns")
    wide.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(400)
    assert wide.evaluate("box => box.scrollLeft") > 0


def test_a_table_that_has_nothing_to_scroll_is_no_stop_for_the_keyboard(tables):
    page = tables(width=390)
    expect(page.get_by_role("group", name="Paths")).to_have_attribute("tabindex", "-1")
    expect(page.get_by_role("group", name="Many columns")).to_have_attribute("tabindex", "0")


def test_no_table_makes_the_paper_wider_than_it_is(tables):
    page = tables(width=673)  # A4 within its margins
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") == 673


def test_on_a_phone_the_way_to_the_text_is_in_the_first_sight_and_leads_there(tables):
    page = tables(width=390)
    page.get_by_role("link", name="To the text").click()
    expect(page.get_by_role("heading", name="Tables")).to_be_in_viewport()
    assert not tables(width=1280).get_by_role("link", name="To the text").is_visible()
