"""Who calls."""

from dataclasses import dataclass

from services.gateway.problems import ProblemError
from services.gateway.ratelimit import Quota
from services.gateway.routing import Scope


@dataclass(frozen=True, slots=True)
class Client:
    """Who calls.

    Attributes:
        key: Whose quota it is: an API key's name, a token's subject, or an address.
        quota: How much it may ask.
        name: The same for logs.
        has_token: Whether it came with a valid token.
        scopes: What that token allows.
        refusal: What is wrong with its credentials. It is told so after its address's quota was
            charged, so that guessing is as limited as asking.
    """

    key: str
    quota: Quota
    name: str
    has_token: bool = False
    scopes: frozenset[Scope] = frozenset()
    refusal: ProblemError | None = None
