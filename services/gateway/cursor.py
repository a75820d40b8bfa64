"""Cursors: where a page ended, opaque to clients."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

_SEPARATOR = "|"


@dataclass(frozen=True, slots=True)
class Cursor:
    """The key of the last row of a page."""

    time: datetime
    id: UUID

    def encode(self) -> str:
        """Return it as text for a URL."""
        plain = f"{self.time.isoformat()}{_SEPARATOR}{self.id}"
        return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, value: str) -> Self:
        """Read it back.

        Raises:
            ValueError: It is none of ours.
        """
        try:
            padded = value + "=" * (-len(value) % 4)
            plain = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
            time, _, identity = plain.partition(_SEPARATOR)
            cursor = cls(datetime.fromisoformat(time), UUID(identity))
        except (binascii.Error, ValueError):
            raise ValueError("expected the cursor of an earlier page") from None
        if cursor.time.tzinfo is None:
            raise ValueError("expected the cursor of an earlier page")
        return cursor
