"""Authentication of API clients: a bearer token, or a name and a password."""

from typing import Any

from django.contrib.auth import get_backends
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.core.cache import cache
from drf_spectacular.authentication import BasicScheme as SpectacularBasicScheme
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import (
    BaseAuthentication,
    BasicAuthentication,
    get_authorization_header,
)
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request

from governance.accounts.client_address import client_network
from governance.accounts.models import ApiToken
from governance.accounts.tokens import digest_of

KEYWORD = b"bearer"
# Nobody can guess 256 random bits, so this limit only stops a flood of wrong tokens. They are
# counted in the cache by network address. A valid token is accepted above the limit, so that a
# stranger behind the same proxy cannot stop a sync.
MAX_WRONG_TOKENS = 30
WRONG_TOKENS_SECONDS = 5 * 60
LOCKED_SECONDS = 15 * 60


class TokenAuthentication(BaseAuthentication):
    """Authentication by the digest of a bearer token. Other schemes are left to other classes."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Return the account of the token and the token, or None without a bearer token.

        :raises AuthenticationFailed: the token is unknown or revoked, or its account is not active.
        :raises Throttled: the token is wrong, and so were too many others from this address.
        """
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != KEYWORD:
            return None
        if len(parts) != 2:  # noqa: PLR2004 - the word and the token
            raise AuthenticationFailed("Write: Authorization: Bearer <token>.")
        digest = digest_of(parts[1].decode("latin-1"))
        token = ApiToken.objects.valid().select_related("user").filter(digest=digest).first()
        if token is None or not _may_come_in(token.user):
            _count_wrong_token(request)
            raise AuthenticationFailed("This token is unknown or revoked.")
        return token.user, token

    def authenticate_header(self, request: Any) -> str:
        """Return the ``WWW-Authenticate`` header of a 401 response."""
        return 'Bearer realm="api"'


class LimitedBasicAuthentication(BasicAuthentication):
    """Authentication by name and password, with the lockout of the sign-in page."""

    def authenticate_credentials(
        self, userid: str, password: str, request: Any = None
    ) -> tuple[User, None]:
        """Return the account.

        :raises AuthenticationFailed: the name or the password is wrong, or the account is not
            active.
        :raises Throttled: there were too many wrong passwords; this one was not checked.
        """
        try:
            user, _ = super().authenticate_credentials(userid, password, request)
        except AuthenticationFailed:
            if getattr(request, "axes_locked_out", False):
                raise Throttled(LOCKED_SECONDS, "Too many wrong passwords.") from None
            raise
        return user, None


def _count_wrong_token(request: Request) -> None:
    """Count a wrong token against the network it came from.

    :raises Throttled: there were more than ``MAX_WRONG_TOKENS`` within ``WRONG_TOKENS_SECONDS``.
    """
    key = f"wrong-tokens {client_network(request) or 'unknown'}".replace(" ", ":")
    cache.add(key, 0, WRONG_TOKENS_SECONDS)
    try:
        number = cache.incr(key)
    except ValueError:  # the key expired between the two calls
        return
    if number > MAX_WRONG_TOKENS:
        raise Throttled(WRONG_TOKENS_SECONDS, "Too many wrong tokens from this address.")


def _may_come_in(user: User) -> bool:
    """Return whether the sign-in backends accept the account now.

    They refuse the people of a demo outside a demo.
    """
    return any(
        backend.user_can_authenticate(user)
        for backend in get_backends()
        if isinstance(backend, ModelBackend)
    )


class TokenScheme(OpenApiAuthenticationExtension):
    """OpenAPI security scheme of the bearer token."""

    target_class = "portal.rest.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the definition of a bearer token in the ``Authorization`` header."""
        return {"type": "http", "scheme": "bearer"}


class BasicScheme(SpectacularBasicScheme):
    """OpenAPI security scheme of a name and a password."""

    target_class = "portal.rest.authentication.LimitedBasicAuthentication"
