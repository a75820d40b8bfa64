"""Why there is no thumbnail."""

from libs.common.errors import CassiopeiaError


class NoPictureError(CassiopeiaError):
    """The archive's answer is not a picture that may be passed on; asking again hardly helps."""


class ArchiveAwayError(CassiopeiaError):
    """The archive does not answer, or asks to wait; asking again later helps."""
