"""Requests to come in, on disk: who waits, who does no longer, and that they do not pile up."""

from __future__ import annotations

from typing import cast

import pytest

from server.protocol.limits import JOIN_REQUESTS_OF_USER
from server.store.finding_messages import FindInvite, JoinRequestsPage, Leading, ReadInvites, ReadJoinRequests
from server.store.invite_changes import InviteMade, JoinAsked, JoinRefused
from server.store.log_messages import Denied, Draft, Landed, MemberGone, NewMember, Outcome
from server.store.room_messages import LoadRoom, RoomRecord
from tests.store.desk import Desk, Room

INVITE = "A" * 16


class Host:
    """A group of Ann's with an invite, and people who ask to come."""

    def __init__(self, desk: Desk, ann: str, room: Room, people: list[str]) -> None:
        self.desk, self.ann, self.room, self.people = desk, ann, room, people

    async def lands(self, *drafts: Draft) -> list[Outcome]:
        """Told together."""
        before = len(self.room.ear.outcomes)
        for draft in drafts:
            self.room.append(draft)
        return (await self.room.ear.outcomes_of(before + len(drafts)))[before:]

    async def waiting(self) -> list[str]:
        page = await self.desk.read(ReadJoinRequests, room=self.room.room)
        return [request.user.user for request in cast("JoinRequestsPage", page).requests]

    async def members(self) -> set[str]:
        record = await self.desk.read(LoadRoom, room=self.room.room)
        assert isinstance(record, RoomRecord)
        return set(record.members) - {self.ann}

    def lets_in(self, user: str) -> NewMember:
        return NewMember(user, "member", by=self.ann, asked=True)


async def host_with(desk: Desk, uses: int | None) -> Host:
    ann = await desk.user("ann")
    people = [await desk.user(f"p{number}") for number in range(4)]
    host = Host(desk, ann, await desk.anchored(await desk.created(ann, name="Tea")), people)
    await host.lands(InviteMade(INVITE, ann, uses, None))
    return host


@pytest.fixture
async def host(desk: Desk) -> Host:
    return await host_with(desk, None)


def codes(outcomes: list[Outcome]) -> list[str | None]:
    """What each was refused with."""
    return [str(outcome.refusal.code) if isinstance(outcome, Denied) else None for outcome in outcomes]


async def test_who_asks_waits_and_is_no_member_and_asking_again_is_the_same(host: Host) -> None:
    first, second, *_ = host.people
    assert codes(await host.lands(JoinAsked(first, INVITE))) == [None]
    host.desk.now += 1
    asked = await host.lands(*(JoinAsked(user, INVITE) for user in (second, first, first, second)))
    assert codes(asked) == [None] * 4
    assert all(isinstance(outcome, Landed) and outcome.seq is None for outcome in asked)
    assert await host.waiting() == [first, second]
    assert await host.members() == set()


async def test_asking_spends_a_use_once(desk: Desk) -> None:
    host = await host_with(desk, 2)
    first, second, third, _ = host.people
    await host.lands(JoinAsked(first, INVITE))
    asked = [JoinAsked(user, INVITE) for user in (first, second, third)]
    assert codes(await host.lands(*asked)) == [None, None, "no_such_invite"]
    (link,) = (await desk.read(ReadInvites, room=host.room.room, invite=INVITE)).invites
    assert link.used == 2
    for user, leads in ((first, True), (third, False)):
        found = await desk.read(FindInvite, code=link.invite, user=user)
        assert isinstance(found, Leading) is leads, "who waits, and was not told so, hears it when they ask again"


async def test_who_is_let_in_waits_no_longer(host: Host) -> None:
    first, second, *_ = host.people
    await host.lands(JoinAsked(first, INVITE), JoinAsked(second, INVITE))
    (landed,) = await host.lands(host.lets_in(first))
    assert isinstance(landed, Landed)
    assert landed.seq == 2
    assert (await host.waiting(), await host.members()) == ([second], {first})


async def test_who_asks_again_asks_nothing_new(host: Host) -> None:
    first, second, *_ = host.people
    asked = await host.lands(JoinAsked(first, INVITE), JoinAsked(first, INVITE), JoinAsked(second, INVITE))
    asked += await host.lands(JoinAsked(second, INVITE))
    assert [isinstance(outcome, Landed) and outcome.is_new for outcome in asked] == [True, False, True, False]


async def test_nobody_is_let_in_who_has_not_asked_and_nobody_else_is_hurt(host: Host) -> None:
    first, second, *_ = host.people
    await host.lands(JoinAsked(first, INVITE))
    assert codes(await host.lands(host.lets_in(second), host.lets_in(first))) == ["no_such_user", None]
    assert await host.members() == {first}


async def test_a_request_that_was_refused_is_gone_and_may_come_again(host: Host) -> None:
    first, second, *_ = host.people
    await host.lands(JoinAsked(first, INVITE))
    refused = (JoinRefused(user, host.ann) for user in (first, first, second))
    assert codes(await host.lands(*refused)) == [None] * 3
    assert await host.waiting() == []
    assert codes(await host.lands(host.lets_in(first), JoinAsked(first, INVITE))) == ["no_such_user", None]
    assert await host.waiting() == [first]


async def test_asked_and_answered_in_one_commit_leaves_nothing(host: Host) -> None:
    first, second, *_ = host.people
    await host.lands(
        JoinAsked(first, INVITE), JoinRefused(first, host.ann), JoinAsked(second, INVITE), host.lets_in(second)
    )
    assert (await host.waiting(), await host.members()) == ([], {second})


@pytest.mark.parametrize("how", ["invited", "by code", "banned"])
async def test_who_comes_in_another_way_or_never_will_waits_no_longer(host: Host, how: str) -> None:
    user = host.people[0]
    await host.lands(JoinAsked(user, INVITE))
    drafts: dict[str, Draft] = {
        "invited": NewMember(user, "member", by=host.ann),
        "by code": NewMember(user, "member", invite=INVITE),
        "banned": MemberGone(user, host.ann, logged=False, banned=True),
    }
    assert codes(await host.lands(drafts[how])) == [None]
    assert await host.waiting() == []


async def test_a_room_and_a_person_have_so_many_and_others_are_not_hurt(
    host: Host, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third, _ = host.people
    with desk.store.writing.begin() as connection:
        for number in range(JOIN_REQUESTS_OF_USER):
            connection.exec_driver_sql(
                "INSERT INTO rooms (id, log, kind, last_seq, members, creator, nonce, digest, created_at) "
                f"SELECT 'r_{number}', log, kind, 0, 0, creator, 'more {number}', digest, 0 FROM rooms WHERE id = "
                f"'{host.room.room}'"
            )
            connection.exec_driver_sql(f"INSERT INTO join_requests VALUES ('r_{number}', '{first}', 0)")
    asked = [JoinAsked(user, INVITE) for user in (second, first, third)]
    assert codes(await host.lands(*asked)) == [None, "limit_reached", None]
    assert set(await host.waiting()) == {second, third}
