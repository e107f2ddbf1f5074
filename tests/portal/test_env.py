"""The environment: every value is checked once, and a wrong one fails with a sentence that says what to set."""

import os
import stat
import subprocess
import sys
import time
import traceback
from dataclasses import fields

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
    "LEDGER_MARK",
    "PORTAL_URL",
}


@pytest.mark.parametrize("name", sorted(BLANKABLE))
def test_a_blank_value_means_the_default(var, name):
    without = read_environment({}, var=var)
    assert read_environment({name: ""}, var=var) == without


def test_a_blank_list_of_hosts_never_means_every_host(var):
    assert "*" not in read(var, ALLOWED_HOSTS="").allowed_hosts


def test_every_variable_is_read_from_what_is_given_and_not_from_the_process(var, monkeypatch):
    for name in (*BLANKABLE, "ALLOWED_HOSTS"):
        monkeypatch.setenv(name, "mysql://nonsense")
    assert read_environment({}, var=var).portal_read == "login"


def test_every_setting_has_a_test_in_this_file():
    assert {field.name for field in fields(Environment)} == {
        "secret_key",
        "database",
        "cache",
        "email",
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


@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC", "America/Argentina/Ushuaia", " Europe/Berlin "])
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
    assert read(var, ALLOWED_HOSTS=" portal.example , 10.0.0.1,, ").allowed_hosts == ["portal.example", "10.0.0.1"]


def test_origins_carry_their_scheme(var):
    origins = "https://portal.example, http://localhost:8000"
    assert read(var, CSRF_TRUSTED_ORIGINS=origins).csrf_trusted_origins == [
        "https://portal.example",
        "http://localhost:8000",
    ]


@pytest.mark.parametrize(
    "origin", ["portal.example", "ftp://portal.example", "//portal.example", "https:/portal.example"]
)
def test_an_origin_without_a_scheme_is_refused_with_how_to_write_it(var, origin):
    assert "https://" in refused(var, "CSRF_TRUSTED_ORIGINS", f"https://good.example,{origin}")


# ---- database


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_postgresql_is_read_from_its_address(var, scheme):
    database = read(var, DATABASE_URL=f"{scheme}://ruth:p%40ss%2Fword@db.example:5433/portal").database
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert (database["USER"], database["PASSWORD"]) == ("ruth", "p@ss/word")
    assert (database["HOST"], str(database["PORT"]), database["NAME"]) == ("db.example", "5433", "portal")


@pytest.mark.parametrize(
    ("url", "name"), [("sqlite:////srv/portal.sqlite3", "/srv/portal.sqlite3"), ("sqlite:///p.sqlite3", "p.sqlite3")]
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
        var, EMAIL_URL="smtp://desk:word@mail.example:2525", CACHE_URL="rediscache://cache.example:6379/1"
    )
    assert environment.email["EMAIL_HOST"] == "mail.example"
    assert environment.email["EMAIL_PORT"] == 2525
    assert "cache.example" in str(environment.cache["LOCATION"])


@pytest.mark.parametrize("name", ["EMAIL_URL", "CACHE_URL"])
@pytest.mark.parametrize("url", ["nonsense", "carrier-pigeon://desk:word@mail.example", "http://mail.example", "://"])
def test_an_address_that_cannot_be_read_is_refused(var, name, url):
    assert "cannot be read as an address" in refused(var, name, url)


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
        # The lines of this very file quote the test's own source, which names the constant, never its value.
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
    assert read_environment({}, var=tmp_path / "a").secret_key != read_environment({}, var=tmp_path / "b").secret_key


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
        subprocess.Popen([sys.executable, "-c", program, str(var), start], stdout=subprocess.PIPE, text=True)
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
            keys = set(pool.map(lambda _: read_environment({}, var=place).secret_key, range(8)))  # noqa: B023
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
