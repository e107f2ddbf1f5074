"""The user groups and their permissions in the admin."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group, Permission, User
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet
from django.http import HttpRequest

OPERATORS, EDITORS, RISK_OWNERS, AUDITORS = "Operators", "Editors", "Risk owners", "Auditors"

# A fact in the ledger entry of a user who changed their own password and confirmed the old one.
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

# Operators read the pages and have no access to the admin. Only superusers may edit rules and
# accounts.
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
    """Create the groups and their permissions. Permissions added by an administrator are kept."""
    for name, codenames in GROUP_PERMISSIONS.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.add(
            *Permission.objects.filter(
                codename__in=codenames, content_type__app_label__in=("runbooks", "governance")
            ).exclude(group=group)
        )


def may_read_security_entries(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Return whether a user may read the ledger's security entries: auditors and administrators.

    These are entries about accounts, groups, passwords, lockouts and tokens
    (``ledger.disclosure``).
    """
    if not isinstance(user, User) or not user.is_active:
        return False
    return user.is_superuser or user.groups.filter(name=AUDITORS).exists()


def signed_in(request: HttpRequest) -> User:
    """Return the account of a request.

    :raises PermissionDenied: no user is signed in.
    """
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


@dataclass(frozen=True, slots=True)
class Account:
    """A stored account and its groups, as a mapping of name to primary key."""

    user: User
    groups: dict[str, int]


def account_of(user: AbstractBaseUser | AnonymousUser) -> Account:
    """Return an account, read from the database.

    :raises ValueError: the account is not stored.
    """
    account = accounts([user.pk or 0]).get(user.pk or 0)
    if account is None:
        raise ValueError(NOT_STORED)
    return account


def accounts(pks: Iterable[int] | QuerySet[Any, Any]) -> dict[int, Account]:
    """Return accounts by primary key, read from the database with their groups in one query.

    Accounts that are not stored are omitted.

    :param pks: the primary keys, or a query for them.
    """
    found: dict[int, Account] = {}
    rows = User.objects.filter(pk__in=pks if isinstance(pks, QuerySet) else set(pks)).annotate(
        group_pk=F("groups"), group_name=F("groups__name")
    )
    for row in rows:  # one row per group, or one row for an account without groups
        account = found.setdefault(row.pk, Account(row, {}))
        if row.group_pk is not None:
            account.groups[row.group_name] = row.group_pk
    return found
