"""API keys, each of which gives a client a quota of its own."""

import json
from hashlib import sha256
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from libs.common.errors import expectation
from services.gateway.ratelimit import Quota
from services.gateway.ratelimit.quota import LARGEST, SMALLEST_BURST

# Shorter keys can be guessed.
SHORTEST_KEY = 16
PerMinute = Annotated[int, Field(ge=1, le=LARGEST)]
Burst = Annotated[int, Field(ge=SMALLEST_BURST, le=LARGEST)]
_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


class ApiKey(BaseModel):
    """One entry of `CASSIOPEIA_API_KEYS`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: Annotated[str, Field(min_length=SHORTEST_KEY)] | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    per_minute: PerMinute
    burst: Burst

    @model_validator(mode="after")
    def _one_of_two(self) -> "ApiKey":
        if (self.key is None) == (self.sha256 is None):
            raise ValueError("expected either key or sha256")
        return self

    @property
    def digest(self) -> str:
        """The SHA-256 of the key."""
        return self.sha256 or digest_of(self.key or "")

    @property
    def quota(self) -> Quota:
        """The quota of a client with this key."""
        return Quota(self.per_minute, self.burst)


_KEYS: TypeAdapter[dict[str, ApiKey]] = TypeAdapter(dict[_Name, ApiKey])


def digest_of(key: str) -> str:
    """Return the digest that is kept and compared instead of a key."""
    return sha256(key.encode(errors="surrogateescape")).hexdigest()


def parse_api_keys(text: str) -> dict[str, ApiKey]:
    """Read the setting: JSON of names and their keys; empty means none.

    Raises:
        ValueError: The setting is anything else; the message never contains a key.
    """
    if not text:
        return {}
    try:
        keys = _KEYS.validate_python(json.loads(text))
    except json.JSONDecodeError as error:
        raise ValueError(
            'expected JSON such as {"name": {"sha256": "...", "per_minute": 600, "burst": 100}}'
            f" ({error.msg} at line {error.lineno})"
        ) from None
    except ValidationError as error:
        raise ValueError(
            "; ".join(
                f"{'.'.join(map(str, item['loc']))}: {expectation(item['msg'])}"
                for item in error.errors(include_url=False, include_input=False)
            )
        ) from None
    if len({key.digest for key in keys.values()}) < len(keys):
        raise ValueError("expected a different key for each name")
    return keys
