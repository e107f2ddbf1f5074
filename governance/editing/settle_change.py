"""A second risk owner confirms or refuses a change of who may sign, or of a rule."""

from datetime import datetime

from django.contrib.auth.models import User
from django.utils import timezone

from governance import ledger
from governance.accounts.roles import account_of
from governance.editing.audited_edit import audited_edit
from governance.errors import refuse_for
from governance.ledger.choices import Action
from governance.ledger.history import history_of
from governance.ledger.models import ChangeLogEntry
from governance.ledger.snapshot import subject_of
from governance.signoff import policy
from governance.signoff.access_changes import (
    ACCOUNT,
    ADDRESS_CHANGED,
    RULE,
    announce,
    change_of,
    reasons_against_settling,
)
from governance.signoff.eligibility import sign_off_settings
from governance.signoff.reauthentication import hashed, is_confirmed
from governance.signoff.rules import bring_rules_into_force
from governance.signoff.signers import gained_groups, is_activated, person_of, signing_groups


def confirm_change(
    *, entry: ChangeLogEntry, password: str, comment: str = "", by: User, at: datetime | None = None
) -> ChangeLogEntry:
    """Let a change take effect at once.

    :param entry: the ledger row that records the change.
    :param password: the password of the confirming risk owner, required as for a signature.
    :returns: the row that records the confirmation.
    :raises ActionRefused: the policy has reasons against it.
    """
    return _settle(entry, Action.CHANGE_CONFIRMED, password=password, comment=comment, by=by, at=at)


def refuse_change(
    *, entry: ChangeLogEntry, password: str, comment: str = "", by: User, at: datetime | None = None
) -> ChangeLogEntry:
    """Undo a change that awaits confirmation.

    The groups are removed, the account is deactivated, the rule never comes into force. Parameters
    and errors are those of ``confirm_change``.
    """
    return _settle(entry, Action.CHANGE_REFUSED, password=password, comment=comment, by=by, at=at)


def _settle(
    entry: ChangeLogEntry,
    action: Action,
    *,
    password: str,
    comment: str,
    by: User,
    at: datetime | None,
) -> ChangeLogEntry:
    moment = at or timezone.now()
    given, settled = hashed(password, by=by), None
    with ledger.atomic():
        account, rules = account_of(by), sign_off_settings(at=moment)
        known = person_of(
            account, history_of([subject_of(account.user)]), signing_group_id=None, at=moment
        )
        change = change_of(entry, settings=rules)
        refuse_for(
            reasons_against_settling(change, known, settings=rules, at=moment),
            until=policy.waits_until(known, settings=rules, at=moment),
        )
        if is_confirmed(given, account=account.user, known=known, at=moment, rules=rules):
            settled = _settle_locked(entry, action, comment=comment, by=by, at=moment)
    if settled is None:  # after the commit: the ledger row of the wrong password must stay
        refuse_for([policy.Refusal.WRONG_PASSWORD])
    assert settled is not None
    return settled


def _settle_locked(
    entry: ChangeLogEntry, action: Action, *, comment: str, by: User, at: datetime
) -> ChangeLogEntry:
    settled = ledger.append(
        ledger.Record(
            actor=by,
            action=action,
            subject=entry.subject,
            subject_title=entry.subject_title,
            reason=comment.strip(),
            changes={"change": {"before": None, "after": entry.sequence}},
        ),
        at=at,
    )
    announce(settled)
    if entry.subject.startswith(RULE):
        bring_rules_into_force(at=at)
    elif action == Action.CHANGE_REFUSED:
        _take_back(entry, by=by, reason=comment)
    return settled


def _take_back(entry: ChangeLogEntry, *, by: User, reason: str) -> None:
    account = User.objects.filter(username=entry.subject.removeprefix(ACCOUNT)).first()
    if account is None:
        return
    given = gained_groups(entry) & signing_groups()
    with audited_edit(account, by=by, reason=reason.strip()):
        account.groups.remove(*account.groups.filter(name__in=given))
        if is_activated(entry):
            account.is_active = False
            account.save(update_fields=["is_active"])


def record_address_change(*, account: User, before: str, by: ledger.Actor) -> None:
    """Record that an account's e-mail address was changed, without the address.

    The old address is notified as well: otherwise somebody could redirect the mail of the risk
    owners and then change the signers unseen.
    """
    with ledger.atomic():
        entry = ledger.append(
            ledger.Record(
                actor=by,
                action=Action.CHANGED,
                subject=subject_of(account),
                subject_title=str(account),
                changes={ADDRESS_CHANGED: {"before": None, "after": True}},
            )
        )
        announce(entry, account=account, addresses=[before])
