"""A real browser against the real server. Run with ``run.py test -m browser``."""

import os
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from tests import cast

# Playwright keeps an event loop in this thread; Django's ORM would refuse to be called beside it.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


@pytest.fixture(scope="session")
def chromium():
    """Debian's chromium, headless."""
    from playwright.sync_api import sync_playwright

    if not Path(CHROMIUM).exists():
        pytest.skip(
            f"There is no browser at {CHROMIUM}: install Debian's chromium, or set CHROMIUM."
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def landscape(transactional_db, people, settings):
    """The fixture landscape, readable by everyone, with one runbook signed and one that waits."""
    from runbooks.models import Runbook

    settings.PORTAL_READ = "public"
    call_command(
        "import_landscape", str(FIXTURES / "landscape.md"), docs_root=FIXTURES, stdout=StringIO()
    )
    cast.make_ready(Runbook.objects.get(slug="live-alert-pipeline-runbook"))


@pytest.fixture
def open_page(chromium, live_server):
    """``open_page(width=390, dark=True)`` opens a page in a new window and records its errors."""
    contexts = []

    def opened(*, width=1280, dark=False, language="en-GB", javascript=True):
        context = chromium.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            locale=language,
            java_script_enabled=javascript,
        )
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on(
            "console",
            lambda message: (
                page.complaints.append(message.text) if message.type == "error" else None
            ),
        )
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def sign_in_page(open_page):
    """``sign_in_page("rita")``: a window in which that person has signed in."""

    def signed_in(username, **options):
        page = open_page(**options)
        page.goto("/login/")
        page.fill("[name=username]", username)
        page.fill("[name=password]", cast.PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_url("**/")
        return page

    return signed_in
