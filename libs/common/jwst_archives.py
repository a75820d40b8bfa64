"""Which hosts give out JWST pictures: links to anything else neither come in nor are followed."""

from urllib.parse import urlsplit

# STScI's own; the delivery network of jwstapi.com; the bucket that its older records point to.
_DOMAIN = "stsci.edu"
_HOSTS = {
    "jwst-api-cdn.nyc3.cdn.digitaloceanspaces.com",
    "stpubdata-jwst.s3.amazonaws.com",
    "stpubdata-jwst.s3.us-east-1.amazonaws.com",
}
_SHARED_HOST, _BUCKET = "s3.amazonaws.com", "/stpubdata-jwst/"


def leads_to_archive(link: str) -> bool:
    """Whether a link is https, on the usual port, and leads to a known archive."""
    try:
        parts = urlsplit(link)
        port = parts.port
    except ValueError:
        return False
    host = (parts.hostname or "").lower()
    known = (
        host == _DOMAIN
        or host.endswith(f".{_DOMAIN}")
        or host in _HOSTS
        or (host == _SHARED_HOST and parts.path.startswith(_BUCKET))
    )
    # Whoever writes a name or a password into a link wants another host to be seen.
    return known and parts.scheme == "https" and not port and "@" not in parts.netloc
