"""The breaker, with a clock that is moved by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.breaker import BackOff, Breaker
from tests.clocks import MovingClock

OPTIONS = BackOff(threshold=3, base_s=10.0, cap_s=60.0)


def failed(times: int, options: BackOff = OPTIONS) -> tuple[Breaker, MovingClock]:
    """Return a breaker after so many failures in a row."""
    clock = MovingClock()
    breaker = Breaker(options, clock)
    for _ in range(times):
        breaker.failed()
    return breaker, clock


def test_it_opens_at_its_threshold() -> None:
    """Below the threshold the next try is allowed at once, at the threshold it is not."""
    assert failed(0)[0].opens_in_s == 0
    assert failed(2)[0].opens_in_s == 0
    assert failed(3)[0].opens_in_s > 0


@given(st.integers(3, 2_000))
def test_the_pause_doubles_up_to_its_cap(failures: int) -> None:
    """After n failures the pause is between half and all of base * 2**n, and of the cap."""
    longest = min(60.0, 10.0 * 2 ** min(failures - 3, 10))
    assert longest / 2 <= failed(failures)[0].opens_in_s <= longest


def test_it_closes_when_its_time_is_over() -> None:
    """The pause shrinks with the clock, and one more failure makes the next, longer one."""
    breaker, clock = failed(3)
    before = breaker.opens_in_s
    clock.move(1)
    assert breaker.opens_in_s == before - 1
    clock.move(before)
    assert breaker.opens_in_s == 0
    breaker.failed()
    assert breaker.opens_in_s >= 10


def test_a_success_forgets_all_failures() -> None:
    """After a success it takes the whole threshold again."""
    breaker, _ = failed(50)
    breaker.succeeded()
    assert (breaker.opens_in_s, breaker.failures) == (0, 0)
    breaker.failed()
    breaker.failed()
    assert breaker.opens_in_s == 0


def test_what_the_upstream_asks_for_is_obeyed() -> None:
    """A wish to wait counts from the first failure on, and beyond the cap."""
    breaker, _ = failed(0)
    breaker.failed(at_least_s=3_600)
    assert breaker.opens_in_s == 3_600


@pytest.mark.parametrize(
    ("asked_s", "pause_s"), [(1e308, 86_400), (math.inf, 86_400), (math.nan, 0), (-5, 0)]
)
def test_an_absurd_wish_is_bounded(asked_s: float, pause_s: float) -> None:
    """Nobody has himself left alone for more than a day, and what is no number is no wish."""
    breaker, _ = failed(0)
    breaker.failed(at_least_s=asked_s)
    assert breaker.opens_in_s == pause_s


def test_a_short_wish_does_not_shorten_the_pause() -> None:
    """The longer of both pauses holds."""
    breaker, _ = failed(2)
    breaker.failed(at_least_s=1)
    assert breaker.opens_in_s >= 5


def test_many_installations_do_not_return_together() -> None:
    """The pauses of several breakers with the same history differ."""
    assert len({failed(5)[0].opens_in_s for _ in range(20)}) > 10
