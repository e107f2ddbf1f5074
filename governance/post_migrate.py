"""What the database needs after every migrate: groups, default rules and guards."""

from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group
from django.db import connections

from governance import guards, ledger
from governance.accounts.roles import RISK_OWNERS, ensure_groups
from governance.assurance.renewal import renew_all
from governance.signoff.choices import RulePurpose
from governance.signoff.models import SignOffRule
from governance.signoff.rules import end_solo_rules, log_first_rules_again, replace_rule
from runbooks.choices import ReadinessLevel

# Ready needs two risk owners and evidence; every other level needs one (DESIGN, promise 3). A new
# signature on a changed text needs as many: the signers judge whether the change is editorial.
# Evidence is then not required again.
DEFAULT_SIGNATURES = {
    ReadinessLevel.READY: 2,
    ReadinessLevel.SHADOW: 1,
    ReadinessLevel.TRACK: 1,
    ReadinessLevel.SAFETY_SANDBOX: 1,
    ReadinessLevel.RND_ONLY: 1,
    # a retired runbook that was never assessed is reinstated to this level
    ReadinessLevel.UNASSESSED: 1,
}


def prepare_database(sender: AppConfig, using: str, **_: Any) -> None:
    """Prepare the database; receives ``post_migrate`` once per migrate, after all tables exist."""
    if sender.name != "governance" or using != "default" or not _is_migrated(using):
        return
    for label in ("runbooks", "governance"):
        create_permissions(apps.get_app_config(label), verbosity=0, using=using)
    guards.install(using=using)
    with ledger.atomic(), ledger.canonical_language():
        ensure_groups()
        ensure_default_rules()
    renew_all()


def ensure_default_rules() -> None:
    """Create a first rule for each level and purpose without one; each is a row in the ledger."""
    known = set(SignOffRule.objects.values_list("target_level", "purpose"))
    for purpose in (RulePurpose.MOVE, RulePurpose.RE_SIGN):
        for level, signatures in DEFAULT_SIGNATURES.items():
            if (level, purpose) in known or (level, purpose) == (
                ReadinessLevel.UNASSESSED,
                RulePurpose.RE_SIGN,
            ):
                continue
            replace_rule(
                target_level=level,
                purpose=purpose,
                required_signatures=signatures,
                group=Group.objects.get(name=RISK_OWNERS),
                evidence_required=level == ReadinessLevel.READY and purpose == RulePurpose.MOVE,
                by=ledger.SYSTEM,
                reason="Default rule of a new portal.",
            )
    log_first_rules_again()
    if not settings.GOVERNANCE_SOLO:
        end_solo_rules()


def lift_guards(sender: AppConfig, using: str, plan: Any = (), **_: Any) -> None:
    """Remove the guards before a migrate; receives ``pre_migrate``.

    SQLite refuses to rebuild a table that a trigger of another table refers to.
    ``prepare_database`` restores the guards. If a migration fails in between, ``/readyz`` and the
    system check report it, and every verdict is no-go.
    """
    # Also if a table that a guard of this release refers to is yet to be created.
    if sender.name == "governance" and using == "default" and plan:
        guards.remove(using=using)


def _is_migrated(using: str) -> bool:
    tables = set(connections[using].introspection.table_names())
    return {guard[2] for guard in guards.rules.GUARDS} <= tables
