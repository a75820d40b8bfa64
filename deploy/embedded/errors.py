"""What `make run` tells the person at the terminal when it cannot go on."""


class EmbeddedError(Exception):
    """The run cannot start or go on; the message says why and what to do, without a traceback."""


class StopRequested(BaseException):
    """Ctrl-C or SIGTERM arrived while something was being waited for."""
