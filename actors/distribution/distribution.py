"""Distribution: the other nodes of a system, and everything told to them and by them (OTP's distribution).

Given to a system by `run` or `open_system`, and run by a task in its tree, above all that uses it:

    distribution = Distribution("a", transport, make_codec, resolve)
    ... TaskSpec("links", distribution.run)
    system.distribution.address("b", "counters/apples").tell(Add(1))

The rules:
- Whoever knows which nodes there are says so by `node_up` and `node_down`; what a transport receives it hands to
  `received`. Nothing here looks for nodes, and a node that nobody has announced is not believed.
- What is told is sent when the task's turn comes: behind all that the actors had to say in that slice, in one packet.
- Nothing is sent to a node with which nothing is going on, and there is no link with it before something was told,
  either way: among a hundred nodes that come one after the other, most never tell each other anything. Who had a link
  with a node that went down opens a new one as soon as that is up again: the other side may not have noticed.

Left out, of what OTP has: global names and groups over all nodes (an application knows who owns what), starting an
actor on another node but by telling it, links across nodes, code loading, and a way from node to node over a third.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from itertools import count
from math import inf
from typing import TYPE_CHECKING, Any, Final

import trio

from actors.address import CLOSED, Address, Cell
from actors.distribution.far_reply import FarReply
from actors.distribution.limits import DistributionLimits
from actors.distribution.link import Link
from actors.distribution.naming import BETWEEN, QUESTION, SLASH, find_by_name, name_of
from actors.distribution.packets import Malformed, OtherVersion, decoded
from actors.distribution.peer import Peer
from actors.distribution.peer_statistics import NOTHING_LOST, Losses, PeerStatistics, losses_of, statistics_of, unlinked
from actors.distribution.remote_address import RemoteAddress
from actors.distribution.remote_addresses import Children, RemoteAddresses
from actors.distribution.transport import MakeCodec, Resolve, Transport
from actors.far_address import FarAddress
from actors.reply import Reply

if TYPE_CHECKING:
    from actors.blueprint import Blueprint
    from actors.system import System
    from actors.task import TaskContext

log = logging.getLogger("actors.distribution")

ROUND: Final = 0.01
"""Seconds between two rounds of all links that have something to do at a certain time, at the least."""

PARTED: Final = 1_000
"""Nodes that went down, which are remembered in case they were only thought to be dead."""

NOTHING_TOLD: Final[tuple[object, bytes]] = (object(), b"")
"""A message that nobody tells, and its bytes."""


class Crossing:
    """A message on its way in or out, while the codec is at it."""

    __slots__ = ("arrived", "leaving", "peer")

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.leaving: dict[Reply[Any], int] = {}
        self.arrived: dict[int, FarReply] = {}


class Distribution:
    """All other nodes of one system.

    Args:
        node: the name of this one: not empty, without ":" and "?". A name is for one life of a process; the next one is
            better off with another.
        transport: what carries packets.
        make_codec: makes what makes bytes of messages, given this object.
        resolve: finds, and perhaps starts, who is told something from another node.
        limits: what may be open with each other node.

    Attributes:
        node: the name of this one.
        limits: as given.
        system: whose distribution this is, once it is given to one.
        blueprint: of addresses behind which there is nobody.
        addresses: of actors elsewhere, each once.
    """

    def __init__(
        self,
        node: str,
        transport: Transport,
        make_codec: MakeCodec,
        resolve: Resolve = find_by_name,
        limits: DistributionLimits | None = None,
    ) -> None:
        if not node or BETWEEN in node or QUESTION in node:
            raise ValueError(f"a node cannot be called {node!r}")
        self.node = node
        self.limits = limits or DistributionLimits()
        self.system: System
        self.blueprint: Blueprint
        self._transport = transport
        self._codec = make_codec(self)
        self._resolve = resolve
        self._there: dict[str, Peer | None] = {}  # None: there is no link with it yet
        self._parted: dict[str, None] = {}
        self._patience = 1.0
        self.addresses = RemoteAddresses(self)
        self._lost_with_the_gone = NOTHING_LOST
        self._sessions = count(secrets.randbits(63) + 1)
        self._crossing: Crossing | None = None
        self._latest: tuple[object, bytes] = NOTHING_TOLD
        self._touched: dict[Peer, None] = {}
        self._waiting: dict[Peer, None] = {}
        self._next_round = inf
        self._woken = trio.Event()

    # For the application

    def address(self, node: str, name: str) -> Address:
        """The actor that is called so on a node, whether or not it is started, and the node is there.

        Of this node: its own address; one that has stopped, if there is none by this name.

        Args:
            node: which node.
            name: `<id of a dynamic supervisor>/<key>`, or a registered name.
        """
        if node == self.node:
            return self.find(name, start=False) or self._nobody(name)
        id, slash, key = name.partition(SLASH)
        return self.child_address(node, id, key) if slash else self.addresses.find_or_make(node, "", name)

    def child_address(self, node: str, id: str, key: str) -> Address:
        """The same, of the child of a dynamic supervisor, by the supervisor's id and the key.

        Of whom only this key is kept, and not the name: so whoever has many addresses and the keys in any case asks
        in this way.
        """
        if node == self.node:
            return self.address(node, f"{id}{SLASH}{key}")
        return self.addresses.find_or_make(node, f"{id}{SLASH}", key)

    def export(self, thing: Address | Reply[Any]) -> str:
        """For the codec: a text that `imported` of another node's distribution makes this of.

        Raises TypeError for an actor without a name that others could use, and for a reply outside of a message.
        """
        if isinstance(thing, RemoteAddress):
            return f"{thing.node}{BETWEEN}{thing.name}"
        if isinstance(thing, Address):
            return f"{self.node}{BETWEEN}{name_of(thing)}"
        crossing = self._crossing
        if crossing is None or not isinstance(thing, Reply):
            raise TypeError(f"{thing!r} cannot be spoken of on another node")
        number = crossing.leaving.get(thing)
        if number is None:
            number = crossing.leaving[thing] = crossing.peer.questions.number_of(thing)
        return f"{QUESTION}{number}"

    def imported(self, text: str) -> Address | Reply[Any]:
        """For the codec: what a text that came in means here. Raises ValueError for one that means nothing."""
        if not text.startswith(QUESTION):
            node, between, name = text.partition(BETWEEN)
            if not between:
                raise ValueError(f"{text!r} is neither an address nor a question")
            return self.address(node, name)
        crossing = self._crossing
        if crossing is None:
            raise ValueError("a question is read within a message only")
        return self._arrived(crossing, int(text[len(QUESTION) :]))

    @property
    def nodes(self) -> tuple[str, ...]:
        """The other nodes that are up, and understood."""
        return tuple(node for node, peer in self._there.items() if peer is None or not peer.foreign)

    def reaches(self, node: str) -> bool:
        """Whether this is another node that takes messages, as far as is known."""
        peer = self._there.get(node)
        return peer.accepts if peer is not None else node in self._there

    def statistics(self) -> tuple[PeerStatistics, ...]:
        """How each other node is."""
        return tuple(unlinked(node) if peer is None else statistics_of(peer) for node, peer in self._there.items())

    def losses(self) -> Losses:
        """What has come to nothing with all other nodes, also with those that are gone."""
        return sum(map(losses_of, self._linked()), self._lost_with_the_gone)

    # For membership and transport

    def node_up(self, node: str) -> None:
        """Another node is there. Harmless when it is known, and of this node itself."""
        if node == self.node:
            return
        peer = self._there.setdefault(node, None)
        if peer is not None or node in self._parted:
            self._open(peer or self._made(node))

    def node_down(self, node: str, why: str = "the node is down") -> None:
        """Another node is gone: whatever was open with it has ended, and nothing of it is believed until it is up."""
        peer = self._there.pop(node, None)
        if peer is None:
            return
        self._parted[node] = None
        if len(self._parted) > PARTED:
            del self._parted[next(iter(self._parted))]
        lost = peer.link.close(why)
        if lost is not None:
            peer.lost(lost)
        self._lost_with_the_gone += losses_of(peer)
        self._touched.pop(peer, None)
        self._waiting.pop(peer, None)

    def wait_longer(self, times: float) -> None:
        """Wait so many times as long for other nodes as the limits of links have it, from now on: they are many, or
        late for another reason that is no reason to give them up."""
        self._patience = times
        for peer in self._linked():
            peer.link.patience = times

    def received(self, node: str, data: bytes) -> None:
        """A packet has come. What is no packet, or of a node that nobody has announced, is passed over."""
        peer = self.peer(node)
        if peer is None or peer.foreign:
            return
        try:
            packet = decoded(data)
        except OtherVersion as error:
            log.error("%s is treated as down: %s", node, error)
            peer.foreign = True
            peer.lost(peer.link.close(str(error)) or str(error))
        except Malformed as error:
            log.warning("%s has sent what is no packet: %s", node, error)
        else:
            peer.received(packet)
            self.touched(peer)

    async def run(self, context: TaskContext) -> None:
        """The task, for a `TaskSpec`: sends what was told.

        Whatever was told before it is stopped is sent first: a wait that was woken returns, and only the next one is
        cancelled. So those who stop before it have their deaths known.
        """
        context.started()
        while True:
            self._woken = trio.Event()
            with trio.CancelScope(deadline=self._work(self.now())):
                await self._woken.wait()

    # For those beside it in this folder, and for the system

    def attach(self, system: System) -> None:
        """This is its system. Raises RuntimeError if it has one."""
        if hasattr(self, "blueprint"):
            raise RuntimeError(f"the distribution of {self.node} has a system")
        self.system = system
        self.blueprint = Children(self).blueprint

    def now(self) -> float:
        """Seconds of trio's clock."""
        return trio.current_time()

    def peer(self, node: str) -> Peer | None:
        """A node that is up, and from now on a link with it."""
        peer = self._there.get(node)
        if peer is None and node in self._there:
            peer = self._made(node)
            self._open(peer)
        return peer

    def find(self, name: str, start: bool) -> Address | None:
        """Who is called so here. Raises what the application's `resolve` raises."""
        found = self._resolve(self.system, name, start)
        return None if isinstance(found, FarAddress) else found

    def touched(self, peer: Peer) -> None:
        """Something may have to be sent to it, now or later."""
        if peer not in self._touched:
            self._touched[peer] = None
            self._woken.set()

    def encoded(self, peer: Peer, message: object) -> tuple[bytes, dict[Reply[Any], int]]:
        """A message for a node, and the questions in it. Raises TypeError if it cannot cross.

        What is told to many nodes in one slice is made bytes of once, unless it has a question in it.
        """
        if message is self._latest[0]:
            return self._latest[1], {}
        before, self._crossing = self._crossing, Crossing(peer)
        try:
            data, leaving = self._codec.encode(message), self._crossing.leaving
        finally:
            self._crossing = before
        if not leaving:
            self._latest = message, data
        return data, leaving

    def decoded(self, peer: Peer, data: bytes) -> tuple[object, list[FarReply]]:
        """A message of a node, and the questions in it. Raises what the codec raises; then there are none."""
        before, self._crossing = self._crossing, Crossing(peer)
        arrived = self._crossing.arrived
        try:
            return self._codec.decode(data), list(arrived.values())
        except BaseException:
            for reply in arrived.values():
                reply.forget()
            raise
        finally:
            self._crossing = before

    def _made(self, node: str) -> Peer:
        self._parted.pop(node, None)
        peer = self._there[node] = Peer(self, node, Link(self.limits.link, self._sessions))
        peer.link.patience = self._patience
        return peer

    def _open(self, peer: Peer) -> None:
        peer.foreign = False
        peer.link.open(self.now())
        self.touched(peer)

    def _linked(self) -> Iterator[Peer]:
        return (peer for peer in self._there.values() if peer is not None)

    def _arrived(self, crossing: Crossing, number: int) -> FarReply:
        reply = crossing.arrived.get(number)
        if reply is None:
            open_here = crossing.peer.asked_here
            reply = crossing.arrived[number] = open_here.get(number) or FarReply(crossing.peer, number)
            open_here[number] = reply
        return reply

    def _nobody(self, name: str) -> Address:
        address = Cell(self.blueprint, name)
        address._box = CLOSED
        return address

    # The task

    def _work(self, now: float) -> float:
        """Send what is to be sent; when to come again if nothing happens before."""
        touched, self._touched = self._touched, {}
        self._latest = NOTHING_TOLD
        if now >= self._next_round:
            touched |= self._waiting
            self._next_round = inf
        for peer in touched:
            self._serve(peer, now)
            due = peer.link.due
            if due == inf:
                self._waiting.pop(peer, None)
            else:
                self._waiting[peer] = None
                self._next_round = min(self._next_round, max(due, now + ROUND))
        return self._next_round

    def _serve(self, peer: Peer, now: float) -> None:
        link = peer.link
        lost = link.look(now)
        if lost is not None:
            peer.lost(lost)
        peer.release()
        while (packet := link.packet(now)) is not None:
            if not self._transport.send(peer.node, packet.encoded()):
                link.refused(now)
                return
            link.sent(packet, now)
