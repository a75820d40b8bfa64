"""Tokens: JWTs with fixed algorithms, checked against a secret or a file of public keys."""

import json
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import jwt

from libs.common.logging import get_logger
from services.gateway.routing import Scope

_log = get_logger(__name__)

# RFC 7518, 3.2: a key must be at least as long as the hash.
SHORTEST_SECRET_BYTES = 32
# How far the clocks of two machines may differ.
LEEWAY_S = 5
HMAC = "HS256"
# The type of the public key decides on the algorithm; the token has no say in it.
KEY_ALGORITHMS = {"OKP": "EdDSA", "RSA": "RS256"}
# The file is checked for changes at most this often.
_LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Grant:
    """What a valid token says."""

    subject: str | None
    scopes: frozenset[Scope]


class InvalidTokenError(Exception):
    """A token that must not be believed; the message says why, without the token."""


class PublicKeys:
    """The keys of a JWKS file, read again when it changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._state()
        self._keys = read_public_keys(path)
        self._looked_at = time.monotonic()

    def find(self, header: dict[str, object]) -> jwt.PyJWK | None:
        """Return the key that a token's header names, or the only key if it names none."""
        self._renew()
        named = header.get("kid")
        found = [key for key in self._keys if named is None or key.key_id == named]
        return found[0] if len(found) == 1 else None

    def _renew(self) -> None:
        now = time.monotonic()
        if now - self._looked_at < _LOOK_EVERY_S:
            return
        self._looked_at = now
        state = self._state()
        if state == self._seen:
            return
        self._seen = state
        try:
            self._keys = read_public_keys(self._path)
        except ValueError as error:
            # The file may be half written; it is read again at its next change.
            _log.error("token_keys_kept", reason=str(error))
        else:
            _log.info("token_keys_read", count=len(self._keys))

    def _state(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


def _algorithm_of(key: jwt.PyJWK) -> str | None:
    return KEY_ALGORITHMS.get(str(key.key_type))


def read_public_keys(path: Path) -> list[jwt.PyJWK]:
    """Read a JWKS file.

    Raises:
        ValueError: It is no JWKS file, or has a key of an algorithm that is not accepted here.
    """
    try:
        keys = jwt.PyJWKSet.from_dict(json.loads(path.read_text(encoding="utf-8"))).keys
    except (OSError, UnicodeDecodeError, ValueError, AttributeError, jwt.PyJWTError) as error:
        raise ValueError(f"expected a readable JWKS file ({error})") from None
    for key in keys:
        if _algorithm_of(key) != key.algorithm_name:
            raise ValueError(
                f"expected keys for EdDSA or RS256 only, got {key.key_type}/{key.algorithm_name}"
            )
    return keys


class Tokens:
    """Checks tokens, and issues them where there is a secret."""

    def __init__(self, *, secret: str, keys: PublicKeys | None, issuer: str, audience: str) -> None:
        self._secret = secret
        self._keys = keys
        self._issuer = issuer
        self._audience = audience

    def verify(self, token: str) -> Grant:
        """Return what a token says.

        Raises:
            InvalidTokenError: The token is not valid, or was issued for another audience.
        """
        try:
            key, algorithm = self._key_for(jwt.get_unverified_header(token))
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp", "aud", "iss"]},
            )
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            # ValueError: bytes that are no text. RecursionError: JSON in a thousand brackets.
            raise InvalidTokenError(str(error)) from None
        granted = claims.get("scope", "")
        names = granted.split() if isinstance(granted, str) else []
        scopes = frozenset(scope for scope in Scope if scope in names)
        return Grant(claims.get("sub"), scopes)

    def issue(self, subject: str, scopes: frozenset[Scope], now: datetime, life: timedelta) -> str:
        """Return a token signed with the secret."""
        return jwt.encode(
            {
                "iss": self._issuer,
                "aud": self._audience,
                "sub": subject,
                "scope": " ".join(sorted(scopes)),
                "iat": now,
                "exp": now + life,
            },
            self._secret,
            algorithm=HMAC,
        )

    def _key_for(self, header: dict[str, object]) -> tuple[jwt.PyJWK | str, str]:
        if header.get("alg") == HMAC:
            if not self._secret:
                raise InvalidTokenError("tokens signed with a secret are not taken here")
            return self._secret, HMAC
        key = self._keys.find(header) if self._keys else None
        if key is None:
            raise InvalidTokenError("it is signed with a key that is not known here")
        return key, key.algorithm_name
