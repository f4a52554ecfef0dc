"""Several nodes in one world, where every message takes its step when the test says so: rooms, relays and sessions.

The actors are the product's own, and people are those of `tests/sessions/simulation.py`. What is simulated here is what
lies between the nodes: links that keep order, or are reset and say so; that lose what was sent last, and find out when
something follows, or after a while; that are full, and take no more than answers; a table of who owns the room, which
each node has read at some time; stores that commit only for the owner. A node may die, or be frozen for as long as it
takes others to go on without it.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator
from itertools import count
from typing import Any, cast

from msgspec import Struct, structs

from actors import NORMAL, SHUTDOWN, Actor, Address, Down
from actors.errors import Unreachable
from actors.messages import NO_SUCH_ACTOR
from server.protocol.entries import Entry, Joined, Left, MessageEntry
from server.protocol.errors import unavailable
from server.protocol.events import AnyEvent
from server.protocol.objects import User
from server.protocol.replies import Error, Limits
from server.relays.actor import RELAYS, RelayActor, RelayEnvironment
from server.relays.messages import Subscribe
from server.rooms.actor import ROOMS, RoomActor, RoomEnvironment
from server.rooms.effects import Write
from server.rooms.finding import RoomsAnywhere
from server.rooms.heads import HeadsTable
from server.rooms.in_flight import Pending
from server.rooms.messages import MOVED, HandOver
from server.rooms.sizes import Sizes
from server.sessions.actor import SessionActor
from server.sessions.environment import SessionEnvironment
from server.store.log_messages import Anchor, Append, Landed, MemberGone, NewMember, NewMessage, Outcome
from server.store.questions import Failed
from server.store.room_messages import MemberRecord
from server.store.user_messages import Identity
from tests.sessions.simulation import ROOM, Client, Disk
from tests.sessions.stepping import Box, Simulated

# --- between nodes -----------------------------------------------------------------------------------------------


class Told(Struct, frozen=True):
    """To the actor `name` of the other node. `starts`: it may be started for it."""

    name: str
    message: object
    starts: bool


class Watching(Struct, frozen=True):
    name: str


class Watched(Struct, frozen=True):
    """An actor of the other node has ended."""

    name: str
    incarnation: int
    reason: object


TIME_OUT = 2
"""Seconds, after which a link misses an acknowledgement."""


class Link:
    """What is on its way from one node to another, numbered.

    `full`: it takes only what has its place reserved. `missing`: for so many seconds it has lost something unnoticed.
    """

    def __init__(self) -> None:
        self.packets: deque[tuple[int, Any]] = deque()
        self.full = False
        self.begin_anew()

    def send(self, packet: object) -> None:
        self.sent += 1
        self.packets.append((self.sent, packet))

    def begin_anew(self) -> None:
        self.packets.clear()
        self.sent = self.heard = 0
        self.missing: int | None = None


class Far:
    """An actor of another node, to those here who tell it or watch it."""

    def __init__(self, here: Node, there: str, name: str) -> None:
        self.here, self.node, self.name = here, there, name
        self.watchers: dict[Box, None] = {}
        self.alive = True

    def tell(self, message: object) -> bool:
        return self.here.send(self.node, Told(self.name, message, starts=True))

    def answer(self, message: object) -> bool:
        return self.here.send(self.node, Told(self.name, message, starts=False))

    def watch(self, watcher: Box) -> None:
        if watcher in self.watchers:
            return
        self.watchers[watcher] = None
        if not self.here.send(self.node, Watching(self.name)):
            self.end(0, Unreachable("nobody is there"), for_good=True)

    def end(self, incarnation: int, reason: object, *, for_good: bool) -> None:
        for watcher in list(self.watchers):
            watcher.answer(Down(cast("Address", self), incarnation, reason))
        if for_good:
            self.watchers.clear()


class FarWatcher:
    """Watches an actor here for another node."""

    def __init__(self, here: Node, there: str, name: str) -> None:
        self.here, self.node, self.name = here, there, name

    def answer(self, down: Down) -> bool:
        known = {id(NORMAL): NORMAL, id(SHUTDOWN): SHUTDOWN, id(MOVED): MOVED}  # these end it for good
        reason = known.get(id(down.reason), RuntimeError(repr(down.reason)))
        return self.here.send(self.node, Watched(self.name, down.incarnation, reason))


class NodeBox(Box):
    """A mailbox on a node, which is its world."""

    def step(self) -> None:
        super().step()
        if self.alive:
            self.actor.settled()

    def end(self, reason: object, *, again: bool) -> None:
        node = cast("Node", self.world)
        for far in node.fars.values():
            far.watchers.pop(self, None)
        super().end(reason, again=again)
        self.watchers = {w: None for w in self.watchers if again or not isinstance(w, FarWatcher)}


class OnNode(Simulated):
    __slots__ = ()

    def watch(self, target: Address) -> None:
        if isinstance(target, Far):
            target.watch(self._box)
        else:
            super().watch(target)


class Kick(Struct, frozen=True):
    """To a room: remove this user, as an operator may."""

    user: str


class NodeRoom(OnNode, RoomActor):
    __slots__ = ()

    def receive(self, message: object) -> None:
        if isinstance(message, Kick):
            self._kick(message.user)
        else:
            super().receive(message)

    def _kick(self, user: str) -> None:
        room = self._room
        state = room._state
        is_busy = room._opening is not None or room._leaving_since is not None
        if state is None or is_busy or user not in state.members or user in state.in_flight._changing:
            return
        draft = MemberGone(user, by="u_operator", logged=state.logs_membership)
        ref, whom = state.next_ref(), self._box.world.disk.users[user]
        state.in_flight.add(Pending(ref, draft, whom, [], self._box.world.now))
        self._carry_out([Write(Append(ROOM, state.lineage, state.base, ref, draft, self.address))])


class NodeRelay(OnNode, RelayActor):
    __slots__ = ()


class NodeSession(OnNode, SessionActor):
    __slots__ = ()


# --- nodes -------------------------------------------------------------------------------------------------------


class NodeDisk(Disk):
    """The store as one node has it: its own queues and lineages, over the log that all share. It commits only for the
    owner, and its lineages end when the owner is another, even for a moment."""

    def __init__(self, node: Node, shared: Disk) -> None:
        super().__init__([])
        self.node = node
        self.log, self.places, self.members = shared.log, shared.places, shared.members
        self.joined, self.users = shared.joined, shared.users
        self.epoch = -1

    def commit(self, most: int, *, lands: bool, says_so: bool) -> None:
        cluster = self.node.cluster
        if self.epoch != cluster.epoch or cluster.owner is not self.node:
            self.current, self.epoch = None, cluster.epoch
        if cluster.owner is not self.node:
            for write in [write for write in self.writes if isinstance(write, Anchor)]:
                self.writes.remove(write)
                write.reply_to.answer(Failed(write.ref, unavailable()))
        super().commit(most, lands=lands, says_so=says_so)

    def change(self, append: Append, draft: NewMember | MemberGone) -> Outcome:
        if isinstance(draft, MemberGone) and draft.user in self.members:
            self.node.cluster.removals[draft.user] += 1
        if draft.logged:
            return super().change(append, draft)
        if isinstance(draft, NewMember):
            self.members.setdefault(draft.user, MemberRecord("member", len(self.log), len(self.log)))
        else:
            self.members.pop(draft.user, None)
        return Landed(append.ref, None, 0)

    def append(self, append: Append) -> Outcome:
        if isinstance(append.draft, NewMessage):
            assert self.node.cluster.owner is self.node
        return super().append(append)


class Ownership:
    """Who owns the room, as a node read it last; that it is itself, it knows for sure or not at all."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.read: Node | None = None
        self.leaving = False

    def owner_of(self, room: str) -> str | None:
        if self.read is self.node and not self.is_mine(room):
            return None
        return None if self.read is None else self.read.id

    def epoch_of(self, room: str) -> int | None:
        return self.node.cluster.epoch if self.is_mine(room) else None

    def is_mine(self, room: str) -> bool:
        return self.read is self.node is self.node.cluster.owner and not self.leaving

    def is_inherited(self, room: str) -> bool:
        return False


class Kind:
    """One dynamic supervisor of a node."""

    def __init__(self, node: Node, make: Callable[[], Actor]) -> None:
        self.node, self.make = node, make
        self.box: Box | None = None

    def find(self, key: Hashable) -> Box | None:
        return self.box if self.box is not None and self.box.alive else None

    def find_or_start(self, key: Hashable) -> Any:
        if self.find(key) is None:
            self.box = NodeBox(cast("Any", self.node), ROOM, self.make)
        return self.box


class Node:
    """One process. Stands in for the `System` that its actors see, and for its `Distribution`."""

    def __init__(self, cluster: Cluster, id: str) -> None:
        self.cluster, self.id = cluster, id
        self.boxes: list[Box] = []
        self.groups: dict[Hashable, dict[Box, None]] = {}
        self.numbers = cluster.numbers
        self.fars: dict[tuple[str, str], Far] = {}
        self.dead = self.frozen = False
        self.disk = NodeDisk(self, cluster.disk)
        self.ownership = Ownership(self)
        self.heads = HeadsTable()
        writer, reader, own = self.disk.writer, self.disk.reader, self.ownership
        self.rooms = RoomEnvironment(
            writer=writer, reader=reader, sizes=cluster.sizes, ownership=own, heads=self.heads, refs=count(1)
        )
        self.relays = RelayEnvironment(node=id, reader=reader, ownership=own)
        self.sessions = SessionEnvironment(
            writer=writer, reader=reader, limits=Limits(frame=1, text=1, unanswered=32), node=id,
            heartbeat=lambda: 30_000, clock=lambda: 0, used=lambda session, at: None,
            rooms=lambda system: RoomsAnywhere(own, system.dynamic(ROOMS), system.dynamic(RELAYS)),
        )  # fmt: skip
        self.kinds = {
            ROOMS: Kind(self, lambda: NodeRoom(self.rooms)),
            RELAYS: Kind(self, lambda: NodeRelay(self.relays)),
        }

    @property
    def now(self) -> float:
        return self.cluster.now

    @property
    def runs(self) -> bool:
        return not self.dead and not self.frozen

    # --- what actors see ------------------------------------------------------------------------------------------

    @property
    def distribution(self) -> Node:
        return self

    def address(self, node: str, name: str) -> Any:
        return self.fars.setdefault((node, name), Far(self, node, name))

    def child_address(self, node: str, id: str, key: str) -> Any:
        return self.address(node, f"{id}/{key}")

    def dynamic(self, id: str) -> Kind:
        return self.kinds[id]

    def join(self, group: Hashable, box: Box) -> None:
        self.groups.setdefault(group, {})[box] = None

    def leave(self, group: Hashable, box: Box) -> None:
        self.groups.get(group, {}).pop(box, None)

    def members(self, group: Hashable) -> tuple[Box, ...]:
        return tuple(self.groups.get(group, ()))

    def broadcast(self, group: Hashable, message: object, but: object = None) -> int:
        return sum(box.tell(message) for box in self.members(group) if box is not but)

    def session(self, identity: Identity) -> Box:
        found = next((box for box in self.boxes if box.name == identity.session), None)
        return found or NodeBox(cast("Any", self), identity.session, lambda: NodeSession(self.sessions, identity))

    # --- the way to others ----------------------------------------------------------------------------------------

    def send(self, node: str, packet: object) -> bool:
        other = self.cluster.node(node)
        if other is None:
            return False
        link = self.cluster.link(self, other)
        if link.full and isinstance(packet, Told) and packet.starts:
            return False
        link.send(packet)
        return True

    def receive(self, source: Node, packet: object) -> None:
        match packet:
            case Told(name=name, message=message, starts=starts):
                box = self.named(name, starts=starts)
                if box is not None:
                    arrived = self.imported(source, message)
                    (box.tell if starts else box.answer)(arrived)
            case Watching(name=name):
                box = self.named(name, starts=False)
                if box is None:
                    self.send(source.id, Watched(name, 0, NO_SUCH_ACTOR))
                elif not any(isinstance(w, FarWatcher) and w.node == source.id for w in box.watchers):
                    box.watchers[FarWatcher(self, source.id, name)] = None
            case Watched(name=name, incarnation=incarnation, reason=reason):
                for_good = reason in (NORMAL, NO_SUCH_ACTOR) or reason is MOVED
                self.address(source.id, name).end(incarnation, reason, for_good=for_good)
            case _:
                raise TypeError(packet)

    def named(self, name: str, *, starts: bool) -> Box | None:
        kind, _, key = name.partition("/")
        found = self.kinds[kind].find(key)
        if found is None and starts and kind == ROOMS and self.ownership.is_mine(key):
            started = self.kinds[kind].find_or_start(key)
            return cast("Box", started)
        return found

    def imported(self, source: Node, message: object) -> object:
        if isinstance(message, Subscribe):
            return structs.replace(message, relay=self.address(source.id, f"{RELAYS}/{ROOM}"))
        return message

    def lose(self, node: str) -> None:
        """The link with this node is lost, or begins anew."""
        for (there, _), far in list(self.fars.items()):
            if there == node:
                far.end(0, Unreachable("the link is lost"), for_good=True)
        for box in self.boxes:
            box.watchers = {w: None for w in box.watchers if not (isinstance(w, FarWatcher) and w.node == node)}

    def forget_room(self, reason: object) -> None:
        """The room is this node's no more."""
        box = self.kinds[ROOMS].find(ROOM)
        if box is not None:
            box.end(reason, again=False)

    def fire_timers(self) -> None:
        for box in list(self.boxes):
            due = sorted(timer for timer in box.timers if timer[0] <= self.now)
            box.timers = [timer for timer in box.timers if timer[0] > self.now]
            for _, _, message in due:
                box.answer(message)

    def tell_heads(self) -> None:
        for relay, head in self.heads.due(self.now):
            relay.answer(head)


class Cluster:
    """All nodes, and what they share."""

    def __init__(self, nodes: int, people: int, now: Callable[[], float], *, large: bool = False) -> None:
        self._now = now
        self.numbers: Iterator[int] = count(1)
        self.sizes = Sizes(small=1) if large else Sizes()
        users = [User(user=f"u_{n}", name=f"person{n}") for n in range(people)]
        self.disk = Disk(users)
        self.owner: Node | None = None
        self.epoch = 0
        self.tells_heads = True
        self.removals: Counter[str] = Counter()
        self.links: dict[tuple[str, str], Link] = {}
        self.nodes: list[Node] = []
        for _ in range(nodes):
            self.add_node()
        self.claim(self.nodes[0])
        self.clients = [Person(self.nodes[n % nodes], user) for n, user in enumerate(users)]

    @property
    def now(self) -> float:
        return self._now()

    @property
    def log(self) -> list[Entry]:
        return self.disk.log

    def add_node(self) -> None:
        self.nodes.append(Node(self, f"n{next(self.numbers)}"))

    def node(self, id: str) -> Node | None:
        return next((node for node in self.nodes if node.id == id), None)

    def named(self, id: str) -> Node:
        node = self.node(id)
        assert node is not None
        return node

    @property
    def running(self) -> list[Node]:
        return [node for node in self.nodes if node.runs]

    # --- links --------------------------------------------------------------------------------------------------

    def link(self, source: Node, target: Node) -> Link:
        return self.links.setdefault((source.id, target.id), Link())

    def carry(self, source: Node, target: Node, most: int) -> None:
        """Some of what is on its way arrives; where a number is missing, all of it is lost, and both sides know."""
        link = self.link(source, target)
        for _ in range(most):
            if not link.packets or not target.runs:
                return
            number, packet = link.packets.popleft()
            if number != link.heard + 1:
                self.reset(source, target)
                return
            link.heard = number
            target.receive(source, packet)

    def drop_last(self, source: Node, target: Node) -> None:
        """What was sent last is lost, and nobody knows."""
        link = self.link(source, target)
        if link.packets:
            link.packets.pop()
            link.missing = 0

    def reset(self, one: Node, other: Node) -> None:
        self.link(one, other).begin_anew()
        self.link(other, one).begin_anew()
        one.lose(other.id)
        other.lose(one.id)

    # --- who owns the room ----------------------------------------------------------------------------------------

    def own(self, owner: Node | None) -> None:
        self.owner = owner
        self.epoch += 1

    def claim(self, node: Node) -> None:
        """A room that is nobody's becomes this node's; others learn it when they look."""
        if self.owner is None and node.runs:
            self.own(node)
            self.look(node)

    def look(self, node: Node) -> None:
        """The node reads the table. What it has lost meanwhile is stopped."""
        had_it = node.ownership.read is node
        node.ownership.read = self.owner
        if self.owner is not node:
            node.ownership.leaving = False
            node.forget_room(MOVED)
        elif not had_it:
            node.ownership.leaving = False
            node.forget_room(MOVED)
            relay = node.kinds[RELAYS].find(ROOM)
            if relay is not None:
                relay.answer(HandOver())

    def begin_hand_over(self) -> None:
        if self.owner is not None and self.owner.runs:
            self.owner.ownership.leaving = True
            room = self.owner.kinds[ROOMS].find(ROOM)
            if room is not None:
                room.answer(HandOver())

    def end_hand_over(self) -> None:
        """Given up when the room has stopped."""
        owner = self.owner
        if owner is not None and owner.runs and owner.ownership.leaving and owner.kinds[ROOMS].find(ROOM) is None:
            self.own(None)
            self.look(owner)

    def expire(self) -> None:
        """The lease of a dead or frozen owner has run out."""
        if self.owner is not None and not self.owner.runs:
            self.own(None)

    # --- trouble --------------------------------------------------------------------------------------------------

    def kill(self, node: Node) -> None:
        node.dead = True
        for client in self.clients:
            if client.node is node:
                client.lost_node()
        node.boxes.clear()
        for other in self.nodes:
            if other is not node:
                self.link(node, other).begin_anew()
                self.link(other, node).begin_anew()
                other.lose(node.id)
        self.nodes.remove(node)
        self.links = {ends: link for ends, link in self.links.items() if node.id not in ends}
        self.add_node()

    def thaw(self, node: Node) -> None:
        """It goes on where it was, and its links are lost meanwhile; what it owned, it may not own any more."""
        node.frozen = False
        for other in self.nodes:
            if other is not node:
                self.reset(node, other)

    def second(self) -> None:
        for (source, target), link in list(self.links.items()):
            if link.missing is not None:
                link.missing += 1
                if link.missing == TIME_OUT:
                    self.reset(self.named(source), self.named(target))
        for node in self.running:
            if self.tells_heads:
                node.tell_heads()
            node.fire_timers()

    # --- moving on ------------------------------------------------------------------------------------------------

    def run_messages(self, but: Box | None = None) -> None:
        """Until nobody on any node has anything to handle; nothing is carried between nodes."""
        while busy := [box for node in self.running for box in node.boxes if box.waiting and box is not but]:
            for box in busy:
                while box.alive and box.waiting:
                    box.step()

    def carry_all(self) -> bool:
        carried = False
        for source in self.nodes:
            for target in self.running:
                if source is not target and self.link(source, target).packets:
                    self.carry(source, target, 1_000)
                    carried = True
        return carried

    def run(self) -> None:
        """Until nothing moves any more, with stores that work, sockets that drain, and links that carry."""
        while True:
            self.run_messages()
            for client in self.clients:
                client.drain()
            moved = self.carry_all()
            for node in self.running:
                if node.disk.writes:
                    node.disk.commit(1_000, lands=True, says_so=True)
                    moved = True
                elif node.disk.reads:
                    node.disk.read(fails=False)
                    moved = True
            if not moved and not any(box.waiting for node in self.running for box in node.boxes):
                return


class Person(Client):
    """A person whose device comes to one node or another."""

    def __init__(self, node: Node, user: User) -> None:
        super().__init__(cast("Any", node), user)
        self.node = node
        self.outs = 0
        self.given_up: set[str] = set()

    def come_to(self, node: Node) -> None:
        self.node = node
        self.world = cast("Any", node)
        self.connect()

    def hear(self, event: AnyEvent) -> None:
        """What somebody says who was removed meanwhile is not said again; an earlier try of it may have landed."""
        if isinstance(event, Error) and event.code == "not_a_member" and event.id in self.outstanding:
            given_up = self.outstanding[event.id]
            self.outbox.remove(given_up)
            self.given_up.add(given_up)
        super().hear(event)

    def hear_entry(self, entry: MessageEntry | Joined | Left) -> None:
        """Who asks to join again what it may be in already, may hear of it ahead of the answer, which says how far."""
        is_joining = self.moving is not None and self.wants_in and self.user.user in self.node.disk.members
        if self.cursor is None and is_joining:
            self.cursor = (entry.seq or 0) - 1
        super().hear_entry(entry)

    def out(self) -> None:
        self.outs += self.is_in
        super().out()

    def lost_node(self) -> None:
        if self.socket is not None:
            self.socket.alive = False
            self.lost_connection()
