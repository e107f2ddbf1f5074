"""Change sign-off rules, always by a new version.

An open request keeps the version under which it was opened.
"""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Max, Q
from django.utils import timezone

from governance import ledger
from governance.ledger.choices import Action
from governance.ledger.history import Row, history_of
from governance.ledger.models import ChangeLogEntry
from governance.ledger.snapshot import diff, snapshot, subject_of
from governance.signoff import policy
from governance.signoff.access_changes import announce
from governance.signoff.choices import RulePurpose
from governance.signoff.eligibility import sign_off_settings
from governance.signoff.models import SignOffRule

# The terms that a solo rule shares with the level's usual rule.
SHARED = ("group_id", "evidence_required", "valid_days")


def replace_rule(
    *,
    target_level: str,
    required_signatures: int,
    group: Group,
    evidence_required: bool,
    by: ledger.Actor,
    purpose: str = RulePurpose.MOVE,
    valid_days: int | None = None,
    reason: str = "",
    at: datetime | None = None,
) -> SignOffRule:
    """Create the next version of a level's rule.

    A version that is at least as strict in every respect takes effect at once. Any other waits for
    ``SIGNING_COOL_DOWN_HOURS``, or until a second risk owner confirms it: see
    ``bring_rules_into_force``. The signers must be others than the requester, except under a rule
    for solo mode.

    :param valid_days: how many days a readiness holds, counted from the request; None sets no
        limit.
    """
    moment = at or timezone.now()
    with ledger.atomic(), ledger.canonical_language():
        of_level = SignOffRule.objects.select_for_update().filter(
            target_level=target_level, purpose=purpose
        )
        before = of_level.filter(in_force=True).first()
        facts_before = snapshot(before) if before else None
        terms = policy.RuleTerms(required_signatures, group.name, evidence_required, valid_days)
        effective_from = _effective_from(terms, before, by=by, at=moment)
        if effective_from is None:
            of_level.filter(in_force=True).update(in_force=False)
        rule = SignOffRule.objects.create(
            target_level=target_level,
            purpose=purpose,
            version=(of_level.aggregate(last=Max("version"))["last"] or 0) + 1,
            required_signatures=required_signatures,
            group=group,
            evidence_required=evidence_required,
            valid_days=valid_days,
            separate_from_requester=purpose != RulePurpose.SOLO,
            in_force=effective_from is None,
            effective_from=effective_from,
        )
        entry = ledger.append(
            ledger.Record(
                actor=by,
                action=Action.CHANGED if before else Action.CREATED,
                subject=subject_of(rule),
                subject_title=str(rule),
                reason=reason,
                changes=_every_field(facts_before, snapshot(rule)),
            ),
            at=at,
        )
        if by is not ledger.SYSTEM:
            announce(entry)
        return rule


def _effective_from(
    terms: policy.RuleTerms, before: SignOffRule | None, *, by: ledger.Actor, at: datetime
) -> datetime | None:
    """Return when a new version comes into force by itself; None for at once.

    Rules that the portal creates itself follow its settings and do not wait.
    """
    rules = sign_off_settings(at=at)
    old = None
    if before is not None:
        needed, group = before.required_signatures, before.group.name
        old = policy.RuleTerms(needed, group, before.evidence_required, before.valid_days)
    if by is ledger.SYSTEM or not rules.waits(at, at) or policy.is_stricter(terms, old):
        return None
    return at + rules.cool_down


def rules_in_force(*, target_level: str, at: datetime) -> list[SignOffRule]:
    """Return the rules of a level at a time (aware), at most one for each purpose.

    Includes a rule whose waiting time is over but that is not yet marked as in force.
    """
    may_hold = Q(in_force=True) | Q(effective_from__isnull=False)
    of_level = SignOffRule.objects.filter(may_hold, target_level=target_level).select_related(
        "group"
    )
    found: dict[str, SignOffRule] = {}
    # Rules in force come first, so that newer ones that have waited replace them.
    for rule in of_level.order_by("-in_force", "version"):
        last = found.get(rule.purpose)
        if (last is None or rule.version > last.version) and has_waited(rule, at=at):
            found[rule.purpose] = rule
    return list(found.values())


def has_waited(rule: SignOffRule, *, at: datetime) -> bool:
    """Return whether a version's waiting time is over or it was confirmed.

    False if it was refused. Only the ledger is considered, and not the row's own ``in_force``.
    """
    if rule.effective_from is None:
        return True
    rows = history_of([subject_of(rule)])[subject_of(rule)]
    made = next((row.sequence for row in rows if _after(row, "version") == rule.version), None)
    settled = next((row.action for row in rows if made and _after(row, "change") == made), None)
    return settled == Action.CHANGE_CONFIRMED or (
        settled is None and made is not None and at >= rule.effective_from
    )


def _after(row: Row, name: str) -> object:
    return (row.changes.get(name) or {}).get("after")


def bring_rules_into_force(*, target_level: str | None = None, at: datetime) -> int:
    """Put the versions in force that have waited or were confirmed. Return their number."""
    waiting = SignOffRule.objects.filter(in_force=False, effective_from__isnull=False).order_by(
        "version"
    )
    done = 0
    with ledger.atomic(), ledger.canonical_language():
        for rule in waiting.filter(**{"target_level": target_level} if target_level else {}):
            in_force = SignOffRule.objects.filter(
                target_level=rule.target_level, purpose=rule.purpose, in_force=True
            )
            current = in_force.first()
            if (current is None or current.version < rule.version) and has_waited(rule, at=at):
                _put_in_force(rule, current, at=at)
                done += 1
    return done


def _put_in_force(rule: SignOffRule, current: SignOffRule | None, *, at: datetime) -> None:
    before = snapshot(rule)
    if current is not None:
        SignOffRule.objects.filter(pk=current.pk).update(in_force=False)
    rule.in_force = True
    rule.save(update_fields=["in_force"])
    ledger.append(
        ledger.Record(
            actor=ledger.SYSTEM,
            action=Action.CHANGED,
            subject=subject_of(rule),
            subject_title=str(rule),
            reason="It has waited long enough, or a second risk owner has confirmed it.",
            changes=_every_field(before, snapshot(rule)),
        ),
        at=at,
    )


def ensure_solo_rule(*, target_level: str, at: datetime | None = None) -> None:
    """Create a rule that lets the owner of a level sign alone, if solo mode needs one.

    It is created when it is first needed. Apart from the signature, it has the terms of the level's
    usual rule.
    """
    of_level = SignOffRule.objects.filter(target_level=target_level, in_force=True).select_related(
        "group"
    )
    usual, solo = (
        of_level.filter(purpose=purpose).first() for purpose in (RulePurpose.MOVE, RulePurpose.SOLO)
    )
    if usual is None or (
        solo is not None and all(getattr(solo, name) == getattr(usual, name) for name in SHARED)
    ):
        return
    replace_rule(
        target_level=target_level,
        purpose=RulePurpose.SOLO,
        required_signatures=1,
        group=usual.group,
        evidence_required=usual.evidence_required,
        valid_days=usual.valid_days,
        by=ledger.SYSTEM,
        reason="Solo mode is on (GOVERNANCE_SOLO).",
        at=at,
    )


def end_solo_rules() -> None:
    """End all rules that let an owner sign alone, after solo mode was switched off."""
    with ledger.atomic(), ledger.canonical_language():
        for rule in SignOffRule.objects.filter(purpose=RulePurpose.SOLO, in_force=True):
            before = snapshot(rule)
            rule.in_force = False
            rule.save(update_fields=["in_force"])
            ledger.append(
                ledger.Record(
                    actor=ledger.SYSTEM,
                    action=Action.CHANGED,
                    subject=subject_of(rule),
                    subject_title=str(rule),
                    reason="Solo mode is off.",
                    changes=diff(before, snapshot(rule)),
                )
            )


def is_in_ledger(rule: SignOffRule) -> bool:
    """Return whether the ledger records this version with exactly these terms.

    Rules that were stored without a ledger entry are not applied.
    """
    rows = ChangeLogEntry.objects.filter(
        subject=subject_of(rule), changes__version__after=rule.version
    )
    row = rows.order_by("-sequence").first()
    with ledger.canonical_language():
        terms = {name: value for name, value in snapshot(rule).items() if name != "in_force"}
    return row is not None and all(
        row.changes.get(name, {}).get("after") == value for name, value in terms.items()
    )


def log_first_rules_again() -> None:
    """Create new versions of the rules whose ledger row has the first format, with the same terms.

    That format named rules by number, so that ``is_in_ledger`` does not find them and they would
    not be applied. A rule without any ledger row is left unchanged.
    """
    for rule in SignOffRule.objects.filter(in_force=True, purpose=RulePurpose.MOVE).select_related(
        "group"
    ):
        row = ChangeLogEntry.objects.filter(
            subject=f"signoffrule:{rule.pk}", action=Action.CREATED
        ).first()
        first = {"target_level", "version", "required_signatures", "group", "evidence_required"}
        with ledger.canonical_language():
            terms = {name: value for name, value in snapshot(rule).items() if name in first}
        was_told = row is not None and all(
            row.changes.get(name, {}).get("after") == terms[name] for name in terms
        )
        if was_told and not is_in_ledger(rule):
            replace_rule(
                target_level=rule.target_level,
                purpose=rule.purpose,
                required_signatures=rule.required_signatures,
                group=rule.group,
                evidence_required=rule.evidence_required,
                valid_days=rule.valid_days,
                by=ledger.SYSTEM,
                reason="Told anew, with every term.",
            )


def _every_field(before: dict[str, Any] | None, after: dict[str, Any]) -> dict[str, Any]:
    """Return all fields, changed or not: the row alone shows the terms of the rule."""
    return {
        name: {"before": (before or {}).get(name), "after": value} for name, value in after.items()
    }
