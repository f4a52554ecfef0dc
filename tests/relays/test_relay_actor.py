"""Rooms and relays as actors on two nodes of one process: nothing is simulated but the network and the store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from itertools import count

import trio

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
from server.cluster.codec import NodeCodec
from server.protocol.message_commands import Post
from server.protocol.objects import User
from server.protocol.replies import Error, Ok
from server.relays.actor import RELAYS, SEEKS_PER_SECOND, RelayActor, RelayEnvironment
from server.relays.heads import HEADS, HeadsActor
from server.relays.relay import RETRY_SECONDS
from server.relays.window import Windows
from server.rooms.actor import MAILBOX, ROOMS, RoomActor, RoomEnvironment
from server.rooms.heads import HeadsTable
from server.rooms.messages import Answer, Attach, Attached, Delivery, Orphaned, Passing, Request
from server.store.history_messages import LogPage, ReadLog
from server.store.log_messages import Anchor, Anchored, Append, Landed, NewMessage, Outcomes
from server.store.questions import Done
from server.store.room_messages import LoadRoom, MemberRecord, RoomRecord
from tests.relays.booth import entry
from tests.rooms.scene import key
from tests.store.desk import PATIENCE

ROOM = "r_TWO"
OWNER, OTHER = "a", "b"


class Ledger:
    """A store that has everything on its disk at once, unless it `holds` what comes."""

    def __init__(self) -> None:
        self.last_seq = 0
        self.holds = False

    def tell(self, message: object, /) -> bool:
        match message:
            case Anchor(reply_to=asker, ref=ref):
                asker.answer(Done(ref, Anchored(ROOM, 1)))
            case LoadRoom(reply_to=asker, ref=ref):
                members = {f"u_{name}": MemberRecord("member", 0, 0) for name in ("ann", "bob")}
                asker.answer(Done(ref, RoomRecord(ROOM, "l_TWO", "group", "Two", None, self.last_seq, members)))
            case Append(draft=NewMessage()) if not self.holds:
                self.last_seq += 1
                message.reply_to.answer(Outcomes(ROOM, 1, (Landed(message.ref, self.last_seq, 0),)))
            case ReadLog(reply_to=asker, ref=ref, after=after, upto=upto):
                entries = tuple(entry(seq) for seq in range(after + 1, upto + 1))
                asker.answer(Done(ref, LogPage(ROOM, after, entries, more=False)))
            case _:
                pass
        return True


class Owned:
    """The room is node `a`'s."""

    def __init__(self, node: str) -> None:
        self._node = node
        self.owner: str | None = OWNER

    def owner_of(self, room: str) -> str | None:
        return self.owner

    def epoch_of(self, room: str) -> int | None:
        return 1 if self._node == OWNER else None

    def is_mine(self, room: str) -> bool:
        return self._node == OWNER

    def is_inherited(self, room: str) -> bool:
        return False


class Member(Actor):
    """A session, as a room sees it: writes down what it hears."""

    __slots__ = ("heard",)

    def __init__(self, heard: list[object]) -> None:
        self.heard = heard

    def receive(self, message: object) -> None:
        self.heard.append(message)


class Nodes:
    def __init__(self) -> None:
        self.ledger = Ledger()
        self.network = MemoryNetwork()
        self.systems: dict[str, System] = {}
        self.heads = {node: HeadsTable() for node in (OWNER, OTHER)}
        self.unanswered = Windows()
        self.seeking: set[Address] = set()
        self.owned = {node: Owned(node) for node in (OWNER, OTHER)}
        self.numbers = count(1)

    def room(self, node: str) -> Address:
        return self.systems[node].dynamic(ROOMS if node == OWNER else RELAYS).find_or_start(ROOM)

    async def member(self, node: str, name: str) -> tuple[Address, list[object]]:
        heard: list[object] = []
        session = self.systems[node].dynamic("sessions").start(name, heard)
        self.room(node).tell(Attach(1, session, f"u_{name}"))
        await until(lambda: kinds(heard) == [Attached])
        return session, heard

    def post(self, node: str, session: Address, heard: list[object]) -> None:
        attachment = next(one.attachment for one in heard if isinstance(one, Attached))
        name = str(session.name)
        post = Post(id=1, room=ROOM, nonce=f"n{next(self.numbers)}", text="hello")
        self.room(node).tell(Request(7, session, User(user=f"u_{name}", name=name), post, attachment))

    def distribution(self, node: str) -> Distribution:
        return Distribution(node, self.network.transport(node), NodeCodec, self.resolve)

    def resolve(self, system: System, name: str, start: bool) -> Address | None:
        id, _, key = name.partition("/")
        if not key:
            return system.whereis(id)
        kind = system.dynamic(id)
        return kind.find_or_start(key) if start and id == ROOMS else kind.find(key)

    def tree(self, node: str, distribution: Distribution) -> SupervisorSpec:
        ledger, owned, heads = self.ledger, self.owned[node], self.heads[node]
        rooms = RoomEnvironment(writer=ledger, reader=ledger, ownership=owned, heads=heads)
        relays = RelayEnvironment(
            node=node, reader=ledger, ownership=owned, unanswered=self.unanswered, seeking=self.seeking
        )
        return SupervisorSpec(
            node,
            [
                TaskSpec("links", distribution.run),
                DynamicSpec(ROOMS, partial(RoomActor, rooms), mailbox=MAILBOX),
                DynamicSpec(RELAYS, partial(RelayActor, relays), mailbox=MAILBOX),
                ActorSpec("heads", HeadsActor, (heads,), name=HEADS),
                DynamicSpec("sessions", Member),
            ],
        )


def kinds(heard: list[object]) -> list[type]:
    """Of all that has an order; who came and went is told at any time."""
    return [type(one) for one in heard if not isinstance(one, Passing)]


async def until(look: Callable[[], object]) -> None:
    with trio.fail_after(PATIENCE):
        while not look():  # noqa: ASYNC110 - what is looked at belongs to actors and tells nobody
            await trio.sleep(0.001)


@asynccontextmanager
async def two_nodes() -> AsyncIterator[Nodes]:
    nodes = Nodes()
    async with trio.open_nursery() as nursery, AsyncExitStack() as opened:
        nursery.start_soon(nodes.network.run)
        for node in (OWNER, OTHER):
            distribution = nodes.distribution(node)
            tree = nodes.tree(node, distribution)
            nodes.systems[node] = await opened.enter_async_context(open_system(tree, distribution=distribution))
            nodes.network.join(distribution)
        yield nodes
        await opened.aclose()
        nursery.cancel_scope.cancel()


@contextmanager
def cut(nodes: Nodes) -> Iterator[None]:
    for ends in ((OWNER, OTHER), (OTHER, OWNER)):
        nodes.network.cut(*ends)
    yield
    for ends in ((OWNER, OTHER), (OTHER, OWNER)):
        nodes.network.mend(*ends)


async def test_whoever_posts_and_wherever_all_hear_it_and_the_author_the_answer_first() -> None:
    async with two_nodes() as nodes:
        ann, ann_heard = await nodes.member(OWNER, "ann")
        bob, bob_heard = await nodes.member(OTHER, "bob")
        nodes.post(OTHER, bob, bob_heard)
        await until(lambda: Delivery in kinds(bob_heard))
        assert kinds(bob_heard) == [Attached, Answer, Delivery]
        nodes.post(OWNER, ann, ann_heard)
        await until(lambda: kinds(bob_heard)[3:] == [Delivery])
        await until(lambda: [one.first for one in ann_heard if isinstance(one, Delivery)] == [1, 2])
        [answer] = [one for one in bob_heard if isinstance(one, Answer)]
        assert isinstance(answer.reply, Ok)
        assert (answer.ref, answer.reply.seq) == (7, 1)


async def test_what_is_under_way_when_the_owners_node_dies_is_refused() -> None:
    async with two_nodes() as nodes:
        bob, heard = await nodes.member(OTHER, "bob")
        nodes.ledger.holds = True
        nodes.post(OTHER, bob, heard)
        nodes.network.leave(OWNER)
        await until(lambda: Answer in kinds(heard))
        [answer] = [one for one in heard if isinstance(one, Answer)]
        assert isinstance(answer.reply, Error)
        assert answer.reply.code == "unavailable"


async def test_after_a_broken_link_what_was_missed_is_read() -> None:
    async with two_nodes() as nodes:
        ann, ann_heard = await nodes.member(OWNER, "ann")
        _, heard = await nodes.member(OTHER, "bob")
        with cut(nodes):
            nodes.post(OWNER, ann, ann_heard)
            await until(lambda: Delivery in kinds(ann_heard))
            await until(lambda: not nodes.room(OWNER)._actor._room._state.audience.relays)  # type: ignore[union-attr]
        await until(lambda: [one.first for one in heard if isinstance(one, Delivery)] == [1])


async def test_heads_reach_the_relays_of_other_nodes() -> None:
    """As if the delivery had not fitted into the link: nothing comes behind it."""
    async with two_nodes() as nodes:
        _, heard = await nodes.member(OTHER, "bob")
        distribution = nodes.systems[OWNER].distribution
        assert distribution is not None
        nodes.heads[OWNER].moved(ROOM, 1, 3, (distribution.address(OTHER, f"{RELAYS}/{ROOM}"),))
        await until(lambda: Delivery in kinds(heard))
        [delivery] = [one for one in heard if isinstance(one, Delivery)]
        assert (delivery.first, delivery.last) == (1, 3)


async def test_the_heads_of_rooms_without_a_relay_here_concern_nobody() -> None:
    async with two_nodes() as nodes:
        distribution = nodes.systems[OWNER].distribution
        assert distribution is not None
        nodes.heads[OWNER].moved("r_OTHER", 1, 3, (distribution.address(OTHER, f"{RELAYS}/r_OTHER"),))
        _, heard = await nodes.member(OTHER, "bob")
        await until(lambda: nodes.systems[OTHER].whereis(HEADS).statistics().handled >= 2)  # type: ignore[union-attr]
        assert kinds(heard) == [Attached]


async def test_a_relay_counts_as_unanswered_until_the_owner_has_taken_it_in_or_it_has_stopped() -> None:
    async with two_nodes() as nodes:
        await nodes.member(OTHER, "bob")
        assert not nodes.unanswered
        relays = nodes.systems[OTHER].dynamic(RELAYS)
        with cut(nodes):
            relays.stop(ROOM)
            another = nodes.room(OTHER)
            await until(lambda: another in nodes.unanswered and len(nodes.unanswered) == 1)
            relays.stop(ROOM)
            await until(lambda: not nodes.unanswered)


async def test_of_relays_that_come_at_once_few_ask_and_all_are_taken_in() -> None:
    async with two_nodes() as nodes:
        nodes.unanswered._width = 2
        relays, heard = nodes.systems[OTHER].dynamic(RELAYS), list[list[object]]()
        with cut(nodes):
            for number in range(12):
                heard.append([])
                session = nodes.systems[OTHER].dynamic("sessions").start(f"bob {number}", heard[-1])
                relays.find_or_start(f"r_{number}").tell(Attach(1, session, "u_bob"))
            await until(lambda: len(nodes.unanswered) == 12)
            relays.stop("r_0")
            relays.stop("r_11")
        await until(lambda: [kinds(one) for one in heard[1:11]] == [[Attached]] * 10)
        assert not nodes.unanswered


async def test_a_relay_looks_for_another_owner_when_its_own_is_dead_by_the_table_and_still_on_the_line() -> None:
    async with two_nodes() as nodes:
        await nodes.member(OTHER, "bob")
        relay = nodes.room(OTHER)
        handled = relay.statistics().handled
        relay.tell(Orphaned())
        await until(lambda: relay.statistics().handled > handled)
        assert not nodes.seeking, "its owner has the room again"
        nodes.owned[OTHER].owner = None
        relay.tell(Orphaned())
        await until(lambda: nodes.seeking == {relay})
        nodes.owned[OTHER].owner = OWNER
        await until(lambda: not nodes.seeking and not nodes.unanswered)


async def test_who_seeks_an_owner_looks_at_once_when_it_is_told_of_a_new_one() -> None:
    async with two_nodes() as nodes:
        await nodes.member(OTHER, "bob")
        relay = nodes.room(OTHER)
        nodes.seeking |= {key(f"relay {number}") for number in range(100 * SEEKS_PER_SECOND)}
        nodes.owned[OTHER].owner = None
        nodes.systems[OWNER].dynamic(ROOMS).stop(ROOM)
        await until(lambda: relay in nodes.seeking)
        nodes.owned[OTHER].owner = OWNER
        handled = relay.statistics().handled
        relay.tell(Orphaned())
        await until(lambda: relay.statistics().handled > handled)
        assert relay not in nodes.seeking, "it did not wait for its time to look"
        await until(lambda: not nodes.unanswered)


async def test_of_many_relays_that_seek_their_owners_each_looks_rarely() -> None:
    async with two_nodes() as nodes:
        await nodes.member(OTHER, "bob")
        assert not nodes.seeking
        nodes.owned[OTHER].owner = None
        nodes.systems[OWNER].dynamic(ROOMS).stop(ROOM)
        await until(lambda: len(nodes.seeking) == 1)
        environment = RelayEnvironment(OTHER, nodes.ledger, nodes.owned[OTHER], seeking=nodes.seeking)
        assert environment.seek_seconds == RETRY_SECONDS
        nodes.seeking |= {key(f"relay {number}") for number in range(10 * SEEKS_PER_SECOND - 1)}
        assert environment.seek_seconds == 10.0
        nodes.owned[OTHER].owner = OWNER
        await until(lambda: len(nodes.seeking) == 10 * SEEKS_PER_SECOND - 1)
