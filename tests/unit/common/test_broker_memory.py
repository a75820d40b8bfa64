"""The alarm about the broker's memory."""

from libs.common.broker.memory import BrokerMemory, MemoryAlarm


def test_an_alarm_rings_above_its_ratio_until_well_below() -> None:
    """At the border it neither begins nor ends again and again."""
    alarm = MemoryAlarm(0.7)
    ratios = (0.5, 0.7, 0.71, 0.69, 0.71, 0.61, 0.6, 0.69, 0.9)
    changes = [alarm.look(ratio) for ratio in ratios]
    assert changes == [False, False, True, False, False, False, True, False, True]
    assert alarm.rings


def test_a_broker_without_a_limit_is_never_full() -> None:
    """Where nobody knows the limit, nothing is said about it."""
    assert BrokerMemory(used=10**9, limit=0).ratio == 0.0
