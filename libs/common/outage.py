"""An outage is logged once, however long it lasts."""

from libs.common.logging import Log


class Outage:
    """Logs that something has gone away, and that it is back, and nothing in between.

    Args:
        log: Where it is logged.
        away: The log event of its start, which is a warning.
        back: The log event of its end; None where later log lines show the end anyway.
    """

    def __init__(self, log: Log, away: str, back: str | None = None) -> None:
        self._log = log
        self._away = away
        self._back = back
        self._lasts = False

    def began(self, **known: object) -> None:
        """Note that the thing is away; only the first call of an outage is logged."""
        if not self._lasts:
            self._lasts = True
            self._log.warning(self._away, **known)

    def over(self, **known: object) -> None:
        """Note that the thing is there again."""
        if self._lasts and self._back:
            self._log.info(self._back, **known)
        self._lasts = False
