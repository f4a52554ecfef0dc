"""A locust user that is thousands of people: one greenlet, one epoll.

Locust spawns one of these in each process; how many people it is, the master says. The rules:
- It is fair to locust: a step of the crowd is bounded, and between two steps the event loop goes round, with locust's
  heartbeats and messages in it.
- It waits for the crowd's epoll inside gevent's own loop. The epoll is the real one: gevent takes `select.epoll` away
  when it patches, because waiting on it would stop everybody else.
- It plays until the master says that it is over, not until locust kills it: what it saw has to be told before.
"""

from __future__ import annotations

import os
import time
import traceback
from collections import deque
from typing import Final

import gevent
from gevent.event import Event
from locust import User, task
from locust.env import Environment
from locust.rpc import Message
from locust.runners import Runner

from loadtest.precedence import shifts_of
from loadtest.scenarios.messages import Order
from loadtest.scenarios.playing import Player
from loadtest.users.casting import (
    BROKEN,
    CAST,
    LEFT,
    ORDER,
    OVER,
    PROGRESS,
    Broken,
    Cast,
    Given,
    Left,
    Over,
    Told,
    packed,
    unpacked,
)
from loadtest.users.flags import endpoints_of, people_of
from loadtest.users.shown import show

TELL_EVERY: Final = 1.0  # seconds; with many processes …
_TELL_EVERY_EACH: Final = 0.1  # for each of them, because one master has to hear all, up to …
_TELL_EVERY_MOST: Final = 5.0
_LOOK_EVERY: Final = 0.01  # seconds; what is due by the clock begins that late at the most; with many processes …
_LOOK_EVERY_EACH: Final = 0.002  # for each of them: to wake fifty a hundred times a second takes half a processor
_LOOK_EVERY_MOST: Final = 0.1
_MASTER_IS_SILENT: Final = 60.0  # seconds without a heartbeat, which comes every other second: nobody will release us


def tell_every(players: int) -> float:
    """Seconds between two reports of one of so many processes; what a phase waits for is told at once."""
    return min(max(TELL_EVERY, _TELL_EVERY_EACH * players), _TELL_EVERY_MOST)


def look_every(players: int) -> float:
    """Seconds after which one of so many processes looks at its clock and its orders, whatever comes."""
    return min(max(_LOOK_EVERY, _LOOK_EVERY_EACH * players), _LOOK_EVERY_MOST)


class Part:
    """What this process plays: takes the master's messages, and is played by the process's only `CrowdUser`.

    Attributes
    ----------
    over
        Set while nothing is played.
    """

    def __init__(self, runner: Runner) -> None:
        self.over = Event()
        self.over.set()
        self._runner = runner
        self._cast: Cast | None = None
        self._taken = False
        self._orders: deque[Order | Left] = deque()
        runner.register_message(CAST, self._be_cast)
        runner.register_message(ORDER, self._be_ordered)
        runner.register_message(LEFT, self._be_left)
        runner.register_message(OVER, self._be_released)

    # --- what the master says ------------------------------------------------------------------------------------

    def _be_cast(self, msg: Message, **_: object) -> None:
        self._cast = unpacked(msg.data, Cast)
        self._taken = False
        self._orders.clear()
        self.over.clear()

    def _be_ordered(self, msg: Message, **_: object) -> None:
        given = unpacked(msg.data, Given)
        if self._cast is not None and given.run == self._cast.run:
            self._orders.append(given.order)

    def _be_left(self, msg: Message, **_: object) -> None:
        left = unpacked(msg.data, Left)
        if self._cast is not None and left.run == self._cast.run:
            self._orders.append(left)

    def _be_released(self, msg: Message, **_: object) -> None:
        if self._cast is not None and unpacked(msg.data, Over).run == self._cast.run:
            self.over.set()

    def wait_until_released(self, **_: object) -> None:
        """Hold up the end of this process until the master has heard what it saw; Ctrl-C reaches all at once."""
        while not self.over.wait(1.0) and not self._is_left_alone():
            continue

    def _is_left_alone(self) -> bool:
        heard = getattr(self._runner, "last_heartbeat_timestamp", None)
        return heard is not None and time.time() > heard + _MASTER_IS_SILENT

    # --- playing -------------------------------------------------------------------------------------------------

    def play(self) -> None:
        """Be the people until it is over. A second user in a process has nothing to do."""
        if self._cast is None or self._taken:
            return
        self._taken = True
        cast = self._cast
        try:
            self._play(cast)
        except Exception as error:
            traceback.print_exc()
            self._tell(BROKEN, Broken(cast.run, cast.player, f"{type(error).__name__}: {error}"))
            raise

    def _play(self, cast: Cast) -> None:
        parsed = self._runner.environment.parsed_options
        assert parsed is not None
        people = people_of(parsed, cast.options.connections)
        mine = range(cast.player, cast.options.connections, cast.players)
        shifts = shifts_of(cast.player, cast.players)
        player = Player.of(people, endpoints_of(cast.host), mine, cast.options, cast.player, shifts)
        try:
            self._steps(cast, player)
        finally:
            player.crowd.close()

    def _steps(self, cast: Cast, player: Player) -> None:
        hub = gevent.get_hub()
        readable = hub.loop.io(player.crowd.fileno(), 1)
        tell_at, tell_after, look_after = 0.0, tell_every(cast.players), look_every(cast.players)
        try:
            while not self.over.is_set():
                while self._orders:
                    _follow(player, self._orders.popleft())
                player.crowd.step(0.0)
                now = time.monotonic()
                if player.has_news or now >= tell_at:
                    tell_at = now + tell_after
                    progress = player.progress()
                    show(self._runner.stats, progress.measured)
                    self._tell(PROGRESS, Told(cast.run, os.getpid(), progress))
                with gevent.Timeout(min(look_after, player.crowd.next_due()), False):
                    hub.wait(readable)
        finally:
            readable.stop()
            readable.close()

    def _tell(self, name: str, what: Told | Broken) -> None:
        self._runner.send_message(name, packed(what))


def _follow(player: Player, said: Order | Left) -> None:
    if isinstance(said, Left):
        player.keep_to(shifts_of(said.place, said.left), said.order)
    else:
        player.obey(said)


_parts: dict[int, Part] = {}


def take_part(runner: Runner) -> Part:
    """Make a process one that plays; once, when its runner is there."""
    part = _parts[id(runner)] = Part(runner)
    return part


class CrowdUser(User):
    """All people of a process."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        assert environment.runner is not None
        self._part = _parts[id(environment.runner)]

    @task
    def play(self) -> None:
        self._part.play()
        while True:  # until locust ends it: a user that comes back would be counted as a new one
            gevent.sleep(3600)
