"""The limit on dead letters: when a consumer stands still, and when it goes on."""

from itertools import cycle

import pytest

from libs.common.breaker import BackOff
from libs.common.consuming.dead_letter_limit import DeadLetterLimit, LetterLimit
from tests.clocks import MovingClock

LIMIT = LetterLimit(count=10, ratio=0.5, window_s=600.0, pause=BackOff(1, 30.0, 120.0))


@pytest.fixture
def clock() -> MovingClock:
    """A clock that stands still."""
    return MovingClock()


@pytest.fixture
def limit(clock: MovingClock) -> DeadLetterLimit:
    """A limit of ten letters and one half within ten minutes."""
    return DeadLetterLimit(LIMIT, clock)


def test_a_few_letters_are_always_allowed(limit: DeadLetterLimit) -> None:
    """Up to the count the share does not matter."""
    assert [limit.admit(1, 1) for _ in range(10)] == [1] * 10
    assert not limit.exceeded


def test_the_smaller_part_is_always_allowed(limit: DeadLetterLimit) -> None:
    """Below the ratio the number does not matter."""
    assert [limit.admit(1_000, 400) for _ in range(10)] == [400] * 10
    assert not limit.exceeded


def test_what_is_over_both_is_withheld(limit: DeadLetterLimit, clock: MovingClock) -> None:
    """The batch that passes the limit is diverted up to it; from then on nothing is."""
    assert limit.admit(100, 100) == 10
    assert limit.exceeded
    assert 0 < limit.pause_s <= 30
    assert limit.admit(100, 100) == 0
    clock.move(30)
    assert limit.pause_s == 0
    assert limit.exceeded


def test_it_looks_again_ever_later(limit: DeadLetterLimit, clock: MovingClock) -> None:
    """Each look that finds the same doubles the pause, up to its cap."""
    limit.admit(100, 100)
    for longest in (60, 120, 120):
        clock.move(120)
        assert limit.admit(10, 10) == 0
        assert longest / 2 <= limit.pause_s <= longest


def test_batches_that_were_in_work_already_are_no_further_failure(limit: DeadLetterLimit) -> None:
    """What several batches find at the same time prolongs nothing."""
    limit.admit(100, 100)
    before = limit.pause_s
    limit.admit(100, 100)
    assert limit.pause_s == before


def test_a_mostly_good_batch_ends_it(limit: DeadLetterLimit, clock: MovingClock) -> None:
    """It goes on at once, and the letters from before count on."""
    limit.admit(100, 100)
    clock.move(60)
    assert limit.admit(10, 0) == 0
    assert not limit.exceeded
    assert limit.pause_s == 0
    assert limit.admit(5, 5) == 0
    assert limit.exceeded


def test_enough_good_entries_free_the_letters_again(limit: DeadLetterLimit) -> None:
    """When most of what came last was good, few letters more are nobody's alarm."""
    limit.admit(100, 100)
    assert limit.admit(2_000, 500) == 500
    assert not limit.exceeded


def test_a_good_hour_dilutes_nothing(clock: MovingClock) -> None:
    """However much was good before: what is all bad now makes a hundred letters."""
    limit = DeadLetterLimit(LetterLimit(), clock)
    for _ in range(50):
        limit.admit(2_000, 0)
    assert limit.admit(2_000, 2_000) == 100
    assert limit.exceeded


def test_a_good_entry_among_bad_ones_frees_nothing(clock: MovingClock) -> None:
    """A stream that comes one by one, three of five bad, makes a hundred letters an hour."""
    limit = DeadLetterLimit(LetterLimit(), clock)
    is_bad = cycle([True, True, True, False, False])

    def letters_of_an_hour() -> int:
        letters = 0
        for _ in range(3_600):
            clock.move(1)
            if not limit.pause_s:
                letters += limit.admit(1, next(is_bad))
        return letters

    assert letters_of_an_hour() == 100
    assert letters_of_an_hour() <= 100


def test_letters_of_long_ago_do_not_count(limit: DeadLetterLimit, clock: MovingClock) -> None:
    """After the window the count is free again."""
    assert limit.admit(10, 10) == 10
    clock.move(599)
    assert limit.admit(1, 1) == 0
    clock.move(60)
    limit.admit(100, 0)
    clock.move(700)
    assert limit.admit(10, 10) == 10


def test_a_limit_of_none_stops_at_once(clock: MovingClock) -> None:
    """With a count and a ratio of 0 nothing ever becomes a letter."""
    limit = DeadLetterLimit(LetterLimit(count=0, ratio=0.0), clock)
    assert limit.admit(1_000, 1) == 0
    assert limit.exceeded
