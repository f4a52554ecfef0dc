"""Real rooms and relays on a few nodes of one process, which count what they are told: what the simulation is held
against.

Nothing is played but the network, which loses nothing, the store, which has everything on its disk at once, and the
clock, which goes on as soon as nobody has anything to do. Who owns what is what the simulated cluster says; who is
where is told by the caller.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import count

import trio
from trio.testing import MockClock

from actors import (
    Actor,
    ActorSpec,
    Address,
    Distribution,
    DynamicSpec,
    MemoryNetwork,
    SupervisorSpec,
    System,
    TaskSpec,
    open_system,
)
from server.cluster.codec import Names, NodeCodec
from server.protocol.message_commands import Post
from server.protocol.objects import User
from server.relays.actor import RELAYS, RelayActor, RelayEnvironment
from server.relays.heads import HEADS, HeadsActor
from server.relays.messages import Admit, Delivered, Forwarded, Heads, Subscribe
from server.rooms.actor import MAILBOX, ROOMS, RoomActor, RoomEnvironment
from server.rooms.heads import LATELY_SECONDS, HeadsTable
from server.rooms.messages import Attach, Attached, Delivery, Request
from server.store.log_messages import Anchor, Anchored, Append, Landed, NewMessage, Outcomes
from server.store.questions import Done
from server.store.room_messages import LoadRoom, MemberRecord, RoomRecord
from tests.bench.simulation.relaying import Counted

PATIENCE = 600.0
"""Of the played clock."""

REST = 3.0
"""Seconds after which nobody who has come is news any more."""

SESSIONS = "sessions"

Members = Mapping[str, Mapping[str, str]]
"""Of each room its people, and the node of each."""


class Tally:
    """What has arrived at all nodes together."""

    def __init__(self) -> None:
        self.messages: Counter[type] = Counter()
        self.admitted = self.heads = 0

    def heard(self, message: object) -> None:
        self.messages[type(message)] += 1
        match message:
            case Subscribe(admit=users) | Admit(users=users):
                self.admitted += len(users)
            case Heads(heads=heads):
                self.heads += len(heads)
            case _:
                pass

    def counted(self) -> Counted:
        return Counted(
            subscribe=self.messages[Subscribe],
            admitted=self.admitted,
            forwarded=self.messages[Forwarded],
            delivered=self.messages[Delivered],
            heads=self.heads,
        )


class _Codec(NodeCodec):
    """Tells what it has decoded."""

    __slots__ = ("_heard",)

    def __init__(self, names: Names, heard: Callable[[object], None]) -> None:
        super().__init__(names)
        self._heard = heard

    def decode(self, data: bytes) -> object:
        message = super().decode(data)
        self._heard(message)
        return message


class _Store:
    """Every append lands, at once."""

    def __init__(self, members: Members) -> None:
        self._members = members
        self._last: Counter[str] = Counter()

    def tell(self, message: object, /) -> bool:
        match message:
            case Anchor(reply_to=asker, ref=ref, room=room):
                asker.answer(Done(ref, Anchored(room, 1)))
            case LoadRoom(reply_to=asker, ref=ref, room=room):
                people = {user: MemberRecord("member", 0, 0) for user in self._members[room]}
                asker.answer(Done(ref, RoomRecord(room, f"l{room}", "group", "Room", None, self._last[room], people)))
            case Append(draft=NewMessage(), room=room):
                self._last[room] += 1
                message.reply_to.answer(Outcomes(room, 1, (Landed(message.ref, self._last[room], 0),)))
            case _:
                pass
        return True


class _Owned:
    """As `owner_of` says, seen from one node."""

    def __init__(self, node: str, owner_of: Callable[[str], str]) -> None:
        self._node = node
        self._owner_of = owner_of

    def owner_of(self, room: str) -> str | None:
        return self._owner_of(room)

    def epoch_of(self, room: str) -> int | None:
        return 1 if self.is_mine(room) else None

    def is_mine(self, room: str) -> bool:
        return self._owner_of(room) == self._node

    def is_inherited(self, room: str) -> bool:
        return False


class _Session(Actor):
    """Attached to one room."""

    __slots__ = ("_stage", "attachment", "room", "user")

    def __init__(self, stage: Stage, room: Address, user: str) -> None:
        self._stage = stage
        self.room = room
        self.user = user
        self.attachment = 0

    def started(self) -> None:
        self.room.tell(Attach(1, self.address, self.user))

    def receive(self, message: object) -> None:
        match message:
            case Attached(attachment=attachment):
                self.attachment = attachment
                self._stage.attached += 1
            case Delivery():
                self._stage.delivered += 1
            case _:
                pass


class Stage:
    """The nodes, and everybody at them."""

    def __init__(self, nodes: Sequence[str], members: Members, owner_of: Callable[[str], str]) -> None:
        self.tally = Tally()
        self.attached = self.delivered = 0
        self._members = members
        self._owner_of = owner_of
        self._nodes = nodes
        self._network = MemoryNetwork(limit=1_000_000)
        self._store = _Store(members)
        self._systems: dict[str, System] = {}
        self._sessions: dict[tuple[str, str], _Session] = {}
        self._nonces = count()

    @asynccontextmanager
    async def living(self) -> AsyncIterator[Stage]:
        async with trio.open_nursery() as nursery, AsyncExitStack() as opened:
            nursery.start_soon(self._network.run)
            for node in self._nodes:
                links = Distribution(
                    node,
                    self._network.transport(node),
                    lambda names: _Codec(names, lambda message: self.tally.heard(message)),
                    _resolve,
                )
                tree = open_system(self._tree(node, links), distribution=links)
                self._systems[node] = await opened.enter_async_context(tree)
                self._network.join(links)
            yield self
            await opened.aclose()
            nursery.cancel_scope.cancel()

    async def bring(self) -> None:
        """Everybody attaches to all their rooms, each at their node."""
        for room, people in self._members.items():
            for user, node in people.items():
                self._attach(room, user, node)
        wanted = len(self._sessions)
        await self._until(lambda: self.attached == wanted)
        await trio.sleep(REST)

    async def post(self, room: str, user: str) -> None:
        """Somebody says something; all have it, and nobody is told any more how far the log reaches."""
        session = self._sessions[room, user]
        wanted = self.delivered + len(self._members[room])
        post = Post(id=1, room=room, nonce=f"n{next(self._nonces)}", text="hello")
        session.room.tell(Request(7, session.address, User(user=user, name=user), post, session.attachment))
        await self._until(lambda: self.delivered == wanted)
        await trio.sleep(LATELY_SECONDS + REST)

    def _attach(self, room: str, user: str, node: str) -> None:
        system = self._systems[node]
        stands_here = system.dynamic(ROOMS if self._owner_of(room) == node else RELAYS).find_or_start(room)
        address = system.dynamic(SESSIONS).start(f"{room} {user}", self, stands_here, user)
        session = address._actor
        assert isinstance(session, _Session)
        self._sessions[room, user] = session

    async def _until(self, look: Callable[[], bool]) -> None:
        with trio.fail_after(PATIENCE):
            while not look():  # noqa: ASYNC110 - what is looked at belongs to actors and tells nobody
                await trio.sleep(0.001)

    def _tree(self, node: str, links: Distribution) -> SupervisorSpec:
        store, owned, heads = self._store, _Owned(node, self._owner_of), HeadsTable()
        rooms = RoomEnvironment(writer=store, reader=store, ownership=owned, heads=heads)
        relays = RelayEnvironment(node=node, reader=store, ownership=owned)
        return SupervisorSpec(
            node,
            [
                TaskSpec("links", links.run),
                DynamicSpec(ROOMS, partial(RoomActor, rooms), mailbox=MAILBOX),
                DynamicSpec(RELAYS, partial(RelayActor, relays), mailbox=MAILBOX),
                ActorSpec("heads", HeadsActor, (heads,), name=HEADS),
                DynamicSpec(SESSIONS, _Session),
            ],
        )


def _resolve(system: System, name: str, start: bool) -> Address | None:
    kind, slash, key = name.partition("/")
    if not slash:
        return system.whereis(name)
    found = system.dynamic(kind)
    return found.find_or_start(key) if start and kind == ROOMS else found.find(key)


def counted(
    nodes: Sequence[str], members: Members, owner_of: Callable[[str], str], posts: Sequence[tuple[str, str]]
) -> tuple[Counted, Counted]:
    """What everybody's coming makes, and what these posts make, each a room and who posts.

    One post after the other, and between them so long a rest that the last one is not told of any more.
    """

    async def play() -> tuple[Counted, Counted]:
        async with Stage(nodes, members, owner_of).living() as stage:
            await stage.bring()
            arrival = stage.tally.counted()
            stage.tally = Tally()
            for room, user in posts:
                await stage.post(room, user)
            return arrival, stage.tally.counted()

    return trio.run(play, clock=MockClock(autojump_threshold=0))
