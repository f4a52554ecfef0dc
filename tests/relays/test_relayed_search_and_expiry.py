"""What is searched for, and what disappears, where the room is another node's: two nodes of one process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from server.protocol.entries import Deleted
from server.protocol.errors import ErrorCode
from server.protocol.message_commands import Expire
from server.protocol.objects import Hit, Mark, User
from server.protocol.page_commands import Search
from server.protocol.replies import Error, Ok
from server.relays.actor import RELAYS
from server.rooms.actor import ROOMS
from server.rooms.calling import told_by_room
from server.rooms.finding import RoomsAnywhere
from server.rooms.messages import Answer, Attached, Delivery, Request
from server.store import search_messages
from server.store.changes import MessageGone
from server.store.log_messages import Append, Landed, Outcomes
from server.store.questions import Done
from tests.relays.test_relay_actor import OTHER, OWNER, ROOM, Ledger, Owned, two_nodes, until

ANN, BOB, EVE = (User(user=f"u_{name}", name=name) for name in ("ann", "bob", "eve"))
HIT = Hit(room=ROOM, seq=1, from_=ANN, at="2026-11-22T12:00:00.000Z", snippet="hello", marks=(Mark(start=0, end=5),))


class Searched(Ledger):
    """A store that finds something, and deletes what it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: list[str] = []

    def tell(self, message: object, /) -> bool:
        match message:
            case search_messages.Search(reply_to=asker, ref=ref, reader=reader, room=room):
                assert room == ROOM
                self.readers.append(reader)
                return asker.answer(Done(ref, search_messages.Hits((HIT,), "1 0")))
            case Append(draft=MessageGone(expired=True)):
                self.last_seq += 1
                return message.reply_to.answer(Outcomes(ROOM, 1, (Landed(message.ref, self.last_seq, 0),)))
            case _:
                return super().tell(message)


@pytest.fixture(autouse=True)
def searched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.relays.test_relay_actor.Ledger", Searched)


def replies(heard: list[object]) -> Iterator[Ok | Error]:
    return (one.reply for one in heard if isinstance(one, Answer))


async def test_a_search_of_a_room_is_answered_by_its_owner_and_to_members_only() -> None:
    async with two_nodes() as nodes:
        session, heard = await nodes.member(OTHER, "bob")
        [attached] = [one for one in heard if isinstance(one, Attached)]
        search = Search(id=5, room=ROOM, query="hello")
        nodes.room(OTHER).tell(Request(7, session, BOB, search, attached.attachment))
        await until(lambda: list(replies(heard)) == [Ok(id=5, hits=[HIT], next="1 0")])
        nodes.room(OTHER).tell(Request(8, session, EVE, search))
        await until(lambda: len(list(replies(heard))) == 2)
        refused = list(replies(heard))[1]
        assert isinstance(refused, Error)
        assert refused.code is ErrorCode.NO_SUCH_ROOM
        assert isinstance(nodes.ledger, Searched)
        assert nodes.ledger.readers == ["u_bob"], "nothing was looked up for a stranger"


@pytest.mark.parametrize("node", [OWNER, OTHER])
async def test_who_is_on_another_node_hears_that_a_message_has_disappeared(node: str) -> None:
    """Whose room it is may have changed since somebody looked: then it is told to the owner from there."""
    async with two_nodes() as nodes:
        session, heard = await nodes.member(OTHER, "bob")
        nodes.post(OTHER, session, heard)
        system = nodes.systems[node]
        rooms = RoomsAnywhere(Owned(node), system.dynamic(ROOMS), system.dynamic(RELAYS))
        await until(lambda: nodes.ledger.last_seq == 1)
        author = User(user="u_ann", name=None, deleted=True)
        assert (await told_by_room(rooms, author, Expire(room=ROOM, target=1), 10.0)).seq == 2
        await until(lambda: [one.last for one in heard if isinstance(one, Delivery)][-1:] == [2])
        [entry] = [one.events[-1] for one in heard if isinstance(one, Delivery)][-1:]
        assert isinstance(entry, Deleted)
        assert (entry.target, entry.by, entry.reason) == (1, "u_ann", "expired")
