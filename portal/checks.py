"""System checks of the settings, registered by ``manage.py check``."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.checks import Error as CheckError
from django.core.checks import Warning as CheckWarning

SMTP = "django.core.mail.backends.smtp.EmailBackend"
LOCAL = ("localhost", "127.0.0.1", "::1")


def settings_have_an_effect(**_: Any) -> list[CheckMessage]:
    """Check that every variable is read, ``DOCS_ROOT`` is a folder, and e-mail is configured."""
    return [*_variables(), *_documents(), *_email()]


def settings_suit_a_deployment(**_: Any) -> list[CheckMessage]:
    """Check that a TLS proxy is counted, and that links in e-mails are absolute."""
    return [*_proxies(), *_links()]


def _variables() -> Iterator[CheckMessage]:
    if settings.UNREAD_VARIABLES:
        yield CheckWarning(
            f"Nothing reads these environment variables: {', '.join(settings.UNREAD_VARIABLES)}.",
            hint="Look for a misspelling in the table of the README, or unset them.",
            id="portal.W001",
        )


def _documents() -> Iterator[CheckMessage]:
    if settings.DOCS_ROOT and not Path(settings.DOCS_ROOT).is_dir():
        yield CheckWarning(
            "DOCS_ROOT is no folder that this process can read.",
            hint=(
                "Set DOCS_ROOT to the folder that the documents' paths start from, or to a git "
                "repository."
            ),
            id="portal.W002",
        )


def _email() -> Iterator[CheckMessage]:
    if settings.EMAIL_BACKEND != SMTP:
        return
    if settings.DEFAULT_FROM_EMAIL == settings.NO_SENDER:
        yield CheckError(
            "EMAIL_URL names a mail server, and there is no sender.",
            hint="Set DEFAULT_FROM_EMAIL=portal@example.org.",
            id="portal.E001",
        )
    is_plain = not (settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL)
    if is_plain and settings.EMAIL_HOST_PASSWORD and settings.EMAIL_HOST not in LOCAL:
        yield CheckWarning(
            "EMAIL_URL sends its password unencrypted.",
            hint=(
                "Set EMAIL_URL=smtp+tls://USER:PASSWORD@HOST:587 or "
                "smtp+ssl://USER:PASSWORD@HOST:465."
            ),
            id="portal.W003",
        )


def _proxies() -> Iterator[CheckMessage]:
    is_behind_tls = any(origin.startswith("https://") for origin in settings.CSRF_TRUSTED_ORIGINS)
    if is_behind_tls and not settings.TRUSTED_PROXIES:
        yield CheckWarning(
            "CSRF_TRUSTED_ORIGINS speaks of HTTPS, and TRUSTED_PROXIES is 0. All visitors have the "
            "proxy's address, so that wrong passwords of one can lock the others out, and the "
            "portal does not know that it is read over HTTPS.",
            hint="Set TRUSTED_PROXIES to the number of proxies in front of the portal, and have "
            "the outermost one set X-Forwarded-For and X-Forwarded-Proto.",
            id="portal.W004",
        )


def _links() -> Iterator[CheckMessage]:
    if settings.EMAIL_BACKEND == SMTP and not settings.PORTAL_URL:
        yield CheckWarning(
            "E-mail is sent, and the links in it lead nowhere.",
            hint="Set PORTAL_URL=https://portal.example.",
            id="portal.W005",
        )
