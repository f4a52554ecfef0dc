"""What becomes of a room and of people's rights in it, on disk, and as it is read again."""

from __future__ import annotations

from math import inf
from typing import cast

import pytest
from msgspec import structs

from server.protocol.entries import Left, RoomChanged
from server.protocol.errors import ErrorCode
from server.protocol.objects import Role, RoomRights
from server.store.log_messages import Denied, Landed, MemberGone, NewMember
from server.store.room_changes import BanLifted, LevelSet, Muted, Particulars, Renamed, RightsSet, RoleGiven
from server.store.room_messages import ListRooms, MembersPage, ReadMembers, RoomList
from tests.store.desk import Desk
from tests.store.place import Place

FOREVER = "9999-12-31T23:59:59.999Z"


async def test_a_room_is_what_it_was_called_last(place: Place, desk: Desk) -> None:
    await place.lands(
        Renamed(place.ann, place.info("foes")), Renamed(place.ann, place.info("family", "Dinner")),
    )  # fmt: skip
    record = await place.record()
    assert (record.name, record.topic) == ("family", "Dinner")
    (seen,) = cast("RoomList", await desk.read(ListRooms, user=place.bob)).rooms
    assert (seen.name, seen.topic) == ("family", "Dinner")
    assert await place.last_entry() == RoomChanged(
        room=place.room.room, seq=4, info=place.info("family", "Dinner"), at="2025-06-15T15:06:40.000Z", by=place.ann
    )


async def test_an_icon_is_kept_until_it_is_taken_away(place: Place, desk: Desk) -> None:
    abacus = "\N{ABACUS}"
    await place.lands(Renamed(place.ann, structs.replace(place.info(), icon=abacus)))
    assert (await place.record()).particulars == Particulars(icon=abacus)
    (seen,) = cast("RoomList", await desk.read(ListRooms, user=place.bob)).rooms
    assert seen.icon == abacus
    await place.lands(Renamed(place.ann, place.info()))
    assert (await place.record()).particulars is None


async def test_a_level_is_kept_with_the_membership_and_is_in_no_log(place: Place, desk: Desk) -> None:
    async def levels() -> list[str]:
        people = place.ann, place.bob
        lists = [cast("RoomList", await desk.read(ListRooms, user=user)) for user in people]
        return [room.level for listed in lists for room in listed.rooms]

    before = await place.last_entry()
    (landed,) = await place.lands(LevelSet(place.bob, "mentions"))
    assert isinstance(landed, Landed)
    assert landed.seq is None
    assert await levels() == ["all", "mentions"]
    assert await place.last_entry() == before
    await place.lands(LevelSet(place.bob, "none"), LevelSet(place.bob, "all"), LevelSet(place.eve, "none"))
    assert await levels() == ["all", "all"], "the last one counts, and a stranger has none"


async def test_a_level_that_is_there_already_is_written_once(place: Place, desk: Desk) -> None:
    told = [
        *await place.lands(LevelSet(place.bob, "all"), LevelSet(place.bob, "none"), LevelSet(place.bob, "none")),
        *await place.lands(LevelSet(place.bob, "none"), LevelSet(place.bob, "all"), LevelSet(place.bob, "none")),
    ]
    is_new = [outcome.is_new for outcome in told if isinstance(outcome, Landed)]
    assert is_new == [False, True, False, False, True, True]
    assert cast("RoomList", await desk.read(ListRooms, user=place.bob)).rooms[0].level == "none"


async def test_a_name_that_is_taken_is_refused_alone(place: Place, desk: Desk) -> None:
    await desk.created(place.ann, kind="channel", name="taken")
    first, taken, last = await place.lands(
        NewMember(place.eve, "member"), Renamed(place.ann, place.info("taken")), Renamed(place.ann, place.info("free"))
    )
    assert isinstance(first, Landed)
    assert isinstance(taken, Denied)
    assert taken.refusal.code is ErrorCode.CONFLICT
    assert isinstance(last, Landed)
    assert last.seq == 4, "what is refused takes no place"
    assert (await place.record()).name == "free"


async def test_rights_are_kept_and_told_until_they_are_as_usual(place: Place, desk: Desk) -> None:
    few = RoomRights(post="moderator", slow=30)
    info = structs.replace(place.info(), rights=few)
    await place.lands(RightsSet(place.ann, info))
    assert (await place.record()).particulars == Particulars(rights=few)
    (seen,) = cast("RoomList", await desk.read(ListRooms, user=place.bob)).rooms
    assert seen.rights == few
    assert await place.last_entry() == RoomChanged(
        room=place.room.room, seq=3, info=info, at="2025-06-15T15:06:40.000Z", by=place.ann
    )
    await place.lands(RightsSet(place.ann, place.info()))
    assert (await place.record()).particulars is None
    (seen,) = cast("RoomList", await desk.read(ListRooms, user=place.bob)).rooms
    assert seen.rights is None


@pytest.mark.parametrize("role", ["owner", "moderator", "guest"])
async def test_a_role_is_kept(place: Place, desk: Desk, role: Role) -> None:
    await place.lands(RoleGiven(place.ann, place.info(), place.bob, role))
    assert (await place.record()).members[place.bob].role == role
    page = cast("MembersPage", await desk.read(ReadMembers, room=place.room.room, limit=10, next=None))
    assert [member.role for member in page.members] == ["owner", role]
    (seen,) = cast("RoomList", await desk.read(ListRooms, user=place.bob)).rooms
    assert seen.role == role
    entry = await place.last_entry()
    assert isinstance(entry, RoomChanged)
    assert (entry.user, entry.role, entry.by) == (place.bob, role, place.ann)


async def test_whoever_is_no_member_gets_no_role_and_nobody_else_is_hurt(place: Place) -> None:
    eve, bob = await place.lands(
        RoleGiven(place.ann, place.info(), place.eve, "guest"), RoleGiven(place.ann, place.info(), place.bob, "guest")
    )
    assert isinstance(eve, Landed)
    assert isinstance(bob, Landed)
    assert (eve.seq, bob.seq) == (None, 3)


async def test_who_comes_and_gets_a_role_at_once_has_it(place: Place) -> None:
    await place.lands(NewMember(place.eve, "member"), RoleGiven(place.ann, place.info(), place.eve, "guest"))
    assert (await place.record()).members[place.eve].role == "guest"


async def test_a_ban_outlasts_the_room_s_actor_until_it_is_lifted(place: Place) -> None:
    (gone,) = await place.lands(MemberGone(place.bob, place.ann, "Off topic", banned=True))
    assert isinstance(gone, Landed)
    entry = await place.last_entry()
    assert isinstance(entry, Left)
    assert (entry.by, entry.reason) == (place.ann, "Off topic")
    (stranger,) = await place.lands(MemberGone(place.eve, place.ann, logged=False, banned=True))
    assert isinstance(stranger, Landed)
    assert stranger.seq is None
    record = await place.record()
    assert record.particulars == Particulars(banned={place.bob, place.eve})
    assert list(record.members) == [place.ann]
    again = MemberGone(place.eve, place.ann, logged=False, banned=True)
    lifted = BanLifted(place.bob, place.ann)
    assert all(isinstance(one, Landed) for one in await place.lands(again, lifted, lifted))
    assert (await place.record()).particulars == Particulars(banned={place.eve})
    await place.lands(BanLifted(place.eve, place.ann))
    assert (await place.record()).particulars is None


async def test_a_mute_is_told_by_how_much_longer_it_lasts(place: Place, desk: Desk) -> None:
    await place.lands(Muted(place.ann, place.info(), place.bob, 60), Muted(place.ann, place.info(), None, None))
    desk.now += 20_000
    assert (await place.record()).particulars == Particulars(
        muted={place.bob: 40.0}, quiet_until=inf, quiet_told=FOREVER
    )
    page = cast("MembersPage", await desk.read(ReadMembers, room=place.room.room, limit=10, next=None))
    assert [member.muted_until for member in page.members] == [None, "2025-06-15T15:07:40.000Z"]
    (seen,) = cast("RoomList", await desk.read(ListRooms, user=place.bob)).rooms
    assert seen.quiet_until == FOREVER
    desk.now += 40_000
    assert (await place.record()).particulars == Particulars(quiet_until=inf, quiet_told=FOREVER)


async def test_a_mute_that_is_lifted_is_gone(place: Place, desk: Desk) -> None:
    for user in (place.bob, None):
        await place.lands(Muted(place.ann, place.info(), user, None), Muted(place.ann, place.info(), user, 0))
    assert (await place.record()).particulars is None
    (seen,) = cast("RoomList", await desk.read(ListRooms, user=place.bob)).rooms
    assert seen.quiet_until is None


async def test_what_is_over_does_not_pile_up(place: Place, desk: Desk) -> None:
    await place.lands(Muted(place.ann, place.info(), place.bob, 1))
    desk.now += 2_000
    await place.lands(Muted(place.ann, place.info(), place.eve, 60))
    with desk.store.reading.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM mutes").scalar_one() == 1
