"""What the sign-off policy needs to know of an account, read from the database and the ledger."""

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

# A password that somebody set later than this after the account was made is not the first one.
MAKING = timedelta(minutes=1)
# Whose members may open requests.
ASKING = (EDITORS, RISK_OWNERS)


def signing_groups() -> set[str]:
    """The names of the groups whose members may open requests or sign them."""
    named = SignOffRule.objects.filter(Q(in_force=True) | Q(effective_from__isnull=False))
    return {*ASKING, *named.values_list("group__name", flat=True)}


def person(
    user: AbstractBaseUser | AnonymousUser,
    *,
    signing_group_id: int | None = None,
    at: datetime | None = None,
) -> Person:
    """What the policy needs to know of an account, read anew from the database and the ledger.

    :param signing_group_id: the group whose members may sign; the risk owners by default. Being a
        superuser makes nobody a member.
    :param at: for what is counted back from a moment (aware; now by default).
    :raises ValueError: the account is not stored.
    """
    account = account_of(user)
    history = history_of([subject_of(account.user)])
    return person_of(account, history, signing_group_id=signing_group_id, at=at)


def person_of(
    account: Account, history: History, *, signing_group_id: int | None, at: datetime | None
) -> Person:
    """What the policy needs to know, of what has been read already (``person`` reads it).

    :param history: every ledger row about the account.
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
        # Whoever makes an account sets its first password.
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
    """A membership without a break of an account that was active throughout, by the ledger.

    :ivar sequence: the number of the row since which it lasts.
    :ivar unconfirmed_since: when the last change that it rests on was recorded, of those that no
        second risk owner has confirmed; None where all are.
    """

    sequence: int
    unconfirmed_since: datetime | None


def _membership(rows: list[Row], group: str) -> _Membership | None:
    """The membership of an active account in a group; None where the ledger does not tell of one.

    One that came past the portal's doors counts for nothing.
    """
    member: Row | None = None
    activated: Row | None = None
    active = True  # an account that was made past the ledger joins by a row of it
    for entry in rows:
        if entry.action == Action.DELETED:
            member, activated, active = None, None, True
        if entry.action not in (Action.CREATED, Action.CHANGED):
            continue
        # What the row says was before counts, not what the rows before it said: something may have
        # come past the ledger.
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
    """The numbers of the changes that a second risk owner has confirmed, by these rows."""
    numbers = (change_settled_by(row) for row in rows if row.action == Action.CHANGE_CONFIRMED)
    return {number for number in numbers if number is not None}


def change_settled_by(row: Any) -> int | None:
    """The number of the change that a row confirms or refuses; None where it names none.

    A row may be forged: one that has another form than ours must not keep anybody from taking a
    readiness down.
    """
    number = (row.changes.get("change") or {}).get("after")
    return number if type(number) is int else None


def groups_told(row: Any, side: str) -> set[str]:
    """The names of an account's groups ``before`` or ``after`` a row about it; empty for any other form."""
    names = (row.changes.get("groups") or {}).get(side)
    return {name for name in names if isinstance(name, str)} if isinstance(names, list) else set()


def _first(moments: list[datetime | None]) -> datetime | None:
    """The earliest; None where there is none, or one of them waits for nothing."""
    return None if None in moments else min((each for each in moments if each), default=None)


def _made_by(
    rows: list[Row], username: str, groups: frozenset[str], at: datetime
) -> frozenset[str]:
    """Who lately made an account, gave it access or set its password, unconfirmed."""
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
    """By the name of an account: itself, who lately made it, who lately made those, and so on.

    See ``Person.made_by``. Whoever makes a second administrator, and by it a third account, stands
    behind all of them. One query for each step of the longest chain.
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
    """Whether a ledger row about an account creates it or gives it access.

    Access: it is activated, made a superuser, or given one of these groups.

    :param row: ``Row`` or the model's instance.
    """
    if row.action == Action.CREATED:
        return True
    promoted = (row.changes.get("is_superuser") or {}).get("after") is True
    return row.action == Action.CHANGED and (
        promoted or is_activated(row) or bool(gained_groups(row) & set(groups))
    )


def is_activated(row: Any) -> bool:
    """Whether a row about an account tells that it was switched on."""
    change = row.changes.get("is_active") or {}
    return change.get("before") is False and change.get("after") is True


def gained_groups(row: Any) -> set[str]:
    """The groups that an account has by a row about it and had not before."""
    return groups_told(row, "after") - groups_told(row, "before")


def lost_groups(row: Any) -> set[str]:
    """The groups that an account has no more by a row about it."""
    return groups_told(row, "before") - groups_told(row, "after")


def is_set_by_another(row: Any, username: str) -> bool:
    """Whether a ledger row tells that somebody else set an account's password.

    Somebody else is also who sat down at a session that was left open and was not asked for the old
    password.
    """
    own = row.actor == username and OLD_CONFIRMED in row.changes
    return bool(row.action == Action.PASSWORD_SET and not own)


def _wrong_passwords(rows: list[Row], at: datetime) -> int:
    since = at - CONFIRMATION_WINDOW
    return sum(
        entry.action == Action.CONFIRMATION_FAILED and entry.recorded_at > since for entry in rows
    )
