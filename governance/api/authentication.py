"""``Authorization: Bearer <token>``: how a machine signs in to the API."""

from typing import Any

from django.contrib.auth import get_backends
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from governance.actions.tokens import digest_of
from governance.models import ApiToken

KEYWORD = b"bearer"


class TokenAuthentication(BaseAuthentication):
    """Looks up the digest of the token. Another kind of header is left to the other classes."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """The account behind the token; None where no token is shown.

        :raises AuthenticationFailed: the token is unknown, revoked, or its account is not active.
        """
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != KEYWORD:
            return None
        if len(parts) != 2:  # noqa: PLR2004 - the word and the token
            raise AuthenticationFailed("Write: Authorization: Bearer <token>.")
        digest = digest_of(parts[1].decode("latin-1"))
        token = ApiToken.objects.valid().select_related("user").filter(digest=digest).first()
        if token is None or not _may_come_in(token.user):
            raise AuthenticationFailed("This token is unknown or revoked.")
        return token.user, token

    def authenticate_header(self, request: Any) -> str:
        """What a 401 asks for."""
        return 'Bearer realm="api"'


def _may_come_in(user: User) -> bool:
    """Whether the sign-in backends would let the account in now (a demo's people in a demo alone)."""
    return any(backend.user_can_authenticate(user) for backend in get_backends() if isinstance(backend, ModelBackend))


class TokenScheme(OpenApiAuthenticationExtension):
    """The same for the OpenAPI schema."""

    target_class = "governance.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """A bearer token in the header."""
        return {"type": "http", "scheme": "bearer"}
