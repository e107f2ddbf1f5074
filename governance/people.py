"""The groups that people belong to, and what each may do in the admin."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group, Permission, User
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from governance.choices import Action
from governance.facts import subject_of
from governance.passwords import OLD_CONFIRMED
from governance.policy import CONFIRMATION_WINDOW, Person
from governance.told import Row, Told, told_of

OPERATORS, EDITORS, RISK_OWNERS, AUDITORS = "Operators", "Editors", "Risk owners", "Auditors"

NOT_STORED = "An account that is not stored can do nothing."

CATALOGUE = ("runbook", "cluster", "layer", "codereference", "section", "sectionentry", "situation", "situationrunbook")
RECORDS = ("document", "statuschangerequest", "signoff", "signoffrule", "changelogentry", "release", "finding")
VIEW_ALL = tuple(f"view_{model}" for model in CATALOGUE + RECORDS)

# Operators read the pages and never see the admin. Nobody here may edit a rule or an account: that is the superuser's.
GROUP_PERMISSIONS: dict[str, tuple[str, ...]] = {
    OPERATORS: (),
    EDITORS: (
        *VIEW_ALL,
        *(f"{verb}_{model}" for verb in ("add", "change", "delete") for model in CATALOGUE),
        "add_release",
        "change_release",
        "change_finding",
        "add_statuschangerequest",
    ),
    RISK_OWNERS: (*VIEW_ALL, "add_statuschangerequest", "sign_statuschangerequest"),
    AUDITORS: VIEW_ALL,
}


def ensure_groups() -> None:
    """Make the groups with the permissions above; leaves those that an administrator added."""
    for name, codenames in GROUP_PERMISSIONS.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.add(
            *Permission.objects.filter(
                codename__in=codenames, content_type__app_label__in=("runbooks", "governance")
            ).exclude(group=group)
        )


def may_read_security_entries(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Return whether somebody may read what the ledger says of accounts: auditors and administrators.

    Accounts, groups, passwords, lockouts and tokens; ``ledger.disclosure`` says which entries these are.
    """
    if not isinstance(user, User) or not user.is_active:
        return False
    return user.is_superuser or user.groups.filter(name=AUDITORS).exists()


def signed_in(request: HttpRequest) -> User:
    """The account behind a request.

    :raises PermissionDenied: nobody is signed in.
    """
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def person(
    user: AbstractBaseUser | AnonymousUser, *, signing_group_id: int | None = None, at: datetime | None = None
) -> Person:
    """What the policy needs to know of an account, read anew from the database and the ledger.

    :param signing_group_id: the group whose members may sign; the risk owners by default. Being a
        superuser makes nobody a member.
    :param at: for what is counted back from a moment (aware; now by default).
    :raises ValueError: the account is not stored.
    """
    account = account_of(user)
    told = told_of([subject_of(account.user)])
    return person_of(account, told, signing_group_id=signing_group_id, at=at)


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it is stored now, and its groups: their numbers by their names."""

    user: User
    groups: dict[str, int]


def account_of(user: AbstractBaseUser | AnonymousUser) -> Account:
    """One account, read anew.

    :raises ValueError: it is not stored.
    """
    account = accounts([user.pk or 0]).get(user.pk or 0)
    if account is None:
        raise ValueError(NOT_STORED)
    return account


def accounts(pks: Iterable[int]) -> dict[int, Account]:
    """Accounts by their numbers, read anew with their groups, in one query. One that is not stored is left out."""
    found: dict[int, Account] = {}
    rows = User.objects.filter(pk__in=set(pks)).annotate(group_pk=F("groups"), group_name=F("groups__name"))
    for row in rows:  # one for each of its groups, or a single one where it is in none
        account = found.setdefault(row.pk, Account(row, {}))
        if row.group_pk is not None:
            account.groups[row.group_name] = row.group_pk
    return found


def person_of(account: Account, told: Told, *, signing_group_id: int | None, at: datetime | None) -> Person:
    """The same as ``person``, of what has been read already. ``told`` holds every row about the account."""
    user, groups = account.user, account.groups
    signing = next((name for name, pk in groups.items() if pk == (signing_group_id or groups.get(RISK_OWNERS))), None)
    rows = told[subject_of(user)]
    return Person(
        id=user.pk,
        is_active=user.is_active,
        is_editor=EDITORS in groups,
        is_risk_owner=signing is not None,
        joined_at=user.date_joined,
        recorded_since=_recorded_since(rows, signing) if signing else None,
        password_set_by_another_at=_password_set_by_another_at(rows, user),
        wrong_passwords=_wrong_passwords(rows, at or timezone.now()),
    )


def _recorded_since(told: list[Row], group: str) -> int | None:
    """The row since which the ledger knows the account as an active member of a group without a break.

    None when it does not: a membership that came past the portal's doors counts for nothing.
    """
    since: int | None = None
    member, active = False, True  # an account that was made past the ledger joins by a row of it
    for entry in told:
        if entry.action == Action.DELETED:
            member, active, since = False, True, None
        if entry.action not in (Action.CREATED, Action.CHANGED):
            continue
        # What the row says was before counts, not what the rows before it said: something may have come past the ledger.
        if "groups" in entry.changes:
            was, member = (group in (entry.changes["groups"].get(side) or []) for side in ("before", "after"))
            since = since if was and member else None
        if "is_active" in entry.changes:
            was, active = (entry.changes["is_active"].get(side) is not False for side in ("before", "after"))
            since = since if was and active else None
        if member and active and since is None:
            since = entry.sequence
    return since if member and active else None


def _password_set_by_another_at(told: list[Row], user: User) -> datetime:
    """When somebody else last set the password: whoever made the account set the first one.

    Somebody else is also who sat down at a session that was left open and was not asked for the old password.
    """
    by_others = [
        entry.recorded_at
        for entry in told
        if entry.action == Action.PASSWORD_SET
        and (entry.actor != user.get_username() or OLD_CONFIRMED not in entry.changes)
    ]
    return max([user.date_joined, *by_others])


def _wrong_passwords(told: list[Row], at: datetime) -> int:
    since = at - CONFIRMATION_WINDOW
    return sum(entry.action == Action.CONFIRMATION_FAILED and entry.recorded_at > since for entry in told)
