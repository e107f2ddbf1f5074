"""The facts about an account that the policy needs, read from the database and the ledger."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Q
from django.utils import timezone

from governance import ledger
from governance.accounts.roles import EDITORS, OLD_CONFIRMED, RISK_OWNERS, Account, account_of
from governance.ledger.choices import Action
from governance.ledger.history import History, Row, history_of
from governance.ledger.snapshot import subject_of
from governance.signoff.models import SignOffRule
from governance.signoff.policy import CONFIRMATION_WINDOW, INDEPENDENCE_WINDOW, Person

# A password set later than this after the creation of the account is not its first one.
MAKING = timedelta(minutes=1)
# The groups whose members may open requests.
ASKING = (EDITORS, RISK_OWNERS)


def signing_groups() -> set[str]:
    """Return the names of the groups whose members may open requests or sign them."""
    named = SignOffRule.objects.filter(Q(in_force=True) | Q(effective_from__isnull=False))
    return {*ASKING, *named.values_list("group__name", flat=True)}


def person(
    user: AbstractBaseUser | AnonymousUser,
    *,
    signing_group_id: int | None = None,
    at: datetime | None = None,
) -> Person:
    """Return the facts that the policy needs of an account, from the database and the ledger.

    :param signing_group_id: the group whose members may sign; the risk owners by default. A
        superuser is not a member automatically.
    :param at: the time from which time windows are counted back (aware; now by default).
    :raises ValueError: the account is not stored.
    """
    account = account_of(user)
    history = history_of([subject_of(account.user)])
    return person_of(account, history, signing_group_id=signing_group_id, at=at)


def person_of(
    account: Account, history: History, *, signing_group_id: int | None, at: datetime | None
) -> Person:
    """Return the facts that the policy needs of an account that has been read already.

    ``person`` reads the account as well.

    :param history: all ledger rows about the account.
    """
    user, groups = account.user, account.groups
    signing = next(
        (
            name
            for name, pk in groups.items()
            if pk == (signing_group_id or groups.get(RISK_OWNERS))
        ),
        None,
    )
    rows = history[subject_of(user)]
    moment = at or timezone.now()
    signs = _membership(rows, signing) if signing else None
    set_by_others = [row.recorded_at for row in rows if is_set_by_another(row, user.get_username())]
    asks = [_membership(rows, name) for name in ASKING if name in groups]
    return Person(
        id=user.pk,
        is_active=user.is_active,
        is_editor=EDITORS in groups,
        is_risk_owner=signing is not None,
        joined_at=user.date_joined,
        recorded_since=signs.sequence if signs else None,
        # The creator of an account sets its first password.
        password_set_by_another_at=max([user.date_joined, *set_by_others]),
        password_reset_at=max(
            (each for each in set_by_others if each > user.date_joined + MAKING), default=None
        ),
        wrong_passwords=_wrong_passwords(rows, moment),
        username=user.get_username(),
        signs_since=signs.unconfirmed_since if signs else None,
        asks_since=_first([each.unconfirmed_since for each in asks if each]),
        asking_recorded=not asks or any(asks),
        made_by=_made_by(
            rows, user.get_username(), frozenset({*ASKING, signing or RISK_OWNERS}), moment
        ),
    )


@dataclass(frozen=True, slots=True)
class _Membership:
    """An uninterrupted membership of a continuously active account, according to the ledger.

    :ivar sequence: the sequence of the row since which it lasts.
    :ivar unconfirmed_since: when the last change that it depends on was recorded (aware), among
        those that no second risk owner has confirmed; None if all are confirmed.
    """

    sequence: int
    unconfirmed_since: datetime | None


def _membership(rows: list[Row], group: str) -> _Membership | None:
    """Return the membership of an active account in a group; None if the ledger does not record it.

    A membership that was stored without a ledger entry does not count.
    """
    member: Row | None = None
    activated: Row | None = None
    active = True  # an account created without a ledger entry can only join by a row
    for entry in rows:
        if entry.action == Action.DELETED:
            member, activated, active = None, None, True
        if entry.action not in (Action.CREATED, Action.CHANGED):
            continue
        # The row's own value before is used, instead of the value after the previous row: the
        # account may have changed without a ledger entry in between.
        if "groups" in entry.changes:
            was, now = (group in groups_told(entry, side) for side in ("before", "after"))
            member = (member if was and member else entry) if now else None
        if "is_active" in entry.changes:
            was, active = (
                entry.changes["is_active"].get(side) is not False for side in ("before", "after")
            )
            activated = activated if was else entry
    if member is None or not active:
        return None
    rests_on = [row for row in (member, activated) if row is not None]
    confirmed = confirmed_changes(rows)
    unconfirmed = [row.recorded_at for row in rests_on if row.sequence not in confirmed]
    return _Membership(max(row.sequence for row in rests_on), max(unconfirmed, default=None))


def confirmed_changes(rows: Iterable[Row]) -> set[int]:
    """Return the sequences of the changes that a second risk owner has confirmed."""
    numbers = (change_settled_by(row) for row in rows if row.action == Action.CHANGE_CONFIRMED)
    return {number for number in numbers if number is not None}


def change_settled_by(row: Any) -> int | None:
    """Return the sequence of the change that a row confirms or refuses; None if it names none.

    A forged row may have any form. It must not raise an error that prevents a downgrade.
    """
    number = (row.changes.get("change") or {}).get("after")
    return number if type(number) is int else None


def groups_told(row: Any, side: str) -> set[str]:
    """Return the names of an account's groups ``before`` or ``after`` a row.

    Empty if the row has any other form.
    """
    names = (row.changes.get("groups") or {}).get(side)
    return {name for name in names if isinstance(name, str)} if isinstance(names, list) else set()


def _first(moments: list[datetime | None]) -> datetime | None:
    """Return the earliest time; None if there is none or if one of them is None."""
    return None if None in moments else min((each for each in moments if each), default=None)


def _made_by(
    rows: list[Row], username: str, groups: frozenset[str], at: datetime
) -> frozenset[str]:
    """Return who recently created an account, gave it access or set its password, unconfirmed."""
    confirmed = confirmed_changes(rows)
    since = at - INDEPENDENCE_WINDOW
    return frozenset(
        row.actor
        for row in rows
        if row.recorded_at > since
        and row.sequence not in confirmed
        and row.actor != str(ledger.SYSTEM)
        and (
            gives_access(row, groups)
            or (row.action == Action.PASSWORD_SET and row.actor != username)
        )
    )


def makers_of(usernames: Iterable[str], *, at: datetime) -> dict[str, frozenset[str]]:
    """Return for each user name the account itself and all who recently made it, recursively.

    See ``Person.made_by``. A person who creates a second administrator, and through it a third
    account, is thus a maker of both. Runs one query per step of the longest chain.
    """
    names = set(usernames)
    groups, direct = frozenset(signing_groups()), dict[str, frozenset[str]]()
    unknown = set(names)
    while unknown:
        history = history_of(f"user:{name}" for name in unknown)
        direct |= {name: _made_by(history[f"user:{name}"], name, groups, at) for name in unknown}
        unknown = {maker for name in unknown for maker in direct[name]} - set(direct)
    return {name: _all_behind(name, direct) for name in names}


def _all_behind(name: str, direct: dict[str, frozenset[str]]) -> frozenset[str]:
    found, waiting = {name}, [name]
    while waiting:
        new = direct[waiting.pop()] - found
        found |= new
        waiting += new
    return frozenset(found)


def gives_access(row: Any, groups: Iterable[str]) -> bool:
    """Return whether a ledger row about an account creates it or gives it access.

    Access means that it is activated, made a superuser, or added to one of these groups.

    :param row: ``Row`` or a model instance.
    """
    if row.action == Action.CREATED:
        return True
    promoted = (row.changes.get("is_superuser") or {}).get("after") is True
    return row.action == Action.CHANGED and (
        promoted or is_activated(row) or bool(gained_groups(row) & set(groups))
    )


def is_activated(row: Any) -> bool:
    """Return whether a row activates an account."""
    change = row.changes.get("is_active") or {}
    return change.get("before") is False and change.get("after") is True


def gained_groups(row: Any) -> set[str]:
    """Return the groups that a row adds to an account."""
    return groups_told(row, "after") - groups_told(row, "before")


def lost_groups(row: Any) -> set[str]:
    """Return the groups that a row removes from an account."""
    return groups_told(row, "before") - groups_told(row, "after")


def is_set_by_another(row: Any, username: str) -> bool:
    """Return whether a ledger row records that somebody else set an account's password.

    This includes a change in the account's own session without confirming the old password, because
    that session may have been used by somebody else.
    """
    own = row.actor == username and OLD_CONFIRMED in row.changes
    return bool(row.action == Action.PASSWORD_SET and not own)


def _wrong_passwords(rows: list[Row], at: datetime) -> int:
    since = at - CONFIRMATION_WINDOW
    return sum(
        entry.action == Action.CONFIRMATION_FAILED and entry.recorded_at > since for entry in rows
    )
