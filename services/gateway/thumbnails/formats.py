"""Tells from the bytes whether they are a picture. Pure."""

_SIGNATURES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
# What object stores declare for a file whose type they were not told.
_UNTYPED = {"application/octet-stream", "binary/octet-stream"}


def picture_type(content: bytes) -> str | None:
    """Return the media type that the first bytes show; None for anything but a plain picture.

    SVG does not count as one, because it may contain scripts.
    """
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    for signature, media in _SIGNATURES:
        if content.startswith(signature):
            return media
    return None


def may_be_picture(content_type: str) -> bool:
    """Tell whether the declared type allows a picture, so that the bytes decide."""
    return content_type.startswith("image/") or content_type in _UNTYPED
