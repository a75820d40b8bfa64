"""Previews of JWST images: fetched once from their archives, kept on disk up to a size."""

from services.gateway.thumbnails.errors import ArchiveAwayError, NoPictureError
from services.gateway.thumbnails.fetching import PictureFetcher
from services.gateway.thumbnails.folder import ThumbnailFolder
from services.gateway.thumbnails.service import Thumbnails

__all__ = [
    "ArchiveAwayError",
    "NoPictureError",
    "PictureFetcher",
    "ThumbnailFolder",
    "Thumbnails",
]
