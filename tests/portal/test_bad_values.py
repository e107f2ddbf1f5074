"""Invalid values in a URL give a page that explains them: no filter, search or sort gives a 500."""

import itertools
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import OperationalError, connection, models
from django.test import Client
from django.urls import reverse

from governance.ledger.models import ChangeLogEntry
from governance.signoff.models import StatusChangeRequest
from runbooks.models import Runbook
from tests.portal.addresses import every_route
from tests.runbooks.scene import values_for_routes

# An error of PostgreSQL ends the transaction that a test would otherwise run in.
pytestmark = pytest.mark.django_db(transaction=connection.vendor == "postgresql")

HUGE = str(2**63)
WORDS = " ".join(f"w{number}" for number in range(1001))
BAD_VALUES = {
    "nothing": "",
    "minus one": "-1",
    "zero": "0",
    "year 10000": "10000",
    "huge": HUGE,
    "5000 digits": "9" * 5000,
    "a float": "1e309",
    "not a number": "NaN",
    "a word": "x",
    "Arabic digits": "٢٠٢٦",
    "a list": "1,x,,-1",
    "an open bracket": "(",
    "a backslash": "\\",
    "per cent": "%",
    "half a surrogate pair": "\ud800".encode("utf-8", "surrogatepass"),
    "no UTF-8": b"\xff\xfe",
    "a null byte": "\x00",
    "a bad date": "2026-13-45",
    "the last day": "9999-12-31",
    "before time": "0000-00-00",
    "60000 characters": "x" * 60_000,  # SQLite's LIKE takes 50,000
    "1001 words": WORDS,
    "a quote": "'\"; --",
}
FEW = ("minus one", "huge", "5000 digits", "a word", "no UTF-8", "nothing", "the last day")
FEW_OF_A_FIELD = ("minus one", "huge", "a word")
FEW_OF_A_DATE = ("minus one", "year 10000", "a word", "the last day")
FINE = {200, 302, 400, 403, 404, 405}
MODELS = list(admin.site._registry)
DATE_LOOKUPS = (
    "year",
    "month",
    "day",
    "week_day",
    "date",
    "year__gte",
    "iso_year",
    "hour",
    "quarter",
    "gte",
    "lt",
)
LOOKUPS = ("exact", "in", "range", "isnull", "gte", "iexact", "contains", "regex")
# What Django's own lists understand, beside their filters.
LIST_PARAMETERS = (
    "q",
    "o",
    "p",
    "all",
    "e",
    "_facets",
    "_popup",
    "_to_field",
    "_source_model",
    "unheard_of",
)


def changelist_of(model):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def assert_fine(client, address, parameters):
    response = client.get(f"{address}?{urlencode(parameters, doseq=True)}", follow=False)
    shown = {name: str(value)[:40] for name, value in parameters.items()}
    assert response.status_code in FINE, (address, shown)
    if response.status_code == 302 and address.startswith("/admin/"):
        # The page that it leads to must not fail either, nor lead in a ring.
        assert client.get(response["Location"]).status_code == 200, (address, shown)
    return response


@pytest.fixture
def superuser(scene, sign_in):
    client = sign_in("sue")
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_list_of_the_admin_takes_any_search_and_any_value_of_its_filters(superuser, model):
    response = superuser.get(changelist_of(model))
    names = {
        name for spec in response.context["cl"].filter_specs for name in spec.expected_parameters()
    }
    hierarchy = admin.site._registry[model].date_hierarchy
    if hierarchy:
        names |= {f"{hierarchy}__{part}" for part in ("year", "month", "day")}
    for name in sorted(names):
        for kind in BAD_VALUES if name.endswith(("year", "__gte", "__lt")) else FEW:
            assert_fine(superuser, changelist_of(model), {name: BAD_VALUES[kind]})
    for kind in (
        "60000 characters",
        "1001 words",
        "no UTF-8",
        "half a surrogate pair",
        "a null byte",
        "a backslash",
    ):
        assert_fine(superuser, changelist_of(model), {"q": BAD_VALUES[kind]})


def test_a_list_of_the_admin_takes_any_value_of_its_own_parameters(superuser):
    for name in LIST_PARAMETERS:
        for value in BAD_VALUES.values():
            assert_fine(superuser, changelist_of(ChangeLogEntry), {name: value})
        for model in (Runbook, User):
            for kind in FEW:
                assert_fine(superuser, changelist_of(model), {name: BAD_VALUES[kind]})


def test_a_date_hierarchy_takes_any_value(superuser):
    model = StatusChangeRequest
    hierarchy = admin.site._registry[model].date_hierarchy
    for value in BAD_VALUES.values():
        whole = {
            f"{hierarchy}__year": "2026",
            f"{hierarchy}__month": value,
            f"{hierarchy}__day": "31",
        }
        assert_fine(superuser, changelist_of(model), whole)


def test_a_list_of_the_admin_takes_any_lookup_on_a_field_of_each_type(superuser):
    seen = set()
    for model in MODELS:
        for field in model._meta.concrete_fields:
            if type(field) in seen:
                continue
            seen.add(type(field))
            is_date = isinstance(field, models.DateField)
            for lookup in (*LOOKUPS, *(DATE_LOOKUPS if is_date else ())):
                for kind in FEW_OF_A_DATE if is_date else FEW_OF_A_FIELD:
                    assert_fine(
                        superuser,
                        changelist_of(model),
                        {f"{field.name}__{lookup}": BAD_VALUES[kind]},
                    )
    assert len(seen) >= 8


@pytest.mark.parametrize(
    "query",
    [
        "recorded_at__year=-1",
        "recorded_at__year=10000",
        "sequence__exact=" + HUGE,
        "reason__contains=" + "x" * 60_000,
    ],
)
def test_a_filter_that_cannot_be_applied_is_refused(superuser, query):
    address = reverse("admin:governance_changelogentry_changelist")
    # PostgreSQL itself can tell that no number is that large.
    fine = {200, 400} if HUGE in query else {400}
    assert superuser.get(f"{address}?{query}").status_code in fine


def test_a_database_that_is_busy_is_no_wrong_filter(superuser, monkeypatch):
    def busy(*_, **__):
        raise OperationalError("database is locked")

    monkeypatch.setattr("governance.admin.records.disclosed", busy)
    address = reverse("admin:governance_changelogentry_changelist")
    assert superuser.get(address, {"action__exact": "x"}).status_code == 503


def test_too_many_words_are_refused_with_a_sentence_and_kept(superuser):
    for model in MODELS:
        if admin.site._registry[model].search_fields:
            response = superuser.get(changelist_of(model), {"q": WORDS})
            assert response.status_code == 200
            page = response.content.decode()
            assert "Search for at most 20 words" in page, model
            assert "w1000" in page, model
            assert response.context["cl"].result_count == 0
    assert superuser.get(changelist_of(MODELS[0]), {"q": "a b c"}).status_code == 200


def test_a_regular_expression_is_no_filter(superuser):
    """One that backtracks for ever would hold a worker."""
    address = reverse("admin:governance_changelogentry_changelist")
    for lookup in ("regex", "iregex"):
        assert superuser.get(address, {f"reason__{lookup}": "(a+)+$"}).status_code == 400


@pytest.mark.parametrize(
    "kind", ["minus one", "huge", "5000 digits", "a word", "half a surrogate pair", "a quote"]
)
def test_the_admins_pages_of_one_row_take_any_number(superuser, kind):
    from urllib.parse import quote

    value = quote(BAD_VALUES[kind], safe="")
    for model in MODELS:
        for verb in ("change", "delete", "history"):
            address = f"{changelist_of(model)}{value}/{verb}/"
            assert superuser.get(address).status_code in FINE, address[:80]
    for address in (f"/admin/r/{value}/{value}/", f"/admin/{value}/"):
        assert superuser.get(address).status_code in FINE


def test_the_admins_autocompletion_takes_any_value(superuser):
    good = {
        "app_label": "runbooks",
        "model_name": "codereference",
        "field_name": "runbooks",
        "term": "pump",
    }
    assert superuser.get("/admin/autocomplete/", good).status_code == 200
    for name in (*good, "page"):
        for value in BAD_VALUES.values():
            assert_fine(superuser, "/admin/autocomplete/", {**good, name: value})


# ---- pages and REST

PARAMETERS = (
    *(
        "page",
        "page_size",
        "after",
        "format",
        "as_of",
        "year",
        "q",
        "text",
        "readiness",
        "situation",
        "section",
        "layer",
    ),
    *(
        "cluster",
        "declared",
        "kind",
        "severity",
        "runbook",
        "file",
        "resolved",
        "subject",
        "action",
        "state",
        "only",
    ),
    *("category", "source", "alert", "next", "lang", "unheard_of"),
)


def test_every_page_and_every_address_of_the_api_takes_any_value(scene, settings):
    settings.PORTAL_READ = "public"
    client, values = Client(raise_request_exception=False), values_for_routes(scene)
    kinds, lists = itertools.cycle(BAD_VALUES), set()
    for route in every_route():
        if not route.name or route.namespaces or route.name == "schema":
            continue
        address = route.address(values)
        for name in PARAMETERS:
            assert_fine(client, address, {name: BAD_VALUES[next(kinds)]})
        if not route.parameters:
            lists.add(address)
    for address in sorted(lists):
        for name in ("page", "q", "text", "year", "after"):
            for kind in FEW:
                assert_fine(client, address, {name: BAD_VALUES[kind]})
    assert len(lists) > 20


# ---- what comes beside the address

# Codecs that are no text encoding ("hex") Django refuses itself, before any middleware.
CHARSETS = ("unicode_escape", "raw_unicode_escape", "utf-16", "utf-7", "idna")
ANONYMOUS_PAGES = (
    "/",
    "/login/",
    "/readyz",
    "/healthz",
    "/a/",
    "/search/",
    "/admin/login/",
    "/api/v1/runbooks/",
)


@pytest.mark.parametrize("charset", CHARSETS)
def test_an_address_is_read_as_utf8_whatever_charset_the_request_names(scene, sign_in, charset):
    client = sign_in("sue")
    client.raise_request_exception = False
    gate = reverse("api-runbook-gate", args=[Runbook.objects.latest("pk").slug])
    for address in (*ANONYMOUS_PAGES, gate):
        for word in ("\\ud800", "\\x00", "zz"):
            query = urlencode({"q": word, "category": word}, safe="\\")
            response = client.get(
                address, QUERY_STRING=query, CONTENT_TYPE=f"text/plain; charset={charset}"
            )
            assert response.status_code in {*FINE, 409}, (address, word)


@pytest.mark.parametrize("charset", CHARSETS)
def test_a_form_in_another_charset_is_refused(db, charset):
    client = Client(raise_request_exception=False)
    body = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n\\ud800\r\n'
        for name in ("username", "password", "next")
    )
    for address in ("/login/", "/admin/login/", "/language/"):
        content_type = f"multipart/form-data; boundary=x; charset={charset}"
        assert (
            client.generic(
                "POST", address, f"{body}--x--\r\n", content_type=content_type
            ).status_code
            == 400
        )


@pytest.mark.parametrize(
    "cookie", ["sessionid", "messages", "csrftoken", "known_device", "django_language"]
)
def test_a_null_byte_in_a_cookie_is_no_error(scene, cookie):
    client = Client(raise_request_exception=False)
    for address in ANONYMOUS_PAGES:
        response = client.get(address, headers={"Cookie": f'{cookie}="\\000{"a" * 31}"'})
        assert response.status_code in {*FINE, 401}, address
