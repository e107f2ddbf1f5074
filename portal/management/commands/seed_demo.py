"""``manage.py seed_demo``: the fixture landscape, demo accounts and a few sign-offs."""

import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.management.base import CommandError
from django.utils import timezone

from governance import ledger
from governance.accounts.roles import AUDITORS, EDITORS, OPERATORS, RISK_OWNERS
from governance.assurance.standings import live_ready_keys
from governance.demo_database import DEMO_REASON, holds_a_portal, is_demo_database
from governance.editing.audited_edit import audited_edit
from governance.exchange.importing import LandscapeFile, apply_plan, plan_import
from governance.findings.reconcile import check_catalogue
from governance.management.base import PortalCommand
from governance.signoff.decide import form_etag, sign
from governance.signoff.models import StatusChangeRequest
from governance.signoff.submit import submit
from portal.accounts import DEMO_GROUP
from runbooks.documents.sources.folder import FolderSource
from runbooks.models import Runbook, Situation

FIXTURES = settings.BASE_DIR / "fixtures"
# User name -> group, and whether the account may use the admin.
PEOPLE = {
    "operator": (OPERATORS, False),
    "editor": (EDITORS, True),
    "risk-owner-1": (RISK_OWNERS, True),
    "risk-owner-2": (RISK_OWNERS, True),
    "risk-owner-3": (RISK_OWNERS, True),
    "auditor": (AUDITORS, True),
}
EVIDENCE = "https://evidence.example/drills/latest"
# Slug -> owner, escalation contact. The others have none, as is common, and the pages show that.
ANSWERABLE = {
    "executionpipeline-governance-and-risk-runbook": (
        "Execution desk",
        "Risk owner on duty, extension 4100",
    ),
    "live-risk-severity-integration": ("Live risk desk", "Risk owner on duty, extension 4100"),
    "live-alert-pipeline-runbook": ("Alerting team", "On-call engineer, extension 4200"),
    "incident-runbook-integration": ("Incident management", "Incident commander, extension 4300"),
    "go-no-go-2026-live-alerts-and-escalation": (
        "Governance board",
        "Risk owner on duty, extension 4100",
    ),
}
# Slug -> level that is signed for the demo. Live Risk Severity Integration is left for the visitor
# to sign.
SIGNED = {
    "executionpipeline-governance-and-risk-runbook": "ready",
    "live-alert-pipeline-runbook": "ready",
    "offline-realtime-pipeline-runbook": "safety_sandbox",
    "r-and-d-runbook-armstrong-and-el-karoui": "rnd_only",
    "runbooks-and-incident-handling": "shadow",
}
# Slug of a situation -> labels of the alert that leads to it. "/a/risk:live-dashboard:RED/" matches
# the first.
ALERTS = {
    "red-severity-im-live-dashboard": ("risk", "", "RED"),
    "order-wird-blockiert-executionstatus-ok": ("execution", "", ""),
}
# Slug of a situation -> slug of a runbook -> headings to read. A landscape file has no headings.
HEADINGS: dict[str, dict[str, tuple[str, ...]]] = {
    "pre-session-check-vor-live-paper-session": {
        "executionpipeline-governance-and-risk-runbook": ("3. Vorprüfung in fünf Minuten",),
        "live-risk-severity-integration": ("4. Selbsttest der Ampel",),
    },
    "order-wird-blockiert-executionstatus-ok": {
        "executionpipeline-governance-and-risk-runbook": ("4. Status deuten", "5. Vorgehen"),
        "go-no-go-2026-live-alerts-and-escalation": ("Entscheidung im laufenden Dienst",),
    },
    "red-severity-im-live-dashboard": {
        "live-risk-severity-integration": ("3.2 Bei RED", "5. Eskalation"),
        "incident-runbook-integration": ("4. Ablauf",),
        "go-no-go-2026-live-alerts-and-escalation": ("Entscheidung im laufenden Dienst",),
    },
    "unklare-incident-ursache-viele-alerts-wenig-klarheit": {
        "live-alert-pipeline-runbook": ("Welches Bild siehst du?",),
        "incident-runbook-integration": ("3. Vom Alarm zum Typ",),
    },
}
WAITING = "incident-runbook-integration"


class Command(PortalCommand):
    """Fills an empty database for the demo. A second run changes nothing."""

    help = "Fill the demo's database. Runs in the demo alone ('python3 run.py demo')."

    def handle(self, *args: Any, **options: Any) -> None:
        """Create the landscape, the accounts and the sign-offs.

        :raises CommandError: this is not the demo, or the database contains data that is not the
            demo's.
        """
        if not settings.PORTAL_DEMO:
            raise CommandError(
                "Demo people exist in the demo alone. Start it with 'python3 run.py demo'."
            )
        if not is_demo_database() and holds_a_portal():
            raise CommandError(
                "This database holds a portal of its own. The demo never mixes with it."
            )
        if User.objects.exclude(groups__name=DEMO_GROUP).exists():
            raise CommandError(
                "This database has accounts of its own. The demo never mixes with them."
            )
        with ledger.atomic():
            self._import_fixtures()
            passwords = self._make_people()
            # Only on the first run; later runs create at most missing accounts.
            if len(passwords) == len(PEOPLE):
                self._sign_some(passwords)
                check_catalogue(live=live_ready_keys(), by=ledger.SYSTEM, reason=DEMO_REASON)
        self._print(passwords)

    def _import_fixtures(self) -> None:
        """Import the fixtures only into an empty catalogue, to keep what a visitor has changed."""
        if Runbook.objects.exists():
            return
        path = FIXTURES / "landscape.md"
        plan = plan_import(
            LandscapeFile(path.name, path.read_bytes()), documents=FolderSource(FIXTURES)
        )
        apply_plan(plan, by=ledger.SYSTEM)
        for slug, (owner, contact) in ANSWERABLE.items():
            runbook = Runbook.objects.get(slug=slug)
            with audited_edit(runbook, by=ledger.SYSTEM, reason=DEMO_REASON):
                runbook.owner, runbook.escalation_contact = owner, contact
                runbook.save(update_fields=["owner", "escalation_contact"])
        self._label_alerts()
        self._name_headings()

    def _label_alerts(self) -> None:
        for slug, (category, source, severity) in ALERTS.items():
            situation = Situation.objects.get(slug=slug)
            with audited_edit(situation, by=ledger.SYSTEM, reason=DEMO_REASON):
                situation.alert_category, situation.alert_source = category, source
                situation.alert_severity = severity
                situation.save()

    def _name_headings(self) -> None:
        for slug, headings in HEADINGS.items():
            situation = Situation.objects.get(slug=slug)
            with audited_edit(situation, by=ledger.SYSTEM, reason=DEMO_REASON):
                for runbook, titles in headings.items():
                    step = situation.steps.get(runbook__slug=runbook)
                    step.headings = "\n".join(titles)
                    step.save(update_fields=["headings"])

    def _make_people(self) -> dict[str, str]:
        """Create the missing accounts and return their passwords."""
        demo, _ = Group.objects.get_or_create(name=DEMO_GROUP)
        passwords = {}
        for username, (group, is_staff) in PEOPLE.items():
            if User.objects.filter(username=username).exists():
                continue
            passwords[username] = secrets.token_urlsafe(9)
            user = User(username=username, is_staff=is_staff)
            user.set_password(passwords[username])
            with audited_edit(user, by=ledger.SYSTEM, reason=DEMO_REASON):
                user.save()
                user.groups.add(Group.objects.get(name=group), demo)
        return passwords

    def _sign_some(self, passwords: dict[str, str]) -> None:
        for slug, level in SIGNED.items():
            request = self._ask(slug, level)
            for username in ("risk-owner-1", "risk-owner-2")[: request.required_signatures]:
                self._sign(request, username, passwords[username])
        self._sign(self._ask(WAITING, "ready"), "risk-owner-3", passwords["risk-owner-3"])

    def _ask(self, slug: str, level: str) -> StatusChangeRequest:
        return submit(
            runbook=Runbook.objects.get(slug=slug),
            level=level,
            year=timezone.localdate().year if level == "ready" else None,
            rationale="Drilled last month; the steps were followed as written.",
            evidence=EVIDENCE,
            by=User.objects.get(username="editor"),
        )

    def _sign(self, request: StatusChangeRequest, username: str, password: str) -> None:
        sign(
            request=request,
            comment="Read in full, and compared with the drill's log.",
            seen=form_etag(request),
            password=password,
            by=User.objects.get(username=username),
        )

    def _print(self, passwords: dict[str, str]) -> None:
        if not passwords:
            self.stdout.write(
                "Demo people exist already; their passwords were printed when they were made."
            )
            self.stdout.write("Lost them? 'python3 run.py demo --reset' starts again from scratch.")
            return
        self.stdout.write("Demo people (printed this once; they can sign in to the demo alone):")
        for username, password in passwords.items():
            self.stdout.write(f"  {username:<14} {password:<14} {PEOPLE[username][0]}")
