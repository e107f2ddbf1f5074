"""Who may enter, and the headers of every response."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.test import Client, override_settings
from django.urls import path, reverse
from django.utils.html import escape

from portal import urls as portal_urls
from portal.accounts import DEMO_GROUP
from portal.middleware import OPEN_NAMESPACES, OPEN_VIEWS
from tests import cast
from tests.portal.addresses import every_route
from tests.runbooks.scene import basic, state_of_everything, values_for_routes

pytestmark = pytest.mark.django_db

# What a visitor without an account may open where one must sign in. Written down once more, on
# purpose.
OPEN_TO_EVERYBODY = {"login", "logout", "set_language", "healthz", "readyz"}


# ---- the door


def test_the_open_views_are_these_and_no_others():
    assert OPEN_VIEWS == OPEN_TO_EVERYBODY
    assert {"admin"} == OPEN_NAMESPACES  # which asks for staff itself


def test_where_one_must_sign_in_every_page_leads_to_the_sign_in_and_back(scene, settings):
    settings.PORTAL_READ = "login"
    client, values, checked = Client(), values_for_routes(scene), 0
    for route in every_route():
        if route.is_api or route.namespaces or route.name in OPEN_TO_EVERYBODY:
            continue
        address = route.address(values)
        response = client.get(address)
        assert response.status_code == 302, address
        there = urlsplit(response["Location"])
        assert there.path == "/login/"
        assert parse_qs(there.query) == {"next": [address]}
        checked += 1
    assert checked >= 15


def test_every_address_of_the_admin_and_the_api_is_shut_to_strangers_too(scene, settings):
    settings.PORTAL_READ = "login"
    client, values = Client(), values_for_routes(scene)
    for route in every_route():
        if not route.name or not (route.is_api or route.namespaces) or route.name == "admin:login":
            continue
        response = client.get(route.address(values))
        assert response.status_code in (302, 401, 403, 404, 405), route
        if response.status_code == 302 and route.name != "admin:logout":
            assert urlsplit(response["Location"]).path in ("/admin/login/", "/login/"), route


def test_the_admin_is_shut_to_strangers_where_everybody_may_read(scene, settings):
    settings.PORTAL_READ = "public"
    values = values_for_routes(scene)
    for route in every_route():
        if route.name and route.namespaces and route.name not in ("admin:login", "admin:jsi18n"):
            assert Client().get(route.address(values)).status_code in (302, 403, 404, 405), route


@pytest.mark.parametrize("name", sorted(OPEN_TO_EVERYBODY - {"logout"}))
def test_what_is_open_answers_a_stranger(db, settings, name):
    settings.PORTAL_READ = "login"
    response = Client().get(reverse(name))
    assert response.status_code in (200, 302)
    assert "/login/" not in response.headers.get("Location", "")


def test_a_page_that_somebody_adds_is_shut_until_it_is_named_open(settings):
    settings.PORTAL_READ = "login"

    class WithNewPage:
        urlpatterns = (path("new/", lambda request: None, name="new"), *portal_urls.urlpatterns)

    with override_settings(ROOT_URLCONF=WithNewPage):
        assert Client().get("/new/")["Location"] == "/login/?next=/new/"


@pytest.mark.parametrize(
    "address",
    [
        "/runbooks/?text=pump+one&layer=a%26b&page=2",
        "/search/?q=%C3%BCber%20%23",
        "/landscape/?a=1",
    ],
)
def test_the_way_back_keeps_the_whole_address(db, settings, people, address):
    settings.PORTAL_READ = "login"
    client = Client()
    sign_in_address = client.get(address)["Location"]
    assert parse_qs(urlsplit(sign_in_address).query)["next"] == [address]
    form = client.get(sign_in_address)
    assert f'name="next" value="{escape(address)}"' in form.content.decode()
    response = client.post(
        "/login/", {"username": "otto", "password": cast.PASSWORD, "next": form.context["next"]}
    )
    assert (response.status_code, response["Location"]) == (302, address)


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\\evil.example",
        "https:evil.example",
    ],
)
def test_the_sign_in_leads_to_no_other_site(db, people, elsewhere):
    response = Client().post(
        "/login/", {"username": "otto", "password": cast.PASSWORD, "next": elsewhere}
    )
    assert response.status_code == 302
    assert response["Location"].startswith("/")
    assert "evil" not in response["Location"]


@pytest.mark.parametrize("read", ["login", "public"])
def test_whoever_has_signed_in_may_read(scene, settings, sign_in, read):
    settings.PORTAL_READ = read
    for name in ("otto", "ed", "rita", "ada"):
        assert sign_in(name).get("/runbooks/").status_code == 200


def test_reading_by_everybody_is_asked_for_by_name(scene, settings):
    for mode in ("", "Public", "yes", None):
        settings.PORTAL_READ = mode
        assert Client().get("/").status_code == 302


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "head", "options"])
def test_no_method_opens_the_door(scene, settings, method):
    settings.PORTAL_READ = "login"
    for address in ("/", "/runbooks/", scene.ready.get_absolute_url(), "/changes/"):
        assert getattr(Client(), method)(address).status_code == 302


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_no_page_of_the_portal_writes(scene, sign_in, method):
    """Pages only read: a forged form changes nothing, whatever the answer is."""
    client, values, before = sign_in("sue"), values_for_routes(scene), state_of_everything()
    for route in every_route():
        if route.is_api or route.namespaces or route.name in OPEN_TO_EVERYBODY:
            continue
        response = getattr(client, method)(
            route.address(values), {"title": "Forged", "readiness_level": "ready"}
        )
        assert response.status_code < 500, route
    assert state_of_everything() == before


# ---- people


def test_wrong_words_are_told_and_nobody_is_signed_in(people):
    client = Client()
    response = client.post("/login/", {"username": "otto", "password": "wrong"})
    assert response.status_code == 200
    assert "errorlist" in response.content.decode()
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize(
    "username", ["", "nobody", "otto\x00", "\x00", "o" * 10_000, "<script>", "🚨"]
)
def test_an_odd_name_is_no_failure(people, username):
    response = Client().post("/login/", {"username": username, "password": cast.PASSWORD})
    assert response.status_code == 200
    assert b"<script>" not in response.content


def test_an_account_that_is_deactivated_is_out_at_the_next_look(people, sign_in, settings):
    settings.PORTAL_READ = "login"
    client = sign_in("otto")
    assert client.get("/").status_code == 200
    people["otto"].is_active = False
    people["otto"].save()
    assert client.get("/").status_code == 302


def test_the_sign_out_takes_a_form_and_never_a_link(sign_in, settings):
    settings.PORTAL_READ = "login"
    client = sign_in("otto")
    for address in ("/logout/", "/admin/logout/"):
        assert client.get(address).status_code in (302, 405)
        assert client.get("/").status_code == 200, "a link must not sign anyone out"
    assert client.post("/logout/").status_code == 302
    assert client.get("/").status_code == 302


def test_a_form_without_its_token_signs_nobody_in_or_out(people, settings):
    client = Client(enforce_csrf_checks=True)
    assert (
        client.post("/login/", {"username": "otto", "password": cast.PASSWORD}).status_code == 403
    )
    client.force_login(people["otto"])
    assert client.post("/logout/").status_code == 403
    assert client.get("/").status_code == 200


@pytest.fixture
def demo_person(people):
    """An account of the demo, whose password was printed on a screen."""
    people["otto"].groups.add(Group.objects.create(name=DEMO_GROUP))
    return people["otto"]


def test_a_demo_account_signs_in_to_the_demo(demo_person, settings):
    settings.PORTAL_DEMO = True
    assert Client().login(request=HttpRequest(), username="otto", password=cast.PASSWORD)


def test_a_demo_account_signs_in_nowhere_else(demo_person, settings):
    settings.PORTAL_DEMO = False
    settings.PORTAL_READ = "login"
    assert not Client().login(request=HttpRequest(), username="otto", password=cast.PASSWORD)
    for address in ("/login/", "/admin/login/"):
        client = Client()
        client.post(address, {"username": "otto", "password": cast.PASSWORD})
        assert "_auth_user_id" not in client.session, address
    assert Client(headers=basic("otto")).get("/api/v1/runbooks/").status_code in (401, 403)


def test_a_demo_account_does_not_stay_signed_in_when_the_demo_ends(demo_person, settings):
    settings.PORTAL_DEMO, settings.PORTAL_READ = True, "login"
    client = Client()
    assert client.login(request=HttpRequest(), username="otto", password=cast.PASSWORD)
    assert client.get("/").status_code == 200
    settings.PORTAL_DEMO = False
    assert client.get("/").status_code == 302
    assert client.get("/api/v1/runbooks/").status_code in (401, 403)


def test_a_demo_account_stays_shut_out_whatever_its_rights(demo_person, settings):
    demo_person.is_superuser = demo_person.is_staff = True
    demo_person.save()
    settings.PORTAL_DEMO = False
    assert not Client().login(request=HttpRequest(), username="otto", password=cast.PASSWORD)


def test_other_accounts_are_not_shut_out_with_the_demo(demo_person, settings):
    settings.PORTAL_DEMO = False
    assert Client().login(request=HttpRequest(), username="rita", password=cast.PASSWORD)


# ---- what every answer carries


POLICY = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'", "data:"],
    "font-src": ["'self'"],
    "connect-src": ["'self'"],
    "form-action": ["'self'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
}


def assert_kept_to_itself(response, address):
    directives = [
        directive.split() for directive in response.headers["Content-Security-Policy"].split(";")
    ]
    policy = {name: sources for name, *sources in directives}
    assert policy == POLICY, address
    assert "unsafe" not in response.headers["Content-Security-Policy"], address
    assert response.headers["X-Content-Type-Options"] == "nosniff", address
    assert response.headers["X-Frame-Options"] == "DENY", address
    assert response.headers["Referrer-Policy"] == "same-origin", address
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin", address


@pytest.mark.parametrize(("who", "read"), [(None, "login"), (None, "public"), ("sue", "login")])
def test_every_answer_carries_the_policy_the_admin_included(scene, sign_in, settings, who, read):
    settings.PORTAL_READ = read
    client, values = sign_in(who) if who else Client(), values_for_routes(scene)
    for route in every_route():
        if route.name and not route.name.endswith("logout"):
            address = route.address(values)
            assert_kept_to_itself(client.get(address), address)


def explode(request):
    raise RuntimeError("the inner words")


def forbid(request):
    from django.core.exceptions import PermissionDenied

    raise PermissionDenied


def suspect(request):
    from django.core.exceptions import SuspiciousOperation

    raise SuspiciousOperation("odd")


class WithFaults:
    """The portal's addresses and three that fail."""

    urlpatterns = [  # noqa: RUF012
        path("fault/", explode, name="healthz"),
        path("forbidden/", forbid, name="healthz"),
        path("suspicious/", suspect, name="healthz"),
        *portal_urls.urlpatterns,
    ]


@pytest.mark.parametrize(
    ("address", "status"),
    [("/fault/", 500), ("/forbidden/", 403), ("/suspicious/", 400), ("/nowhere/", 404)],
)
@override_settings(ROOT_URLCONF=WithFaults)
def test_every_error_page_carries_the_policy_and_tells_no_secret(db, address, status):
    response = Client(raise_request_exception=False).get(address)
    assert response.status_code == status
    assert_kept_to_itself(response, address)
    content = response.content.decode()
    assert "<h1>" in content
    for secret in (
        "Traceback",
        "the inner words",
        "RuntimeError",
        django_settings.SECRET_KEY,
        str(django_settings.BASE_DIR),
    ):
        assert secret not in content


def test_a_wrong_host_and_a_missing_token_are_answered_with_the_policy(db):
    wrong = Client(headers={"host": "evil.example"}).get("/login/")
    assert wrong.status_code == 400
    assert "frame-ancestors 'none'" in wrong.headers["Content-Security-Policy"]
    assert "unsafe" not in wrong.headers["Content-Security-Policy"]
    assert b"evil.example" not in wrong.content
    assert_kept_to_itself(Client(enforce_csrf_checks=True).post("/login/"), "no token")


def test_the_cookies_are_out_of_reach_of_scripts_and_other_sites(people):
    client = Client()
    client.get("/login/")
    client.post("/login/", {"username": "otto", "password": cast.PASSWORD})
    session = client.cookies["sessionid"]
    assert session["httponly"]
    assert session["samesite"] == client.cookies["csrftoken"]["samesite"] == "Lax"


def read_settings(var, **environment):
    """The settings of a process of its own, for an environment."""
    import json
    import subprocess
    import sys

    program = (
        "import json; from portal import settings as s; print(json.dumps({n: getattr(s, n) "
        "for n in "
        "('SESSION_COOKIE_SECURE', 'CSRF_COOKIE_SECURE', 'SECURE_HSTS_SECONDS', "
        "'SECURE_PROXY_SSL_HEADER', 'DEBUG')}))"
    )
    clean = {"PATH": "/usr/bin:/bin", "SECRET_KEY": "given", **environment}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=clean,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def test_over_https_the_cookies_are_kept_to_https(tmp_path):
    safe = read_settings(tmp_path, CSRF_TRUSTED_ORIGINS="https://portal.example")
    assert safe["SESSION_COOKIE_SECURE"] is safe["CSRF_COOKIE_SECURE"] is True
    assert safe["SECURE_HSTS_SECONDS"] >= 31_536_000
    plain = read_settings(tmp_path)
    assert (plain["SESSION_COOKIE_SECURE"], plain["SECURE_HSTS_SECONDS"], plain["DEBUG"]) == (
        False,
        0,
        False,
    )
    # A header that anybody can send is believed behind a proxy alone.
    assert plain["SECURE_PROXY_SSL_HEADER"] is None


# ---- what the policy asks of the templates


TEMPLATES = sorted((Path(django_settings.BASE_DIR) / "templates").rglob("*.html"))


class Inline(HTMLParser):
    """Finds what the policy would block: inline scripts, styles and event handler attributes."""

    def __init__(self, source):
        super().__init__()
        self.found, self.inside = [], ""
        self.feed(
            re.sub(
                r"{%.*?%}|{{.*?}}|{#.*?#}",
                "",
                re.sub(r"{% comment.*?endcomment %}", "", source, flags=re.S),
                flags=re.S,
            )
        )

    def handle_starttag(self, tag, attrs):
        self.inside = tag if tag in ("script", "style") else ""
        for name, value in attrs:
            if (
                name == "style"
                or name.startswith("on")
                or (value or "").strip().lower().startswith("javascript:")
            ):
                self.found.append(f"<{tag} {name}=…>")
        if tag == "style" or (tag == "script" and "src" not in dict(attrs)):
            self.found.append(f"<{tag}>")

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside and data.strip():
            self.found.append(f"<{self.inside}>{data.strip()[:40]}")


def test_the_finder_of_inline_code_finds_it():
    for bad in (
        "<script>x()</script>",
        "<style>a{}</style>",
        "<p style='a:b'>",
        "<p ONCLICK=x>",
        "<a href=' JavaScript:x'>",
        "<svg onload=x>",
    ):
        assert Inline(bad).found, bad
    assert not Inline(
        "<script src='a.js'></script><p class='on' data-on='x'>{% if a %}onward{% endif %}</p>"
    ).found


@pytest.mark.parametrize(
    "template", TEMPLATES, ids=lambda template: str(template.relative_to(django_settings.BASE_DIR))
)
def test_no_template_holds_inline_code_or_style(template):
    assert Inline(template.read_text(encoding="utf-8")).found == []


def test_no_page_holds_inline_code_or_style_once_it_is_rendered(scene, sign_in):
    client, values = sign_in("sue"), values_for_routes(scene)
    for route in every_route():
        if not route.name or route.is_api or route.name.endswith("logout"):
            continue
        response = client.get(route.address(values))
        if "text/html" in response.headers.get("Content-Type", ""):
            assert Inline(response.content.decode()).found == [], route


def test_nothing_is_loaded_from_another_site(scene, sign_in):
    client, values = sign_in("sue"), values_for_routes(scene)
    for route in every_route():
        if not route.name or route.is_api or route.name.endswith("logout"):
            continue
        content = client.get(route.address(values)).content.decode(errors="replace")
        loaded = re.findall(
            r'<(?:script|img|link|iframe|source|object)\b[^>]*?(?:src|href|data)="([^"]*)"', content
        )
        assert [address for address in loaded if re.match(r"(?:[a-z]+:)?//", address)] == [], route
