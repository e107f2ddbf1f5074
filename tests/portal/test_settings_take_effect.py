"""A setting has an effect or is refused: each is changed, and the portal's behaviour with it."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import fields

import pytest
from django.conf import settings as django_settings

from portal.env import Environment

# For each field of the environment: the variables that change it, and another variable where one
# needs it.
CHANGED = {
    "secret_key": {"SECRET_KEY": "y" * 50},
    "secret_key_fallbacks": {"SECRET_KEY_FALLBACKS": "f" * 50},
    "database": {"DATABASE_URL": "sqlite:///OTHER"},
    "cache": {"CACHE_URL": "locmemcache://?timeout=7"},
    "email": {"EMAIL_URL": "smtp+tls://desk:word@mail.example"},
    "email_timeout": {"EMAIL_URL": "smtp://localhost", "EMAIL_TIMEOUT": "7"},
    "default_from_email": {"DEFAULT_FROM_EMAIL": "portal@example.org"},
    "allowed_hosts": {"ALLOWED_HOSTS": "portal.example"},
    "csrf_trusted_origins": {"CSRF_TRUSTED_ORIGINS": "https://portal.example/"},
    "debug": {"DEBUG": "1"},
    "demo": {"PORTAL_DEMO": "1"},
    "portal_read": {"PORTAL_READ": "public"},
    "docs_root": {"DOCS_ROOT": "/srv"},
    "docs_ref": {"DOCS_ROOT": "/srv", "DOCS_REF": "main"},
    "governance_solo": {"GOVERNANCE_SOLO": "1"},
    "signing_cool_down_hours": {"SIGNING_COOL_DOWN_HOURS": "5"},
    "checkpoint_key": {"CHECKPOINT_KEY": "k" * 20},
    "ledger_mark": {"LEDGER_MARK": "/OTHER"},
    "portal_url": {"PORTAL_URL": "https://portal.example"},
    "time_zone": {"TIME_ZONE": "Asia/Tokyo"},
    "language_code": {"LANGUAGE_CODE": "de"},
    "trusted_proxies": {"TRUSTED_PROXIES": "1"},
    "unread": {"ALOWED_HOSTS": "portal.example"},
}


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """A migrated database, made once."""
    path = tmp_path_factory.mktemp("probe") / "portal.sqlite3"
    run_portal(path, "manage.py", "migrate", "--verbosity", "0")
    return path


def run_portal(database, *words, **environment):
    clean = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(django_settings.BASE_DIR),
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "SECRET_KEY": "x" * 50,
        "DATABASE_URL": f"sqlite:///{database}",
        **environment,
    }
    done = subprocess.run(
        [sys.executable, *words],
        cwd=django_settings.BASE_DIR,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def seen_with(database, **environment):
    return json.loads(run_portal(database, "-m", "tests.portal.settings_probe", **environment))


@pytest.fixture(scope="module")
def usual(database):
    return seen_with(database)


def test_every_setting_is_walked(usual):
    names = {field.name for field in fields(Environment)}
    assert names == set(CHANGED) == set(usual)


# Starting a process takes seconds, so settings that have nothing to do with each other share one.
TOGETHER = [
    ("secret_key", "database", "email", "allowed_hosts", "docs_root", "time_zone"),
    (
        "cache",
        "default_from_email",
        "csrf_trusted_origins",
        "docs_ref",
        "governance_solo",
        "language_code",
    ),
    ("debug", "portal_read", "signing_cool_down_hours", "checkpoint_key", "trusted_proxies"),
    ("demo", "secret_key_fallbacks", "email_timeout", "portal_url", "unread", "ledger_mark"),
]


def test_every_setting_is_changed_once():
    assert sorted(name for names in TOGETHER for name in names) == sorted(CHANGED)


@pytest.mark.parametrize("names", TOGETHER, ids=", ".join)
def test_a_setting_that_is_changed_changes_what_the_portal_does(database, usual, names):
    changed = {variable: value for name in names for variable, value in CHANGED[name].items()}
    if "database" in names:
        other = database.with_name("other.sqlite3")
        shutil.copy(database, other)
        changed["DATABASE_URL"] = f"sqlite:///{other}"
    if "ledger_mark" in names:
        changed["LEDGER_MARK"] = str(database.with_name("elsewhere.json"))
    seen = seen_with(database, **changed)
    assert [name for name in names if seen[name] == usual[name]] == []
