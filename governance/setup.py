"""What a database needs before anyone works in it: groups, default rules, guards. Run after every migrate."""

from typing import Any

from django.apps import AppConfig, apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group
from django.db import connections

from governance import guards, ledger
from governance.choices import Action
from governance.facts import difference, facts_of, subject_of
from governance.models import SignOffRule
from governance.people import RISK_OWNERS, ensure_groups
from runbooks.choices import ReadinessLevel

# Ready needs two risk owners and evidence; every other level one (DESIGN, promise 3).
DEFAULT_SIGNATURES = {
    ReadinessLevel.READY: 2,
    ReadinessLevel.SHADOW: 1,
    ReadinessLevel.TRACK: 1,
    ReadinessLevel.SAFETY_SANDBOX: 1,
    ReadinessLevel.RND_ONLY: 1,
}


def prepare_database(sender: AppConfig, using: str, **_: Any) -> None:
    """Receiver of ``post_migrate``: runs once per migrate, when every table is there."""
    if sender.name != "governance" or using != "default" or not _is_migrated(using):
        return
    for label in ("runbooks", "governance"):
        create_permissions(apps.get_app_config(label), verbosity=0, using=using)
    guards.install(using=using)
    with ledger.governed(), ledger.in_its_language():
        ensure_groups()
        ensure_default_rules()


def ensure_default_rules() -> None:
    """A first rule for each level that never had one; each is a row in the ledger."""
    known = set(SignOffRule.objects.values_list("target_level", flat=True))
    for level, signatures in DEFAULT_SIGNATURES.items():
        if level in known:
            continue
        rule = SignOffRule.objects.create(
            target_level=level,
            required_signatures=signatures,
            group=Group.objects.get(name=RISK_OWNERS),
            evidence_required=level == ReadinessLevel.READY,
        )
        ledger.append(
            ledger.Record(
                actor=ledger.SYSTEM,
                action=Action.CREATED,
                subject=subject_of(rule),
                subject_title=str(rule),
                reason="Default rule of a new portal.",
                changes=difference(None, facts_of(rule)),
            )
        )


def _is_migrated(using: str) -> bool:
    tables = set(connections[using].introspection.table_names())
    return {guard[2] for guard in guards.rules.GUARDS} <= tables
