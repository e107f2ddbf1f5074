"""``manage.py check`` names every setting that has no effect, and stops no other command."""

import os
import subprocess
import sys
from io import StringIO

import pytest
from django.conf import settings as django_settings
from django.core.checks.registry import registry
from django.core.management import call_command

from governance.checks import database_is_sound, guards_stand
from portal import checks

SMTP = {
    "EMAIL_BACKEND": checks.SMTP,
    "EMAIL_HOST": "mail.example",
    "EMAIL_HOST_PASSWORD": "word",
    "EMAIL_USE_TLS": True,
    "EMAIL_USE_SSL": False,
    "DEFAULT_FROM_EMAIL": "portal@example.org",
    "PORTAL_URL": "https://portal.example",
}
EFFECT, DEPLOYMENT = checks.settings_have_an_effect, checks.settings_suit_a_deployment


@pytest.fixture(autouse=True)
def _plain(settings):
    settings.UNREAD_VARIABLES = ()
    settings.CSRF_TRUSTED_ORIGINS = []


def found_by(check, settings, **changed):
    for name, value in changed.items():
        setattr(settings, name, value)
    return [message.id for message in check()]


@pytest.mark.parametrize(
    ("check", "changed", "wanted"),
    [
        (EFFECT, {}, []),
        (DEPLOYMENT, {}, []),
        (EFFECT, SMTP, []),
        (DEPLOYMENT, SMTP, []),
        (EFFECT, {**SMTP, "DEFAULT_FROM_EMAIL": "portal@localhost"}, ["portal.E001"]),
        (EFFECT, {**SMTP, "EMAIL_USE_TLS": False}, ["portal.W003"]),
        (EFFECT, {**SMTP, "EMAIL_USE_TLS": False, "EMAIL_USE_SSL": True}, []),
        (EFFECT, {**SMTP, "EMAIL_USE_TLS": False, "EMAIL_HOST": "localhost"}, []),
        (EFFECT, {**SMTP, "EMAIL_USE_TLS": False, "EMAIL_HOST_PASSWORD": ""}, []),
        (DEPLOYMENT, {**SMTP, "PORTAL_URL": ""}, ["portal.W005"]),
        (DEPLOYMENT, {"CSRF_TRUSTED_ORIGINS": ["https://portal.example"]}, ["portal.W004"]),
        (
            DEPLOYMENT,
            {"CSRF_TRUSTED_ORIGINS": ["https://portal.example"], "TRUSTED_PROXIES": 1},
            [],
        ),
        (DEPLOYMENT, {"CSRF_TRUSTED_ORIGINS": ["http://portal.example"]}, []),
        (EFFECT, {"UNREAD_VARIABLES": ("ALOWED_HOSTS",)}, ["portal.W001"]),
        (EFFECT, {"DOCS_ROOT": "/nowhere"}, ["portal.W002"]),
        (EFFECT, {"DOCS_ROOT": str(django_settings.BASE_DIR)}, []),
    ],
)
def test_a_setting_that_has_no_effect_is_named(settings, check, changed, wanted):
    assert found_by(check, settings, **changed) == wanted


def test_the_stricter_checks_are_gone_after_the_command(db):
    before = set(registry.registered_checks)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("governance.guards.role.faults", lambda **_: [])
        call_command("check", stdout=StringIO(), stderr=StringIO())
    assert registry.registered_checks == before
    assert guards_stand in before
    assert database_is_sound not in before


def manage(*words, tmp_path, **environment):
    clean = {
        "PATH": os.environ["PATH"],
        "SECRET_KEY": "x" * 50,
        "DATABASE_URL": f"sqlite:///{tmp_path / 'portal.sqlite3'}",
        **environment,
    }
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=django_settings.BASE_DIR,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("words", [("check",), ("check", "--deploy", "--fail-level", "ERROR")])
def test_a_mail_server_without_a_sender_fails_the_check(tmp_path, words):
    server = "smtp+tls://desk:s3cr3t@mail.example"
    failed = manage(*words, tmp_path=tmp_path, EMAIL_URL=server)
    assert failed.returncode == 1
    assert "Set DEFAULT_FROM_EMAIL=portal@example.org." in failed.stderr
    assert "s3cr3t" not in failed.stderr
    passed = manage(
        *words, tmp_path=tmp_path, EMAIL_URL=server, DEFAULT_FROM_EMAIL="portal@example.org"
    )
    assert passed.returncode == 0, passed.stderr


def test_a_misspelt_variable_is_a_warning_and_stops_nothing(tmp_path):
    done = manage("check", tmp_path=tmp_path, ALOWED_HOSTS="portal.example")
    assert done.returncode == 0
    assert "Nothing reads these environment variables: ALOWED_HOSTS." in done.stderr


def test_a_setting_that_is_refused_is_one_sentence_without_a_traceback(tmp_path):
    done = manage("migrate", tmp_path=tmp_path, DEBUG="flase")
    assert done.returncode == 1
    assert done.stderr == "DEBUG='flase' is neither yes nor no. Set DEBUG=1 or DEBUG=0.\n"
