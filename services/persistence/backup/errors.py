"""What a person is told when a backup cannot be taken or restored."""

import errno
from pathlib import Path

from libs.common.errors import CassiopeiaError


class BackupError(CassiopeiaError):
    """The backup or restore cannot be done; the message says why and what to do."""


class StoppedError(BackupError):
    """A stop signal came in the middle of the work; nothing half-done is left."""


def explain(error: OSError, place: Path) -> BackupError:
    """Turn a failed file operation into a sentence."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return BackupError(
            f"there is no room left in {place}: the unfinished file is removed; make room, or name"
            " another folder with CASSIOPEIA_BACKUP_DIR"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return BackupError(
            f"no permission to write to {place}: run as its owner, or name another folder with"
            " CASSIOPEIA_BACKUP_DIR"
        )
    return BackupError(f"{error.filename or place}: {error.strerror or error}")
