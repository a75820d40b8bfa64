"""Which links leave the service: https, and only to archives of JWST pictures. Pure."""

import re
from urllib.parse import unquote, urlsplit

from libs.common.upstream_text import web_link

_DOWNLOAD = "https://mast.stsci.edu/api/v0.1/Download/file?uri="
_PRODUCT_URI = re.compile(r"mast:JWST/product/[A-Za-z0-9._+-]{1,200}")
# STScI's own; the delivery network of jwstapi.com; the bucket that its older records point to.
_DOMAIN = "stsci.edu"
_HOSTS = {
    "jwst-api-cdn.nyc3.cdn.digitaloceanspaces.com",
    "stpubdata-jwst.s3.amazonaws.com",
    "stpubdata-jwst.s3.us-east-1.amazonaws.com",
}
_SHARED_HOST, _BUCKET = "s3.amazonaws.com", "/stpubdata-jwst/"


def archive_link(value: object) -> str | None:
    """Return a link to a known archive, a `mast:` name made into one; None for all else."""
    if isinstance(value, str) and _PRODUCT_URI.fullmatch(value):
        return _DOWNLOAD + value
    link = web_link(value)
    if link is None:
        return None
    parts = urlsplit(link)
    host = (parts.hostname or "").lower()
    known = (
        host == _DOMAIN
        or host.endswith(f".{_DOMAIN}")
        or host in _HOSTS
        or (host == _SHARED_HOST and parts.path.startswith(_BUCKET))
    )
    return link if known and parts.scheme == "https" and not parts.port else None


def product_link(file_name: str) -> str | None:
    """Return the link under which MAST gives out a product."""
    return archive_link(f"mast:JWST/product/{file_name}")


def linked_file(link: str) -> str:
    """Return the name of the file that a link leads to."""
    return unquote(link).rpartition("/")[2]
