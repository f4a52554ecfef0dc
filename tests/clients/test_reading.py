"""Where reading goes on after a welcome, and what changes in a room."""

from __future__ import annotations

from msgspec.structs import replace

from clients.happenings import Happening, Missed
from clients.places import HELD_BACK, Place, resume
from clients.reading import Reading
from server.protocol.codec import encode_command
from server.protocol.commands import FEATURES
from server.protocol.entries import Left, MessageEntry, RoomChanged
from server.protocol.events import Activity, Attention
from server.protocol.hello_commands import Cursor, Hello
from server.protocol.objects import Room, RoomInfo, User
from server.protocol.page_commands import Log
from server.protocol.replies import Limits, Ok, Resumed, Welcome
from server.protocol.room_commands import Rooms

ROOM = "r_1"
ANN = User(user="u_ANN", name="ann")
INFO = Room(
    room=ROOM,
    log="l_1",
    kind="group",
    name="Old name",
    members=2,
    last_seq=5,
    read_seq=0,
    role="owner",
    unread=3,
    mentions=0,
)


def welcome(*rooms: Room) -> Welcome:
    limits = Limits(frame=1, text=1, unanswered=1)
    return Welcome(me=ANN, session="s", node="n", heartbeat=30_000, features=FEATURES, limits=limits, rooms=list(rooms))


def message(seq: int) -> MessageEntry:
    return MessageEntry(seq=seq, room=ROOM, from_=ANN, text=str(seq), at="", reactions=())


def welcomed(cursor: Cursor, *rooms: Room) -> tuple[Reading, list[Happening]]:
    """A reading that had come to `cursor`, whose hello had no place to name it."""
    reading = Reading({ROOM: cursor})
    assert reading.resume(0) == {}
    return reading, list(reading.welcomed(welcome(*rooms)))[1:]


def test_a_room_that_hello_did_not_name_goes_on_where_it_was_read() -> None:
    reading, told = welcomed(Cursor("l_1", 3), INFO)
    assert told == []
    assert list(reading.to_ask(0.0)) == [Log(room=ROOM, after=3, limit=500)]
    assert list(reading.to_ask(0.0)) == [], "once"
    asked = Log(room=ROOM, after=3)
    assert list(reading.missing_came(asked, Ok(entries=[message(4), message(5)]))) == [message(4), message(5)]
    assert list(reading.to_ask(0.0)) == []


def test_a_cursor_of_another_log_or_from_the_future_is_told_and_reading_begins_at_the_end() -> None:
    for cursor in (Cursor("l_0", 3), Cursor("l_1", 9)):
        reading, told = welcomed(cursor, INFO)
        assert told == [Missed(ROOM, cursor.seq, 5, "another log")]
        assert reading.cursors() == {ROOM: Cursor("l_1", 5)}


def test_a_room_that_was_lost_meanwhile_is_told() -> None:
    reading, told = welcomed(Cursor("l_1", 3))
    assert told == [Left(room=ROOM, user="u_ANN")]
    assert reading.cursors() == {}


def test_a_recovery_of_a_room_one_has_left_changes_nothing() -> None:
    reading, _ = welcomed(Cursor("l_1", 3))
    resumed = Resumed(room=ROOM, recovered=True, last_seq=5, from_=4, to=5)
    assert list(reading.resumed(resumed)) == [resumed]
    assert reading.cursors() == {}


def test_a_recovery_that_claims_more_than_came_is_completed_from_the_log() -> None:
    reading = Reading({ROOM: Cursor("l_1", 3)})
    reading.resume(1_000)
    list(reading.welcomed(welcome(INFO)))
    list(reading.resumed(Resumed(room=ROOM, recovered=True, last_seq=5, from_=4, to=5)))
    assert list(reading.to_ask(0.0)) == [Log(room=ROOM, after=3, limit=500)]


def test_a_renamed_room_keeps_what_is_one_s_own() -> None:
    reading, _ = welcomed(Cursor("l_1", 5), INFO)
    info = RoomInfo(room=ROOM, kind=INFO.kind, name="New name")
    list(reading.entry(RoomChanged(room=ROOM, seq=6, info=info, at="", by="u_2"), 6))
    assert reading.rooms[ROOM] == replace(INFO, name="New name")


def test_a_new_role_is_one_s_own_or_somebody_else_s() -> None:
    reading, _ = welcomed(Cursor("l_1", 5), INFO)
    assert reading.me is not None
    info = RoomInfo(room=ROOM, kind=INFO.kind, name=INFO.name)
    for seq, user in ((6, "u_other"), (7, reading.me.user)):
        assert reading.rooms[ROOM].role == INFO.role
        list(reading.entry(RoomChanged(room=ROOM, seq=seq, info=info, at="", by="u_2", user=user, role="guest"), seq))
    assert reading.rooms[ROOM].role == "guest"


def test_a_room_in_which_few_may_post_is_known_as_such() -> None:
    reading, _ = welcomed(Cursor("l_1", 5), INFO)
    info = RoomInfo(room=ROOM, kind=INFO.kind, name=INFO.name)
    until = "2026-11-22T13:00:00.000Z"
    list(reading.entry(RoomChanged(room=ROOM, seq=6, info=info, at="", by="u_2", quiet_until=until), 6))
    assert reading.rooms[ROOM].quiet_until == until


def test_a_change_of_a_room_whose_name_is_not_known_yet_waits_for_the_answer() -> None:
    reading = Reading({})
    list(reading.welcomed(welcome()))
    list(reading.entry(RoomChanged(room=ROOM, seq=1, info=RoomInfo(room=ROOM, kind=INFO.kind), at="", by="u_2"), 1))
    assert list(reading.to_ask(0.0)) == [Rooms()]
    reading.learn_all([INFO, replace(INFO, room="r_unheard_of")])
    assert list(reading.rooms) == [ROOM]
    assert reading.cursors() == {ROOM: Cursor("l_1", 1)}


def test_answers_about_a_room_one_has_left_change_nothing() -> None:
    reading, _ = welcomed(Cursor("l_1", 3), INFO)
    (asked,) = reading.to_ask(0.0)
    assert isinstance(asked, Log)
    reading.leave(ROOM)
    assert list(reading.missing_came(asked, Ok(entries=[message(4)]))) == []
    assert list(reading.missing_for_good(asked, "gone")) == []
    reading.ask_later(asked, 9.0)
    assert reading.next_wake() is None


def test_a_gap_that_closed_by_itself_is_not_told() -> None:
    reading, _ = welcomed(Cursor("l_1", 5), INFO)
    list(reading.entry(message(7), 7))
    (asked,) = reading.to_ask(0.0)
    assert isinstance(asked, Log)
    assert list(reading.entry(message(6), 6)) == [message(6), message(7)]
    assert list(reading.missing_for_good(asked, "busy")) == []


# --- rooms that are not looked at ---------------------------------------------------------------------------------


def test_a_room_that_is_not_looked_at_has_no_gap() -> None:
    reading, _ = welcomed(Cursor("l_1", 5), INFO)
    told = Activity(room=ROOM, last_seq=40, unread=30, mentions=1)
    assert list(reading.activity(told)) == [told]
    assert reading.rooms[ROOM] == replace(INFO, last_seq=40, unread=30, mentions=1)
    assert list(reading.to_ask(0.0)) == []
    assert reading.resume(1_000) == {}
    assert list(reading.welcomed(welcome(replace(INFO, last_seq=60))))[1:] == []
    assert list(reading.to_ask(0.0)) == []


def test_what_came_meanwhile_is_asked_for_with_the_first_look() -> None:
    reading, _ = welcomed(Cursor("l_1", 5), INFO)
    list(reading.activity(Activity(room=ROOM, last_seq=7, unread=2, mentions=0)))
    assert list(reading.looks(ROOM, 7)) == []
    assert list(reading.entry(message(8), 8)) == [], "it waits"
    [asked] = reading.to_ask(0.0)
    assert asked == Log(room=ROOM, after=5, limit=500)
    assert list(reading.missing_came(asked, Ok(entries=[message(6), message(7)]))) == [message(n) for n in (6, 7, 8)]
    assert reading.resume(1_000) == {ROOM: Cursor("l_1", 8)}


def test_too_much_of_it_is_missed() -> None:
    reading, _ = welcomed(Cursor("l_1", 5), INFO)
    list(reading.activity(Activity(room=ROOM, last_seq=2_000, unread=1_000, mentions=0)))
    assert list(reading.looks(ROOM, 2_000)) == [Missed(ROOM, 5, 2_000, "not looked at")]
    assert list(reading.entry(message(2_001), 2_001)) == [message(2_001)]


def test_what_the_user_wants_to_be_called_for_is_known_from_any_device() -> None:
    reading, _ = welcomed(Cursor("l_1", 5), INFO)
    told = Attention(room=ROOM, level="mentions")
    assert list(reading.attends(told)) == [told]
    assert reading.rooms[ROOM] == replace(INFO, level="mentions")


def test_an_answer_about_a_room_one_has_left_is_nothing_to_look_at() -> None:
    reading, _ = welcomed(Cursor("l_1", 5), INFO)
    reading.leave(ROOM)
    assert list(reading.looks(ROOM, 7)) == []


# --- one place -----------------------------------------------------------------------------------------------


def test_what_is_held_back_is_bounded_and_fetched_again() -> None:
    place = Place("l_1", 0)
    for seq in range(2, HELD_BACK + 100):
        assert place.take(message(seq), seq) == []
    assert len(place.take(message(1), 1)) == HELD_BACK + 1
    assert place.behind


def test_what_is_named_in_hello_fits() -> None:
    places = {f"r_{n:026}": Place(f"l_{n:026}", 10**n) for n in range(15)}
    whole = resume(places, rooms=500, size=100_000)
    assert len(whole) == 15
    size = len(encode_command(Hello(resume=whole)))
    named = resume(places, rooms=500, size=size // 2)
    assert 0 < len(named) < 15
    assert len(encode_command(Hello(resume=named))) <= size // 2 + len('{"op":"hello","resume":{}}') + 40
    assert len(resume(places, rooms=3, size=100_000)) == 3
