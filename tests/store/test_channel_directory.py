"""The directory of channels: what is in it, for whom, and that paging through it misses nothing."""

from __future__ import annotations

from typing import cast

import pytest

from server.protocol.errors import ErrorCode, Refusal
from server.protocol.objects import Channel, RoomInfo
from server.store.finding_messages import ChannelsPage, ReadChannels
from server.store.log_messages import MemberGone
from server.store.room_changes import Renamed, RoomDeleted
from tests.store.desk import Desk


async def page(
    desk: Desk, reader: str, query: str | None = None, *, limit: int = 100, after: str | None = None
) -> ChannelsPage:
    return cast(
        "ChannelsPage", await desk.read(ReadChannels, reader=reader, query=query, limit=limit, next=after)
    )  # fmt: skip


async def names(desk: Desk, reader: str, query: str | None = None, limit: int = 100) -> list[str]:
    """All pages of it."""
    found, after = [], None
    while True:
        told = await page(desk, reader, query, limit=limit, after=after)
        assert len(told.channels) <= limit
        found += [channel.name for channel in told.channels]
        after = told.next
        if after is None:
            return found


@pytest.fixture
async def ann(desk: Desk) -> str:
    return await desk.user("ann")


async def test_channels_are_listed_by_name_with_how_many_are_in_them(desk: Desk, ann: str) -> None:
    bob = await desk.user("bob")
    tea = await desk.created(ann, bob, kind="channel", name="tea")
    await desk.created(ann, kind="channel", name="coffee")
    told = (await page(desk, ann)).channels
    assert [(channel.name, channel.members) for channel in told] == [("coffee", 1), ("tea", 2)]
    assert told[1] == Channel(room=tea, name="tea", members=2)


async def test_groups_and_conversations_are_in_no_list(desk: Desk, ann: str) -> None:
    await desk.user("bob")
    await desk.created(ann, kind="group", name="tea")
    await desk.created(ann, "bob", kind="dm", name=None)
    assert await names(desk, ann) == await names(desk, ann, "tea") == await names(desk, ann, "t") == []


async def test_a_search_finds_parts_of_names_and_words_of_topics_the_best_first(desk: Desk, ann: str) -> None:
    for name in ("steamers", "tea", "tea-time", "coffee"):
        await desk.created(ann, kind="channel", name=name)
    room = await desk.anchored(await desk.created(ann, kind="channel", name="cups"))
    topic = RoomInfo(room=room.room, kind="channel", name="cups", topic="For tea, and for milk")
    room.append(Renamed(ann, topic))
    await room.ear.outcomes_of(1)
    assert await names(desk, ann, "tea") == ["tea", "cups", "tea-time", "steamers"]
    assert await names(desk, ann, "TEA, and") == ["cups"]
    assert await names(desk, ann, "fee") == ["coffee"]
    assert await names(desk, ann, "beer") == []


async def test_a_channel_is_shown_with_its_icon(desk: Desk, ann: str) -> None:
    room = await desk.anchored(await desk.created(ann, kind="channel", name="cups"))
    room.append(Renamed(ann, RoomInfo(room=room.room, kind="channel", name="cups", icon="\N{TEACUP WITHOUT HANDLE}")))
    await room.ear.outcomes_of(1)
    for query in (None, "cups"):
        page = await desk.read(ReadChannels, reader=ann, query=query, limit=10, next=None)
        (channel,) = cast("ChannelsPage", page).channels
        assert channel.icon == "\N{TEACUP WITHOUT HANDLE}"


@pytest.mark.parametrize("query", [None, "t"])
async def test_pages_together_hold_every_channel_once(desk: Desk, ann: str, query: str | None) -> None:
    made = [f"tt{number:02}-tt" for number in range(7)]
    for name in made:
        await desk.created(ann, kind="channel", name=name)
    for limit in (1, 2, 3, 7):
        assert sorted(await names(desk, ann, query, limit)) == made


@pytest.mark.parametrize("query", [None, "t"])
async def test_what_comes_and_goes_between_two_pages_moves_nothing(desk: Desk, ann: str, query: str | None) -> None:
    for name in ("ta", "tc"):
        await desk.created(ann, kind="channel", name=name)
    room = await desk.created(ann, kind="channel", name="td")
    first = await page(desk, ann, query, limit=2)
    seen = [channel.name for channel in first.channels]
    assert seen[0] == "ta"
    await desk.created(ann, kind="channel", name="ta-earlier")
    gone = await desk.anchored(room)
    gone.append(Renamed(ann, RoomInfo(room=room, kind="channel", name="tz", topic=None)))
    await gone.ear.outcomes_of(1)
    rest = await page(desk, ann, query, limit=9, after=first.next)
    assert {"tc", "tz"} <= {*seen, *(channel.name for channel in rest.channels)}
    assert "ta" not in [channel.name for channel in rest.channels]


async def test_a_name_that_was_given_up_finds_nothing(desk: Desk, ann: str) -> None:
    room = await desk.anchored(await desk.created(ann, kind="channel", name="tea"))
    room.append(Renamed(ann, RoomInfo(room=room.room, kind="channel", name="milk", topic=None)))
    await room.ear.outcomes_of(1)
    assert (await names(desk, ann, "tea"), await names(desk, ann, "milk")) == ([], ["milk"])


async def test_who_is_banned_does_not_find_the_channel_and_others_do(desk: Desk, ann: str) -> None:
    eve = await desk.user("eve")
    room = await desk.anchored(await desk.created(ann, kind="channel", name="tea"))
    room.append(MemberGone(eve, ann, logged=False, banned=True))
    await room.ear.outcomes_of(1)
    assert await names(desk, eve) == await names(desk, eve, "tea") == []
    assert await names(desk, ann) == await names(desk, ann, "tea") == ["tea"]


@pytest.mark.parametrize(
    ("query", "limit"), [("", 5), ("--", 5), ("x" * 251, 5), ("\N{THUMBS UP SIGN}", 5), ("tea", 101), (None, 101)]
)
async def test_what_cannot_be_meant_is_refused(desk: Desk, ann: str, query: str | None, limit: int) -> None:
    with pytest.raises(Refusal) as refused:
        await page(desk, ann, query, limit=limit)
    assert refused.value.code is ErrorCode.BAD_REQUEST


@pytest.mark.parametrize("cursor", ["", " ", "R_1", "r_1 zzz", "r_1 TEA", " tea", "a\0b", "r_1 tea\0"])
@pytest.mark.parametrize("query", [None, "tea"])
async def test_a_cursor_that_nobody_gave_is_refused(desk: Desk, ann: str, query: str | None, cursor: str) -> None:
    with pytest.raises(Refusal) as refused:
        await page(desk, ann, query, after=cursor)
    assert refused.value.code is ErrorCode.BAD_REQUEST


async def test_a_channel_that_was_deleted_is_not_found(desk: Desk, ann: str) -> None:
    room = await desk.anchored(await desk.created(ann, kind="channel", name="tea"))
    room.append(Renamed(ann, RoomInfo(room=room.room, kind="channel", name="milk", topic="tea")))
    room.append(RoomDeleted(ann, None))
    await room.ear.outcomes_of(2)
    assert await names(desk, ann) == await names(desk, ann, "tea") == await names(desk, ann, "milk") == []
