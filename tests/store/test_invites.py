"""Invites on disk: exactly as many come by one as it says, and what it shows to whom."""

from __future__ import annotations

from typing import cast

import pytest

from server.protocol.errors import ErrorCode, Refusal
from server.protocol.limits import INVITES
from server.protocol.objects import InviteLink, RoomInfo
from server.store.finding_messages import FindInvite, InvitesPage, Leading, ReadInvites
from server.store.invite_changes import InviteMade, InviteRevoked
from server.store.log_messages import Denied, Draft, Landed, MemberGone, NewMember, NewMessage, Outcome
from server.store.room_changes import Renamed, RoomDeleted
from server.store.room_messages import ListRooms, LoadRoom, RoomRecord
from tests.store.desk import Desk, Room

INVITE = "A" * 16
CUP = "\N{TEACUP WITHOUT HANDLE}"
ENDED_KEPT_MS = 600_000


class Host:
    """A group of Ann's, and people who want to come."""

    def __init__(self, desk: Desk, ann: str, room: Room, people: list[str]) -> None:
        self.desk, self.ann, self.room, self.people = desk, ann, room, people

    async def lands(self, *drafts: Draft) -> list[Outcome]:
        """Told together."""
        before = len(self.room.ear.outcomes)
        for draft in drafts:
            self.room.append(draft)
        return (await self.room.ear.outcomes_of(before + len(drafts)))[before:]

    async def made(self, uses: int | None = None, seconds: int | None = None, invite: str = INVITE) -> str:
        """Its code."""
        (outcome,) = await self.lands(InviteMade(invite, self.ann, uses, seconds))
        assert isinstance(outcome, Landed)
        assert outcome.seq is None
        (link,) = (await self.links(invite)).invites
        return link.invite

    async def links(self, invite: str | None = None) -> InvitesPage:
        return cast("InvitesPage", await self.desk.read(ReadInvites, room=self.room.room, invite=invite))

    async def found(self, code: str, user: str) -> Leading | None:
        return cast("Leading | None", await self.desk.read(FindInvite, code=code, user=user))

    async def members(self) -> set[str]:
        record = await self.desk.read(LoadRoom, room=self.room.room)
        assert isinstance(record, RoomRecord)
        return set(record.members) - {self.ann}


@pytest.fixture
async def host(desk: Desk) -> Host:
    ann = await desk.user("ann")
    people = [await desk.user(f"p{number}") for number in range(6)]
    return Host(desk, ann, await desk.anchored(await desk.created(ann, name="Tea")), people)


def coming(*users: str, invite: str = INVITE) -> list[NewMember]:
    return [NewMember(user, "member", invite=invite) for user in users]


def codes(outcomes: list[Outcome]) -> list[str | None]:
    """What each was refused with."""
    return [str(outcome.refusal.code) if isinstance(outcome, Denied) else None for outcome in outcomes]


async def test_exactly_so_many_come_as_it_says_also_at_once(host: Host) -> None:
    await host.made(uses=3)
    outcomes = await host.lands(*coming(*host.people))
    assert codes(outcomes) == [None] * 3 + ["no_such_invite"] * 3
    assert await host.members() == set(host.people[:3])
    assert codes(await host.lands(*coming(host.people[4]))) == ["no_such_invite"]


async def test_who_is_too_late_takes_no_place_in_the_log_and_nothing_from_others(host: Host) -> None:
    await host.made(uses=1)
    first, second, last = host.people[:3]
    outcomes = await host.lands(
        NewMessage(host.ann, "a", "hello"), *coming(first, second), NewMember(last, "member", by=host.ann)
    )
    assert [getattr(outcome, "seq", "none") for outcome in outcomes] == [2, 3, "none", 4]


async def test_who_is_a_member_already_spends_nothing(host: Host) -> None:
    await host.made(uses=1)
    first, second = host.people[:2]
    await host.lands(NewMember(first, "member", by=host.ann))
    assert codes(await host.lands(*coming(first), *coming(first, second))) == [None, None, None]
    assert await host.members() == {first, second}


async def test_one_without_a_number_lets_everybody_in_and_counts_them(host: Host) -> None:
    await host.made()
    assert codes(await host.lands(*coming(*host.people))) == [None] * 6
    (link,) = (await host.links()).invites
    assert (link.uses, link.used) == (None, 6)


async def test_it_ends_by_its_time(host: Host) -> None:
    code = await host.made(seconds=60)
    host.desk.now += 59_999
    assert await host.found(code, host.people[0]) is not None
    host.desk.now += 1
    assert await host.found(code, host.people[0]) is None
    assert codes(await host.lands(*coming(host.people[0]))) == ["no_such_invite"]
    assert (await host.links()).invites == ()


async def test_it_ends_when_it_is_revoked_and_again_is_no_error(host: Host) -> None:
    code = await host.made()
    outcomes = await host.lands(*(InviteRevoked(invite, host.ann) for invite in (INVITE, INVITE, "B" * 16)))
    assert codes(outcomes) == [None] * 3
    assert await host.found(code, host.people[0]) is None
    assert codes(await host.lands(*coming(host.people[0]))) == ["no_such_invite"]


async def test_nobody_comes_by_the_invite_of_another_room_and_nobody_revokes_it_there(host: Host) -> None:
    code = await host.made()
    other = await host.desk.anchored(await host.desk.created(host.ann, name="Milk"))
    other.append(InviteRevoked(INVITE, host.ann))
    other.append(*coming(host.people[0]))
    assert codes(await other.ear.outcomes_of(2)) == [None, "no_such_invite"]
    assert await host.found(code, host.people[0]) is not None


async def test_who_cannot_come_for_another_reason_spends_nothing(host: Host) -> None:
    await host.made(uses=1)
    assert codes(await host.lands(*coming("u_nobody"))) == ["bad_request"]
    assert codes(await host.lands(*coming(host.people[0]))) == [None]


async def test_it_shows_kind_name_and_number_to_a_stranger_and_says_nothing_when_it_is_spent(host: Host) -> None:
    code = await host.made(uses=1)
    stranger, guest = host.people[:2]
    assert await host.found(code, stranger) == Leading(host.room.room, "group", "Tea", 1, is_good=True)
    await host.lands(Renamed(host.ann, RoomInfo(room=host.room.room, kind="group", name="Tea", icon=CUP)))
    assert await host.found(code, stranger) == Leading(host.room.room, "group", "Tea", 1, is_good=True, icon=CUP)
    await host.lands(*coming(guest))
    assert await host.found(code, stranger) is None
    who_came = await host.found(code, guest)
    assert who_came is not None
    assert not who_came.is_good


async def test_who_is_banned_is_told_as_if_it_never_was(host: Host) -> None:
    code = await host.made()
    await host.lands(MemberGone(host.people[0], host.ann, logged=False, banned=True))
    assert await host.found(code, host.people[0]) is None
    assert await host.found(code, host.people[1]) is not None


async def test_a_code_that_is_not_signed_leads_nowhere(host: Host) -> None:
    code = await host.made()
    assert await host.found(code[:-1] + ("A" if code[-1] != "A" else "B"), host.people[0]) is None


async def test_made_again_it_is_the_same_and_keeps_its_count(host: Host) -> None:
    code = await host.made(uses=2)
    await host.lands(*coming(host.people[0]))
    assert await host.made(uses=2) == code
    (link,) = (await host.links()).invites
    assert link == InviteLink(invite=code, by=host.ann, at=link.at, uses=2, used=1)


async def test_a_room_has_so_many_and_those_that_have_ended_make_place(host: Host) -> None:
    names = [f"{number:A>16}" for number in range(INVITES)]
    made = [InviteMade(name, host.ann, None, 60) for name in names]
    assert codes(await host.lands(*made)) == [None] * INVITES
    more = InviteMade(INVITE, host.ann, None, None)
    assert codes(await host.lands(more)) == ["limit_reached"]
    host.desk.now += 60_000 + ENDED_KEPT_MS
    assert codes(await host.lands(more)) == [None]
    with host.desk.store.reading.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM invites").scalar_one() == 1


async def test_the_room_is_listed_for_who_came_by_it(host: Host) -> None:
    await host.made()
    await host.lands(*coming(host.people[0]))
    (room,) = (await host.desk.read(ListRooms, user=host.people[0])).rooms
    assert (room.room, room.unread, room.members) == (host.room.room, 0, 2)


async def test_what_was_never_made_leads_nowhere(host: Host) -> None:
    assert await host.found("A" * 32, host.people[0]) is None
    with pytest.raises(Refusal) as refused:
        await host.found("A" * 31, host.people[0])
    assert refused.value.code is ErrorCode.NO_SUCH_INVITE


async def test_the_invite_of_a_room_that_is_gone_leads_nowhere(host: Host) -> None:
    code = await host.made()
    last = InviteMade("B" * 16, host.ann, None, None)
    assert codes(await host.lands(last, RoomDeleted(host.ann, None))) == [None, None]
    assert await host.found(code, host.people[0]) is None
    assert (await host.links()).invites == (await host.links("B" * 16)).invites == ()
