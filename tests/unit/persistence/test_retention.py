"""Retention: how it is written, what it means, and which combinations make no sense."""

from datetime import UTC, datetime, timedelta

import pytest

from libs.common.errors import ConfigurationError
from libs.common.settings import load_settings
from services.persistence.retention import floor_of
from services.persistence.settings import PersistenceSettings
from services.persistence.tables import TABLES

VARIABLE = "CASSIOPEIA_RETENTION_ISS_POSITIONS"


@pytest.mark.parametrize(
    ("text", "kept"),
    [("30d", timedelta(days=30)), ("1y", timedelta(days=366)), ("forever", None)],
)
def test_a_retention_is_days_years_or_forever(
    monkeypatch: pytest.MonkeyPatch, text: str, kept: timedelta | None
) -> None:
    """What is set is what is kept."""
    monkeypatch.setenv(VARIABLE, text)
    assert load_settings(PersistenceSettings).retention["iss_positions"] == kept


def test_everything_is_kept_unless_somebody_says_otherwise() -> None:
    """No table loses rows by default, and each that may has a name that exists."""
    retention = PersistenceSettings().retention
    assert set(retention.values()) == {None}
    names = {table.name for table in TABLES}
    assert retention.keys() - names == {"iss_positions_minute", "iss_positions_hour"}


@pytest.mark.parametrize("text", ["", "30", "0d", "-1d", "1.5y", "1m", "Forever", "1001y", "d"])
def test_a_wrong_retention_stops_the_start(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """The message names the variable and says what would have been right."""
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(ConfigurationError) as caught:
        load_settings(PersistenceSettings)
    assert str(caught.value) == (
        f"{VARIABLE}={text}: expected days or years such as 30d or 1y, or forever"
    )


@pytest.mark.parametrize(("rows", "minutes"), [("forever", "1y"), ("2y", "1y"), ("31d", "30d")])
def test_roll_ups_are_kept_at_least_as_long_as_their_rows(
    monkeypatch: pytest.MonkeyPatch, rows: str, minutes: str
) -> None:
    """Otherwise a late row would begin a bucket that was removed."""
    monkeypatch.setenv(VARIABLE, rows)
    monkeypatch.setenv(f"{VARIABLE}_MINUTE", minutes)
    with pytest.raises(ConfigurationError) as caught:
        load_settings(PersistenceSettings)
    assert str(caught.value) == f"{VARIABLE}_MINUTE: expected at least as long as {VARIABLE}"
    monkeypatch.setenv(f"{VARIABLE}_MINUTE", "forever")
    assert load_settings(PersistenceSettings).retention["iss_positions_minute"] is None


@pytest.mark.parametrize(
    ("now", "days", "floor"),
    [
        ("2026-03-31T12:00Z", 30, "2026-03-01T00:00Z"),
        ("2026-03-30T23:59Z", 30, "2026-02-01T00:00Z"),
        ("2026-03-01T00:30+02:00", 1, "2026-02-01T00:00Z"),
        ("2026-01-15T00:00Z", 366, "2025-01-01T00:00Z"),
    ],
)
def test_whole_months_go(now: str, days: int, floor: str) -> None:
    """Nothing goes before its time: the floor is the start of the month that is just reached."""
    found = floor_of(datetime.fromisoformat(now), timedelta(days=days))
    assert found == datetime.fromisoformat(floor)
    assert found.tzinfo is UTC
