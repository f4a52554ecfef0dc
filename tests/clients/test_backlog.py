"""A reader that falls behind is told what it missed."""

from __future__ import annotations

from clients.backlog import Backlog
from clients.happenings import Event, Missed
from server.protocol.entries import MessageEntry
from server.protocol.events import TypingEvent
from server.protocol.objects import User


def entry(seq: int, room: str = "r_1") -> MessageEntry:
    return MessageEntry(seq=seq, room=room, from_=User(user="u_1", name="ann"), text="", at="", reactions=())


def drained(backlog: Backlog) -> list[Event]:
    found = []
    while (event := backlog.next()) is not None:
        found.append(event)
    return found


def test_events_come_out_as_they_went_in() -> None:
    backlog = Backlog(3)
    for seq in (1, 2, 3):
        backlog.put(entry(seq))
    assert len(backlog) == 3
    assert drained(backlog) == [entry(1), entry(2), entry(3)]
    assert backlog.next() is None


def test_what_does_not_fit_is_told_before_what_follows_it() -> None:
    backlog = Backlog(2)
    for seq in range(1, 6):
        backlog.put(entry(seq))
    assert drained(backlog) == [Missed("r_1", 0, 3, "not read in time"), entry(4), entry(5)]


def test_each_room_is_told_for_itself_and_passing_events_just_go() -> None:
    backlog = Backlog(1)
    backlog.put(TypingEvent(room="r_1", user="u_1"))
    backlog.put(entry(7, "r_2"))
    backlog.put(entry(1, "r_1"))
    backlog.put(entry(2, "r_1"))
    missed = {Missed("r_2", 6, 7, "not read in time"), Missed("r_1", 0, 1, "not read in time")}
    found = drained(backlog)
    assert set(found[:2]) == missed
    assert found[2:] == [entry(2, "r_1")]


def test_a_gap_that_goes_is_part_of_what_was_missed() -> None:
    backlog = Backlog(1)
    for event in (Missed("r_1", 3, 9, "not recovered"), entry(10), entry(11)):
        backlog.put(event)
    assert drained(backlog) == [Missed("r_1", 3, 10, "not read in time"), entry(11)]


def test_what_waits_is_unread_from_its_first_entry_on() -> None:
    backlog = Backlog(2)
    assert backlog.unread_behind() == {}
    backlog.put(TypingEvent(room="r_1", user="u_1"))
    backlog.put(entry(7))
    backlog.put(entry(8))
    assert backlog.unread_behind() == {"r_1": 6}
    backlog.put(entry(3, "r_2"))
    assert backlog.unread_behind() == {"r_1": 6, "r_2": 2}, "what was dropped is unread, too"
    drained(backlog)
    assert backlog.unread_behind() == {}
