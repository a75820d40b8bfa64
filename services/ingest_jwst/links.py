"""Which links are published: https, and only to archives of JWST pictures. Pure."""

import re
from urllib.parse import unquote

from libs.common.jwst_archives import leads_to_archive
from libs.common.upstream.text import web_link

_DOWNLOAD = "https://mast.stsci.edu/api/v0.1/Download/file?uri="
_PRODUCT_URI = re.compile(r"mast:JWST/product/[A-Za-z0-9._+-]{1,200}")


def archive_link(value: object) -> str | None:
    """Return a link to a known archive, also for a `mast:` name; None for anything else."""
    if isinstance(value, str) and _PRODUCT_URI.fullmatch(value):
        return _DOWNLOAD + value
    link = web_link(value)
    return link if link and leads_to_archive(link) else None


def product_link(file_name: str) -> str | None:
    """Return MAST's download link for a product."""
    return archive_link(f"mast:JWST/product/{file_name}")


def linked_file(link: str) -> str:
    """Return the name of the file that a link leads to."""
    return unquote(link).rpartition("/")[2]
