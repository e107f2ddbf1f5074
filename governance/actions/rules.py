"""Changing a rule: always a new version, never an edit. An open request keeps the version that it was opened under."""

from django.contrib.auth.models import Group
from django.db.models import Max

from governance import ledger
from governance.choices import Action
from governance.facts import difference, facts_of
from governance.models import SignOffRule


def replace_rule(
    *,
    target_level: str,
    required_signatures: int,
    group: Group,
    evidence_required: bool,
    by: ledger.Actor,
) -> SignOffRule:
    """Put the next version of a level's rule in force and take the one before out of force.

    The signers are always others than the requester.
    """
    with ledger.governed(), ledger.in_its_language():
        of_level = SignOffRule.objects.select_for_update().filter(target_level=target_level)
        before = of_level.filter(in_force=True).first()
        facts_before = facts_of(before) if before else None
        of_level.filter(in_force=True).update(in_force=False)
        rule = SignOffRule.objects.create(
            target_level=target_level,
            version=(of_level.aggregate(last=Max("version"))["last"] or 0) + 1,
            required_signatures=required_signatures,
            group=group,
            evidence_required=evidence_required,
        )
        ledger.append(
            ledger.Record(
                actor=by,
                action=Action.CHANGED if before else Action.CREATED,
                subject=f"{rule._meta.model_name}:{rule.target_level}",
                subject_title=str(rule),
                changes=difference(facts_before, facts_of(rule)),
            )
        )
        return rule
