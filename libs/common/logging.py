"""Structured logs: one canonical line per unit of work, JSON unless a person reads along."""

import logging
import sys
from typing import Any

import structlog
import structlog.tracebacks
from structlog.typing import EventDict, Processor, WrappedLogger

from libs.common.secrets import Redactor
from libs.common.settings import ServiceSettings

# Without local variables: a secret in one would not look like one.
_TRACEBACKS = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=20)
)

Log = structlog.stdlib.BoundLogger


def get_logger(name: str) -> Log:
    """Return the logger of a module."""
    logger: Log = structlog.stdlib.get_logger(name)
    return logger


def is_structured(settings: ServiceSettings) -> bool:
    """Whether lines are JSON."""
    return settings.log_format == "json" or (
        settings.log_format == "auto" and not sys.stdout.isatty()
    )


def setup_logging(settings: ServiceSettings, service: str) -> None:
    """Send structlog's and every library's records to standard output in one form."""
    structured = is_structured(settings)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _Constant(service=service, replica=settings.replica),
    ]
    redact = _Redaction(Redactor(settings.secret_values()))
    rendering: list[Processor] = (
        [_TRACEBACKS, redact, structlog.processors.JSONRenderer()]
        if structured
        else [
            # Before the redaction, which must see what will be written.
            structlog.processors.format_exc_info,
            redact,
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
        ]
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    # Their INFO lines say nothing that a canonical line does not.
    for chatty in ("aiohttp.access", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # It warns at every try, several times a second, of what the services say once.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    # FastStream comes with handlers of its own, which would write in another form.
    faststream = logging.getLogger("faststream")
    faststream.handlers, faststream.propagate = [], True
    faststream.setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


class _Constant:
    """Adds the same fields to every line."""

    def __init__(self, **fields: str) -> None:
        self._fields = fields

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        for name, value in self._fields.items():
            event.setdefault(name, value)
        return event


class _Redaction:
    """Masks secrets in every string of a line, tracebacks included."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {name: self._clean(value) for name, value in event.items()}

    def _clean(self, value: Any) -> Any:  # noqa: ANN401 - a log field may be anything
        if isinstance(value, str):
            return self._redactor(value)
        if isinstance(value, dict):
            return {key: self._clean(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._clean(item) for item in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return self._redactor(str(value))
