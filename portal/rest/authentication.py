"""How a machine signs in to the API: with a bearer token, or with a name and a password."""

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
# Nobody guesses 256 random bits: this only ends a flood of wrong tokens. It is counted in the
# cache, by address. A right token is let in all the same, so that no stranger behind the same proxy
# stops a sync.
MAX_WRONG_TOKENS = 30
WRONG_TOKENS_SECONDS = 5 * 60
LOCKED_SECONDS = 15 * 60


class TokenAuthentication(BaseAuthentication):
    """Looks up the digest of the token. Another kind of header is left to the other classes."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """The account behind the token; None where no token is shown.

        :raises AuthenticationFailed: the token is unknown, revoked, or its account is not active.
        :raises Throttled: the same, after too many wrong tokens from this address.
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
        """What a 401 asks for."""
        return 'Bearer realm="api"'


class LimitedBasicAuthentication(BasicAuthentication):
    """A name and a password, counted like those of the sign-in page."""

    def authenticate_credentials(
        self, userid: str, password: str, request: Any = None
    ) -> tuple[User, None]:
        """Return the account.

        :raises AuthenticationFailed: the name or the password is wrong, or the account not active.
        :raises Throttled: too many passwords were wrong; this one was not looked at.
        """
        try:
            user, _ = super().authenticate_credentials(userid, password, request)
        except AuthenticationFailed:
            if getattr(request, "axes_locked_out", False):
                raise Throttled(LOCKED_SECONDS, "Too many wrong passwords.") from None
            raise
        return user, None


def _count_wrong_token(request: Request) -> None:
    """Count a wrong token against the address that it came from.

    :raises Throttled: there were too many in the last minutes.
    """
    key = f"wrong-tokens {client_network(request) or 'unknown'}".replace(" ", ":")
    cache.add(key, 0, WRONG_TOKENS_SECONDS)
    try:
        number = cache.incr(key)
    except ValueError:  # it ran out in between
        return
    if number > MAX_WRONG_TOKENS:
        raise Throttled(WRONG_TOKENS_SECONDS, "Too many wrong tokens from this address.")


def _may_come_in(user: User) -> bool:
    """Whether the sign-in backends would let the account in now (a demo's people in a demo alone)."""
    return any(
        backend.user_can_authenticate(user)
        for backend in get_backends()
        if isinstance(backend, ModelBackend)
    )


class TokenScheme(OpenApiAuthenticationExtension):
    """The same for the OpenAPI schema."""

    target_class = "portal.rest.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """A bearer token in the header."""
        return {"type": "http", "scheme": "bearer"}


class BasicScheme(SpectacularBasicScheme):
    """A name and a password in the header, for the OpenAPI schema."""

    target_class = "portal.rest.authentication.LimitedBasicAuthentication"
