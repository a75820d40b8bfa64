"""The table of the scenarios. A new fault is one file here and one line below."""

from collections.abc import Sequence

from tests.chaos.scenario import Scenario
from tests.chaos.scenarios.bad_deploy import BadDeploy
from tests.chaos.scenarios.bad_network import BadNetwork
from tests.chaos.scenarios.full_disk import FullDisk
from tests.chaos.scenarios.kills_and_restarts import KillsAndRestarts
from tests.chaos.scenarios.late_consumer import LateConsumer
from tests.chaos.scenarios.leading_pollers import LeadingPollers
from tests.chaos.scenarios.live_stream import LiveStream
from tests.chaos.scenarios.poison_batch import PoisonBatch
from tests.chaos.scenarios.restarted_pollers import RestartedPollers
from tests.chaos.scenarios.spoiled_broker import SPOILED_BROKERS

SCENARIOS: Sequence[Scenario] = (
    LateConsumer(),
    KillsAndRestarts(),
    BadNetwork(),
    *SPOILED_BROKERS,
    PoisonBatch(),
    BadDeploy(),
    FullDisk(),
    LeadingPollers(),
    LiveStream(),
    RestartedPollers(),
)
