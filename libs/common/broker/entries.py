"""Entries of a stream: the form in which an event is written, and how it is read back."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Optional, Union

from faststream.redis.parser import BinaryMessageFormatV1, MessageFormat

if TYPE_CHECKING:
    from fast_depends.library.serializer import SerializerProto
    from faststream._internal.basic_types import SendableMessage
    from faststream._internal.parser import CodecProto

# The field of a stream entry that FastStream reads and writes.
BODY_FIELD = b"__data__"


class PlainFormat(MessageFormat):
    """Writes an event as plain JSON, so that every client of the broker can read it.

    FastStream's own binary form is used only where headers matter (a reply address); both forms are
    understood when reading. Our traceparent and content type are in the event's envelope.
    """

    @classmethod
    async def encode(
        cls,
        *,
        message: Union[Sequence["SendableMessage"], "SendableMessage"],
        reply_to: str | None,
        headers: dict[str, Any] | None,
        correlation_id: str,
        serializer: Optional["SerializerProto"] = None,
        codec: Optional["CodecProto"] = None,
    ) -> bytes:
        """Return the bytes that go into the entry."""
        if isinstance(message, bytes) and not reply_to and not headers:
            return message
        return await BinaryMessageFormatV1.encode(
            message=message,
            reply_to=reply_to,
            headers=headers,
            correlation_id=correlation_id,
            serializer=serializer,
            codec=codec,
        )

    @classmethod
    def parse(cls, data: bytes) -> tuple[bytes, dict[str, Any]]:
        """Return body and headers of an entry."""
        if data.startswith(BinaryMessageFormatV1.IDENTITY_HEADER):
            return BinaryMessageFormatV1.parse(data)
        return data, {}


def text(value: bytes | str | int) -> str:
    """Return an answer of the broker as text; its client types an id as any of the three."""
    return value.decode() if isinstance(value, bytes) else str(value)


def as_bytes(value: bytes | str) -> bytes:
    """Return an answer of the broker as bytes."""
    return value if isinstance(value, bytes) else value.encode()


def body_of(fields: Mapping[bytes, bytes]) -> bytes:
    """Return the body of a stream entry.

    For an entry that somebody added by hand with other fields, this is a JSON object of those
    fields, so that it can be read among the dead letters.
    """
    body = fields.get(BODY_FIELD)
    if body is not None:
        return PlainFormat.parse(body)[0]
    readable = {
        key.decode(errors="replace"): value.decode(errors="replace")
        for key, value in fields.items()
    }
    return json.dumps(readable).encode()
