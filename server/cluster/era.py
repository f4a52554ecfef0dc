"""One life of this node's two connections to the engine, from the greeting to the loss of either.

The rules:
- `send` never waits. What the engine has not confirmed is bounded in bytes; more is refused.
- The engine confirms with the number of those who heard: none, and that node is down.
- Whatever is to be held against others (a confirmation, a beat, this node's own echo) is measured in time in which this
  process was attentive, and had heard whatever was said to it (`attention.py`); it is looked at in one place, `_watch`.
  A subscription on which this node does not hear itself is as good as lost.
- Beats wait for nothing, so a node that is late with everything else beats in each round of its event loop at least.
- Who is overdue is told an empty word: of a process that has died the engine says at once that nobody heard it.
- A node is heard only while it is there: whoever comes says so to everybody before it says anything else.
- An orderly end says good-bye, so that nobody has to wait for a beat that will not come.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import aclosing
from typing import Final, Protocol

import trio
from coredis.exceptions import RedisError
from msgspec import Struct

from server.cluster.attention import AttentiveClock, CaughtUp
from server.cluster.engine import CONNECT_SECONDS, Connection, open_connection
from server.cluster.engine_url import EngineUrl
from server.cluster.membership import Change, Down, Membership, Up
from server.cluster.shelter import Shelter
from server.cluster.trouble import EngineTrouble
from server.rhythm import next_time, sleep_to_next

TICK_SECONDS: Final = 0.5
"""Twice that, while nothing is to be confirmed."""

MOST_UNCONFIRMED: Final = 64 * 1024 * 1024
"""Bytes on their way to the engine, for all nodes together; the window of each link is far below it."""

KEPT_MS: Final = 600_000
"""The beats of a cluster that has ended are gone after that."""

BEATS_TO_KEEP: Final = 60
"""After so many the time starts anew: any node's do."""

GOOD_BYE_SECONDS: Final = 0.5

log = logging.getLogger("server.cluster.valkey")


class Timing(Struct, frozen=True, kw_only=True):
    """In seconds, where there are few nodes; between many everything takes longer (`membership.py`).

    Attributes
    ----------
    beat
        Between two beats of a node.
    dead
        Without an answer, until the engine is dead; without a beat, until a node is, unless `silence` says otherwise.
        A node that has lost its connection to the engine is found after half of this, if it is silent.
    silence
        Without a beat, until a node is dead whose connection to the engine stands.
    """

    beat: float = 1.0
    dead: float = 4.0
    silence: float | None = None


class Hears(Protocol):
    """Who is told what comes, and who is there: the links between nodes."""

    def received(self, node: str, data: bytes, /) -> None: ...

    def node_up(self, node: str, /) -> None: ...

    def node_down(self, node: str, /) -> None: ...

    def wait_longer(self, times: float, /) -> None:
        """Wait for others so many times as long as between few nodes, from now on."""
        ...


class EngineCounts:
    """What went through the engine, over all lives: messages and their bytes, how often it was lost, how many nodes
    were taken for dead, and this node's own beats. Their number is what others see rise, so it does not begin anew with
    a life: they may not have noticed that the last one ended, or find later what that had still on its way."""

    __slots__ = ("beats", "dead", "heard", "heard_bytes", "losses", "said", "said_bytes")

    def __init__(self) -> None:
        self.beats = 0
        self.said = self.said_bytes = self.heard = self.heard_bytes = self.losses = self.dead = 0


class Channels:
    """How things are called in the engine."""

    __slots__ = ("_prefix", "beats", "everybody", "name", "own")

    def __init__(self, cluster: str, node: str) -> None:
        self._prefix = f"hubbub:{cluster}:"
        self.name = node
        self.own = self.of(node)
        self.everybody = f"{self._prefix}nodes".encode()
        self.beats = f"{self._prefix}beats".encode()

    def of(self, node: str) -> bytes:
        """The channel of a node."""
        return f"{self._prefix}node:{node}".encode()


class _Answer(Protocol):
    """Of the engine, to what was said. Of a message it is how many have heard it."""

    @property
    def complete(self) -> bool: ...

    def __await__(self) -> Generator[object, None, object]: ...


class _Unconfirmed(Struct):
    node: str
    listeners: _Answer
    size: int
    at: float


class Era:
    """See the top of this file; for the parameters, `EngineLink`."""

    __slots__ = (
        "_answered_until", "_beat", "_channels", "_clock", "_counts", "_echoed", "_echoed_at", "_heard_until",
        "_hearing", "_hears", "_lives", "_membership", "_patience", "_raised", "_resting", "_saying", "_scope",
        "_sender", "_subscribed", "_timing", "_trouble", "_unconfirmed", "_unconfirmed_bytes", "_url",
    )  # fmt: skip

    def __init__(self, url: EngineUrl, channels: Channels, hears: Hears, timing: Timing, counts: EngineCounts) -> None:
        self._url = url
        self._channels = channels
        self._hears = hears
        self._timing = timing
        self._counts = counts
        self._membership = Membership(channels.name, timing.silence or timing.dead, timing.dead / 2)
        self._clock = AttentiveClock()
        self._heard_until = CaughtUp()
        self._answered_until = CaughtUp()
        self._raised: deque[_Answer] = deque()
        self._sender = channels.name.encode() + b"\0"
        self._unconfirmed: deque[_Unconfirmed] = deque()
        self._unconfirmed_bytes = 0
        self._beat = 0
        self._subscribed = trio.Event()
        self._echoed = trio.Event()
        self._echoed_at = 0.0
        self._patience = 1
        self._resting = trio.CancelScope()
        self._scope = trio.CancelScope()
        self._trouble = ""
        self._lives = False
        self._hearing: Connection
        self._saying: Connection

    @property
    def live(self) -> frozenset[str]:
        return self._membership.live

    def send(self, node: str, data: bytes) -> bool:
        """See `EngineLink.send`."""
        if not self._lives or self._unconfirmed_bytes + len(data) > MOST_UNCONFIRMED or not self._say(node, data):
            return False
        self._counts.said += 1
        self._counts.said_bytes += len(data)
        return True

    async def live_on(self, began: Callable[[], None]) -> None:
        """Until a connection is lost, or this is cancelled.

        Parameters
        ----------
        began
            Called once, when others can be heard and told, and before anything is.

        Raises
        ------
        EngineTrouble
            How it ended, or why it did not begin.
        """
        trouble: EngineTrouble | None = None
        async with trio.open_nursery() as outside:
            shelter = Shelter()
            outside.start_soon(shelter.run)
            connections = await shelter.opened()
            try:
                self._hearing = await open_connection(connections, self._url, f"{self._channels.name}-hears")
                self._saying = await open_connection(connections, self._url, f"{self._channels.name}-says")
                await self._live(began)
            except EngineTrouble as found:
                trouble = found
            finally:
                if self._lives:
                    self._lives = False
                    with trio.move_on_after(GOOD_BYE_SECONDS, shield=True):
                        await self._say_good_bye()
                shelter.close()
        raise trouble or EngineTrouble(f"the engine {self._url} is lost: {self._trouble}")

    def ended(self) -> None:
        """Nobody is heard any more."""
        self._carry_out(self._membership.lost_sight())

    async def _live(self, began: Callable[[], None]) -> None:
        with self._scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._hear)
                nursery.start_soon(self._watch)
                try:
                    await self._begin(began)
                    nursery.start_soon(self._beat_on)
                    await self._look_on()
                except RedisError as error:
                    self._lose(str(error))

    def _lose(self, why: str) -> None:
        self._trouble = self._trouble or why
        self._lives = False
        self._scope.cancel()

    async def _begin(self, began: Callable[[], None]) -> None:
        await self._hear_itself()
        self._raise_own()
        numbers = await self._all_beats()
        self._lives = True
        began()
        introduced = self._say_to_everybody(b"+")  # before this node says anything else to any of them
        self._hear_beats(numbers, self._clock.now)
        await introduced

    # --- hearing ----------------------------------------------------------------------------------------------

    async def _hear_itself(self) -> None:
        """The subscription is good once this node's own words come back."""
        with trio.move_on_after(CONNECT_SECONDS) as limit:
            self._hearing.send_command(b"SUBSCRIBE", self._channels.own, self._channels.everybody)
            await self._subscribed.wait()
            await self._echo()
            await self._echoed.wait()
        if limit.cancelled_caught:
            self._lose("it carries no messages")
            await trio.sleep_forever()

    async def _hear(self) -> None:
        try:
            async with aclosing(self._hearing.push_messages) as messages:
                async for message in messages:
                    self._heard(message)
                    for another in self._hearing.at_hand:
                        self._heard(another)
        except RedisError as error:
            self._lose(str(error))

    def _heard(self, message: Sequence[object]) -> None:
        kind, channel, data = message
        if kind == b"subscribe" and data == 2:  # of two channels
            self._subscribed.set()
        elif kind == b"message" and isinstance(data, bytes):
            if channel == self._channels.own:
                sender, _, content = data.partition(b"\0")
                self._heard_from(sender.decode(errors="replace"), content)
            else:
                self._heard_of(data[:1], data[1:].decode(errors="replace"))

    def _heard_from(self, node: str, data: bytes) -> None:
        if node == self._channels.name:
            self._echoed_at = self._clock.now
            self._echoed.set()
        elif data and self._lives and self._membership.is_live(node):
            self._counts.heard += 1
            self._counts.heard_bytes += len(data)
            self._hears.received(node, data)

    def _heard_of(self, what: bytes, node: str) -> None:
        if not self._lives:
            return
        if what == b"+":
            self._carry_out(self._membership.joined(node, self._clock.now))
        elif what == b"-":
            self._carry_out(self._membership.left(node, self._clock.now))

    def _bury(self, changes: list[Change]) -> None:
        """Those who are down in these have said no good-bye."""
        self._counts.dead += sum(isinstance(change, Down) for change in changes)
        self._carry_out(changes)

    def _carry_out(self, changes: list[Change]) -> None:
        for change in changes:
            match change:
                case Up(node=node):
                    log.debug("node %s is there", node)
                    self._hears.node_up(node)
                case Down(node=node):
                    log.debug("node %s is not there", node)
                    self._hears.node_down(node)

    # --- saying -----------------------------------------------------------------------------------------------

    def _say(self, node: str, data: bytes) -> bool:
        try:
            listeners = self._saying.create_request(b"PUBLISH", self._channels.of(node), self._sender + data)
        except RedisError:
            return False  # lost; `_watch` and `_hear` see to it
        if not self._unconfirmed:
            self._resting.deadline = next_time(TICK_SECONDS, trio.current_time())
        self._unconfirmed.append(_Unconfirmed(node, listeners, len(data), self._clock.now))
        self._unconfirmed_bytes += len(data)
        return True

    async def _look_who_heard(self) -> None:
        """Every message is heard by one, or its node is not there. Looked at with each tick: to be woken by each
        confirmation would cost more than to have it."""
        while self._unconfirmed and self._unconfirmed[0].listeners.complete:
            oldest = self._unconfirmed.popleft()
            self._unconfirmed_bytes -= oldest.size
            if await oldest.listeners == 0:
                self._bury(self._membership.unheard(oldest.node))

    def _echo(self) -> _Answer:
        """A word to itself."""
        return self._saying.create_request(b"PUBLISH", self._channels.own, self._sender)

    def _say_to_everybody(self, what: bytes) -> _Answer:
        return self._saying.create_request(b"PUBLISH", self._channels.everybody, what + self._channels.name.encode())

    async def _say_good_bye(self) -> None:
        try:
            self._saying.create_request(b"HDEL", self._channels.beats, self._channels.name)
            await self._say_to_everybody(b"-")
        except RedisError:
            return  # then they hear no beat

    # --- beats ------------------------------------------------------------------------------------------------

    async def _beat_on(self) -> None:
        """What became of it is looked at the next time: who waits for that beats late."""
        while True:
            await self._until_next_beat()
            try:
                self._raise_own()
                while self._raised and self._raised[0].complete:
                    await self._raised.popleft()
            except RedisError as error:
                self._lose(str(error))

    def _raise_own(self) -> None:
        """This node's number; and a word to itself."""
        self._beat += 1
        self._counts.beats += 1
        key, ask = self._channels.beats, self._saying.create_request
        self._raised += [self._echo(), ask(b"HSET", key, self._channels.name, self._counts.beats)]
        if self._beat % BEATS_TO_KEEP == 1:
            self._raised.append(ask(b"PEXPIRE", key, KEPT_MS))

    async def _look_on(self) -> None:
        """At the others. What is found is as old as the question: a node that waited long for the answer knows nothing
        of the time in between."""
        while True:
            await self._until_next_beat()
            asked_at = self._clock.now
            numbers = await self._all_beats()
            self._hear_beats(numbers, asked_at)
            for overdue in self._membership.overdue(asked_at):
                self._say(overdue, b"")
            gone = self._membership.forgettable(numbers, asked_at)
            if gone:
                await self._saying.create_request(b"HDEL", self._channels.beats, *gone)

    async def _until_next_beat(self) -> None:
        await sleep_to_next(self._timing.beat * self._membership.slowness)

    def _hear_beats(self, numbers: dict[str, int], asked_at: float) -> None:
        self._bury(self._membership.beats(numbers, asked_at))
        if self._membership.patience != self._patience:
            self._patience = self._membership.patience
            self._hears.wait_longer(self._patience)

    async def _all_beats(self) -> dict[str, int]:
        found = await self._saying.create_request(b"HGETALL", self._channels.beats, decode=True)
        numbers = found.items() if isinstance(found, dict) else ()
        return {str(name): int(number) for name, number in numbers if str(number).isdecimal()}

    async def _watch(self) -> None:
        """Whether the engine does what it should."""
        while True:
            due = await self._rest()
            now, dead = self._clock.ticked(trio.current_time(), due), self._timing.dead * self._patience
            try:
                await self._look_who_heard()
            except RedisError as error:
                self._lose(str(error))
            if not self._saying.usable or not self._hearing.usable:
                self._lose("the connection was closed")
                continue
            heard_until = self._heard_until.looked(now, self._hearing.unread, self._hearing.statistics.bytes_read)
            answered_until = self._answered_until.looked(now, self._saying.unread, self._saying.statistics.bytes_read)
            if self._lives and heard_until - self._echoed_at >= dead:
                self._lose("it carries no messages")
            if self._unconfirmed and answered_until - self._unconfirmed[0].at >= dead:
                self._lose("it does not answer")

    async def _rest(self) -> float:
        """Until the next tick, or the one behind it if nothing is said before; four times before anybody is dead.
        Returns when it should have been."""
        seconds = min(TICK_SECONDS if self._unconfirmed else 2 * TICK_SECONDS, self._timing.dead / 4)
        with trio.CancelScope(deadline=next_time(seconds, trio.current_time())) as self._resting:
            await trio.sleep_forever()
        return self._resting.deadline
