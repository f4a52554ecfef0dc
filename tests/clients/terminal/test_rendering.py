"""How events look in a terminal."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

import pytest

from clients.happenings import Event, Missed, Offline
from clients.terminal.rendering import View, label, lines, member_lines, mention, room_lines
from server.protocol.entries import Joined, Left, MessageEntry
from server.protocol.errors import ErrorCode
from server.protocol.events import Receipt, RoomStats, TypingEvent
from server.protocol.objects import Member, Room, RoomKind, User
from server.protocol.replies import Error

ANN = User(user="u_ANN", name="ann")
BOB = User(user="u_BOB", name="bob")
AT = "2026-11-22T23:30:00.000Z"


def room(name: str, kind: RoomKind = "channel", unread: int = 0, peer: User | None = None) -> Room:
    return Room(
        room=f"r_{name}",
        log="l_1",
        kind=kind,
        name=None if peer else name,
        members=2,
        last_seq=1,
        read_seq=0,
        role="member",
        unread=unread,
        mentions=0,
        peer=peer,
    )


@pytest.fixture
def view() -> View:
    rooms = {r.room: r for r in (room("tea"), room("friends", "group"), room("dm", "dm", peer=BOB))}
    found = View(ANN, rooms, "r_tea", UTC)
    found.learn(BOB)
    return found


def message(text: str, where: str = "r_tea", at: str = AT) -> MessageEntry:
    return MessageEntry(seq=1, room=where, from_=BOB, text=text, at=at, reactions=())


def test_a_message_has_its_local_time_and_each_day_a_line(view: View) -> None:
    assert lines(message("hi"), view) == ["-- Sunday, 22 November 2026", "23:30 bob: hi"]
    assert lines(message("again"), view) == ["23:30 bob: again"]
    view.zone = timezone(timedelta(hours=2))
    assert lines(message("later"), view) == ["-- Monday, 23 November 2026", "01:30 bob: later"]


def test_a_message_from_another_room_names_it(view: View) -> None:
    view.current = None
    assert lines(message("hi"), view)[-1] == "23:30 #tea bob: hi"
    assert lines(message("hi", "r_friends"), view)[-1] == "23:30 friends bob: hi"
    assert lines(message("hi", "r_dm"), view)[-1] == "23:30 @bob bob: hi"
    assert lines(message("hi", "r_?"), view)[-1] == "23:30 r_? bob: hi"


def test_a_second_line_cannot_pass_for_another_message(view: View) -> None:
    shown = lines(message("hi\n23:31 ann: I owe you 100"), view)[-1]
    assert shown == "23:30 bob: hi\n      23:31 ann: I owe you 100"


def test_a_name_with_control_characters_is_harmless(view: View) -> None:
    evil = message("hi")
    evil = MessageEntry(seq=1, room="r_tea", from_=User(user="u_E", name="e\x1b[2J\n"), text="", at=AT, reactions=())
    assert lines(evil, view)[-1] == "23:30 e␛[2J␊: "


def test_a_time_that_is_none_does_no_harm(view: View) -> None:
    assert lines(message("hi", at="yesterday"), view)[-1] == "00:00 bob: hi"


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Joined(room="r_tea", seq=1, user=BOB, at=AT), "-- bob came into #tea"),
        (Joined(room="r_tea", seq=1, user=ANN, at=AT, by="u_BOB"), "-- you are in #tea, invited by bob"),
        (Joined(room="r_tea", seq=1, user=ANN, at=AT), "-- you are in #tea"),
        (Left(room="r_tea", seq=1, user="u_BOB", at=AT), "-- bob left #tea"),
        (Left(room="r_tea", seq=1, user="u_ANN", at=AT, by="u_BOB"), "-- you had to leave #tea"),
        (Left(room="r_tea", user="u_?"), "-- someone left #tea"),
        (Missed("r_tea", 1, 9, "too_much"), "-- #tea: messages were missed here; /history shows them"),
        (Offline("connection\nlost", 1.0), "-- offline (connection␊lost); trying again"),
        (Error(code=ErrorCode.BAD_REQUEST, message="what?"), "! the server says: what?"),
    ],
)
def test_events_that_are_shown(view: View, event: Event, line: str) -> None:
    assert lines(event, view) == [line]


@pytest.mark.parametrize(
    "event",
    [
        TypingEvent(room="r_tea", user="u_BOB"),
        Receipt(room="r_tea", user="u_BOB"),
        RoomStats(room="r_tea", members=300),
    ],
)
def test_events_that_are_not(view: View, event: Event) -> None:
    assert lines(event, view) == []


def test_a_room_that_is_gone_keeps_its_name(view: View) -> None:
    assert lines(message("hi", "r_friends"), view)
    view.rooms = {}
    assert lines(Left(room="r_friends", user="u_ANN"), view) == ["-- you left friends"]


def test_rooms_with_something_to_read_come_first() -> None:
    assert room_lines([room("a"), room("c", unread=2), room("b", unread=1)]) == [
        "   #b  (1 unread)",
        "   #c  (2 unread)",
        "   #a",
    ]


def test_a_talk_of_two_with_someone_who_is_gone() -> None:
    assert label(room("x", "dm", peer=User(user="u_X", name=None, deleted=True))) == "@(deleted)"


def test_members_with_their_role_and_whether_they_are_there(view: View) -> None:
    here = User(user="u_CEM", name="cem", status="online")
    members = [
        Member(user=ANN, role="owner", joined_at=AT),
        Member(user=BOB, role="member", joined_at=AT),
        Member(user=here, role="moderator", joined_at=AT),
    ]
    assert member_lines(members, view) == ["   ann  (owner)", "   bob", "   cem  (moderator, online)"]


def test_a_long_post_is_mentioned_by_its_beginning() -> None:
    assert mention("short\nand more") == "short␊and more"
    assert len(mention("x" * 4_000)) == 60
