"""People are removed, promoted and muted, from their session to the disk; also while something crashes."""

from __future__ import annotations

from typing import ClassVar

from server.protocol.entries import Left, RoomChanged
from server.protocol.governing_commands import Audit, Ban, DeleteRoom, Kick, Mute, Rename, SetRights, SetRole
from server.protocol.hello_commands import Cursor
from server.protocol.objects import RoomRights
from server.protocol.page_commands import History
from server.protocol.replies import Error, Ok
from server.protocol.room_commands import CreateRoom, Join, Rooms
from server.rooms.actor import RoomActor
from server.store.log_messages import Landed, Outcomes
from server.store.opening import Store
from tests.sessions.stage import Guest, Stage, staged


class Forced(Exception):
    """What a test makes happen."""


class FragileRoom(RoomActor):
    """Crashes so many times when it is told that something landed, before anybody hears of it."""

    __slots__ = ()
    charges: ClassVar[int] = 0

    def receive(self, message: object) -> None:
        if FragileRoom.charges and isinstance(message, Outcomes) and isinstance(message.outcomes[0], Landed):
            FragileRoom.charges -= 1
            raise Forced
        super().receive(message)


async def in_a_channel(stage: Stage, *names: str) -> tuple[str, list[Guest]]:
    guests = [await stage.guest(name) for name in names]
    for guest in guests:
        await guest.come()
    made = await guests[0].ask(CreateRoom, kind="channel", name="hall", nonce="h")
    assert isinstance(made, Ok)
    assert made.room is not None
    for guest in guests[1:]:
        assert isinstance(await guest.ask(Join, room=made.room), Ok)
    return made.room, guests


def code(answer: Ok | Error) -> str:
    return answer.code if isinstance(answer, Error) else "ok"


async def test_a_kicked_one_hears_nothing_more_on_any_device(stage: Stage) -> None:
    room, (ann, bob) = await in_a_channel(stage, "ann", "bob")
    phone = await stage.device_of(bob.user)
    await phone.come()
    await ann.post(room, "before")
    for device in (bob, phone):
        await device.hears(room, "before")
    kick = await ann.ask(Kick, room=room, user="bob", reason="Off topic")
    assert isinstance(kick, Ok)
    await ann.post(room, "after")
    for device in (bob, phone):
        left = await device.until(lambda device=device: device.found(Left))  # type: ignore[misc]
        assert (left.seq, left.by, left.reason) == (kick.seq, ann.user, "Off topic")
        assert code(await device.post(room, "late")) == "not_a_member"
        assert device.texts(room) == ["before"]
    assert isinstance(await bob.ask(Join, room=room), Ok)


async def test_a_kick_holds_though_the_room_crashed_before_anybody_heard_of_it(store: Store) -> None:
    async with staged(store, room=FragileRoom) as stage:
        room, (ann, bob) = await in_a_channel(stage, "ann", "bob")
        for said in (Kick, Ban):
            FragileRoom.charges = 1
            assert code(await ann.ask(said, room=room, user=bob.user)) == "unavailable", "nobody knows yet"
            again = await ann.ask(said, room=room, user=bob.user)
            assert isinstance(again, Ok)
            assert again.seq is None, "it is so already"
            left = await bob.until(lambda: bob.found(Left))
            assert left.room == room
            await ann.post_until_taken(room, "after")
            assert bob.texts(room) == []
            bob.heard.clear()
            if said is Kick:
                assert isinstance(await bob.ask(Join, room=room), Ok)
        assert code(await bob.ask(Join, room=room)) == code(await bob.ask(Join, name="hall")) == "no_such_room"


async def test_what_a_room_became_is_so_after_it_crashed(store: Store) -> None:
    async with staged(store, room=FragileRoom) as stage:
        room, (ann, bob) = await in_a_channel(stage, "ann", "bob")
        said = (
            (SetRole, {"user": "bob", "role": "moderator"}),
            (Rename, {"name": "cellar", "topic": "Wine"}),
            (Mute, {"seconds": None}),
        )
        for command, fields in said:
            FragileRoom.charges = int(command is not Rename)  # the third time it would be quarantined
            first = await ann.ask(command, room=room, **fields)
            assert code(first) == ("ok" if command is Rename else "unavailable")
            again = await ann.ask(command, room=room, **fields)
            assert isinstance(again, Ok)
            assert again.seq is None, command
        await bob.has_entries(room, 3)
        role, name, quiet = bob.entries(room)
        assert isinstance(role, RoomChanged)
        assert isinstance(name, RoomChanged)
        assert isinstance(quiet, RoomChanged)
        assert (role.user, role.role) == (bob.user, "moderator")
        assert (name.info.name, name.info.topic) == ("cellar", "Wine")
        assert quiet.quiet_until is not None
        listed = await bob.ask(Rooms)
        assert isinstance(listed, Ok)
        assert listed.rooms is not None
        (info,) = listed.rooms
        assert (info.role, info.name, info.topic, info.quiet_until) == (
            "moderator", "cellar", "Wine", quiet.quiet_until,
        )  # fmt: skip
        assert isinstance(await bob.post(room, "moderators may"), Ok)
        assert isinstance(await ann.ask(SetRole, room=room, user="bob", role="member"), Ok)
        assert code(await bob.post(room, "members may not")) == "forbidden"


async def test_who_was_away_when_the_room_changed_hears_it_on_return(stage: Stage) -> None:
    room, (ann, bob) = await in_a_channel(stage, "ann", "bob")
    listed = await bob.ask(Rooms)
    assert isinstance(listed, Ok)
    assert listed.rooms is not None
    (info,) = listed.rooms
    await bob.go()
    await ann.ask(Rename, room=room, topic="Wine")
    await ann.ask(Mute, room=room, user="bob", seconds=600)
    bob.heard.clear()
    await bob.come({room: Cursor(info.log, info.last_seq)})
    await bob.has_entries(room, 2)
    topic, muted = bob.entries(room)
    assert isinstance(topic, RoomChanged)
    assert isinstance(muted, RoomChanged)
    assert (topic.info.topic, muted.user) == ("Wine", bob.user)
    assert code(await bob.post(room, "muted")) == "forbidden"
    assert isinstance(await bob.ask(History, room=room), Ok)


async def test_rights_are_so_after_the_room_crashed_before_anybody_heard_of_them(store: Store) -> None:
    async with staged(store, room=FragileRoom) as stage:
        room, (ann, bob) = await in_a_channel(stage, "ann", "bob")
        FragileRoom.charges = 1
        assert code(await ann.ask(SetRights, room=room, post="owner", slow=600)) == "unavailable"
        again = await ann.ask(SetRights, room=room, post="owner", slow=600)
        assert isinstance(again, Ok)
        assert again.seq is None, "it is so already"
        await bob.has_entries(room, 1)
        (change,) = bob.entries(room)
        assert isinstance(change, RoomChanged)
        assert change.info.rights == RoomRights(post="owner", slow=600)
        assert code(await bob.post(room, "not any more")) == "forbidden"
        acts = await ann.ask(Audit, room=room)
        assert isinstance(acts, Ok)
        assert [act.act for act in acts.acts or ()] == ["set_rights"]


async def test_a_room_is_gone_though_it_crashed_before_it_told_anybody(store: Store) -> None:
    async with staged(store, room=FragileRoom) as stage:
        room, (ann, bob) = await in_a_channel(stage, "ann", "bob")
        await ann.post(room, "last words")
        await bob.hears(room, "last words")
        FragileRoom.charges = 1
        assert code(await ann.ask(DeleteRoom, room=room, reason="It is over")) == "unavailable", "nobody knows yet"
        assert code(await ann.ask(DeleteRoom, room=room)) == "no_such_room"
        for guest in (ann, bob):
            left = await guest.until(lambda guest=guest: guest.found(Left))  # type: ignore[misc]
            assert (left.room, left.user) == (room, guest.user)
            assert code(await guest.post(room, "late")) == "no_such_room"
        assert code(await bob.ask(Join, name="hall")) == "no_such_room"


async def test_who_was_away_when_a_room_ended_hears_so_on_return(stage: Stage) -> None:
    room, (ann, bob) = await in_a_channel(stage, "ann", "bob")
    listed = await bob.ask(Rooms)
    assert isinstance(listed, Ok)
    assert listed.rooms is not None
    (info,) = listed.rooms
    await bob.go()
    assert isinstance(await ann.ask(DeleteRoom, room=room, reason="It is over"), Ok)
    left = await ann.until(lambda: ann.found(Left))
    assert (left.by, left.reason, left.seq) == (ann.user, "It is over", None)
    bob.heard.clear()
    await bob.come({room: Cursor(info.log, info.last_seq)})
    left = await bob.until(lambda: bob.found(Left))
    assert (left.room, left.user, left.reason) == (room, bob.user, None)
