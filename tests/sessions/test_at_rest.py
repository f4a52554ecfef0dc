"""What a session and a room of two hold while nothing happens, in bytes: there may be a hundred thousand of them.

Counted is what belongs to one of them alone: the objects it is made of, with their collector's heads, down to
strings, addresses and what all share. So the numbers are the same on every run; they are budgets, with little slack,
and whoever breaks one has put something new into every session or every room.
"""

from __future__ import annotations

import gc
import sys
from typing import TypeVar

from msgspec import Struct, structs

from actors import Actor, Address
from server.protocol.attention_commands import Read
from server.rooms.actor import RoomActor, RoomEnvironment
from server.rooms.announcing import Announcing
from server.rooms.sizes import Sizes
from server.rooms.unfinished import Unfinished
from server.sessions.actor import SessionActor
from server.sessions.environment import SessionEnvironment
from server.sessions.readers import NO_TABS
from server.store.opening import Store
from server.store.user_messages import Identity
from tests.sessions.stage import Guest, Stage, staged
from tests.sessions.test_talking_sessions import in_a_group

SESSION_BYTES = 250
ROOM_BYTES = 920
TALK_BYTES = 500
"""What a room keeps after a talk: who wrote the latest messages, for the receipts."""

A = TypeVar("A", bound=Actor)
NOT_ITS_OWN = (str, type, Address, RoomEnvironment, SessionEnvironment, Sizes, Announcing, Unfinished)
SHARED = {id(constant) for constant in (NO_TABS, None, True, False, ())}
SMALL_INTS = range(-5, 257)


def own_bytes(root: object) -> int:
    seen: dict[int, object] = {}
    ahead = [root]
    while ahead:
        thing = ahead.pop()
        is_small_int = isinstance(thing, int) and thing in SMALL_INTS
        if id(thing) in seen or id(thing) in SHARED or isinstance(thing, NOT_ITS_OWN) or is_small_int:
            continue
        seen[id(thing)] = thing
        ahead += structs.astuple(thing) if isinstance(thing, Struct) else gc.get_referents(thing)
    return sum(sys.getsizeof(thing) for thing in seen.values())


class Register:
    """All rooms and sessions that were started."""

    def __init__(self) -> None:
        self.rooms: list[RoomActor] = []
        self.sessions: list[SessionActor] = []

    def room(self, environment: RoomEnvironment) -> RoomActor:
        return self._noted(self.rooms, RoomActor(environment))

    def session(self, environment: SessionEnvironment, identity: Identity) -> SessionActor:
        return self._noted(self.sessions, SessionActor(environment, identity))

    def _noted(self, register: list[A], actor: A) -> A:
        register.append(actor)
        return actor


async def until_at_rest(stage: Stage, room: RoomActor) -> None:
    await stage.until(lambda: not room._room.restless)


async def a_talk(room: str, ann: Guest, bob: Guest) -> None:
    for text in ("one", "two", "three"):
        await ann.post(room, text)
    await bob.hears(room, "three")
    await bob.ask(Read, room=room, seq=5)


async def test_a_session_at_rest_is_small(store: Store) -> None:
    register = Register()
    async with staged(store, session=register.session) as stage:
        room, (ann, bob) = await in_a_group(stage, "ann", "bob")
        await ann.post(room, "hello")
        await bob.hears(room, "hello")
        size = own_bytes(register.sessions[1])
    assert size <= SESSION_BYTES, size


async def test_a_room_of_two_at_rest_is_small(store: Store) -> None:
    register = Register()
    async with staged(store, room=register.room) as stage:
        room, (ann, bob) = await in_a_group(stage, "ann", "bob")
        (actor,) = register.rooms
        await until_at_rest(stage, actor)
        before = own_bytes(actor)
        await a_talk(room, ann, bob)
        await until_at_rest(stage, actor)
        after = own_bytes(actor)
    assert before <= ROOM_BYTES, before
    assert after <= before + TALK_BYTES, (before, after)


async def test_an_id_is_the_same_string_for_all_who_keep_it(store: Store) -> None:
    register = Register()
    async with staged(store, room=register.room) as stage:
        room, guests = await in_a_group(stage, "ann", "bob")
        phone = await stage.device_of(guests[0].user)
        welcome = await phone.come()
        (actor,) = register.rooms
        await until_at_rest(stage, actor)
        state = actor._room._state
        assert state is not None
        shown = next(info.room for info in welcome.rooms if info.room == room)
        assert state.room is shown
        (ann,) = (user for user in state.members if user == phone.user)
        assert ann is phone.user
        assert ann is welcome.me.user
