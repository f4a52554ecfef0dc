"""All scenarios, by their names."""

from __future__ import annotations

from typing import Final

from loadtest.scenarios.broadcast import broadcast
from loadtest.scenarios.churn import churn
from loadtest.scenarios.ladder import ladder
from loadtest.scenarios.play import Scenario
from loadtest.scenarios.proof import proof
from loadtest.scenarios.slow import RECEIVE_BUFFER, slow
from loadtest.scenarios.steady import steady
from loadtest.scenarios.storm import storm

_ALL: Final = (
    Scenario(
        "steady",
        "people read, type, post, scroll back and change rooms",
        "everybody sees every post of their rooms once, in order",
        steady,
    ),
    Scenario("broadcast", "one room with everybody in it, and one message at a time", "everybody has each", broadcast),
    Scenario(
        "storm",
        "a share of the people is cut off at once and comes again at once, while others talk",
        "all are back, with everything they missed",
        storm,
    ),
    Scenario(
        "churn",
        "people leave and come again all the time, while others talk",
        "who comes again gets what they missed, and who stays notices nothing",
        churn,
    ),
    Scenario(
        "slow",
        "some people do not read, beside others who do",
        "the others notice nothing; who takes nothing for long is sent away, and has everything after a return",
        slow,
        receive_buffer=RECEIVE_BUFFER,
    ),
    Scenario(
        "ladder",
        "the rate of posts is raised until latency or loss crosses a limit",
        "the highest rate that kept to the limit, and what bounded it",
        ladder,
    ),
    Scenario(
        "proof",
        "all come, are held, post in small rooms, hear broadcasts, and a share is cut off",
        "everything that is claimed of so many connections, on one crowd",
        proof,
    ),
)

SCENARIOS: Final[dict[str, Scenario]] = {scenario.name: scenario for scenario in _ALL}
