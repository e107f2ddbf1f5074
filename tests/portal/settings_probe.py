"""What the portal does under the environment that it is given, as JSON: one value for each setting.

Run in a process of its own by ``test_settings_take_effect``. No probe looks at the environment, at
``portal.env`` or at the setting's own value, but at what is done with it.
"""

import json
import sys
from contextlib import suppress
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import django

django.setup()

from django.contrib.auth.models import AnonymousUser  # noqa: E402
from django.core import mail, signing  # noqa: E402
from django.core.cache import caches  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.middleware.csrf import CsrfViewMiddleware  # noqa: E402
from django.template.loader import render_to_string  # noqa: E402
from django.test import Client, RequestFactory  # noqa: E402
from django.utils import timezone, translation  # noqa: E402

from governance.accounts.client_address import client_address  # noqa: E402
from governance.assurance import reminders  # noqa: E402
from governance.ledger.high_water_mark import mark_path  # noqa: E402
from governance.management.commands import sync_documents  # noqa: E402
from governance.signoff.eligibility import sign_off_settings  # noqa: E402
from portal.accounts import IS_DEMO_PERSON, PortalBackend, may_read  # noqa: E402
from portal.checks import settings_have_an_effect  # noqa: E402

factory = RequestFactory(SERVER_NAME="localhost")


def documents():
    """Where ``sync_documents`` looks when it is told nothing."""
    seen = []

    def opened(root, ref):
        seen.append([str(root), ref])
        raise SystemExit

    sync_documents.open_source = opened
    with suppress(SystemExit, sync_documents.CommandError):
        sync_documents.Command().handle(docs_root=None, ref=None, username=None)
    return seen


def email():
    sender = mail.get_connection()
    names = ("host", "port", "username", "use_tls", "use_ssl")
    return [type(sender).__module__, *(getattr(sender, name, None) for name in names)]


def link_in_a_mail():
    found = SimpleNamespace(pk=1, requested_by="", runbook="", origin="", target="", rationale="")
    context = {"found": found, "portal": reminders.settings.PORTAL_URL}
    return render_to_string("governance/mail/waiting.txt", context)


def is_a_checkpoint_signed():
    with TemporaryDirectory() as folder:
        place = Path(folder) / "checkpoint.json"
        call_command("checkpoint", "--output", str(place), stdout=StringIO(), stderr=StringIO())
        return bool(json.loads(place.read_text(encoding="utf-8"))["signature"])


def is_trusted(origin):
    request = factory.post("/", headers={"origin": origin})
    return CsrfViewMiddleware(lambda request: None)._origin_verified(request)


def demo_person_may_come_in():
    return PortalBackend().user_can_authenticate(
        SimpleNamespace(is_active=True, **{IS_DEMO_PERSON: True})
    )


def accepts_the_former_key():
    try:
        return signing.Signer().unsign(signing.Signer(key="f" * 50).sign("x"))
    except signing.BadSignature:
        return None


def language():
    return translation.get_language_from_request(factory.get("/"))


def status_and_words(**headers):
    answer = Client(raise_request_exception=False).get("/nowhere/", headers=headers)
    return [answer.status_code, b"Using the URLconf" in answer.content]


def shown():
    """Answer by name of the field in ``portal.env.Environment``."""
    return {
        "secret_key": signing.Signer().sign("x"),
        "secret_key_fallbacks": accepts_the_former_key(),
        "database": [connection.vendor, str(connection.settings_dict["NAME"])],
        "cache": [type(caches["default"]).__name__, caches["default"].default_timeout],
        "email": email(),
        "email_timeout": getattr(mail.get_connection(), "timeout", None),
        "default_from_email": mail.EmailMessage("s", "b", to=["a@example.org"]).from_email,
        "allowed_hosts": status_and_words(host="portal.example")[0],
        "csrf_trusted_origins": is_trusted("https://portal.example"),
        "debug": status_and_words(host="localhost")[1],
        "demo": demo_person_may_come_in(),
        "portal_read": may_read(AnonymousUser()),
        "docs_root": [pair[0] for pair in documents()],
        "docs_ref": [pair[1] for pair in documents()],
        "governance_solo": sign_off_settings().solo,
        "signing_cool_down_hours": sign_off_settings().cool_down.total_seconds(),
        "checkpoint_key": is_a_checkpoint_signed(),
        "ledger_mark": str(mark_path()),
        "portal_url": link_in_a_mail(),
        "time_zone": str(timezone.localtime(datetime(2026, 1, 1, tzinfo=UTC))),
        "language_code": language(),
        "trusted_proxies": client_address(
            factory.get("/", headers={"x-forwarded-for": "198.51.100.7"})
        ),
        "unread": [message.id for message in settings_have_an_effect()],
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(shown()))
