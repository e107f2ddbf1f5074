"""No attack vector of the list runs in a real browser, wherever it is in a document.

The oracle: no dialog, no request.
"""

import pytest

from runbooks.documents.rendering.render import render_document, render_fragment
from tests import cast
from tests.runbooks.documents.vectors import ADDRESSES, LINKS, MARKDOWN, MARKUP, PLACES

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAGE = "https://page.example/"
# Whatever a reader may do by accident.
TOUCH_EVERYTHING = """() => {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (link && !link.href.startsWith("javascript:")) event.preventDefault();
  });
  for (const element of document.querySelectorAll("*")) {
    for (const name of ["mouseover", "pointerover", "focus", "mouseenter"])
      element.dispatchEvent(new Event(name));
    if (element.focus) element.focus();
    if (element.click) element.click();
  }
}"""


@pytest.fixture
def run(chromium):
    """``run(html)`` returns the events in a page without a policy: dialogs, and other requests."""
    context = chromium.new_context()
    page = context.new_page()
    happened, shown = [], {}
    page.on(
        "dialog", lambda dialog: (happened.append(f"dialog {dialog.message}"), dialog.dismiss())
    )
    # An alert that runs after the page has gone would be lost: it is noted before it opens.
    page.expose_function("noted", lambda: happened.append("script"))
    page.add_init_script("window.alert = () => window.noted()")

    def answer(route):
        if route.request.url == PAGE:
            route.fulfill(body=shown["html"], content_type="text/html; charset=utf-8")
        else:
            happened.append(f"request {route.request.url}")
            route.abort()

    context.route("**/*", answer)

    def ran(html):
        happened.clear()
        shown["html"] = f"<!doctype html><title>x</title><main>{html}</main>"
        page.goto(PAGE)
        page.evaluate(TOUCH_EVERYTHING)
        page.wait_for_timeout(5)
        return [what for what in happened if "favicon" not in what]

    yield ran
    context.close()


def test_the_oracle_sees_what_runs(run):
    assert run("<img src=x onerror=alert(1)>")
    assert run("<a href='javascript:alert(1)'>x</a>") == ["script"]
    assert run("<img src='https://evil.example/x.png'>") == ["request https://evil.example/x.png"]
    assert run("<p>x</p>") == []


def test_there_are_more_than_a_hundred_vectors():
    assert len(set(MARKUP)) + len(set(ADDRESSES)) >= 150


def test_no_markup_acts_wherever_it_stands(run):
    for vector in [*MARKUP, *MARKDOWN]:
        texts = [
            place.replace("{}", vector)
            for place in [*PLACES, "<details>\n\n{}\n\n</details>", "<br>{}<summary>{}"]
        ]
        html = "".join(
            f"<div>{render_document(text).html}</div><div>{render_fragment(text)}</div>"
            for text in texts
        )
        assert run(html) == [], vector


def test_no_address_acts_wherever_it_stands(run):
    for address in ADDRESSES:
        texts = [link.replace("{}", address) for link in LINKS]
        html = "".join(
            f"<div>{render_document(text).html}</div><div>{render_fragment(text)}</div>"
            for text in texts
        )
        assert run(html) == [], address


def test_the_portals_page_shows_them_all_under_its_policy(people, settings, open_page):
    settings.PORTAL_READ = "public"
    clean = [vector.replace("\x00", "") for vector in [*MARKUP, *MARKDOWN]]
    runbook = cast.make_runbook(
        text="\n\n".join(
            clean + [f"[x]({address})" for address in ADDRESSES if "\x00" not in address]
        )
    )
    page = open_page()
    dialogs, elsewhere = [], []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.on(
        "request", lambda request: elsewhere.append(request.url) if "evil" in request.url else None
    )
    page.goto(runbook.get_absolute_url())
    page.evaluate(TOUCH_EVERYTHING)
    assert (dialogs, elsewhere, page.complaints) == ([], [], [])
