"""A conductor's world, played by hand: processes that obey at once or not at all, and a clock that is set."""

from __future__ import annotations

from collections.abc import Callable

from loadtest.histogram import Histogram
from loadtest.people import People
from loadtest.scenarios.conducting import Conductor
from loadtest.scenarios.messages import (
    Broadcast,
    Churn,
    Come,
    Cut,
    Hold,
    Ignore,
    Kill,
    Measured,
    Options,
    Order,
    Progress,
    Results,
    Settle,
    Testify,
    Verdict,
)
from loadtest.scenarios.table import SCENARIOS

PEOPLE = People.made(100, "all,each:10")

Server = Callable[[Order], Measured]
"""What is measured of an order, by each process."""


def took(*seconds: float) -> bytes:
    """A histogram of these."""
    histogram = Histogram()
    for each in seconds:
        histogram.record_seconds(each)
    return histogram.take_counts()


def good(order: Order) -> Measured:
    """What a server that is up to everything is measured by."""
    measured = Measured(order=order.number, seconds=1.0, cpu=0.1)
    match order.doing:
        case Come():
            measured.connects, measured.connect = 50, took(0.01, 0.02)
        case Broadcast():
            measured.figures = {"last_receipt": 0.25}
        case Cut():
            measured.connects, measured.connect = 10, took(0.1)
            measured.figures = {"recovery": 0.5}
            measured.acknowledged, measured.ack = 3, took(0.02)
        case Kill():
            measured.connects, measured.figures = 15, {"recovery": 2.0}
            measured.ack = took(0.03)
        case Hold(seconds) | Churn(seconds=seconds) | Ignore(seconds=seconds):
            measured.posted = measured.acknowledged = round(order.talk * seconds / 2)
            measured.delivered = 10 * measured.posted
            measured.ack, measured.seen = took(0.004), took(0.005, 0.006)
    return measured


class History:
    """A scenario with two processes, each with half of the people."""

    def __init__(self, options: Options, server: Server = good, players: int = 2) -> None:
        self.now = 1_000.0
        self.conductor = Conductor(SCENARIOS[options.scenario], options, PEOPLE, players)
        self.orders: list[Order] = []
        self._server = server
        self._players = players

    def tick(self, seconds: float = 0.0) -> Order | None:
        """The order that is due after so long, if one is."""
        self.now += seconds
        orders = self.conductor.tick(self.now)
        self.orders += orders
        return orders[0] if orders else None

    def obey(self, order: Order, player: int) -> None:
        """One process says that it has done it, and what it measured."""
        self.conductor.heard(
            player,
            Progress(
                player=player, order=order.number, done=True, wanted=50, connected=50, ready=50,
                measured=[self._server(order)], heads={"r_1": 7 + player} if isinstance(order.doing, Settle) else {},
                ledger=b"ledger %d" % player if isinstance(order.doing, Testify) else b"",
            ),
        )  # fmt: skip

    def play(self, verdict: Verdict = Verdict()) -> Results:  # noqa: B008 - a frozen value
        """To the end, with everybody obeying within a second."""
        for _ in range(200):
            self.tick()
            if self.conductor.ledgers is not None:
                break
            self.now += 1.0
            for player in range(self._players):
                self.obey(self.orders[-1], player)
        assert self.conductor.ledgers is not None
        self.conductor.judged(self.now, verdict)
        return self.conductor.results()

    @property
    def phases(self) -> list[str]:
        return [order.phase for order in self.orders]
