"""API tokens: made for an account, shown once, revoked at once."""

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
    """What is stored in the place of a token. It has 256 random bits: a plain sha256 is enough."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def create_api_token(
    *, user: User, label: str = "", by: ledger.Actor, at: datetime | None = None
) -> tuple[ApiToken, str]:
    """A token with which ``user`` may read the API.

    :returns: the stored row, and the token itself, which is kept nowhere.
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
    """Let the token in no more, from the next request on. Returns whether it was valid until now."""
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
