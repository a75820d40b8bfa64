"""The table of the scenarios. A new fault is one file here and one line below."""

from collections.abc import Sequence

from tests.chaos.scenario import Scenario
from tests.chaos.scenarios.kills_and_restarts import KillsAndRestarts
from tests.chaos.scenarios.late_consumer import LateConsumer
from tests.chaos.scenarios.restarted_pollers import RestartedPollers

SCENARIOS: Sequence[Scenario] = (LateConsumer(), KillsAndRestarts(), RestartedPollers())
