"""Trouble that is told of once, however long it lasts."""

from libs.common.logging import Log


class Outage:
    """Logs that something has gone away, and that it is back, and nothing in between.

    Args:
        log: Where.
        away: What the log calls the begin, which is a warning.
        back: What it calls the end; None where what follows shows it.
    """

    def __init__(self, log: Log, away: str, back: str | None = None) -> None:
        self._log = log
        self._away = away
        self._back = back
        self._lasts = False

    def began(self, **known: object) -> None:
        """Note that it is away, as often as that shows."""
        if not self._lasts:
            self._lasts = True
            self._log.warning(self._away, **known)

    def over(self, **known: object) -> None:
        """Note that it is there."""
        if self._lasts and self._back:
            self._log.info(self._back, **known)
        self._lasts = False
