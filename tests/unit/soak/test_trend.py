"""A series is flat or it is not: noise, what settles at first, leaks."""

import random
from collections.abc import Callable

import pytest

from tests.soak.report import lines
from tests.soak.sampling import Series
from tests.soak.trend import Sample, Tolerance, trend

HOUR = 3_600
TIGHT = Tolerance(8, 0.05)


def series(value: Callable[[float], float], seconds: int = HOUR) -> list[Sample]:
    """Return a sample every 15 s."""
    return [Sample(at, value(at)) for at in range(0, seconds, 15)]


def is_flat(value: Callable[[float], float], seconds: int = HOUR) -> bool:
    """Tell whether 240 samples of a function are flat."""
    found = trend(series(value, seconds), TIGHT)
    assert found is not None
    return found.is_flat


def test_noise_is_flat() -> None:
    """What goes up and down by more than the tolerance has not grown."""
    noise = random.Random(1)
    assert is_flat(lambda _: 70 + noise.uniform(-15, 15))


def test_what_settles_at_first_is_flat() -> None:
    """Caches that fill within the first minutes are no leak."""
    assert is_flat(lambda at: 40 + min(at, 500) / 10)


def test_a_single_peak_is_flat() -> None:
    """One large batch is no leak, even at the very end."""
    assert is_flat(lambda at: 500 if at > HOUR - 60 else 70)


def test_shrinking_is_flat() -> None:
    """Nobody minds."""
    assert is_flat(lambda at: 100 - at / 60)


@pytest.mark.parametrize(
    "leak",
    [lambda at: 70 + 20 * at / HOUR, lambda at: 70 if at < HOUR / 2 else 90],
    ids=["slowly", "at once"],
)
def test_a_leak_is_found(leak: Callable[[float], float]) -> None:
    """20 MB more after an hour, however they came, are not flat."""
    assert not is_flat(leak)


def test_the_slope_is_that_of_the_line() -> None:
    """20 MB an hour are shown as such."""
    found = trend(series(lambda at: 70 + 20 * at / HOUR), TIGHT)
    assert found is not None
    assert found.per_hour == pytest.approx(20)


def test_a_short_run_allows_more() -> None:
    """What would be a leak after an hour may be a cache after a minute; three times is no cache."""
    assert is_flat(lambda at: 70 + at / 15, seconds=300)
    assert not is_flat(lambda at: 70 + at / 5, seconds=300)


def test_what_is_known_to_fill_may_fill_in_a_short_run() -> None:
    """Within an hour it is full before anybody looks: then it is allowed no more than the rest."""

    def flat(seconds: int) -> bool:
        found = trend(series(lambda at: 70 + 60 * at / seconds, seconds), TIGHT, fills=64)
        assert found is not None
        return found.is_flat

    assert flat(600)
    assert not flat(HOUR)


def test_too_few_samples_prove_nothing() -> None:
    """Nothing is said, instead of that all is well."""
    assert trend([], TIGHT) is None
    assert trend(series(lambda _: 1, seconds=100), TIGHT) is None


def test_what_grows_is_named() -> None:
    """The table has a line for each series, and the names of the growing ones come beside it."""
    table, growing = lines(
        {
            Series("gateway-0", "memory"): series(lambda at: at),
            Series("gateway-0", "connections"): series(lambda _: 5),
        }
    )
    assert growing == ["gateway-0: memory"]
    assert [line.split()[-1] for line in table[1:]] == ["flat", "GROWS"]
