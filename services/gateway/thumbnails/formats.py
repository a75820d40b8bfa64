"""Which bytes are a picture. Pure."""

_SIGNATURES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
# What object stores say of a file of which nobody told them more.
_UNTYPED = {"application/octet-stream", "binary/octet-stream"}


def picture_type(content: bytes) -> str | None:
    """Return the media type that the first bytes tell; None for all that is no plain picture.

    SVG is none: it may hold scripts.
    """
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    for signature, media in _SIGNATURES:
        if content.startswith(signature):
            return media
    return None


def may_be_picture(content_type: str) -> bool:
    """Whether a declared type leaves the decision to the bytes."""
    return content_type.startswith("image/") or content_type in _UNTYPED
