"""The environment: every value is checked once; a wrong one fails and says what to set."""

import os
import stat
import subprocess
import sys
import time
import traceback
from dataclasses import fields
from functools import partial

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal.env import LANGUAGES, READ_MODES, Environment, read_environment

SECRET = "s3cr3t-w0rd"


@pytest.fixture
def var(tmp_path):
    """An empty folder for what the portal makes."""
    return tmp_path / "var"


def read(var, **values):
    return read_environment({"SECRET_KEY": "given", **values}, var=var)


def refused(var, name, value):
    """The sentence under which a value is refused; it names the variable."""
    with pytest.raises(ImproperlyConfigured) as caught:
        read(var, **{name: value})
    assert name in str(caught.value)
    assert str(caught.value).endswith((".", ")."))
    return str(caught.value)


def test_an_empty_environment_is_enough_for_a_first_start(var):
    environment = read_environment({}, var=var)
    assert environment.database["NAME"] == var / "portal.sqlite3"
    assert environment.allowed_hosts == ["localhost", "127.0.0.1", "[::1]"]
    assert (environment.debug, environment.demo, environment.portal_read) == (False, False, "login")
    assert (environment.time_zone, environment.language_code) == ("Europe/Berlin", "en")
    assert environment.csrf_trusted_origins == []
    assert len(environment.secret_key) >= 50


BLANKABLE = {
    "SECRET_KEY",
    "DATABASE_URL",
    "CACHE_URL",
    "EMAIL_URL",
    "CSRF_TRUSTED_ORIGINS",
    "DEBUG",
    "PORTAL_DEMO",
    "PORTAL_READ",
    "DOCS_ROOT",
    "DOCS_REF",
    "TIME_ZONE",
    "LANGUAGE_CODE",
    "GOVERNANCE_SOLO",
    "SIGNING_COOL_DOWN_HOURS",
    "CHECKPOINT_KEY",
    "SECRET_KEY_FALLBACKS",
    "LEDGER_MARK",
    "PORTAL_URL",
    "DEFAULT_FROM_EMAIL",
    "EMAIL_TIMEOUT",
    "TRUSTED_PROXIES",
    "ALLOWED_HOSTS",
}


@pytest.mark.parametrize("name", sorted(BLANKABLE))
def test_a_blank_value_means_the_default(var, name):
    without = read_environment({}, var=var)
    assert read_environment({name: ""}, var=var) == without


def test_a_blank_list_of_hosts_never_means_every_host(var):
    assert "*" not in read(var, ALLOWED_HOSTS="").allowed_hosts


def test_every_variable_is_read_from_what_is_given_and_not_from_the_process(var, monkeypatch):
    for name in BLANKABLE:
        monkeypatch.setenv(name, "mysql://nonsense")
    assert read_environment({}, var=var).portal_read == "login"


def test_every_setting_has_a_test_in_this_file():
    assert {field.name for field in fields(Environment)} == {
        "secret_key",
        "secret_key_fallbacks",
        "database",
        "cache",
        "email",
        "email_timeout",
        "allowed_hosts",
        "csrf_trusted_origins",
        "debug",
        "demo",
        "portal_read",
        "docs_root",
        "docs_ref",
        "governance_solo",
        "signing_cool_down_hours",
        "checkpoint_key",
        "ledger_mark",
        "portal_url",
        "time_zone",
        "language_code",
        "default_from_email",
        "trusted_proxies",
        "unread",
    }


# ---- yes and no


@pytest.mark.parametrize(("name", "field"), [("DEBUG", "debug"), ("PORTAL_DEMO", "demo")])
@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("1", True),
        ("true", True),
        ("YES", True),
        (" on ", True),
        ("0", False),
        ("False", False),
        ("no", False),
        ("off", False),
    ],
)
def test_yes_and_no_can_be_said_in_several_words(var, name, field, word, value):
    assert getattr(read(var, **{name: word}), field) is value


@pytest.mark.parametrize("name", ["DEBUG", "PORTAL_DEMO"])
@pytest.mark.parametrize("word", ["maybe", "2", "-1", "tru", "None", "wahr", "\x00"])
def test_any_other_word_is_refused_and_not_taken_for_no(var, name, word):
    assert f"Set {name}=1 or {name}=0." in refused(var, name, word)


# ---- one of a few


@pytest.mark.parametrize("mode", READ_MODES)
def test_the_portal_is_read_after_sign_in_or_by_everybody(var, mode):
    assert read(var, PORTAL_READ=mode).portal_read == mode


@pytest.mark.parametrize("word", ["open", "Public", "1", "true", "login,public"])
def test_an_unknown_way_to_read_is_refused_and_never_public(var, word):
    assert "Set one of: login, public." in refused(var, "PORTAL_READ", word)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_portal_speaks_its_languages(var, language):
    assert read(var, LANGUAGE_CODE=language).language_code == language


@pytest.mark.parametrize("word", ["fr", "EN", "de-de", "xx"])
def test_a_language_that_it_does_not_speak_is_refused(var, word):
    assert "Set one of: en, de." in refused(var, "LANGUAGE_CODE", word)


# ---- time zone


@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "UTC", "America/Argentina/Ushuaia", " Europe/Berlin "]
)
def test_a_time_zone_is_a_name(var, zone):
    assert read(var, TIME_ZONE=zone).time_zone == zone.strip()


@pytest.mark.parametrize(
    "zone",
    [
        "Berlin",
        "CEST+2",
        "Europe",
        "Europe/",
        "../../etc/passwd",
        "/etc/localtime",
        "\x00",
        "a" * 5_000,
        "+02:00",
        "\ud800",
        "zone.tab",
    ],
)
def test_what_is_no_time_zone_is_refused(var, zone):
    assert "Set a name such as Europe/Berlin." in refused(var, "TIME_ZONE", zone)


# ---- hosts and origins


def test_hosts_are_separated_by_commas(var):
    assert read(var, ALLOWED_HOSTS=" portal.example , 10.0.0.1,, ").allowed_hosts == [
        "portal.example",
        "10.0.0.1",
    ]


def test_origins_carry_their_scheme(var):
    origins = "https://portal.example, http://localhost:8000"
    assert read(var, CSRF_TRUSTED_ORIGINS=origins).csrf_trusted_origins == [
        "https://portal.example",
        "http://localhost:8000",
    ]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("https://Portal.Example/", "https://portal.example"),
        ("https://portal.example:443", "https://portal.example"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://*.example", "https://*.example"),
    ],
)
def test_an_origin_is_kept_as_a_browser_writes_it(var, given, wanted):
    assert read(var, CSRF_TRUSTED_ORIGINS=given).csrf_trusted_origins == [wanted]


@pytest.mark.parametrize(
    "host",
    [
        "https://portal.example",
        "portal.example:8000",
        "portal.example/path",
        "a.example b.example",
        "a.example;b.example",
        "*.portal.example",
        "::1",
        "portal.example.",
        "pörtal.example",
    ],
)
def test_a_host_that_no_request_can_match_is_refused(var, host):
    assert "cannot match any request" in refused(var, "ALLOWED_HOSTS", host)


@pytest.mark.parametrize(
    "host", ["*", ".portal.example", "10.0.0.1", "[::1]", "PORTAL.example", "my_host"]
)
def test_a_host_that_a_request_can_match_is_taken(var, host):
    assert read(var, ALLOWED_HOSTS=host).allowed_hosts == [host]


@pytest.mark.parametrize(
    "url", ["https://portal.example", "https://portal.example/", " http://10.0.0.1:8000 "]
)
def test_the_portals_own_address_has_no_slash_at_its_end(var, url):
    assert read(var, PORTAL_URL=url).portal_url == url.strip().rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "portal.example",
        "ftp://portal.example",
        "https://",
        "https://portal.example/below",
        "https://portal.example?a=b",
        "https://portal.example#a",
        "https://*.portal.example",
        "https://[portal",
        "https://portal.example\nx",
    ],
)
def test_links_that_would_lead_nowhere_are_refused(var, url):
    assert "Write it as https://portal.example, without a path." in refused(var, "PORTAL_URL", url)


@pytest.mark.parametrize(
    "origin",
    [
        "portal.example",
        "ftp://portal.example",
        "//portal.example",
        "https:/portal.example",
        "https://portal.example/path",
        "https://portal.example?",
        "https://a.example https://b.example",
    ],
)
def test_an_origin_without_a_scheme_is_refused_with_how_to_write_it(var, origin):
    assert "https://" in refused(var, "CSRF_TRUSTED_ORIGINS", f"https://good.example,{origin}")


# ---- database


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_postgresql_is_read_from_its_address(var, scheme):
    database = read(
        var, DATABASE_URL=f"{scheme}://ruth:p%40ss%2Fword@db.example:5433/portal"
    ).database
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert (database["USER"], database["PASSWORD"]) == ("ruth", "p@ss/word")
    assert (database["HOST"], str(database["PORT"]), database["NAME"]) == (
        "db.example",
        "5433",
        "portal",
    )


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("sqlite:////srv/portal.sqlite3", "/srv/portal.sqlite3"),
        ("sqlite:///p.sqlite3", "p.sqlite3"),
    ],
)
def test_sqlite_is_read_from_its_path_and_keeps_its_safety(var, url, name):
    database = read(var, DATABASE_URL=url).database
    assert str(database["NAME"]) == name
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "recursive_triggers=ON"):
        assert pragma in database["OPTIONS"]["init_command"]


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://root:{SECRET}@db.example/portal",
        f"oracle://root:{SECRET}@db.example/portal",
        f"mssql://root:{SECRET}@db.example/portal",
        f"POSTGRES//ruth:{SECRET}@db.example",
        f"ruth:{SECRET}@db.example/portal",
        f"{SECRET}",
        "mysql",
    ],
)
def test_a_database_that_is_not_supported_is_refused_with_those_that_are(var, url):
    sentence = refused(var, "DATABASE_URL", url)
    assert "postgres://USER@HOST:5432/NAME" in sentence
    assert "sqlite:///" in sentence


# ---- mail and cache


def test_mail_and_cache_have_addresses_too(var):
    environment = read(
        var,
        EMAIL_URL="smtp://desk:word@mail.example:2525",
        CACHE_URL="filecache:///var/cache/portal?timeout=60",
    )
    assert environment.email["EMAIL_HOST"] == "mail.example"
    assert environment.email["EMAIL_PORT"] == 2525
    assert environment.cache["LOCATION"] == "/var/cache/portal"
    assert environment.cache["TIMEOUT"] == 60


@pytest.mark.parametrize("name", ["EMAIL_URL", "CACHE_URL"])
@pytest.mark.parametrize(
    "url", ["nonsense", "carrier-pigeon://desk:word@mail.example", "http://mail.example", "://"]
)
def test_an_address_that_cannot_be_read_is_refused(var, name, url):
    assert "cannot be read as an address" in refused(var, name, url)


CACHE = "django.core.cache.backends"


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("smtp://mail.example", (25, False, False, "")),
        ("smtp://desk:word@mail.example:587/?tls=True", (587, True, False, "desk")),
        ("smtp://desk:word@mail.example?TLS=1", (587, True, False, "desk")),
        ("smtp+tls://desk:word@mail.example", (587, True, False, "desk")),
        ("smtp+ssl://desk:word@mail.example", (465, False, True, "desk")),
        ("smtp://desk:word@mail.example:465?ssl=yes", (465, False, True, "desk")),
        ("smtp://desk:word@mail.example?tls=no", (25, False, False, "desk")),
        ("smtp+tls://de%40sk:w%2Ford@mail.example", (587, True, False, "de@sk")),
    ],
)
def test_a_mail_server_is_spoken_to_as_its_address_says(var, url, wanted):
    email = read(var, EMAIL_URL=url).email
    names = ("EMAIL_PORT", "EMAIL_USE_TLS", "EMAIL_USE_SSL", "EMAIL_HOST_USER")
    assert tuple(email[name] for name in names) == wanted
    assert "OPTIONS" not in email


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("smtp://desk:word@mail.example/?tsl=True", "'tsl' is not known"),
        ("smtp://desk:word@mail.example/?tls=flase", "neither yes nor no"),
        ("smtp://desk:word@mail.example/?tls=", "has no value"),
        ("smtp://desk:word@mail.example/?tls=1&tls=0", "given twice"),
        ("smtp://desk:word@mail.example/?tls=1&ssl=1", "Choose one"),
        ("smtp+tls://desk:word@mail.example/?tls=0", "contradicts the scheme"),
        ("smtp+ssl://desk:word@mail.example/?tls=1", "Choose one"),
        ("smtp://desk:word@mail.example/?timeout=5", "'timeout' is not known"),
        ("smtps://desk:word@mail.example", "two meanings"),
        ("smtp://", "names no mail server"),
        ("smtp://desk@mail.example", "without a password"),
        ("smtp://:word@mail.example", "without a user name"),
        ("smtp://mail.example/inbox", "no path"),
        ("smtp://mail.example:0", "not a number from 1 to 65535"),
        ("smtp://mail.example:smtp", "not a number from 1 to 65535"),
        ("smtp://mail.example:99999", "not a number from 1 to 65535"),
        ("smtp://desk:wo#rd@mail.example", "%23"),
        ("smtp://mail.example?tls", "NAME=VALUE"),
        ("memorymail://", "does not support"),
        ("filemail://", "followed by a path"),
        ("filemail:///mail?keep=1", "takes no option"),
        ("consolemail://here", "takes no host"),
        ("dummymail:///here", "no path"),
        ("smtp://mail. example", "without spaces"),
    ],
)
def test_no_part_of_a_mail_address_is_ignored(var, url, words):
    sentence = refused(var, "EMAIL_URL", url)
    assert words in sentence
    assert "smtp+tls://USER:PASSWORD@HOST:587" in sentence


def test_e_mail_is_kept_in_a_folder_of_that_name(var):
    assert (
        read(var, EMAIL_URL="filemail:///var/mail/portal").email["EMAIL_FILE_PATH"]
        == "/var/mail/portal"
    )


@pytest.mark.parametrize("sender", ["portal@example.org", "Runbooks <portal@example.org>"])
def test_e_mail_has_a_sender(var, sender):
    assert read(var, DEFAULT_FROM_EMAIL=sender).default_from_email == sender


@pytest.mark.parametrize(
    "sender", ["portal", "a@b@c", "<>", "a@example.org\r\nBcc: b@example.org", "@example.org"]
)
def test_a_sender_that_is_no_address_is_refused(var, sender):
    assert "DEFAULT_FROM_EMAIL" in refused(var, "DEFAULT_FROM_EMAIL", sender)


NUMBERS = {
    "EMAIL_TIMEOUT": ("1", "300"),
    "TRUSTED_PROXIES": ("0", "10"),
    "SIGNING_COOL_DOWN_HOURS": ("0", "8760"),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_is_taken_within_its_limits(var, name):
    for word in NUMBERS[name]:
        assert read(var, **{name: f" {word} "})


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("word", ["-1", "1.5", "ten", "1e3", "99999", "٣", "1 2", "0x1"])
def test_what_is_no_such_number_is_refused(var, name, word):
    assert "is not a whole number from" in refused(var, name, word)


def test_a_mail_server_is_not_waited_for_for_ever(var):
    assert read(var).email_timeout == 10
    assert read(var, EMAIL_TIMEOUT="3").email_timeout == 3
    assert "from 1 to 300" in refused(var, "EMAIL_TIMEOUT", "0")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis://cache.example:6379/0", "'redis', which is not installed"),
        ("rediscache://cache.example:6379/1", "'redis', which is not installed"),
        ("pymemcache://cache.example:11211", "'pymemcache', which is not installed"),
        ("memcache://cache.example", "does not support"),
        ("dbcache://table", "does not support"),
        ("dummycache://", "does not support"),
        ("locmemcache://?timeuot=3", "'timeuot' is not known"),
        ("locmemcache://?timeout=soon", "not a whole number"),
        ("locmemcache:///path", "a name at most"),
        ("filecache://", "followed by a path"),
        ("filecache://host/path", "followed by a path"),
    ],
)
def test_a_cache_that_would_not_work_is_refused(var, monkeypatch, url, words):
    monkeypatch.setattr("portal.connection_urls.importlib.util.find_spec", lambda name: None)
    sentence = refused(var, "CACHE_URL", url)
    assert words in sentence
    assert "Set locmemcache://" in sentence


def test_a_cache_on_another_machine_is_read_where_its_package_is_installed(var, monkeypatch):
    monkeypatch.setattr("portal.connection_urls.importlib.util.find_spec", lambda name: object())
    cache = read(
        var, CACHE_URL="redis://:word@cache.example:6379/1?key_prefix=portal&timeout=9"
    ).cache
    assert cache == {
        "BACKEND": f"{CACHE}.redis.RedisCache",
        "LOCATION": "redis://:word@cache.example:6379/1",
        "KEY_PREFIX": "portal",
        "TIMEOUT": 9,
    }


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (
            "sslmode=verify-full&connect_timeout=3",
            {"sslmode": "verify-full", "connect_timeout": "3"},
        ),
        ("SSLMODE=require", {"sslmode": "require"}),
        ("target_session_attrs=read-write", {"target_session_attrs": "read-write"}),
    ],
)
def test_the_options_of_postgresql_reach_it(var, options, wanted):
    database = read(var, DATABASE_URL=f"postgres://ruth@db.example/portal?{options}").database
    assert database["OPTIONS"].items() >= wanted.items()


@pytest.mark.parametrize(
    ("url", "host", "port", "name"),
    [
        (
            "postgres://ruth@one.example,two.example/portal",
            "one.example,two.example",
            ",",
            "portal",
        ),
        ("postgres://ruth@one:5432,two:5433/portal", "one,two", "5432,5433", "portal"),
        ("postgres://ruth@[::1]:5433/portal", "::1", "5433", "portal"),
        ("postgres://%2Frun%2Fpostgresql/portal", "/run/postgresql", "", "portal"),
        ("postgres:////run/postgresql/portal", "/run/postgresql", "", "portal"),
        ("postgres:///a+b%20c", "", "", "a+b c"),
    ],
)
def test_an_address_of_postgresql_is_read_as_libpq_reads_it(var, url, host, port, name):
    database = read(var, DATABASE_URL=url).database
    assert (database["HOST"], database["PORT"], database["NAME"]) == (host, port, name)


def test_the_settings_of_a_connection_are_taken_from_its_address(var):
    options = "conn_max_age=0&disable_server_side_cursors=yes&conn_health_checks=0"
    url = f"postgres://ruth@db.example/portal?{options}"
    database = read(var, DATABASE_URL=url).database
    names = ("CONN_MAX_AGE", "DISABLE_SERVER_SIDE_CURSORS", "CONN_HEALTH_CHECKS")
    assert [database[name] for name in names] == [0, True, False]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgres://ruth@db.example/portal?sslmod=require", "'sslmod' is not known"),
        ("postgres://ruth@db.example/portal?password=s3cr3t", "'password' is not known"),
        ("postgres://ruth@db.example/portal?atomic_requests=1", "'atomic_requests' is not known"),
        ("postgres://ruth@db.example/portal?conn_max_age=long", "not a whole number"),
        ("postgres://ruth@db.example/portal?sslmode=require&sslmode=disable", "given twice"),
        ("postgres://ruth@db.example/portal?sslmode=", "has no value"),
        ("postgres://ruth@db.example", "names no database"),
        ("postgres://ruth@db.example:port/portal", "cannot be read"),
        ("postgres://ruth@one:5432,two:0/portal", "cannot be read"),
        ("postgres://ruth@[::1/portal", "cannot be read"),
        ("sqlite:///p.sqlite3?timeout=60", "takes no option"),
        ("sqlite://var/portal.sqlite3", "three slashes"),
        ("sqlite:///", "names no file"),
        ("sqlite://:memory:", "three slashes"),
        ("sqlite:///:memory:", "in memory would be lost"),
    ],
)
def test_no_part_of_a_database_address_is_ignored(var, url, words):
    sentence = refused(var, "DATABASE_URL", url)
    assert words in sentence
    assert "s3cr3t" not in sentence


def test_a_plus_in_the_path_of_a_database_is_a_plus(var):
    assert (
        str(read(var, DATABASE_URL="sqlite:////srv/a+b%20c.sqlite3").database["NAME"])
        == "/srv/a+b c.sqlite3"
    )


# ---- where documents come from


def test_a_ref_without_a_repository_is_refused(var):
    assert "Set DOCS_ROOT, or unset DOCS_REF." in refused(var, "DOCS_REF", "main")
    assert read(var, DOCS_ROOT="/srv/docs", DOCS_REF="main").docs_ref == "main"


# ---- variables that nothing reads


@pytest.mark.parametrize(
    "name", ["ALOWED_HOSTS", "PORTAL_REED", "SIGNING_COOLDOWN", "EMAIL_HOST", "TIMEZONE", "DEBUGG"]
)
def test_a_variable_that_nothing_reads_is_noticed(var, name):
    assert read(var, **{name: "1"}).unread == (name,)


@pytest.mark.parametrize(
    "name", ["BIND", "PATH", "HOME", "LANGUAGE", "DJANGO_SETTINGS_MODULE", "VIRTUAL_ENV", "TZ"]
)
def test_the_variables_of_others_are_left_alone(var, name):
    assert read(var, **{name: "1"}).unread == ()


def test_no_variable_that_is_read_is_called_unread(var):
    given = dict.fromkeys(BLANKABLE, "")
    assert read_environment(given, var=var).unread == ()


# ---- no secret is ever repeated


LEAKY = [
    ("DATABASE_URL", f"mysql://root:{SECRET}@db.example/portal"),
    ("DATABASE_URL", f"postgres://ruth:{SECRET}@db.example:port/portal"),
    ("DATABASE_URL", f"postgres://ruth:{SECRET}/more@db.example/portal"),
    ("DATABASE_URL", f"postgres://ruth:{SECRET}#more@db.example/portal"),
    ("DATABASE_URL", f"postgres://ruth:{SECRET}?more@db.example/portal"),
    ("DATABASE_URL", f"postgres://ruth:{SECRET}]@[db.example/portal"),
    ("DATABASE_URL", f"postgres://ruth:word@db.example:{SECRET}/portal"),
    ("DATABASE_URL", f"ruth:{SECRET}@db.example/portal"),
    ("DATABASE_URL", f"{SECRET}"),
    ("PORTAL_URL", f"https://ruth:{SECRET}@portal.example"),
    ("CSRF_TRUSTED_ORIGINS", f"https://ruth:{SECRET}@portal.example"),
    ("ALLOWED_HOSTS", f"ruth:{SECRET}@portal.example"),
    ("DATABASE_URL", f"postgres://ruth:a?{SECRET}=b@db.example/portal"),
    ("CHECKPOINT_KEY", f"{SECRET}"),
    ("SECRET_KEY_FALLBACKS", f"{SECRET}"),
    ("EMAIL_URL", f"smtp://desk:{SECRET}@mail.example?tsl=1"),
    ("EMAIL_URL", f"smtps://desk:{SECRET}@mail.example"),
    ("EMAIL_URL", f"smtp://:{SECRET}@mail.example"),
    ("EMAIL_URL", f"smtp://desk:{SECRET}@mail.example:port"),
    ("EMAIL_URL", f"smtp://desk:{SECRET}/more@mail.example"),
    ("EMAIL_URL", f"pigeon://desk:{SECRET}@mail.example"),
    ("EMAIL_URL", f"{SECRET}://mail.example"),
    ("CACHE_URL", f"pigeon://desk:{SECRET}@cache.example"),
    ("CACHE_URL", f"{SECRET}"),
]


@pytest.mark.parametrize(("name", "url"), LEAKY)
def test_no_password_appears_in_an_error_nor_in_what_led_to_it(var, name, url):
    """A start that fails prints the whole chain of errors: none of them may repeat the value."""
    try:
        read(var, **{name: url})
    except ImproperlyConfigured as error:
        printed = "".join(traceback.format_exception(error))
        # The lines of this very file quote the test's own source, which names the constant, never
        # its value.
        assert SECRET not in printed
        assert SECRET.lower() not in printed.lower()


def test_a_generated_key_appears_in_no_error(var):
    key = read_environment({}, var=var).secret_key
    with pytest.raises(ImproperlyConfigured) as caught:
        read_environment({"DEBUG": "maybe"}, var=var)
    assert key not in "".join(traceback.format_exception(caught.value))


# ---- the key of this installation


def test_a_given_key_is_used_and_none_is_made(var):
    assert read(var).secret_key == "given"
    assert not var.exists()


def test_a_key_is_made_once_and_readable_by_its_owner_alone(var):
    first = read_environment({}, var=var).secret_key
    path = var / "secret_key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_environment({}, var=var).secret_key == first == path.read_text().strip()
    assert [entry.name for entry in var.iterdir()] == ["secret_key"]


def test_two_installations_have_two_keys(tmp_path):
    assert (
        read_environment({}, var=tmp_path / "a").secret_key
        != read_environment({}, var=tmp_path / "b").secret_key
    )


def test_a_lax_umask_does_not_open_the_key_to_others(var):
    before = os.umask(0)
    try:
        read_environment({}, var=var)
    finally:
        os.umask(before)
    assert stat.S_IMODE((var / "secret_key").stat().st_mode) == 0o600


def test_a_key_file_that_was_left_blank_is_filled_once_and_for_all(var):
    var.mkdir()
    (var / "secret_key").write_text("\n")
    first = read_environment({}, var=var).secret_key
    assert len(first) >= 50
    assert read_environment({}, var=var).secret_key == first


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", "schlüssel".encode()])
def test_a_key_file_that_is_no_text_is_told(var, content):
    var.mkdir()
    (var / "secret_key").write_bytes(content)
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY"):
        read_environment({}, var=var)


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "var").write_text("a file where the folder should be")
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY"):
        read_environment({}, var=tmp_path / "var")


def test_a_key_file_that_is_a_folder_is_told(var):
    (var / "secret_key").mkdir(parents=True)
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY"):
        read_environment({}, var=var)


def test_processes_that_start_at_once_end_up_with_one_key(var):
    program = (
        "import sys, time, pathlib; from portal.env import read_environment;"
        "time.sleep(max(0, float(sys.argv[2]) - time.time()));"
        "print(read_environment({}, var=pathlib.Path(sys.argv[1])).secret_key)"
    )
    start = str(time.time() + 1.5)
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(var), start], stdout=subprocess.PIPE, text=True
        )
        for _ in range(6)
    ]
    keys = {process.communicate(timeout=60)[0].strip() for process in started}
    assert [process.returncode for process in started] == [0] * 6
    assert keys == {(var / "secret_key").read_text().strip()}
    assert [entry.name for entry in var.iterdir()] == ["secret_key"]


def test_threads_of_one_process_that_start_at_once_end_up_with_one_key(var):
    """They share a process id, and so must not share the draft that is named after it."""
    from concurrent.futures import ThreadPoolExecutor

    for attempt in range(20):
        place = var / str(attempt)
        with ThreadPoolExecutor(8) as pool:
            read_here = partial(read_environment, {}, var=place)
            starts = [pool.submit(read_here) for _ in range(8)]
            keys = {start.result().secret_key for start in starts}
        assert keys == {(place / "secret_key").read_text().strip()}


@pytest.mark.parametrize("word", ["-1", "1.5", "a day", "9" * 30, "٢٤"])
def test_the_waiting_time_is_a_whole_number_of_hours(var, word):
    with pytest.raises(ImproperlyConfigured, match="SIGNING_COOL_DOWN_HOURS"):
        read(var, SIGNING_COOL_DOWN_HOURS=word)


def test_the_waiting_time_is_a_day_unless_something_else_is_said(var):
    assert read(var).signing_cool_down_hours == 24
    assert read(var, SIGNING_COOL_DOWN_HOURS="0").signing_cool_down_hours == 0


def test_a_short_checkpoint_key_is_refused_and_not_repeated(var):
    with pytest.raises(ImproperlyConfigured) as caught:
        read(var, CHECKPOINT_KEY="short")
    assert "CHECKPOINT_KEY" in str(caught.value)
    assert "'short'" not in str(caught.value)
    assert read(var, CHECKPOINT_KEY="0123456789abcdef").checkpoint_key == "0123456789abcdef"


def test_former_keys_are_separated_by_commas_and_a_short_one_is_refused(var):
    assert read(var).secret_key_fallbacks == []
    one, other = "a" * 50, "b" * 50
    assert read(var, SECRET_KEY_FALLBACKS=f"{one}, {other}").secret_key_fallbacks == [one, other]
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY_FALLBACKS"):
        read(var, SECRET_KEY_FALLBACKS=f"{one},short")


def test_the_high_water_mark_is_a_file_by_its_whole_path(var, tmp_path):
    assert read(var).ledger_mark == ""
    assert read(var, LEDGER_MARK=f"{tmp_path}/mark.json").ledger_mark == f"{tmp_path}/mark.json"
    for wrong in ("mark.json", "./mark.json", str(tmp_path)):
        with pytest.raises(ImproperlyConfigured, match="LEDGER_MARK"):
            read(var, LEDGER_MARK=wrong)


def test_the_portals_own_address_has_a_scheme_and_no_slash_at_its_end(var):
    assert read(var, PORTAL_URL="https://portal.example/").portal_url == "https://portal.example"
    with pytest.raises(ImproperlyConfigured, match=r"https://portal\.example"):
        read(var, PORTAL_URL="portal.example")


def test_solo_mode_is_off_unless_it_is_asked_for(var):
    assert read(var).governance_solo is False
    assert read(var, GOVERNANCE_SOLO="1").governance_solo is True
