"""The groups that people belong to, and what each may do in the admin."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group, Permission, User
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet
from django.http import HttpRequest

OPERATORS, EDITORS, RISK_OWNERS, AUDITORS = "Operators", "Editors", "Risk owners", "Auditors"

# What a ledger row says of a password that somebody set on their own after giving the old one.
OLD_CONFIRMED = "old_password_confirmed"

NOT_STORED = "An account that is not stored can do nothing."

CATALOGUE = (
    "runbook",
    "cluster",
    "layer",
    "codereference",
    "section",
    "sectionentry",
    "situation",
    "situationrunbook",
)
RECORDS = (
    "document",
    "statuschangerequest",
    "signoff",
    "signoffrule",
    "changelogentry",
    "release",
    "finding",
)
VIEW_ALL = tuple(f"view_{model}" for model in CATALOGUE + RECORDS)

# Operators read the pages and never see the admin. Nobody here may edit a rule or an account: that
# is the superuser's.
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

    Accounts, groups, passwords, lockouts and tokens; ``ledger.disclosure`` says which entries these
    are.
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


def accounts(pks: Iterable[int] | QuerySet[Any, Any]) -> dict[int, Account]:
    """Accounts by their numbers, read anew with their groups, in one query.

    One that is not stored is left out.

    :param pks: the numbers, or a query for them.
    """
    found: dict[int, Account] = {}
    rows = User.objects.filter(pk__in=pks if isinstance(pks, QuerySet) else set(pks)).annotate(
        group_pk=F("groups"), group_name=F("groups__name")
    )
    for row in rows:  # one for each of its groups, or a single one where it is in none
        account = found.setdefault(row.pk, Account(row, {}))
        if row.group_pk is not None:
            account.groups[row.group_name] = row.group_pk
    return found
