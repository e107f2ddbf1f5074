"""The groups that people belong to, and what each may do in the admin."""

from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group, Permission, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from governance.facts import subject_of
from governance.models import ChangeLogEntry
from governance.policy import Person

OPERATORS, EDITORS, RISK_OWNERS, AUDITORS = "Operators", "Editors", "Risk owners", "Auditors"

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


def signed_in(request: HttpRequest) -> User:
    """The account behind a request.

    :raises PermissionDenied: nobody is signed in.
    """
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def person(user: AbstractBaseUser | AnonymousUser, *, signing_group_id: int | None = None) -> Person:
    """What the policy needs to know of an account, read anew from the database.

    :param signing_group_id: the group whose members may sign; the risk owners by default. Being a
        superuser makes nobody a member.
    """
    fresh = User.objects.filter(pk=user.pk or 0).prefetch_related("groups").first()
    if fresh is None:
        raise ValueError("An account that is not stored can do nothing.")
    groups = {group.name: group.pk for group in fresh.groups.all()}
    signing = next((name for name, pk in groups.items() if pk == (signing_group_id or groups.get(RISK_OWNERS))), None)
    joined_at = _joined_group_at(fresh, signing) if signing else None
    return Person(
        id=fresh.pk,
        is_active=fresh.is_active,
        is_editor=EDITORS in groups,
        is_risk_owner=signing is not None,
        joined_at=max(fresh.date_joined, joined_at or fresh.date_joined),
    )


def _joined_group_at(user: User, group: str) -> datetime | None:
    """When the ledger says that the account last joined a group; None when it says nothing of it."""
    for entry in ChangeLogEntry.objects.filter(subject=subject_of(user)).order_by("-sequence"):
        change = entry.changes.get("groups", {})
        if group in (change.get("after") or []) and group not in (change.get("before") or []):
            return entry.recorded_at
    return None
