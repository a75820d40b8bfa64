"""The client of a request."""

from dataclasses import dataclass

from services.gateway.problems import ProblemError
from services.gateway.ratelimit import Quota
from services.gateway.routing import Scope


@dataclass(frozen=True, slots=True)
class Client:
    """The client of a request.

    Attributes:
        key: What its quota is counted under: an API key's name, a token's subject, or an address.
        quota: How much it may ask for.
        name: The same identity, as logs show it.
        has_token: Whether it came with a valid token.
        scopes: What that token allows.
        refusal: What is wrong with its credentials. The client is told so only after the quota of
            its address was charged, so that guessing keys is as limited as asking.
    """

    key: str
    quota: Quota
    name: str
    has_token: bool = False
    scopes: frozenset[Scope] = frozenset()
    refusal: ProblemError | None = None
