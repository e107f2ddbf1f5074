"""Create and revoke API tokens."""

import hashlib
import secrets
from datetime import datetime

from django.contrib.auth.models import User
from django.utils import timezone

from governance import ledger
from governance.accounts.models import ApiToken
from governance.ledger.choices import Action
from governance.ledger.snapshot import subject_of

PREFIX = "rgp_"
START = 10


def digest_of(token: str) -> str:
    """Return the digest that is stored instead of a token.

    A token has 256 random bits, so a plain sha256 is sufficient.
    """
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def create_api_token(
    *, user: User, label: str = "", by: ledger.Actor, at: datetime | None = None
) -> tuple[ApiToken, str]:
    """Create a token with which ``user`` may read the API.

    :returns: the stored row and the token itself, which is not stored.
    """
    moment = at or timezone.now()
    token = PREFIX + secrets.token_urlsafe(32)
    with ledger.atomic():
        stored = ApiToken.objects.create(
            user=user,
            label=label.strip(),
            start=token[:START],
            digest=digest_of(token),
            created_at=moment,
        )
        _note(stored, Action.TOKEN_CREATED, by=by, at=moment)
    return stored, token


def revoke_api_token(*, token: ApiToken, by: ledger.Actor, at: datetime | None = None) -> bool:
    """Revoke a token with effect from the next request. Return whether it was valid before."""
    moment = at or timezone.now()
    with ledger.atomic():
        stored = (
            ApiToken.objects.select_for_update(of=("self",)).select_related("user").get(pk=token.pk)
        )
        if stored.revoked_at is not None:
            return False
        stored.revoked_at = moment
        stored.save(update_fields=["revoked_at"])
        _note(stored, Action.TOKEN_REVOKED, by=by, at=moment)
    return True


def _note(token: ApiToken, action: Action, *, by: ledger.Actor, at: datetime) -> None:
    ledger.append(
        ledger.Record(
            actor=by,
            action=action,
            subject=subject_of(token.user),
            subject_title=str(token),
            changes={"token": {"before": None, "after": token.start}},
        ),
        at=at,
    )
