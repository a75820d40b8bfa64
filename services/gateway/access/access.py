"""Identifies the client of a request, and checks what it may do."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from hashlib import blake2b
from http import HTTPStatus

from aiohttp import web

from services.gateway.access.addresses import Addresses
from services.gateway.access.apikeys import ApiKey, digest_of
from services.gateway.access.client import Client
from services.gateway.access.tokens import InvalidTokenError, Tokens
from services.gateway.problems import ProblemError, Slug
from services.gateway.ratelimit import Quota
from services.gateway.routing import Scope

CLIENT = web.RequestKey("client", Client)
API_KEY_HEADER = "X-API-Key"
_BEARER = 'Bearer realm="cassiopeia"'
_REMEMBERED = 10_000


class Access:
    """Knows the API keys, the tokens' keys and the trusted proxies.

    Args:
        quota: The quota of every client without an API key.
        api_keys: The API keys, by name.
        addresses: Tells trusted proxies from clients.
        tokens: Checks tokens.
    """

    def __init__(
        self, quota: Quota, api_keys: Mapping[str, ApiKey], addresses: Addresses, tokens: Tokens
    ) -> None:
        self._quota = quota
        self._addresses = addresses
        self._by_digest = {
            entry.digest: Client(f"key:{name}", entry.quota, name)
            for name, entry in api_keys.items()
        }
        self._tokens = tokens
        self._by_address = lru_cache(_REMEMBERED)(self._of_address)

    def client_of(self, request: web.Request) -> Client:
        """Return the client that sent a request; with wrong credentials it has a refusal.

        A client with both a key and a token has the quota of the key and the scopes of the token.
        """
        headers = request.headers
        by_key: Client | None = None
        api_key = headers.get(API_KEY_HEADER)
        if api_key is not None:
            by_key = self._by_digest.get(digest_of(api_key))
            if by_key is None:
                return self._refused(
                    request, "this API key is not known", 'ApiKey realm="cassiopeia"'
                )
        authorization = headers.get("Authorization")
        if authorization is not None:
            scheme, _, token = authorization.partition(" ")
            # Basic credentials are meant for a proxy in front, not for the gateway.
            if scheme.lower() == "bearer":
                return self._of_token(request, token.strip(), by_key)
        return by_key or self._by_address(self._address(request))

    def of_peer(self, peer: str) -> Client:
        """Return the client of a request without credentials and forwarding headers."""
        if self._addresses.is_trusted(peer):
            peer = self._addresses.client(peer, ())
        return self._by_address(peer)

    def require(self, client: Client, scope: Scope) -> None:
        """Refuse a client that has no token with a scope.

        Raises:
            ProblemError: 401 without a token, 403 with one that lacks the scope.
        """
        if scope in client.scopes:
            return
        if client.has_token:
            raise ProblemError(
                HTTPStatus.FORBIDDEN,
                Slug.INSUFFICIENT_SCOPE,
                f"the token lacks the scope {scope}",
                headers={
                    "WWW-Authenticate": f'{_BEARER}, error="insufficient_scope", scope="{scope}"'
                },
            )
        raise ProblemError(
            HTTPStatus.UNAUTHORIZED,
            Slug.TOKEN_REQUIRED,
            f"expected a token with the scope {scope} in Authorization: Bearer",
            headers={"WWW-Authenticate": f'{_BEARER}, scope="{scope}"'},
        )

    def _of_token(self, request: web.Request, token: str, by_key: Client | None) -> Client:
        try:
            grant = self._tokens.verify(token)
        except InvalidTokenError as error:
            return self._refused(
                request, f"the token is not valid: {error}", f'{_BEARER}, error="invalid_token"'
            )
        if by_key or not grant.subject:
            client = by_key or self._by_address(self._address(request))
            return replace(client, has_token=True, scopes=grant.scopes)
        # A subject may have any length and script; its digest keeps the broker's key short.
        digest = blake2b(grant.subject.encode(errors="surrogatepass"), digest_size=16).hexdigest()
        return Client(
            f"token:{digest}", self._quota, grant.subject, has_token=True, scopes=grant.scopes
        )

    def _refused(self, request: web.Request, detail: str, challenge: str) -> Client:
        address = self._by_address(self._address(request))
        problem = ProblemError(
            HTTPStatus.UNAUTHORIZED,
            Slug.INVALID_CREDENTIALS,
            detail,
            headers={"WWW-Authenticate": challenge},
        )
        return replace(address, refusal=problem)

    def _address(self, request: web.Request) -> str:
        peer = request.remote or ""
        if not self._addresses.is_trusted(peer):
            return peer
        return self._addresses.client(peer, request.headers.getall("X-Forwarded-For", ()))

    def _of_address(self, address: str) -> Client:
        return Client(f"address:{self._addresses.group(address)}", self._quota, address)
